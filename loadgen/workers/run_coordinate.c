#include "loadgen/workers/run_coordinate.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "loadgen/workers/coordinator.h"
#include "loadgen/workers/window_words.h"

enum {
    LOOK_MS = 20,
    TELL_MS = 500,
    GRACE_USUAL_MS = 30000,
    BEHIND_MS = 10000,         /* flushing spans, telling the last requests */
    REQUESTS_MAX = 256 * 1024, /* between two looks; more are told again */
};

struct run_coordinate {
    const struct run_coordinate_config *config;
    struct coordinator coordinator;
    bool has_lost_one;
    struct buffer taken; /* what `requests` was */
    /* Of the window that goes on: */
    const struct window_config *window;
    struct window_result *result;
    uint64_t start_ns, flow_max, tell_ns;
};

enum status run_coordinate_open(struct run_coordinate **out,
                                const struct run_coordinate_config *config, struct error *error)
{
    const struct coordinator_config common = {
        .program = "culprit run",
        .address = config->options->coordinator,
        .token = config->token,
        .worker_count = (size_t)config->options->workers,
        .wait_s = config->options->wait_s,
        .silence_s = config->options->silence_s,
        .step_count = WINDOW_STEPS,
        .requests_max = REQUESTS_MAX,
    };
    struct run_coordinate *run = calloc(1, sizeof(*run));
    *out = run;
    if (run == NULL)
        return error_set(error, STATUS_NO_MEMORY, "out of memory");
    run->config = config;
    buffer_init(&run->taken, (size_t)REQUESTS_MAX * sizeof(struct worker_request));
    return coordinator_open(&run->coordinator, &common, error);
}

void run_coordinate_close(struct run_coordinate *run)
{
    if (run == NULL)
        return;
    coordinator_close(&run->coordinator);
    buffer_release(&run->taken);
    free(run);
}

bool run_coordinate_lost_one(const struct run_coordinate *run)
{
    return run->has_lost_one;
}

/* ---- a window */

static enum status begin(struct run_coordinate *run, struct error *error)
{
    const struct window_config *window = run->window;
    struct window_result *result = run->result;
    struct buffer job;
    struct json_writer writer;
    enum status status = schedule_check(window->arrivals, error);
    if (status != STATUS_OK)
        return status;
    run->flow_max = schedule_count_max(window->arrivals);
    result->latency_by_flow_ns = calloc(run->flow_max, sizeof(uint64_t));
    if (result->latency_by_flow_ns == NULL || !load_figures_init(&result->figures, WINDOW_STEPS))
        return error_set(error, STATUS_NO_MEMORY, "out of memory");
    buffer_init(&job, WORKER_JOB_BYTES_MAX);
    json_writer_init(&writer, &job, 0);
    window_words_job_write(&writer, window, run->config->otlp, run->config->threads);
    uint64_t grace_ms = (window->grace_ms ? window->grace_ms : GRACE_USUAL_MS) + BEHIND_MS;
    status = coordinator_begin(&run->coordinator, &job,
                               (uint64_t)(schedule_duration_s(window->arrivals) * (double)NS_PER_S),
                               grace_ms * NS_PER_MS, error);
    buffer_release(&job);
    return status;
}

/* What a worker told of a request, on the clock of this machine; never later than now. */
static struct window_request request_of(const struct run_coordinate *run,
                                        const struct worker_request *told, uint64_t now_ns)
{
    struct window_request request = {
        .sample = {.number = told->number,
                   .step = told->step,
                   .outcome = (enum load_outcome)told->outcome,
                   .censored = load_outcome_is_censored((enum load_outcome)told->outcome),
                   .due_ns = run->start_ns + told->due_ns,
                   .done_ns = run->start_ns + told->done_ns},
        .cart_lines = told->lines,
        .sampled = window_words_is_sampled(told),
    };
    uint64_t ahead_ns = request.sample.done_ns > now_ns ? request.sample.done_ns - now_ns : 0;
    request.sample.done_ns -= ahead_ns;
    request.sample.due_ns -= ahead_ns < request.sample.due_ns ? ahead_ns : 0;
    memcpy(request.sample.trace_id, told->trace_id, sizeof(told->trace_id));
    return request;
}

static void take(struct run_coordinate *run, const struct worker_request *told, uint64_t now_ns)
{
    struct window_result *result = run->result;
    const struct window_request request = request_of(run, told, now_ns);
    const struct load_sample *sample = &request.sample;
    if (sample->number >= run->flow_max)
        return; /* of another schedule */
    uint64_t latency_ns = told->done_ns - told->due_ns;
    if (sample->step == WINDOW_CHECKOUT && sample->outcome == LOAD_OK)
        result->latency_by_flow_ns[sample->number] = latency_ns > 0 ? latency_ns : 1;
    if (request.sampled)
        load_examples_add(&result->examples[sample->step], sample);
    if (run->window->observe != NULL)
        run->window->observe(run->window->context, &request);
}

static void take_all(struct run_coordinate *run)
{
    uint64_t now_ns = clock_mono_ns();
    run->start_ns = coordinator_take_requests(&run->coordinator, &run->taken);
    const struct worker_request *told = (const void *)run->taken.data;
    for (size_t i = 0; i < run->taken.length_bytes / sizeof(*told); i++)
        take(run, &told[i], now_ns);
}

/* The figures of the result are then those of now. */
static struct load_flow_counts add_up(struct run_coordinate *run)
{
    struct load_flow_counts flows = {0};
    load_figures_clear(&run->result->figures);
    (void)coordinator_add_up(&run->coordinator, &run->result->figures, &flows);
    return flows;
}

static void tell(struct run_coordinate *run)
{
    const struct window_config *window = run->window;
    uint64_t now_ns = clock_mono_ns();
    run->tell_ns = now_ns + TELL_MS * NS_PER_MS;
    if (window->tell == NULL)
        return;
    const struct load_flow_counts flows = add_up(run);
    struct window_progress progress = {
        .due = flows.due,
        .started = flows.due,
        .done = flows.ok + flows.failed,
        .failed = flows.failed,
        .in_flight = flows.cut,
        .duration_ms = (uint64_t)(schedule_duration_s(window->arrivals) * 1000),
        .figures = &run->result->figures,
    };
    if (run->start_ns != 0 && now_ns > run->start_ns)
        progress.elapsed_ms = (now_ns - run->start_ns) / NS_PER_MS;
    progress.wanted_rate = schedule_rate(window->arrivals, (double)progress.elapsed_ms / 1000);
    window->tell(window->context, &progress);
}

static void watch(struct run_coordinate *run)
{
    const struct window_config *window = run->window;
    bool is_stopped = false;
    while (!coordinator_look(&run->coordinator)) {
        take_all(run);
        bool is_wanted = window->stop != NULL && atomic_load(window->stop);
        run->result->interrupted |= is_wanted;
        if (!is_stopped && (is_wanted || !coordinator_is_whole(&run->coordinator))) {
            is_stopped = true;
            coordinator_stop(&run->coordinator);
        }
        if (clock_mono_ns() >= run->tell_ns)
            tell(run);
        clock_sleep_until_ns(clock_mono_ns() + LOOK_MS * NS_PER_MS);
    }
    take_all(run);
    tell(run);
}

static enum status settle(struct run_coordinate *run, struct error *error)
{
    struct coordinator *coordinator = &run->coordinator;
    struct window_result *result = run->result;
    const struct load_flow_counts flows = add_up(run);
    bool is_whole = coordinator_is_whole(coordinator);
    run->has_lost_one |= !is_whole && (run->start_ns != 0 || coordinator->roll.round > 1);
    if (run->start_ns == 0)
        return coordinator_explain(coordinator, error);
    result->flows_due = flows.due;
    result->flows_ok = flows.ok;
    result->flows_done = flows.ok + flows.failed;
    for (int step = 0; step < WINDOW_STEPS; step++)
        result->dropped += result->figures.steps[step].outcomes[LOAD_DROPPED];
    result->start_wall_ns = coordinator_unix_ns(coordinator, run->start_ns);
    result->end_wall_ns = clock_wall_ns();
    result->elapsed_s = coordinator_elapsed_s(coordinator);
    coordinator_timeline(coordinator, &result->timeline);
    result->timeline.start_ns = run->start_ns;
    enum status status = coordinator_workers(coordinator, &result->workers, error);
    if (status == STATUS_OK && !is_whole)
        status = coordinator_explain(coordinator, error);
    return status;
}

enum status run_coordinate_window(void *context, const struct window_config *config,
                                  struct window_result *result, struct error *error)
{
    struct run_coordinate *run = context;
    memset(result, 0, sizeof(*result));
    run->window = config;
    run->result = result;
    run->start_ns = 0;
    enum status status = begin(run, error);
    if (status != STATUS_OK)
        return status;
    watch(run);
    return settle(run, error);
}
