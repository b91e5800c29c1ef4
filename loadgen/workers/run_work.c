#include "loadgen/workers/run_work.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "loadgen/base/interrupt.h"
#include "loadgen/base/memory.h"
#include "loadgen/window/root_span.h"
#include "loadgen/window/window_loops.h"
#include "loadgen/workers/window_words.h"
#include "loadgen/workers/worker_line.h"
#include "loadgen/workers/worker_shift.h"

enum {
    WAIT_S = 60,
    FLUSH_MS = 3000,
    AGAIN_MS = 50,
    PENDING_MAX = 256 * 1024, /* requests that the coordinator does not have yet */
};

static const char program[] = "culprit run";

struct work {
    struct worker_line line;
    struct worker_shift shift;
    struct window_job job;
    bool has_tracing;
    /* Of the window that goes on: */
    uint64_t start_ns;
    uint64_t spans_lost; /* before it */
    atomic_bool stop;
    bool is_interrupted;
    struct buffer pending; /* struct worker_request, each not yet known to be taken */
    uint64_t first;        /* how many were taken before them */
};

/* ---- spans of its own */

static uint64_t lost_spans(void)
{
    struct tracing_stats stats = tracing_stats();
    return stats.dropped_queue_full + stats.dropped_shutdown + stats.dropped_export_failed;
}

static enum status start_tracing(struct work *work, struct error *error)
{
    if (work->has_tracing)
        return STATUS_OK;
    enum status status = root_span_tracing(work->job.otlp, error);
    work->has_tracing = status == STATUS_OK;
    return status;
}

/* ---- while a window goes on */

static uint64_t since(uint64_t later_ns, uint64_t earlier_ns)
{
    return later_ns > earlier_ns ? later_ns - earlier_ns : 0;
}

static void keep(void *context, const struct window_request *request)
{
    struct work *work = context;
    const struct load_sample *sample = &request->sample;
    struct worker_request told = {
        .number = sample->number,
        .due_ns = since(sample->due_ns, work->start_ns),
        .done_ns = since(sample->done_ns, work->start_ns),
        .step = sample->step,
        .outcome = (uint16_t)sample->outcome,
        .lines = (uint16_t)request->cart_lines,
    };
    if (request->sampled)
        memcpy(told.trace_id, sample->trace_id, sizeof(told.trace_id));
    buffer_append(&work->pending, &told, sizeof(told));
}

/* Those that the coordinator was not told, as many as fit into a report. */
static void show_pending(const struct work *work, struct worker_report *report)
{
    size_t count = work->pending.length_bytes / sizeof(struct worker_request);
    report->requests = (void *)work->pending.data;
    report->request_first = work->first;
    report->request_count = count < WORKER_REQUESTS_MAX ? count : WORKER_REQUESTS_MAX;
}

static void forget_taken(struct work *work)
{
    uint64_t taken = work->shift.taken;
    if (taken <= work->first)
        return;
    buffer_consume(&work->pending, (size_t)(taken - work->first) * sizeof(struct worker_request));
    work->first = taken;
}

static struct load_steps steps_of(const struct load_figures *figures,
                                  const struct load_timeline *timeline, double elapsed_s)
{
    struct load_steps steps = {.figures = figures, .timeline = timeline, .elapsed_s = elapsed_s};
    for (int i = 0; i < WINDOW_STEPS; i++)
        steps.names[i] = window_step_word((enum window_step)i);
    return steps;
}

static void tell(void *context, const struct window_progress *progress)
{
    struct work *work = context;
    work->is_interrupted |= interrupt_came();
    if (worker_shift_is_due(&work->shift)) {
        const struct load_steps steps =
            steps_of(progress->figures, NULL, (double)progress->elapsed_ms / 1000);
        struct worker_report report = {
            .flows = {.due = progress->due,
                      .ok = progress->done - progress->failed,
                      .failed = progress->failed,
                      .cut = progress->in_flight},
            .peak_rss_kib = memory_peak_kib(),
        };
        show_pending(work, &report);
        worker_shift_tell(&work->shift, &report, &steps);
        forget_taken(work);
    }
    if (work->is_interrupted || atomic_load(&work->shift.order) != LOAD_GO_ON)
        atomic_store(&work->stop, true);
}

/* ---- behind it */

/* The coordinator takes them quickly, or says that it is gone. */
static void tell_the_rest(struct work *work)
{
    uint64_t until_ns = clock_mono_ns() + worker_line_silence_ns(&work->line);
    work->shift.report_ns = 0;
    while (work->pending.length_bytes > 0 && worker_shift_is_due(&work->shift) &&
           clock_mono_ns() < until_ns) {
        struct worker_report report = {.peak_rss_kib = memory_peak_kib()};
        uint64_t first = work->first;
        show_pending(work, &report);
        worker_shift_tell(&work->shift, &report, NULL);
        forget_taken(work);
        work->shift.report_ns = 0;
        if (work->first == first)
            clock_sleep_until_ns(clock_mono_ns() + AGAIN_MS * NS_PER_MS);
    }
}

static enum status conclude(struct work *work, const struct window_result *result,
                            enum status status, struct error *error)
{
    struct worker_report report = {
        .state = work->is_interrupted ? WORKER_INTERRUPTED : WORKER_DONE,
        .cpu_ns = result->cpu_ns,
        .peak_rss_kib = memory_peak_kib(),
        .spans_lost = lost_spans() - work->spans_lost,
        .is_late = load_figures_any_is_late(&result->figures),
        .flows = {.due = result->flows_due,
                  .ok = result->flows_ok,
                  .failed = result->flows_done - result->flows_ok,
                  .cut = result->flows_due - result->flows_done},
    };
    bool has_figures = result->figures.step_count > 0;
    const struct load_steps steps =
        steps_of(&result->figures, &result->timeline, result->elapsed_s);
    tell_the_rest(work);
    bool is_short = work->pending.failed != STATUS_OK || work->pending.length_bytes > 0;
    if (status == STATUS_OK && is_short && worker_shift_is_due(&work->shift))
        status = error_set(error, STATUS_TOO_LARGE,
                           "more requests ended than the coordinator was told in time");
    return worker_shift_end(&work->shift, &report, has_figures ? &steps : NULL, status, error);
}

static enum status run_window(struct work *work, struct error *error)
{
    struct window_config config = work->job.config;
    struct window_result result = {0};
    config.part = (unsigned)work->line.place.worker;
    config.parts = (unsigned)work->line.place.workers;
    config.start_ns = work->start_ns;
    config.stop = &work->stop;
    config.observe = keep;
    config.tell = tell;
    config.context = work;
    enum status status = window_loops_run(&config, (unsigned)work->job.threads, &result, error);
    (void)tracing_flush(clock_mono_ns() + FLUSH_MS * NS_PER_MS);
    status = conclude(work, &result, status, error);
    window_result_release(&result);
    return status;
}

/* ---- one window after another */

static enum status prepare(struct work *work, struct text json, struct error *error)
{
    enum status status = window_words_job_read(json, &work->job, error);
    if (status == STATUS_OK)
        status = start_tracing(work, error);
    if (status == STATUS_OK)
        status = worker_line_measure(&work->line, error);
    if (status != STATUS_OK)
        worker_shift_fail(&work->shift, error);
    buffer_clear(&work->pending);
    work->first = 0;
    work->spans_lost = lost_spans();
    atomic_store(&work->stop, false);
    return status;
}

static enum status do_round(struct work *work, struct text json, struct error *error)
{
    worker_shift_begin(&work->shift, &work->line, program);
    enum status status = prepare(work, json, error);
    if (status == STATUS_OK && work->line.round == 1)
        worker_shift_say(&work->shift, "ready");
    if (status == STATUS_OK)
        status = worker_shift_await(&work->shift, &work->start_ns, error);
    if (status == STATUS_OK)
        status = run_window(work, error);
    /* ended for all of them: what comes next, the next question says */
    return status == STATUS_CLOSED && work->shift.is_left ? STATUS_OK : status;
}

static void tell_interrupted(struct work *work)
{
    struct worker_report report = {.state = WORKER_INTERRUPTED};
    struct worker_command command;
    struct error ignored = {0};
    (void)!worker_line_report(&work->line, &report, NULL, &command, &ignored);
}

static enum status work_through(struct work *work, struct error *error)
{
    for (;;) {
        enum worker_job_kind kind = WORKER_JOB_OVER;
        struct text json = {NULL, 0};
        enum status status = worker_line_job(&work->line, &kind, &json, error);
        if (status == STATUS_INTERRUPTED)
            tell_interrupted(work);
        if (status != STATUS_OK || kind == WORKER_JOB_OVER)
            return status;
        if (kind == WORKER_JOB_LOAD) {
            (void)error_set(error, STATUS_INVALID,
                            "this coordinator has a load: its workers are `culprit load --worker`");
            worker_shift_begin(&work->shift, &work->line, program);
            worker_shift_fail(&work->shift, error);
            return STATUS_INVALID;
        }
        status = do_round(work, json, error);
        if (status != STATUS_OK)
            return status;
    }
}

enum status run_work(const struct worker_options *options, const char *token, struct error *error)
{
    double wait_s = options->wait_s > 0 ? options->wait_s : WAIT_S;
    uint64_t until_ns = clock_mono_ns() + (uint64_t)(wait_s * (double)NS_PER_S);
    struct work *work = calloc(1, sizeof(*work));
    if (work == NULL)
        return error_set(error, STATUS_NO_MEMORY, "out of memory");
    buffer_init(&work->pending, (size_t)PENDING_MAX * sizeof(struct worker_request));
    enum status status = worker_line_init(&work->line, options->worker_url, token, error);
    if (status == STATUS_OK)
        status = worker_line_join(&work->line, until_ns, error);
    worker_shift_begin(&work->shift, &work->line, program);
    if (status == STATUS_OK)
        status = work_through(work, error);
    if (status == STATUS_OK)
        worker_shift_say(&work->shift, "done");
    if (work->has_tracing)
        (void)tracing_shutdown(clock_mono_ns() + FLUSH_MS * NS_PER_MS);
    worker_line_release(&work->line);
    buffer_release(&work->pending);
    free(work);
    return status;
}
