#include "loadgen/engine/connection_pool.h"

#include "tests/unit/rows.h"

enum { LIMIT = 3 };

static struct connection_pool new_pool(void)
{
    struct connection_pool pool;
    assert_int_equal(connection_pool_init(&pool, LIMIT), STATUS_OK);
    pool.timeouts_ns[CONNECTION_IDLE] = 100;
    pool.timeouts_ns[CONNECTION_BUSY] = 10;
    return pool;
}

static void check_time_outs(void **state)
{
    (void)state;
    struct connection_pool pool = new_pool();
    struct connection *a = &pool.connections[0], *b = &pool.connections[1];
    assert_true(connection_pool_expires_ns(&pool) == UINT64_MAX);
    connection_pool_move(&pool, a, CONNECTION_IDLE, 1000);
    connection_pool_move(&pool, b, CONNECTION_IDLE, 1001);
    assert_true(connection_pool_expires_ns(&pool) == 1100);
    assert_null(connection_pool_expired(&pool, CONNECTION_IDLE, 1099));
    assert_ptr_equal(connection_pool_expired(&pool, CONNECTION_IDLE, 1100), a);
    connection_pool_move(&pool, b, CONNECTION_BUSY, 1050);
    assert_true(connection_pool_expires_ns(&pool) == 1060);
    assert_ptr_equal(connection_pool_expired(&pool, CONNECTION_BUSY, 1060), b);
    connection_pool_close(&pool, b);
    connection_pool_close(&pool, a);
    assert_true(connection_pool_expires_ns(&pool) == UINT64_MAX);
    assert_int_equal(pool.lists[CONNECTION_CLOSED].count, LIMIT);
    connection_pool_release(&pool);
    connection_pool_release(&pool);
}

static void check_long_time_outs(void **state)
{
    (void)state;
    struct connection_pool pool = new_pool();
    pool.timeouts_ns[CONNECTION_BUSY] = UINT64_MAX;
    connection_pool_move(&pool, &pool.connections[0], CONNECTION_BUSY, 1000);
    assert_true(connection_pool_expires_ns(&pool) == UINT64_MAX);
    assert_null(connection_pool_expired(&pool, CONNECTION_BUSY, UINT64_MAX - 1));
    assert_true(connection_pool_later_ns(2, 3) == 5);
    connection_pool_release(&pool);
}

static void check_tags(void **state)
{
    (void)state;
    struct connection_pool pool = new_pool();
    struct connection *a = &pool.connections[1];
    uint64_t tag = connection_pool_tag(&pool, a);
    assert_null(connection_pool_find(&pool, tag)); /* still closed */
    connection_pool_move(&pool, a, CONNECTION_IDLE, 1);
    assert_ptr_equal(connection_pool_find(&pool, tag), a);
    a->generation++; /* as where it was closed and opened */
    assert_null(connection_pool_find(&pool, tag));
    assert_ptr_equal(connection_pool_find(&pool, connection_pool_tag(&pool, a)), a);
    assert_null(connection_pool_find(&pool, LIMIT));
    assert_null(connection_pool_find(&pool, UINT64_MAX));
    connection_pool_release(&pool);
}

int main(void)
{
    static struct rows all;
    rows_one(&all, "it knows who waits longest in each state", check_time_outs);
    rows_one(&all, "it takes time-outs without end", check_long_time_outs);
    rows_one(&all, "it knows connections by tags until they are closed", check_tags);
    return rows_run("connection_pool", &all);
}
