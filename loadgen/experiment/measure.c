#include "loadgen/experiment/measure.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/hex.h"
#include "base/rng.h"
#include "loadgen/live/progress.h"
#include "loadgen/stack/backend.h"
#include "loadgen/window/drops.h"
#include "loadgen/window/window_loops.h"
#include "trace/trace.h"

enum {
    WARM_UP_MS = 1500,
    FLUSH_MS = 3000,
    DECIDE_MS = 15000,
    SEARCH_MS = 20000,
    SKUS = 200,
};

struct teller {
    struct lab *lab;
    struct readback *readback; /* NULL: nothing is read back */
    struct progress *progress;
    struct window_progress last; /* as it was told */
};

static void observe(void *context, const struct window_request *request)
{
    struct teller *teller = context;
    if (teller->readback)
        readback_push(teller->readback, request);
}

static void tell(void *context, const struct window_progress *so_far)
{
    struct teller *teller = context;
    struct error ignored;
    teller->last = *so_far;
    (void)!lab_check(teller->lab, &ignored);
    progress_window(teller->progress, so_far,
                    teller->readback ? readback_open_count(teller->readback) : 0);
}

/* Ids of traces, carts and orders must differ from window to window and from run to run. */
static enum status draw_nonce(char nonce[17], struct error *error)
{
    uint8_t bytes[8];
    if (rng_secret(bytes, sizeof bytes) != STATUS_OK)
        return error_set(error, STATUS_IO, "no random bytes");
    hex_encode(bytes, sizeof bytes, nonce);
    nonce[16] = '\0';
    return STATUS_OK;
}

static enum status drive(const struct lab *lab, const struct window_config *window,
                         struct window_result *result, struct error *error)
{
    if (lab->drive != NULL)
        return lab->drive(lab->drive_context, window, result, error);
    return lab->threads > 1 ? window_loops_run(window, lab->threads, result, error)
                            : window_run(window, result, error);
}

static enum status run_window(struct teller *teller, const struct measure_config *config,
                              const struct schedule_plan *arrivals, struct window_result *result,
                              struct error *error)
{
    const struct scenario_environment *environment = config->environment;
    struct window_config window = {
        .frontend = target_find(&teller->lab->target, "frontend"),
        .tokens = teller->lab->sessions.list,
        .token_count = teller->lab->sessions.count,
        .arrivals = arrivals,
        .seed = config->seed,
        .lines_min = environment->lines_min,
        .lines_max = environment->lines_max,
        .lines_median = environment->lines_median,
        .sku_count = SKUS,
        .stop = &teller->lab->stop,
        .observe = observe,
        .tell = tell,
        .context = teller,
    };
    enum status status = draw_nonce(window.nonce, error);
    if (status == STATUS_OK)
        status = drive(teller->lab, &window, result, error);
    (void)tracing_flush(clock_mono_ns() + FLUSH_MS * NS_PER_MS);
    /* what made it stop matters more than that it did */
    struct error why = {0};
    enum status check = lab_check(teller->lab, &why);
    if (check == STATUS_OK)
        check = control_probe(&teller->lab->control, &why);
    if (check == STATUS_OK)
        check = backend_probe(target_find(&teller->lab->target, "query"), &why);
    if (check != STATUS_OK)
        status = error_set(error, check, "%s", why.text);
    return status;
}

enum status measure_warm_up(struct lab *lab, const struct measure_config *config,
                            struct error *error)
{
    struct progress progress;
    struct teller teller = {.lab = lab, .progress = &progress};
    struct window_result result = {0};
    struct schedule_plan arrivals = {0};
    schedule_set_constant(&arrivals, schedule_peak(&config->environment->arrivals),
                          WARM_UP_MS / 1000.0);
    progress_begin(&progress, "warm-up", "");
    enum status status = run_window(&teller, config, &arrivals, &result, error);
    progress_end(&progress);
    window_result_release(&result);
    return status;
}

/* Until every trace is decided. */
static enum status decide_all(struct teller *teller, struct error *error)
{
    struct readback *readback = teller->readback;
    uint64_t deadline_ns = clock_mono_ns() + DECIDE_MS * NS_PER_MS;
    enum status status = STATUS_OK;
    bool all = false;
    while (!all && status == STATUS_OK && clock_remaining_ms(deadline_ns) > 0) {
        all = readback_wait(readback, clock_mono_ns() + 100 * NS_PER_MS);
        status = lab_check(teller->lab, error);
        progress_window(teller->progress, &teller->last, readback_open_count(readback));
    }
    if (!all) {
        readback_give_up(readback);
        (void)readback_wait(readback, clock_mono_ns() + DECIDE_MS * NS_PER_MS);
    }
    return status;
}

static enum status find_fragments(struct lab *lab, struct measurement *measurement,
                                  struct error *error)
{
    return fragments_search(measurement->readback,
                            &(struct fragments_window){
                                .query_url = target_find(&lab->target, "query"),
                                .plans = lab->plans,
                                .start_wall_ns = measurement->window.start_wall_ns,
                                .end_wall_ns = measurement->window.end_wall_ns,
                                .deadline_ns = clock_mono_ns() + SEARCH_MS * NS_PER_MS,
                            },
                            &measurement->fragments, error);
}

/* One that answered nothing at all is not there: that says nothing about the traces. */
static enum status check_back_end(const struct readback *readback, struct error *error)
{
    const struct readback_totals *totals = readback_totals(readback);
    if (totals->reads == 0 || totals->read_failures < totals->reads)
        return STATUS_OK;
    return error_set(error, STATUS_IO, "no back end to read traces from: %s",
                     readback_trouble(readback));
}

enum status measure_run(struct lab *lab, const struct measure_config *config,
                        struct measurement *out, struct error *error)
{
    const struct schedule_plan *arrivals = &config->environment->arrivals;
    struct progress progress;
    struct teller teller = {.lab = lab, .progress = &progress};
    *out = (struct measurement){.readback = NULL};
    struct drops before, after;
    drops_read(&lab->target, &before);
    enum status status =
        readback_new(&out->readback,
                     &(struct readback_config){.query_url = target_find(&lab->target, "query"),
                                               .plans = lab->plans,
                                               .flow_count = schedule_count_max(arrivals)},
                     error);
    if (status != STATUS_OK)
        return status;
    teller.readback = out->readback;
    progress_begin(&progress, config->label, "");
    status = run_window(&teller, config, arrivals, &out->window, error);
    if (status == STATUS_OK)
        status = decide_all(&teller, error);
    else
        readback_give_up(out->readback);
    (void)readback_wait(out->readback, clock_mono_ns() + DECIDE_MS * NS_PER_MS);
    progress_end(&progress);
    if (status == STATUS_OK)
        status = check_back_end(out->readback, error);
    if (status == STATUS_OK)
        status = find_fragments(lab, out, error);
    drops_read(&lab->target, &after);
    drops_between(&before, &after, &out->drops);
    for (size_t i = 0; i < out->window.workers.count; i++) {
        char name[32];
        snprintf(name, sizeof name, "worker %zu", i);
        drops_add(&out->drops, name, out->window.workers.items[i].spans_lost);
    }
    return status;
}

void measurement_release(struct measurement *measurement)
{
    window_result_release(&measurement->window);
    readback_free(measurement->readback);
    measurement->readback = NULL;
}

static double share(uint64_t part, uint64_t whole)
{
    return whole == 0 ? 1 : part >= whole ? 1 : (double)part / (double)whole;
}

static uint64_t without(uint64_t all, uint64_t some)
{
    return all > some ? all - some : 0;
}

struct coverage measurement_coverage(const struct measurement *measurement)
{
    struct coverage coverage = {0, 1, 1, 1};
    if (!measurement->readback)
        return coverage;
    const struct readback_totals *totals = readback_totals(measurement->readback);
    coverage.requests = totals->requests;
    coverage.arrived =
        share(totals->arrived + measurement->fragments.requests_restored, totals->requests);
    /* what had to be searched for hangs together with nothing */
    coverage.connected = share(without(totals->connected, measurement->fragments.requests_restored),
                               totals->requests);
    coverage.as_expected = share(totals->as_expected, totals->requests);
    return coverage;
}

uint64_t measurement_failed(const struct measurement *measurement)
{
    return window_failed(&measurement->window);
}
