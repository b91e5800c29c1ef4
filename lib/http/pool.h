/* The places of a pool (of connections, of handles): how many there are, how many are taken, and
 * how long one was waited for. What stands in the places is the caller's own. Callable from any
 * thread. */
#ifndef CULPRIT_HTTP_POOL_H
#define CULPRIT_HTTP_POOL_H

#include <pthread.h>
#include <stdint.h>

#include "base/status.h"
#include "http/evidence.h"

struct pool {
    const char *name; /* borrowed: "orders.db readers" */
    uint64_t size;
    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t was_left;
    uint64_t in_use;
};

void pool_init(struct pool *pool, const char *name, uint64_t size);
void pool_release(struct pool *pool); /* nobody may be inside */

/* Takes a place; *found says what taking it was like, for evidence_pool on the span that uses it.
 * STATUS_TIMEOUT: none became free by the deadline. */
MUST_CHECK enum status pool_enter(struct pool *pool, uint64_t deadline_ns,
                                  struct evidence_pool *found);
void pool_leave(struct pool *pool);

#endif
