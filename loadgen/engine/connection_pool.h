/* The connections of an engine, in a list for each state in the order in which they came to it: the
 * first of a list is the one that waits longest, and the first to time out. One thread. */
#ifndef CULPRIT_LOADGEN_ENGINE_CONNECTION_POOL_H
#define CULPRIT_LOADGEN_ENGINE_CONNECTION_POOL_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "loadgen/engine/connection.h"

struct connection_pool {
    struct connection *connections;
    size_t limit;
    struct connection_list lists[CONNECTION_STATES];
    uint64_t timeouts_ns[CONNECTION_STATES]; /* of being in that state; 0: none */
};

/* Adds without overflow: UINT64_MAX is never. */
uint64_t connection_pool_later_ns(uint64_t time_ns, uint64_t more_ns);

/* `limit` closed ones, no time-outs. STATUS_NO_MEMORY. Release in any case. */
MUST_CHECK enum status connection_pool_init(struct connection_pool *pool, size_t limit);
void connection_pool_release(struct connection_pool *pool);

/* `now_ns` never goes back. */
void connection_pool_move(struct connection_pool *pool, struct connection *connection,
                          enum connection_state state, uint64_t now_ns);
void connection_pool_close(struct connection_pool *pool, struct connection *connection);

/* One whose time in that state is over; NULL: none. */
struct connection *connection_pool_expired(const struct connection_pool *pool,
                                           enum connection_state state, uint64_t now_ns);
/* When the next time of any is over; UINT64_MAX: never. */
uint64_t connection_pool_expires_ns(const struct connection_pool *pool);

/* A name that lasts until the connection is closed. NULL: it was, or this is no such name. */
uint64_t connection_pool_tag(const struct connection_pool *pool,
                             const struct connection *connection);
struct connection *connection_pool_find(const struct connection_pool *pool, uint64_t tag);

#endif
