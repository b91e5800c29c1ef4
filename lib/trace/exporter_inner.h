/* What the exporter's two halves share: exporter.c is for others, exporter_thread.c the thread. */
#ifndef CULPRIT_TRACE_EXPORTER_INNER_H
#define CULPRIT_TRACE_EXPORTER_INNER_H

#include <pthread.h>
#include <stdatomic.h>

#include "trace/exporter.h"
#include "trace/exporters.h"
#include "trace/resource.h"
#include "trace/span_batch.h"

/* Producers press when they drop; a press that brought nothing to export waits for the delay. */
enum press { PRESS_NONE, PRESS_PENDING, PRESS_SEEN };

struct exporter_state {
    pthread_mutex_t lock; /* guards the six below; never held over anything of the program's own */
    pthread_cond_t work, done;
    bool stopping;
    bool has_ended;
    uint64_t flush_wanted, flush_done;
    enum status flush_status; /* of the exporters' own flush */

    bool has_thread; /* of start, stop, tidy and fork, which are serial */
    bool has_left;   /* a stop gave up on the thread, which may have ended since */
    pthread_t thread;

    pthread_mutex_t figures; /* held by who makes the exporters anew or asks them for figures */

    /* The thread's own while it runs. */
    struct exporters exporters;
    struct span_batch batch;
    uint8_t resource[RESOURCE_MAX];
    size_t resource_bytes;
    uint32_t batch_count;
    uint32_t wake_count;          /* so many make it wake: a batch, or with no delay the first */
    _Atomic uint32_t queue_count; /* its bound, for who asks */
    uint64_t delay_ns;

    _Atomic int press; /* enum press */
    _Atomic uint32_t inflight;
};
extern struct exporter_state exporter_own;

extern _Thread_local bool exporter_thread_is_own;

/* The thread. */
void *exporter_thread_run(void *unused);

/* Takes from the queue all that ended. */
void exporter_thread_collect(void);

#endif
