/* The pool of blocks: its size can change while blocks are out and threads take and return them. */
#include "rows.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "trace/span_pool.h"

enum { BIG = 1024, SMALL = 256, THREADS = 3, ROUNDS = 3000, HELD = 200 };

static struct span_block *held[4 * BIG];

/* Takes all there are; how many. */
static size_t take_all(void)
{
    size_t count = 0;
    while ((held[count] = span_pool_get()) != NULL)
        count++;
    return count;
}

static void put(size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        span_pool_put(held[i]);
}

static void resize(size_t blocks)
{
    assert_int_equal(span_pool_start(blocks), STATUS_OK);
    assert_int_equal(span_pool_capacity(), blocks);
}

static void check_grows(void **state)
{
    (void)state;
    resize(SMALL);
    assert_int_equal(take_all(), SMALL);
    resize(BIG);
    assert_int_equal(span_pool_free_count(), BIG - SMALL);
    for (size_t i = 0; i < SMALL; i++)
        held[i]->data[SPAN_BLOCK_DATA_BYTES - 1] = 7; /* they are good all along */
    put(0, SMALL);
    assert_int_equal(take_all(), BIG);
    put(0, BIG);
}

static void check_shrinks(void **state)
{
    (void)state;
    resize(BIG);
    assert_int_equal(take_all(), BIG);
    put(0, 100);
    resize(SMALL); /* 100 are free, 924 out */
    assert_int_equal(span_pool_free_count(), 0);
    put(100, BIG - SMALL);
    assert_int_equal(span_pool_free_count(), 0);
    put(BIG - SMALL, BIG);
    assert_int_equal(span_pool_free_count(), SMALL);
    assert_int_equal(take_all(), SMALL);
    put(0, SMALL);
}

/* A block that was too many may stay where the pool has grown again meanwhile. */
static void check_changes_its_mind(void **state)
{
    (void)state;
    resize(BIG);
    assert_int_equal(take_all(), BIG);
    resize(SMALL);
    put(0, 10);
    resize(BIG);
    put(10, BIG);
    assert_int_equal(span_pool_free_count(), BIG);
    assert_int_equal(take_all(), BIG);
    put(0, BIG);
}

static void check_bound(void **state)
{
    (void)state;
    assert_int_equal(span_pool_start(SPAN_POOL_BLOCKS_MAX), STATUS_OK);
    assert_int_equal(span_pool_start(SPAN_POOL_BLOCKS_MAX + 1), STATUS_TOO_LARGE);
    assert_int_equal(span_pool_capacity(), SPAN_POOL_BLOCKS_MAX);
    resize(SMALL);
}

static void check_forgets(void **state)
{
    (void)state;
    resize(SMALL);
    struct span_block *before = span_pool_get();
    span_pool_forget();
    assert_null(span_pool_get());
    resize(SMALL);
    span_pool_put(before); /* of the memory that was */
    assert_int_equal(take_all(), SMALL);
    for (size_t i = 0; i < SMALL; i++)
        assert_ptr_not_equal(held[i], before);
    put(0, SMALL);
}

static atomic_bool stopping;

/* A block that two hold at once carries the wrong mark. */
static void *take_and_return(void *wrong)
{
    struct span_block *mine[HELD];
    while (!atomic_load(&stopping)) {
        size_t count = 0;
        while (count < HELD && (mine[count] = span_pool_get()) != NULL)
            mine[count++]->used_bytes = 1;
        for (size_t i = 0; i < count; i++) {
            if (mine[i]->used_bytes != 1)
                atomic_fetch_add((atomic_uint *)wrong, 1);
            mine[i]->used_bytes = 2;
            span_pool_put(mine[i]);
        }
    }
    return NULL;
}

static void check_threads(void **state)
{
    (void)state;
    static const size_t sizes[] = {SMALL, BIG, 3 * BIG, SMALL + 1};
    pthread_t threads[THREADS];
    atomic_uint wrong = 0;
    resize(SMALL);
    atomic_store(&stopping, false);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, take_and_return, &wrong), 0);
    for (int i = 0; i < ROUNDS; i++)
        assert_int_equal(span_pool_start(sizes[i % 4]), STATUS_OK);
    atomic_store(&stopping, true);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&wrong), 0);
    resize(BIG);
    assert_int_equal(span_pool_free_count(), BIG);
    assert_int_equal(take_all(), BIG);
    put(0, BIG);
}

int main(void)
{
    static struct rows all;
    rows_one(&all, "it grows while blocks are out", check_grows);
    rows_one(&all, "it shrinks while blocks are out", check_shrinks);
    rows_one(&all, "it grows again before all blocks are back", check_changes_its_mind);
    rows_one(&all, "it has a bound", check_bound);
    rows_one(&all, "it forgets its blocks in the child of a fork", check_forgets);
    rows_one(&all, "it changes its size while threads take and return blocks", check_threads);
    return rows_run("span_pool", &all);
}
