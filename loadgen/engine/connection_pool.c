#include "loadgen/engine/connection_pool.h"

#include <stdlib.h>

uint64_t connection_pool_later_ns(uint64_t time_ns, uint64_t more_ns)
{
    return more_ns > UINT64_MAX - time_ns ? UINT64_MAX : time_ns + more_ns;
}

enum status connection_pool_init(struct connection_pool *pool, size_t limit)
{
    *pool = (struct connection_pool){.connections = calloc(limit, sizeof(*pool->connections))};
    if (pool->connections == NULL)
        return STATUS_NO_MEMORY;
    pool->limit = limit;
    for (size_t i = 0; i < limit; i++) {
        connection_init(&pool->connections[i]);
        connection_list_append(&pool->lists[CONNECTION_CLOSED], &pool->connections[i]);
    }
    return STATUS_OK;
}

void connection_pool_release(struct connection_pool *pool)
{
    for (size_t i = 0; i < pool->limit; i++)
        connection_release(&pool->connections[i]);
    free(pool->connections);
    *pool = (struct connection_pool){0};
}

void connection_pool_move(struct connection_pool *pool, struct connection *connection,
                          enum connection_state state, uint64_t now_ns)
{
    connection_list_remove(&pool->lists[connection->state], connection);
    connection->state = state;
    connection->since_ns = now_ns;
    connection_list_append(&pool->lists[state], connection);
}

void connection_pool_close(struct connection_pool *pool, struct connection *connection)
{
    connection_close(connection); /* leaves epoll by that */
    connection_pool_move(pool, connection, CONNECTION_CLOSED, 0);
}

static uint64_t expires_ns(const struct connection_pool *pool, enum connection_state state)
{
    const struct connection *first = pool->lists[state].first;
    uint64_t timeout_ns = pool->timeouts_ns[state];
    return first != NULL && timeout_ns > 0 ? connection_pool_later_ns(first->since_ns, timeout_ns)
                                           : UINT64_MAX;
}

struct connection *connection_pool_expired(const struct connection_pool *pool,
                                           enum connection_state state, uint64_t now_ns)
{
    return expires_ns(pool, state) <= now_ns ? pool->lists[state].first : NULL;
}

uint64_t connection_pool_expires_ns(const struct connection_pool *pool)
{
    uint64_t next_ns = UINT64_MAX;
    for (unsigned state = 0; state < CONNECTION_STATES; state++) {
        uint64_t own_ns = expires_ns(pool, (enum connection_state)state);
        next_ns = own_ns < next_ns ? own_ns : next_ns;
    }
    return next_ns;
}

uint64_t connection_pool_tag(const struct connection_pool *pool,
                             const struct connection *connection)
{
    return (uint64_t)connection->generation << 32 | (uint64_t)(connection - pool->connections);
}

struct connection *connection_pool_find(const struct connection_pool *pool, uint64_t tag)
{
    if ((uint32_t)tag >= pool->limit)
        return NULL;
    struct connection *connection = &pool->connections[(uint32_t)tag];
    bool is_same =
        connection_pool_tag(pool, connection) == tag && connection->state != CONNECTION_CLOSED;
    return is_same ? connection : NULL;
}
