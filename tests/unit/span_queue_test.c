/* The queue of ended spans: its bound, and its end. */
#include "rows.h"

#include <stdbool.h>
#include <string.h>

#include "trace/asymmetric.h"
#include "trace/span_queue.h"

enum { BLOCKS = 64, RECORD_BYTES = 100 };

static struct span_producer producer;

static enum span_queue_result put(struct span_producer *from)
{
    static const char record[RECORD_BYTES];
    return span_queue_put(from, record, sizeof record);
}

/* As the exporter does. */
static unsigned take(void)
{
    unsigned count = 0;
    span_queue_turn(&producer);
    asymmetric_heavy();
    span_queue_seal_down(&producer);
    for (struct span_block *block = span_queue_take(), *next; block != NULL; block = next) {
        next = block->next;
        count += block->record_count;
        span_queue_taken(block->record_count);
        span_pool_put(block);
    }
    return count;
}

static int begin(void **state)
{
    (void)state;
    (void)asymmetric_start();
    producer = (struct span_producer){0};
    return span_pool_start(BLOCKS) == STATUS_OK ? 0 : 1;
}

static void check_bound(void **state)
{
    (void)begin(state);
    span_queue_configure(10, 4);
    for (int i = 0; i < 10; i++)
        assert_int_not_equal(put(i % 2 ? &producer : NULL), SPAN_QUEUE_FULL);
    assert_int_equal(put(&producer), SPAN_QUEUE_FULL);
    assert_int_equal(put(NULL), SPAN_QUEUE_FULL);
    assert_int_equal(take(), 10);
    assert_int_equal(span_queue_count(), 0);
    assert_int_not_equal(put(&producer), SPAN_QUEUE_FULL);
    assert_int_equal(take(), 1);
}

/* An open chunk has places booked for records to come: they are worth nothing after a close. */
static void check_close(void **state)
{
    (void)begin(state);
    span_queue_configure(100, 4);
    assert_int_not_equal(put(&producer), SPAN_QUEUE_FULL);
    assert_true(span_queue_credit(&producer) > 0);
    span_queue_close();
    assert_int_equal(take(), 1);
    assert_int_equal(span_queue_count(), 0);
    assert_int_equal(put(&producer), SPAN_QUEUE_FULL);
    assert_int_equal(put(NULL), SPAN_QUEUE_FULL);
    assert_int_equal(take(), 0);
    assert_int_equal(span_queue_count(), 0);
    span_queue_configure(100, 4);
    assert_int_not_equal(put(&producer), SPAN_QUEUE_FULL);
    assert_int_equal(take(), 1);
}

static void check_leftovers(void **state)
{
    (void)begin(state);
    span_queue_configure(100, 4);
    for (int i = 0; i < 5; i++)
        assert_int_not_equal(put(NULL), SPAN_QUEUE_FULL);
    span_queue_configure(100, 4);
    assert_int_equal(span_queue_count(), 0);
    assert_int_equal(take(), 0);
    assert_int_equal(span_pool_free_count(), BLOCKS);
}

int main(void)
{
    static struct rows all;
    rows_one(&all, "it takes as many as its bound says", check_bound);
    rows_one(&all, "it takes nothing once it is closed and emptied", check_close);
    rows_one(&all, "it gives back what lies in it when it begins again", check_leftovers);
    return rows_run("span_queue", &all);
}
