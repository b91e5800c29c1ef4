#include "loadgen/workers/load_work.h"

#include <stdlib.h>

#include "base/clock.h"
#include "loadgen/base/memory.h"
#include "loadgen/load/load_run.h"
#include "loadgen/options/load_options.h"
#include "loadgen/workers/worker_line.h"
#include "loadgen/workers/worker_shift.h"

enum { WAIT_S = 60 };

struct work {
    const struct load_work_config *config;
    struct worker_line line;
    struct worker_shift shift;
    struct worker_job job;
    struct load_files files;
    struct load_plan plan;
    struct buffer body;
    const struct load_client_kind *client;
};

/* ---- before */

static enum status get_job(struct work *work, struct error *error)
{
    enum worker_job_kind kind = WORKER_JOB_OVER;
    struct text json = {NULL, 0};
    enum status status = worker_line_job(&work->line, &kind, &json, error);
    if (status == STATUS_OK && kind == WORKER_JOB_WINDOW)
        return error_set(error, STATUS_INVALID,
                         "this coordinator runs a scenario: its workers are `culprit run "
                         "--worker`");
    if (status == STATUS_OK && kind == WORKER_JOB_OVER)
        return error_set(error, STATUS_CLOSED, "the coordinator ended the run before its start");
    if (status == STATUS_OK)
        status = worker_words_job_read(json, &work->job, error);
    if (status == STATUS_OK)
        status = worker_line_files(&work->line, &work->job, &work->files, error);
    return status;
}

static enum status make_plan(struct work *work, struct error *error)
{
    const struct load_options *options = &work->job.sent.options;
    load_plan_init(&work->plan);
    work->plan.files = &work->files;
    enum status status = get_job(work, error);
    if (status == STATUS_OK)
        status = load_options_plan(options, &work->body, &work->plan, error);
    if (status == STATUS_OK)
        status = load_options_client(options, &work->plan, &work->client, error);
    work->plan.thresholds.count = 0; /* judged by the coordinator, on the figures of all */
    return status;
}

static enum status prepare(struct work *work, struct error *error)
{
    enum status status = make_plan(work, error);
    if (status == STATUS_OK)
        status = worker_line_measure(&work->line, error);
    if (status != STATUS_OK)
        worker_shift_fail(&work->shift, error);
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

static void tell(void *context, const struct load_progress *progress)
{
    struct work *work = context;
    if (!worker_shift_is_due(&work->shift))
        return;
    const struct load_steps steps =
        steps_of(work, progress->figures, NULL, (double)progress->elapsed_ms / 1000);
    struct worker_report report = {.flows = progress->flows, .peak_rss_kib = memory_peak_kib()};
    worker_shift_tell(&work->shift, &report, &steps);
}

/* ---- behind it */

static enum status conclude(struct work *work, const struct load_result *result, enum status status,
                            struct error *error)
{
    struct worker_report report = {
        .state = result->is_interrupted ? WORKER_INTERRUPTED : WORKER_DONE,
        .cpu_ns = result->cpu_ns,
        .peak_rss_kib = memory_peak_kib(),
        .is_late = load_figures_any_is_late(&result->figures),
        .flows = result->flows,
    };
    bool has_figures = result->figures.step_count > 0;
    const struct load_steps steps =
        steps_of(work, &result->figures, &result->timeline, result->elapsed_s);
    return worker_shift_end(&work->shift, &report, has_figures ? &steps : NULL, status, error);
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
        .order = &work->shift.order,
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
    uint64_t start_ns = 0, until_ns = clock_mono_ns() + (uint64_t)(wait_s * (double)NS_PER_S);
    enum status status = worker_line_init(&work->line, config->url, config->token, error);
    worker_shift_begin(&work->shift, &work->line, config->is_quiet ? NULL : "culprit load");
    if (status == STATUS_OK)
        status = worker_line_join(&work->line, until_ns, error);
    if (status == STATUS_OK)
        status = prepare(work, error);
    if (status != STATUS_OK)
        return status;
    worker_shift_say(&work->shift, "ready");
    status = worker_shift_await(&work->shift, &start_ns, error);
    if (status == STATUS_OK)
        status = run(work, start_ns, error);
    if (status == STATUS_OK)
        worker_shift_say(&work->shift, "done");
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
