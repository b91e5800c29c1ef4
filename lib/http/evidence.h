/* clang-format off */
/* Physical evidence on spans: what the machine did, beside the semantic conventions, which say what
 * was asked of it. One namespace, `evidence.`; each attribute is set by one helper of this room, so
 * that a service only names its lock, pool or cache. Nothing in it says what is wrong.
 *
 * evidence.lock.name              text      the span that took the lock (named_lock.h, keylock.h)
 * evidence.lock.wait_us           int  us   how long it waited for it; 0: it was free
 * evidence.lock.holder.trace_id   text hex  who had it when the wait began, if that was traced
 * evidence.pool.name              text      the database or client span that used the place (pool.h)
 * evidence.pool.wait_us           int  us   how long it was waited for, before the span began, if so
 * evidence.pool.in_use            int       places taken, this one too
 * evidence.pool.size              int       places that there are
 * evidence.cache.name             text      the span that asked the cache
 * evidence.cache.hit              bool      it had the answer
 * evidence.thread.cpu_us          int  us   SERVER, CONSUMER: CPU time of the span's thread; SERVER:
 *                                           with what it took to send the thread's last reply and
 *                                           to read this request, and at most the span's duration
 * evidence.queue.depth            int       CONSUMER: messages due behind this one, up to 1,000
 * evidence.queue.enqueued_unix_us int  us   CONSUMER: when the message came into the queue
 * evidence.queue.wait_us          int  us   CONSUMER: from then until it was taken
 * evidence.queue.attempt          int       CONSUMER: from 1
 *
 * What sqlite itself counts for a statement has sqlite's own prefix (trace/adapters/sqlite.h), and
 * what the conventions have keeps their names: http.request.resend_count, http.request.body.size,
 * http.response.body.size, messaging.message.body.size.
 *
 * Of several locks on one span the one that was waited for longest is told, of several caches the
 * first that missed. Costs next to nothing where the span does not record. Callable from any thread.
 */
/* clang-format on */
#ifndef CULPRIT_HTTP_EVIDENCE_H
#define CULPRIT_HTTP_EVIDENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "trace/trace.h"

/* On the thread's current span, which may be none. `holder`: all zero where nobody traced had it.
 */
void evidence_lock(const char *name, uint64_t wait_ns, struct trace_id holder);
void evidence_cache(const char *name, bool hit);

/* Trace id of the thread's current span, to be kept while a lock is held; all zero without one. */
struct trace_id evidence_holder(void);

struct evidence_pool {
    const char *name;
    uint64_t wait_ns;
    uint64_t in_use, size;
};
void evidence_pool(struct span *span, const struct evidence_pool *pool);

struct evidence_message {
    uint64_t body_bytes;
    uint64_t depth;
    uint64_t enqueued_wall_ns, taken_wall_ns;
    unsigned attempt;
};
void evidence_message(struct span *span, const struct evidence_message *message);

/* CPU time of this thread until now; 0 where the span does not record, as it costs a system call.
 */
uint64_t evidence_cpu_begin_ns(const struct span *span);
/* The same for a thread that serves one request after the other: what it said at the end of the
 * last one where nothing ran since, so that each costs one call in place of two. NULL: a request
 * without a span runs now, the next one that has one asks the clock. */
uint64_t evidence_cpu_resume_ns(const struct span *span);
/* On the same thread; tells `most_ns` at the most. `began_ns` 0 sets nothing. */
void evidence_cpu_end(struct span *span, uint64_t began_ns, uint64_t most_ns);

#endif
