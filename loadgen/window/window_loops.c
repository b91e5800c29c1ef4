#include "loadgen/window/window_loops.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"

enum {
    HEAD_START_MS = 20, /* for the threads to be there when the first flow is due */
    LOOK_MS = 20,
    TELL_MS = 250,
    ENDED_MAX = 256 * 1024, /* requests between two looks */
};

struct window_loops;

struct window_loop {
    struct window_loops *all;
    pthread_t thread;
    struct window_config config;
    struct window_result result;
    enum status status;
    struct error error;
    pthread_mutex_t lock; /* of what is below */
    struct buffer ended;  /* struct window_request each */
    struct window_progress so_far;
};

struct window_loops {
    const struct window_config *config;
    struct window_loop *loops;
    unsigned count, started;
    uint64_t start_ns, tell_ns;
    atomic_uint running;
    atomic_bool stop;
    struct buffer taken;          /* what `ended` of a loop was */
    struct window_result *result; /* `figures`: of all that was looked at, until the end */
};

/* ---- on the loops' threads */

static void keep(void *context, const struct window_request *request)
{
    struct window_loop *loop = context;
    pthread_mutex_lock(&loop->lock);
    buffer_append(&loop->ended, request, sizeof(*request));
    pthread_mutex_unlock(&loop->lock);
}

static void note(void *context, const struct window_progress *so_far)
{
    struct window_loop *loop = context;
    pthread_mutex_lock(&loop->lock);
    loop->so_far = *so_far;
    loop->so_far.figures = NULL; /* the thread's own */
    pthread_mutex_unlock(&loop->lock);
}

static void *run(void *context)
{
    struct window_loop *loop = context;
    loop->status = window_run(&loop->config, &loop->result, &loop->error);
    loop->result.cpu_ns = clock_thread_cpu_ns();
    atomic_fetch_sub(&loop->all->running, 1);
    return NULL;
}

/* ---- on the calling one */

static enum status start_one(struct window_loops *all, struct window_loop *loop,
                             struct error *error)
{
    const struct window_config *config = all->config;
    unsigned first = config->parts > 0 ? config->part * all->count : 0;
    loop->all = all;
    loop->config = *config;
    loop->config.start_ns = all->start_ns;
    loop->config.part = first + all->started;
    loop->config.parts = (config->parts > 0 ? config->parts : 1) * all->count;
    loop->config.stop = &all->stop;
    loop->config.observe = keep;
    loop->config.tell = note;
    loop->config.context = loop;
    pthread_mutex_init(&loop->lock, NULL);
    buffer_init(&loop->ended, (size_t)ENDED_MAX * sizeof(struct window_request));
    atomic_fetch_add(&all->running, 1);
    all->started++;
    if (pthread_create(&loop->thread, NULL, run, loop) == 0)
        return STATUS_OK;
    all->started--;
    atomic_fetch_sub(&all->running, 1);
    buffer_release(&loop->ended);
    pthread_mutex_destroy(&loop->lock);
    return error_set(error, STATUS_NO_MEMORY, "load: no thread");
}

static enum status start(struct window_loops *all, struct error *error)
{
    const struct window_config *config = all->config;
    enum status status = STATUS_OK;
    all->start_ns =
        config->start_ns != 0 ? config->start_ns : clock_mono_ns() + HEAD_START_MS * NS_PER_MS;
    for (unsigned i = 0; i < all->count && status == STATUS_OK; i++)
        status = start_one(all, &all->loops[i], error);
    return status;
}

/* What ended since the last time. */
static enum status look(struct window_loops *all)
{
    const struct window_config *config = all->config;
    enum status status = STATUS_OK;
    for (unsigned i = 0; i < all->started; i++) {
        struct window_loop *loop = &all->loops[i];
        pthread_mutex_lock(&loop->lock);
        struct buffer ended = loop->ended;
        buffer_clear(&all->taken);
        loop->ended = all->taken;
        pthread_mutex_unlock(&loop->lock);
        all->taken = ended;
        if (ended.failed != STATUS_OK)
            status = ended.failed;
        const struct window_request *requests = (const void *)ended.data;
        for (size_t r = 0; r < ended.length_bytes / sizeof(*requests); r++) {
            load_figures_add(&all->result->figures, &requests[r].sample);
            if (config->observe != NULL)
                config->observe(config->context, &requests[r]);
        }
    }
    return status;
}

static void tell(struct window_loops *all)
{
    const struct window_config *config = all->config;
    uint64_t now_ns = clock_mono_ns();
    struct window_progress sum = {.figures = &all->result->figures};
    all->tell_ns = now_ns + TELL_MS * NS_PER_MS;
    if (config->tell == NULL)
        return;
    for (unsigned i = 0; i < all->started; i++) {
        struct window_loop *loop = &all->loops[i];
        pthread_mutex_lock(&loop->lock);
        const struct window_progress one = loop->so_far;
        pthread_mutex_unlock(&loop->lock);
        sum.due += one.due;
        sum.started += one.started;
        sum.done += one.done;
        sum.failed += one.failed;
        sum.in_flight += one.in_flight;
    }
    if (now_ns > all->start_ns)
        sum.elapsed_ms = (now_ns - all->start_ns) / NS_PER_MS;
    sum.duration_ms = (uint64_t)(schedule_duration_s(config->arrivals) * 1000);
    sum.wanted_rate = schedule_rate(config->arrivals, (double)sum.elapsed_ms / 1000);
    config->tell(config->context, &sum);
}

static enum status watch(struct window_loops *all)
{
    enum status status = STATUS_OK;
    while (atomic_load(&all->running) > 0) {
        clock_sleep_until_ns(clock_mono_ns() + LOOK_MS * NS_PER_MS);
        if (status == STATUS_OK)
            status = look(all);
        bool is_wanted = all->config->stop != NULL && atomic_load(all->config->stop);
        if (is_wanted || status != STATUS_OK)
            atomic_store(&all->stop, true);
        if (clock_mono_ns() >= all->tell_ns)
            tell(all);
    }
    return status;
}

/* ---- behind it */

static void add_latencies(struct window_result *into, const struct window_result *from,
                          uint64_t count)
{
    for (uint64_t i = 0; i < count && from->latency_by_flow_ns != NULL; i++)
        if (from->latency_by_flow_ns[i] > 0)
            into->latency_by_flow_ns[i] = from->latency_by_flow_ns[i];
}

static void add(struct window_result *into, const struct window_result *from, uint64_t flow_max)
{
    into->flows_due += from->flows_due;
    into->flows_done += from->flows_done;
    into->flows_ok += from->flows_ok;
    into->dropped += from->dropped;
    into->cpu_ns += from->cpu_ns;
    into->interrupted |= from->interrupted;
    if (from->end_wall_ns > into->end_wall_ns)
        into->end_wall_ns = from->end_wall_ns;
    if (from->elapsed_s > into->elapsed_s)
        into->elapsed_s = from->elapsed_s;
    load_figures_merge(&into->figures, &from->figures);
    load_timeline_merge(&into->timeline, &from->timeline);
    for (int step = 0; step < WINDOW_STEPS; step++)
        load_examples_merge(&into->examples[step], &from->examples[step]);
    add_latencies(into, from, flow_max);
}

static enum status join(struct window_loops *all, struct error *error)
{
    const uint64_t flow_max = schedule_count_max(all->config->arrivals);
    struct window_result *result = all->result;
    enum status status = STATUS_OK;
    for (unsigned i = 0; i < all->started; i++)
        (void)pthread_join(all->loops[i].thread, NULL);
    if (look(all) != STATUS_OK)
        status = error_set(error, STATUS_TOO_LARGE, "load: too many requests ended at once");
    load_figures_clear(&result->figures);
    for (unsigned i = 0; i < all->started; i++) {
        const struct window_loop *loop = &all->loops[i];
        if (loop->status != STATUS_OK && status == STATUS_OK)
            status = error_set(error, loop->status, "%s", loop->error.text);
        if (loop->result.timeline.slot_count > 0)
            add(result, &loop->result, flow_max);
    }
    tell(all);
    return status;
}

static enum status init(struct window_loops *all, struct error *error)
{
    const struct schedule_plan *arrivals = all->config->arrivals;
    struct window_result *result = all->result;
    if (all->count == 0 || all->count > WINDOW_LOOPS_MAX)
        return error_set(error, STATUS_INVALID, "load: 1 to %d loops are possible",
                         WINDOW_LOOPS_MAX);
    enum status status = schedule_check(arrivals, error);
    if (status != STATUS_OK)
        return status;
    buffer_init(&all->taken, (size_t)ENDED_MAX * sizeof(struct window_request));
    all->loops = calloc(all->count, sizeof(*all->loops));
    result->latency_by_flow_ns = calloc(schedule_count_max(arrivals), sizeof(uint64_t));
    if (all->loops == NULL || result->latency_by_flow_ns == NULL ||
        !load_figures_init(&result->figures, WINDOW_STEPS) ||
        !load_timeline_init(&result->timeline, WINDOW_STEPS, 0,
                            (uint64_t)(schedule_duration_s(arrivals) * (double)NS_PER_S)))
        return error_set(error, STATUS_NO_MEMORY, "load: out of memory");
    return STATUS_OK;
}

static void release(struct window_loops *all)
{
    for (unsigned i = 0; i < all->started; i++) {
        window_result_release(&all->loops[i].result);
        buffer_release(&all->loops[i].ended);
        pthread_mutex_destroy(&all->loops[i].lock);
    }
    buffer_release(&all->taken);
    free(all->loops);
}

enum status window_loops_run(const struct window_config *config, unsigned loops,
                             struct window_result *result, struct error *error)
{
    struct window_loops all = {.config = config, .count = loops, .result = result};
    memset(result, 0, sizeof(*result));
    enum status status = init(&all, error);
    if (status == STATUS_OK && all.loops != NULL) {
        struct error words = {0};
        status = start(&all, error);
        if (status != STATUS_OK)
            atomic_store(&all.stop, true);
        result->timeline.start_ns = all.start_ns;
        result->start_wall_ns = clock_wall_ns() + (all.start_ns - clock_mono_ns());
        enum status watched = watch(&all), joined = join(&all, &words);
        if (status == STATUS_OK && joined != STATUS_OK)
            status = error_set(error, joined, "%s", words.text);
        else if (status == STATUS_OK && watched != STATUS_OK)
            status = error_set(error, watched, "load: too many requests ended at once");
    }
    release(&all);
    return status;
}
