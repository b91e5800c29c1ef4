/* One row of the tracing bench, in a process of its own, through the public header; the
 * timeline says which clock it was.
 *
 *     trace_row MODE THREADS RATE URL [plain-clock]
 *                                      MODE: recording, sustained, unsampled, disabled;
 *                                      plain-clock: clock_gettime, whatever else there is
 *     trace_row workload                  the workload as JSON, for programs in other languages
 *
 * RATE 0 is bursts, else spans a second of all threads together; sustained waits for room in the
 * queue, so that nothing is lost. The same loops run twice: before
 * tracing_start, where spans are no-ops, and after it; what the first takes is the program's own.
 * Prints one line of JSON:
 *
 *   ns             a span, on the thread that makes it: median over bursts (CPU of the thread; the
 *                  wall's is beside it) or ticks (wall, as a clock of CPU costs more than a span);
 *                  sustained: wall of the whole, waits included, by its spans
 *   process_ns     the same plus what all other threads of the process burnt, a span
 *   mallocs, heap_bytes   a span, of the whole process, flushes included
 *   rss_anon_kib   anonymous memory above that before tracing_start
 *   ended, exported, dropped
 *   counter        times came off the time-stamp counter */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/bench/trace_workload.h"
#include "trace/timeline.h"
#include "trace/trace.h"

enum { SAMPLES_MAX = 4096, SETTLE_MS = 5 };

/* ---- every allocation of the process is counted: these stand before the C library's */

static _Atomic uint64_t malloc_count, malloc_bytes;

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static void count_malloc(size_t size)
{
    atomic_fetch_add_explicit(&malloc_count, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&malloc_bytes, size, memory_order_relaxed);
}

void *malloc(size_t size)
{
    count_malloc(size);
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    count_malloc(count * size);
    return __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    count_malloc(size);
    return __libc_realloc(old, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    count_malloc(size);
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
    count_malloc(size);
    *out = __libc_memalign(alignment, size);
    return *out != NULL ? 0 : 12;
}

/* ---- the workload */

static const struct tracer tracer = {.name = "bench", .version = "1"};

static void one_span(int number)
{
    static const struct span_options options = {.kind = SPAN_SERVER, .root = true};
    struct span *span = span_start(&tracer, WORKLOAD_SPAN_NAME, &options);
    span_set_text(span, SPAN_KEY(WORKLOAD_TEXT_1_KEY), TEXT_LITERAL(WORKLOAD_TEXT_1));
    span_set_text(span, SPAN_KEY(WORKLOAD_TEXT_2_KEY), TEXT_LITERAL(WORKLOAD_TEXT_2));
    span_set_i64(span, SPAN_KEY(WORKLOAD_NUMBER_1_KEY), WORKLOAD_NUMBER_1);
    span_set_i64(span, SPAN_KEY(WORKLOAD_NUMBER_2_KEY), number);
    span_add_event(span, TEXT_LITERAL(WORKLOAD_EVENT), NULL, 0);
    span_end(span);
}

static int print_workload(void)
{
    printf("{\"span\":\"%s\",\"texts\":{\"%s\":\"%s\",\"%s\":\"%s\"},\"number_key\":\"%s\","
           "\"number\":%d,\"span_number_key\":\"%s\",\"event\":\"%s\",",
           WORKLOAD_SPAN_NAME, WORKLOAD_TEXT_1_KEY, WORKLOAD_TEXT_1, WORKLOAD_TEXT_2_KEY,
           WORKLOAD_TEXT_2, WORKLOAD_NUMBER_1_KEY, WORKLOAD_NUMBER_1, WORKLOAD_NUMBER_2_KEY,
           WORKLOAD_EVENT);
    printf("\"burst_spans\":%d,\"bursts\":%d,\"warm_up_bursts\":%d,\"loop_spans\":%d,\"loops\":%d,"
           "\"sustained_spans\":%d,\"paced_ms\":%d,\"flush_ms\":%d}\n",
           WORKLOAD_BURST_SPANS, WORKLOAD_BURSTS, WORKLOAD_WARM_UP_BURSTS, WORKLOAD_LOOP_SPANS,
           WORKLOAD_LOOPS, WORKLOAD_SUSTAINED_SPANS, WORKLOAD_PACED_MS, WORKLOAD_FLUSH_MS);
    return 0;
}

/* ---- one round: what a thread does between two looks at its clocks */

struct row {
    bool recording, sustained, disabled, plain_clock;
    unsigned threads, rate;
    uint64_t queue_count; /* sustained: the queue's room; 0: none to wait for */
    int spans_a_round;    /* of one thread */
    int rounds, warm_up;
    uint64_t tick_ns; /* 0: as fast as it goes, all threads at once */
};

struct worker {
    const struct row *row;
    unsigned number; /* 0 is the main thread */
    pthread_t thread;
    double cpu_ns[SAMPLES_MAX], wall_ns[SAMPLES_MAX]; /* a span, of each round that counts */
    uint64_t spans_ns;                                /* in spans, all rounds */
    uint64_t cpu_total_ns;                            /* of the thread, all rounds */
};

static struct worker workers[WORKLOAD_THREADS_MAX];
static pthread_barrier_t round_begins, round_ends;
static _Atomic unsigned at_start;
static _Atomic bool stopped;

/* Threads that a barrier wakes start one after another; those that are awake start together. */
static void start_together(unsigned threads, int round)
{
    const unsigned all = threads * (unsigned)(round + 1);
    if (threads == 1)
        return;
    pthread_barrier_wait(&round_begins);
    atomic_fetch_add(&at_start, 1);
    while (atomic_load(&at_start) < all)
        continue;
}

static void burst(struct worker *worker, int round)
{
    const struct row *row = worker->row;
    const int spans = row->spans_a_round, kept = round - row->warm_up;
    start_together(row->threads, round);
    const uint64_t cpu_ns = clock_thread_cpu_ns(), wall_ns = clock_mono_ns();
    for (int i = 0; i < spans; i++)
        one_span(i);
    const uint64_t wall_taken_ns = clock_mono_ns() - wall_ns;
    const uint64_t cpu_taken_ns = clock_thread_cpu_ns() - cpu_ns;
    worker->spans_ns += cpu_taken_ns;
    if (kept >= 0) {
        worker->cpu_ns[kept] = (double)cpu_taken_ns / spans;
        worker->wall_ns[kept] = (double)wall_taken_ns / spans;
    }
    if (row->threads > 1)
        pthread_barrier_wait(&round_ends);
}

/* Sleeps to the tick, then makes its spans; the clock's own cost is taken off. */
static void tick(struct worker *worker, int round, uint64_t *due_ns, uint64_t clock_cost_ns)
{
    const int spans = worker->row->spans_a_round;
    *due_ns += worker->row->tick_ns;
    clock_sleep_until_ns(*due_ns);
    const uint64_t began_ns = clock_mono_ns();
    for (int i = 0; i < spans; i++)
        one_span(i);
    uint64_t taken_ns = clock_mono_ns() - began_ns;
    taken_ns -= taken_ns > clock_cost_ns ? clock_cost_ns : taken_ns;
    worker->wall_ns[round] = (double)taken_ns / spans;
    worker->cpu_ns[round] = worker->wall_ns[round];
}

static void wait_for_room(const struct row *row)
{
    const uint64_t step = (uint64_t)WORKLOAD_SUSTAINED_STEP * row->threads;
    while (row->queue_count != 0 && tracing_stats().queued + step > row->queue_count)
        clock_sleep_until_ns(clock_mono_ns() + WORKLOAD_SUSTAINED_WAIT_US * NS_PER_MS / 1000);
}

/* One round is all there is. */
static void sustained(struct worker *worker)
{
    const int spans = worker->row->spans_a_round;
    const uint64_t began_ns = clock_mono_ns();
    for (int i = 0; i < spans; i++) {
        if (i % WORKLOAD_SUSTAINED_STEP == 0)
            wait_for_room(worker->row);
        one_span(i % WORKLOAD_BURST_SPANS);
    }
    worker->wall_ns[0] = (double)(clock_mono_ns() - began_ns) / spans;
    worker->cpu_ns[0] = worker->wall_ns[0];
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof values[0], by_value);
    return values[count / 2];
}

static uint64_t clock_cost_ns(void)
{
    double costs[101];
    for (size_t i = 0; i < sizeof costs / sizeof costs[0]; i++) {
        const uint64_t began_ns = clock_mono_ns();
        costs[i] = (double)(clock_mono_ns() - began_ns);
    }
    return (uint64_t)median(costs, sizeof costs / sizeof costs[0]);
}

static bool flush(void)
{
    return tracing_flush(clock_mono_ns() + WORKLOAD_FLUSH_MS * NS_PER_MS) == STATUS_OK;
}

static uint64_t rss_anon_kib(void)
{
    char text[4096], *found;
    FILE *file = fopen("/proc/self/status", "re");
    size_t got = file != NULL ? fread(text, 1, sizeof text - 1, file) : 0;
    if (file != NULL)
        fclose(file);
    text[got] = '\0';
    found = strstr(text, "RssAnon:");
    return found != NULL ? strtoull(found + strlen("RssAnon:"), NULL, 10) : 0;
}

/* ---- a phase: all rounds of all threads */

static void all_rounds(struct worker *worker, bool flushes)
{
    const struct row *row = worker->row;
    const uint64_t began_ns = clock_thread_cpu_ns(), cost_ns = clock_cost_ns();
    uint64_t due_ns = clock_mono_ns() + SETTLE_MS * NS_PER_MS;
    worker->spans_ns = 0;
    for (int round = 0; round < row->warm_up + row->rounds; round++) {
        if (row->sustained)
            sustained(worker);
        else if (row->tick_ns != 0)
            tick(worker, round, &due_ns, cost_ns);
        else
            burst(worker, round);
        if (row->tick_ns == 0 && !row->sustained && flushes && worker->number == 0 && !flush())
            fprintf(stderr, "a flush failed\n");
    }
    worker->cpu_total_ns = clock_thread_cpu_ns() - began_ns;
}

static pthread_barrier_t phase_begins, phase_ends;

static void *run_worker(void *argument)
{
    for (;;) {
        pthread_barrier_wait(&phase_begins);
        if (atomic_load(&stopped))
            return NULL;
        all_rounds(argument, false);
        pthread_barrier_wait(&phase_ends);
    }
}

struct phase {
    double ns, wall_ns;
    uint64_t own_ns, others_ns; /* CPU of the threads that make spans, and of all others */
    uint64_t mallocs, heap_bytes, rss_anon_kib;
    uint64_t spans;
};

static uint64_t process_cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

/* The medians of all threads' rounds together; sorts them in place. */
static void sum_up(const struct row *row, struct phase *phase)
{
    static double cpu_ns[SAMPLES_MAX * WORKLOAD_THREADS_MAX],
        wall_ns[SAMPLES_MAX * WORKLOAD_THREADS_MAX];
    for (unsigned i = 0; i < row->threads; i++) {
        memcpy(cpu_ns + (size_t)i * row->rounds, workers[i].cpu_ns, row->rounds * sizeof cpu_ns[0]);
        memcpy(wall_ns + (size_t)i * row->rounds, workers[i].wall_ns,
               row->rounds * sizeof wall_ns[0]);
        phase->own_ns += workers[i].cpu_total_ns;
    }
    phase->ns = median(cpu_ns, (size_t)row->rounds * row->threads);
    phase->wall_ns = median(wall_ns, (size_t)row->rounds * row->threads);
    phase->others_ns = phase->others_ns > phase->own_ns ? phase->others_ns - phase->own_ns : 0;
    phase->spans = (uint64_t)(row->rounds + row->warm_up) * row->spans_a_round * row->threads;
}

static struct phase run_phase(const struct row *row, bool flushes)
{
    struct phase phase = {0};
    const uint64_t cpu_ns = process_cpu_ns();
    const uint64_t mallocs = atomic_load(&malloc_count), bytes = atomic_load(&malloc_bytes);
    atomic_store(&at_start, 0);
    if (row->threads > 1)
        pthread_barrier_wait(&phase_begins);
    all_rounds(&workers[0], flushes);
    if (row->threads > 1)
        pthread_barrier_wait(&phase_ends);
    if (flushes && !flush())
        fprintf(stderr, "the last flush failed\n");
    phase.others_ns = process_cpu_ns() - cpu_ns;
    phase.mallocs = atomic_load(&malloc_count) - mallocs;
    phase.heap_bytes = atomic_load(&malloc_bytes) - bytes;
    phase.rss_anon_kib = rss_anon_kib();
    sum_up(row, &phase);
    return phase;
}

/* ---- a row */

static void report(const struct row *row, const struct phase *before, const struct phase *with)
{
    const struct tracing_stats stats = tracing_stats();
    const double spans = (double)with->spans;
    const uint64_t others_ns =
        with->others_ns > before->others_ns ? with->others_ns - before->others_ns : 0;
    const double own_ns = row->sustained ? (double)with->own_ns / spans : with->ns;
    printf("{\"ns\":%.2f,\"wall_ns\":%.2f,\"process_ns\":%.2f,\"before_ns\":%.2f,", with->ns,
           with->wall_ns, own_ns + (double)others_ns / spans, before->ns);
    printf("\"mallocs\":%.4f,\"heap_bytes\":%.2f,\"rss_anon_kib\":%lld,",
           (double)with->mallocs / spans, (double)with->heap_bytes / spans,
           (long long)with->rss_anon_kib - (long long)before->rss_anon_kib);
    printf("\"made\":%llu,\"ended\":%llu,\"exported\":%llu,\"dropped\":%llu,\"counter\":%s}\n",
           (unsigned long long)with->spans, (unsigned long long)(row->recording ? stats.ended : 0),
           (unsigned long long)stats.exported,
           (unsigned long long)(stats.dropped_queue_full + stats.dropped_shutdown +
                                stats.dropped_export_failed + stats.rejected),
           timeline_counts() ? "true" : "false");
}

static bool start_tracing(struct row *row, const char *url)
{
    struct tracing_config config;
    struct error error;
    tracing_config_from_environment(&config, "bench");
    snprintf(config.otlp.endpoint, sizeof config.otlp.endpoint, "%s", url);
    config.plain_clock = row->plain_clock;
    config.sampling.root.kind = row->recording ? SAMPLER_ALWAYS_ON : SAMPLER_ALWAYS_OFF;
    row->queue_count = row->sustained ? config.batch.queue_count : 0;
    if (tracing_start(&config, &error) == STATUS_OK)
        return true;
    fprintf(stderr, "trace_row: %s\n", error.text);
    return false;
}

static void plan_rounds(struct row *row)
{
    const unsigned a_tick = row->rate / 1000;
    if (row->sustained) {
        row->spans_a_round = WORKLOAD_SUSTAINED_SPANS / (int)row->threads;
        row->rounds = 1;
    } else if (row->rate == 0 && row->recording) {
        row->spans_a_round = WORKLOAD_BURST_SPANS / (int)row->threads;
        row->rounds = WORKLOAD_BURSTS;
        row->warm_up = WORKLOAD_WARM_UP_BURSTS;
    } else if (row->rate == 0) {
        row->spans_a_round = WORKLOAD_LOOP_SPANS;
        row->rounds = WORKLOAD_LOOPS;
    } else {
        row->spans_a_round = a_tick > row->threads ? (int)(a_tick / row->threads) : 1;
        row->tick_ns = (uint64_t)row->spans_a_round * row->threads * NS_PER_S / row->rate;
        row->rounds = (int)(WORKLOAD_PACED_MS * NS_PER_MS / row->tick_ns);
    }
}

static void start_workers(const struct row *row)
{
    pthread_barrier_init(&round_begins, NULL, row->threads);
    pthread_barrier_init(&round_ends, NULL, row->threads);
    pthread_barrier_init(&phase_begins, NULL, row->threads);
    pthread_barrier_init(&phase_ends, NULL, row->threads);
    for (unsigned i = 0; i < row->threads; i++) {
        workers[i] = (struct worker){.row = row, .number = i};
        if (i > 0 && pthread_create(&workers[i].thread, NULL, run_worker, &workers[i]) != 0)
            exit(1);
    }
}

static void stop_workers(const struct row *row)
{
    atomic_store(&stopped, true);
    if (row->threads > 1)
        pthread_barrier_wait(&phase_begins);
    for (unsigned i = 1; i < row->threads; i++)
        pthread_join(workers[i].thread, NULL);
}

int main(int argc, char **argv)
{
    static struct row row;
    struct phase before, with;
    if (argc == 2 && strcmp(argv[1], "workload") == 0)
        return print_workload();
    row.plain_clock = argc == 6 && strcmp(argv[5], "plain-clock") == 0;
    if (argc != 5 && !row.plain_clock) {
        fprintf(stderr, "usage: trace_row recording|sustained|unsampled|disabled THREADS RATE URL "
                        "[plain-clock]\n");
        return 2;
    }
    row.sustained = strcmp(argv[1], "sustained") == 0;
    row.recording = row.sustained || strcmp(argv[1], "recording") == 0;
    row.disabled = strcmp(argv[1], "disabled") == 0;
    row.threads = (unsigned)strtoul(argv[2], NULL, 10);
    row.rate = (unsigned)strtoul(argv[3], NULL, 10);
    if (row.threads < 1 || row.threads > WORKLOAD_THREADS_MAX)
        return 2;
    plan_rounds(&row);
    start_workers(&row);
    before = run_phase(&row, false);
    if (!row.disabled && !start_tracing(&row, argv[4]))
        return 1;
    /* the counter is compared with the clock for a while before it is read */
    clock_sleep_until_ns(clock_mono_ns() + WORKLOAD_SETTLE_MS * NS_PER_MS);
    with = run_phase(&row, row.recording);
    report(&row, &before, &with);
    stop_workers(&row);
    (void)tracing_shutdown(clock_mono_ns() + WORKLOAD_FLUSH_MS * NS_PER_MS);
    return 0;
}
