#include "loadgen/workers/load_work.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "loadgen/base/interrupt.h"
#include "loadgen/base/memory.h"
#include "loadgen/load/load_run.h"
#include "loadgen/options/load_options.h"
#include "loadgen/workers/worker_line.h"

enum { WAIT_S = 60, REPORT_MS = 1000, AGAIN_MS = 300, START_MAX_S = 3600 };

struct work {
    const struct load_work_config *config;
    struct worker_line line;
    struct worker_job job;
    struct load_files files;
    struct load_plan plan;
    struct buffer body;
    const struct load_client_kind *client;
    atomic_int order;     /* an enum load_order, for load_run */
    uint64_t report_ns;   /* when the next report is due */
    bool is_left;         /* the coordinator wants no more of it */
    bool is_dead;         /* ... or was not heard any more */
    bool is_refused;      /* ... or does not take what is told */
    struct error trouble; /* with the coordinator, while the run goes on */
};

static void say(const struct work *work, const char *words)
{
    if (!work->config->is_quiet)
        fprintf(stderr, "culprit load: worker %llu of %llu: %s\n",
                (unsigned long long)work->line.place.worker,
                (unsigned long long)work->line.place.workers, words);
}

/* ---- before */

static enum status make_plan(struct work *work, struct error *error)
{
    const struct load_options *options = &work->job.sent.options;
    load_plan_init(&work->plan);
    work->plan.files = &work->files;
    enum status status = worker_line_job(&work->line, &work->job, &work->files, error);
    if (status == STATUS_OK)
        status = load_options_plan(options, &work->body, &work->plan, error);
    if (status == STATUS_OK)
        status = load_options_client(options, &work->plan, &work->client, error);
    work->plan.thresholds.count = 0; /* judged by the coordinator, on the figures of all */
    return status;
}

static void tell_failure(struct work *work, const struct error *trouble)
{
    struct worker_report report = {.state = WORKER_FAILED};
    struct worker_command command;
    struct error ignored = {0};
    (void)snprintf(report.words, sizeof(report.words), "%.*s", WORKER_WORDS_MAX - 1, trouble->text);
    if (worker_line_report(&work->line, &report, NULL, &command, &ignored) != STATUS_OK)
        say(work, "the coordinator does not know of that");
}

/* A failure that the coordinator can still be told. */
static enum status prepare(struct work *work, struct error *error)
{
    enum status status = make_plan(work, error);
    if (status == STATUS_OK)
        status = worker_line_measure(&work->line, error);
    if (status != STATUS_OK)
        tell_failure(work, error);
    return status;
}

/* Is ready, until it is told when to start. */
static enum status await_start(struct work *work, uint64_t *start_unix_ns, struct error *error)
{
    say(work, "ready");
    for (;;) {
        bool leaves = interrupt_came();
        struct worker_report report = {.state = leaves ? WORKER_INTERRUPTED : WORKER_READY};
        struct worker_command command = {0};
        enum status status = worker_line_report(&work->line, &report, NULL, &command, error);
        if (leaves)
            return error_set(error, STATUS_INTERRUPTED, "interrupted before the start");
        if (status == STATUS_REFUSED)
            return status;
        if (status == STATUS_OK && command.order == WORKER_ORDER_START) {
            *start_unix_ns = command.start_unix_ns;
            return STATUS_OK;
        }
        if (status == STATUS_OK && command.order != WORKER_ORDER_WAIT)
            return error_set(error, STATUS_CLOSED,
                             "the coordinator ended the run before its start");
        if (status != STATUS_OK && worker_line_is_dead(&work->line))
            return error_set(error, STATUS_CLOSED, "the coordinator is gone");
        if (status != STATUS_OK)
            (void)interrupt_wait_until(clock_mono_ns() + AGAIN_MS * NS_PER_MS);
    }
}

static enum status set_start(struct work *work, uint64_t start_unix_ns, uint64_t *start_ns,
                             struct error *error)
{
    enum status status = worker_line_measure(&work->line, error);
    *start_ns = worker_clock_mono_ns(&work->line.clock, start_unix_ns);
    if (status == STATUS_OK && *start_ns > clock_mono_ns() + START_MAX_S * NS_PER_S)
        return error_set(error, STATUS_INVALID, "the coordinator's start is over an hour away");
    return status;
}

/* ---- while it goes on */

static struct load_steps steps_of(const struct work *work, const struct load_figures *figures,
                                  const struct load_timeline *timeline, double elapsed_s)
{
    struct load_steps steps = {.figures = figures, .timeline = timeline, .elapsed_s = elapsed_s};
    for (size_t i = 0; i < work->plan.step_count; i++)
        steps.names[i] = work->plan.steps[i].name;
    return steps;
}

static void obey(struct work *work, enum worker_order order)
{
    if (order == WORKER_ORDER_STOP)
        atomic_store(&work->order, LOAD_STOP);
    else if (order == WORKER_ORDER_GIVE_UP || order == WORKER_ORDER_LEAVE)
        atomic_store(&work->order, LOAD_GIVE_UP);
    work->is_left |= order == WORKER_ORDER_LEAVE;
}

static void tell(void *context, const struct load_progress *progress)
{
    struct work *work = context;
    struct worker_report report = {.state = WORKER_RUNNING, .flows = progress->flows};
    struct worker_command command = {0};
    if (clock_mono_ns() < work->report_ns || work->is_left || work->is_dead || work->is_refused)
        return;
    struct load_steps *steps = malloc(sizeof(*steps));
    if (steps == NULL)
        return;
    *steps = steps_of(work, progress->figures, NULL, (double)progress->elapsed_ms / 1000);
    report.peak_rss_kib = memory_peak_kib();
    enum status status = worker_line_report(&work->line, &report, steps, &command, &work->trouble);
    free(steps);
    work->report_ns = clock_mono_ns() + REPORT_MS * NS_PER_MS;
    if (status == STATUS_OK) {
        obey(work, command.order);
    } else if (status == STATUS_REFUSED || worker_line_is_dead(&work->line)) {
        work->is_dead = status != STATUS_REFUSED;
        work->is_refused = status == STATUS_REFUSED;
        atomic_store(&work->order, LOAD_GIVE_UP);
    }
}

/* ---- behind it */

/* The last report, until the coordinator has it. */
static enum status deliver(struct work *work, struct worker_report *report,
                           const struct load_steps *steps, struct error *error)
{
    uint64_t until_ns = clock_mono_ns() + worker_line_silence_ns(&work->line);
    for (;;) {
        struct worker_command command = {0};
        enum status status = worker_line_report(&work->line, report, steps, &command, error);
        if (status == STATUS_OK || status == STATUS_REFUSED)
            return status;
        uint64_t again_ns = clock_mono_ns() + AGAIN_MS * NS_PER_MS;
        if (again_ns >= until_ns)
            return error_set(error, STATUS_CLOSED,
                             "the coordinator did not take the last figures: it is gone");
        clock_sleep_until_ns(again_ns);
    }
}

static enum status tell_result(struct work *work, const struct load_result *result,
                               enum status status, struct error *error)
{
    struct worker_report report = {
        .state = result->is_interrupted ? WORKER_INTERRUPTED : WORKER_DONE,
        .cpu_ns = result->cpu_ns,
        .peak_rss_kib = memory_peak_kib(),
        .is_late = load_figures_any_is_late(&result->figures),
        .flows = result->flows,
    };
    bool has_figures = result->figures.step_count > 0;
    if (status != STATUS_OK) {
        report.state = WORKER_FAILED;
        (void)snprintf(report.words, sizeof(report.words), "%.*s", WORKER_WORDS_MAX - 1,
                       error->text);
    }
    struct load_steps *steps = malloc(sizeof(*steps));
    if (steps == NULL)
        return error_set(error, STATUS_NO_MEMORY, "out of memory");
    *steps = steps_of(work, &result->figures, &result->timeline, result->elapsed_s);
    struct error words = {0};
    enum status sent = deliver(work, &report, has_figures ? steps : NULL, &words);
    free(steps);
    if (status != STATUS_OK || sent == STATUS_OK)
        return status;
    return error_set(error, sent, "%s", words.text);
}

static enum status conclude(struct work *work, const struct load_result *result, enum status status,
                            struct error *error)
{
    if (work->is_dead)
        return error_set(error, STATUS_CLOSED,
                         "nothing was heard of the coordinator for %.1f s: stopped (%s)",
                         (double)work->line.place.silence_ms / 1000, work->trouble.text);
    if (work->is_refused)
        return error_set(error, STATUS_REFUSED, "%s", work->trouble.text);
    if (!work->is_left)
        status = tell_result(work, result, status, error);
    if (status == STATUS_OK && result->is_interrupted)
        return error_set(error, STATUS_INTERRUPTED, "interrupted; the figures were sent");
    if (status == STATUS_OK && work->is_left)
        return error_set(error, STATUS_CLOSED, "the coordinator ended the run");
    return status;
}

static enum status run(struct work *work, uint64_t start_ns, struct error *error)
{
    const struct load_options *options = &work->job.sent.options;
    const struct load_run_config config = {
        .plan = &work->plan,
        .client = work->client,
        .http2 = options->http2,
        .insecure = options->insecure,
        .ca_file = work->config->ca_file,
        .tell = tell,
        .context = work,
        .start_ns = start_ns,
        .nonce = work->job.nonce,
        .part = (unsigned)work->line.place.worker,
        .parts = (unsigned)work->line.place.workers,
        .order = &work->order,
    };
    struct load_result *result = calloc(1, sizeof(*result));
    if (result == NULL)
        return error_set(error, STATUS_NO_MEMORY, "out of memory");
    enum status status = load_run(&config, result, error);
    status = conclude(work, result, status, error);
    load_run_release(result);
    free(result);
    return status;
}

static enum status work_through(struct work *work, struct error *error)
{
    const struct load_work_config *config = work->config;
    double wait_s = config->wait_s > 0 ? config->wait_s : WAIT_S;
    uint64_t start_unix_ns = 0, start_ns = 0;
    uint64_t until_ns = clock_mono_ns() + (uint64_t)(wait_s * (double)NS_PER_S);
    enum status status = worker_line_init(&work->line, config->url, config->token, error);
    if (status == STATUS_OK)
        status = worker_line_join(&work->line, until_ns, error);
    if (status == STATUS_OK)
        status = prepare(work, error);
    if (status == STATUS_OK)
        status = await_start(work, &start_unix_ns, error);
    if (status == STATUS_OK)
        status = set_start(work, start_unix_ns, &start_ns, error);
    if (status == STATUS_OK)
        status = run(work, start_ns, error);
    if (status == STATUS_OK)
        say(work, "done");
    return status;
}

enum status load_work(const struct load_work_config *config, struct error *error)
{
    struct work *work = calloc(1, sizeof(*work));
    if (work == NULL)
        return error_set(error, STATUS_NO_MEMORY, "out of memory");
    work->config = config;
    buffer_init(&work->body, LOAD_BODY_FILE_MAX);
    enum status status = work_through(work, error);
    load_plan_release(&work->plan);
    load_files_release(&work->files);
    worker_words_job_release(&work->job);
    worker_line_release(&work->line);
    buffer_release(&work->body);
    free(work);
    return status;
}
