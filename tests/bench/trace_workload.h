/* The one statement of what the tracing benches do. C programs include it; the others read what
 * `trace_row workload` prints of it.
 *
 * A span: a root of kind SERVER with WORKLOAD_SPAN_NAME, two texts, two numbers (a status code, and
 * the span's number in its burst), one event without attributes. */
#ifndef CULPRIT_BENCH_TRACE_WORKLOAD_H
#define CULPRIT_BENCH_TRACE_WORKLOAD_H

#define WORKLOAD_SPAN_NAME    "GET /api/items/{id}"
#define WORKLOAD_TEXT_1_KEY   "http.request.method"
#define WORKLOAD_TEXT_1       "GET"
#define WORKLOAD_TEXT_2_KEY   "http.route"
#define WORKLOAD_TEXT_2       "/api/items/{id}"
#define WORKLOAD_NUMBER_1_KEY "http.response.status_code"
#define WORKLOAD_NUMBER_2_KEY "item.number"
#define WORKLOAD_EVENT        "cache.miss"

enum {
    WORKLOAD_NUMBER_1 = 200,
    WORKLOAD_ATTRIBUTES = 4,
    WORKLOAD_EVENTS = 1,
    /* Bursts: the spans of all threads together, so that no queue fills; a flush after each is not
     * timed. The first ones warm up and count for nothing but arrival. */
    WORKLOAD_BURST_SPANS = 512,
    WORKLOAD_BURSTS = 400,
    WORKLOAD_WARM_UP_BURSTS = 20,
    /* What leaves nothing behind is looped over: so many spans a loop, for each thread. */
    WORKLOAD_LOOP_SPANS = 65536,
    WORKLOAD_LOOPS = 60,
    /* Sustained: so many spans together, as fast as nothing is lost. A queue that has no room is
     * waited for: each thread looks after so many of its spans, and sleeps so long. */
    WORKLOAD_SUSTAINED_SPANS = 409600,
    WORKLOAD_SUSTAINED_STEP = 64,
    WORKLOAD_SUSTAINED_WAIT_US = 50,
    /* Paced: so long, in ticks of at least a millisecond and a span a thread. */
    WORKLOAD_PACED_MS = 2000,
    WORKLOAD_SETTLE_MS = 300, /* after the start of tracing */
    WORKLOAD_THREADS_MAX = 2,
    WORKLOAD_FLUSH_MS = 10000,
};

#endif
