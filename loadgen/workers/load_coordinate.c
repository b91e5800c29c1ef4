#include "loadgen/workers/load_coordinate.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hex.h"
#include "base/rng.h"
#include "loadgen/base/interrupt.h"
#include "loadgen/workers/coordinator.h"

enum { LOOK_MS = 50, COLLECT_MS = 500 };

/* ---- before */

static enum status begin(const struct load_coordinate_config *config,
                         struct coordinator *coordinator, struct load_result *result,
                         struct error *error)
{
    uint8_t bytes[8];
    struct buffer job;
    struct json_writer writer;
    const struct load_plan *plan = config->plan;
    if (rng_secret(bytes, sizeof(bytes)) != STATUS_OK)
        return error_set(error, STATUS_IO, "no random bytes");
    hex_encode(bytes, sizeof(bytes), result->nonce);
    buffer_init(&job, WORKER_JOB_BYTES_MAX);
    json_writer_init(&writer, &job, 0);
    worker_words_job_write(&writer, result->nonce, config->options, plan->files);
    enum status status = coordinator_begin(
        coordinator, &job, (uint64_t)(load_plan_duration_s(plan) * (double)NS_PER_S),
        plan->limits.grace_ns, error);
    buffer_release(&job);
    if (status != STATUS_OK)
        return status;
    return load_figures_init(&result->figures, plan->step_count)
               ? STATUS_OK
               : error_set(error, STATUS_NO_MEMORY, "out of memory");
}

/* ---- while it goes on */

static void collect(const struct load_coordinate_config *config, struct coordinator *coordinator,
                    struct load_result *result)
{
    struct load_figures figures = {0};
    struct load_progress progress = {.figures = &figures};
    uint64_t now_ns = clock_mono_ns();
    if (!load_figures_init(&figures, config->plan->step_count))
        return;
    uint64_t start_ns = coordinator_add_up(coordinator, &figures, &progress.flows);
    if (start_ns == 0 || now_ns <= start_ns) {
        load_figures_release(&figures);
        return;
    }
    progress.elapsed_ms = (now_ns - start_ns) / NS_PER_MS;
    progress.duration_ms = (uint64_t)(load_plan_duration_s(config->plan) * 1000);
    if (!result->is_aborted &&
        load_run_breaks(config->plan, &figures, (double)progress.elapsed_ms / 1000)) {
        result->is_aborted = true;
        coordinator_give_up(coordinator);
    }
    if (config->tell != NULL)
        config->tell(config->context, &progress);
    load_figures_release(&figures);
}

/* true: it is over. */
static bool look(struct coordinator *coordinator, struct load_result *result)
{
    if (interrupt_came() && !result->is_interrupted) {
        result->is_interrupted = true;
        coordinator_stop(coordinator);
    }
    return coordinator_look(coordinator);
}

static void watch(const struct load_coordinate_config *config, struct coordinator *coordinator,
                  struct load_result *result)
{
    uint64_t collect_ns = 0;
    while (!look(coordinator, result)) {
        uint64_t until_ns = clock_mono_ns() + LOOK_MS * NS_PER_MS;
        if (interrupt_came())
            clock_sleep_until_ns(until_ns); /* no wait is cut short any more */
        else
            (void)interrupt_wait_until(until_ns);
        if (clock_mono_ns() < collect_ns)
            continue;
        collect(config, coordinator, result);
        collect_ns = clock_mono_ns() + COLLECT_MS * NS_PER_MS;
    }
}

/* ---- behind it */

static enum status settle(const struct load_coordinate_config *config,
                          struct coordinator *coordinator, struct load_result *result,
                          struct error *error)
{
    uint64_t start_ns = coordinator_add_up(coordinator, &result->figures, &result->flows);
    if (start_ns == 0)
        return coordinator_explain(coordinator, error);
    enum status status = coordinator_workers(coordinator, &result->workers, error);
    if (status != STATUS_OK)
        return status;
    coordinator_timeline(coordinator, &result->timeline);
    result->elapsed_s = coordinator_elapsed_s(coordinator);
    for (size_t i = 0; i < result->workers.count; i++) {
        const struct load_worker *worker = &result->workers.items[i];
        result->cpu_ns += worker->cpu_ns;
        if (worker->peak_rss_kib > result->peak_rss_kib)
            result->peak_rss_kib = worker->peak_rss_kib;
        result->is_late |= worker->is_late;
    }
    result->start_wall_ns = coordinator_unix_ns(coordinator, start_ns);
    result->end_wall_ns = clock_wall_ns();
    load_run_judge(config->plan, result);
    if (!coordinator_all_done(coordinator))
        result->verdict = VERDICT_INCONCLUSIVE;
    return STATUS_OK;
}

enum status load_coordinate(const struct load_coordinate_config *config, struct load_result *result,
                            struct error *error)
{
    const struct coordinator_config common = {
        .program = "culprit load",
        .address = config->options->many.coordinator,
        .token = config->token,
        .worker_count = (size_t)config->options->many.workers,
        .wait_s = config->options->many.wait_s,
        .silence_s = config->options->many.silence_s,
        .step_count = config->plan->step_count,
        .files = config->plan->files,
    };
    memset(result, 0, sizeof(*result));
    struct coordinator *coordinator = calloc(1, sizeof(*coordinator));
    if (coordinator == NULL)
        return error_set(error, STATUS_NO_MEMORY, "out of memory");
    enum status status = coordinator_open(coordinator, &common, error);
    if (status == STATUS_OK)
        status = begin(config, coordinator, result, error);
    if (status == STATUS_OK) {
        watch(config, coordinator, result);
        status = settle(config, coordinator, result, error);
    }
    coordinator_close(coordinator);
    free(coordinator);
    return status;
}
