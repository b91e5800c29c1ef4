#include "loadgen/engine/due_queue.h"

#include "tests/unit/rows.h"

static void check_order(void **state)
{
    (void)state;
    struct due_queue queue;
    due_queue_init(&queue, sizeof(int), 1000);
    assert_true(due_queue_next_ns(&queue) == UINT64_MAX);
    int next = 0;
    /* grows while its start lies in the middle of the ring */
    for (int i = 0; i < 500; i++) {
        assert_true(due_queue_push(&queue, 1000 + (uint64_t)i, &i));
        if (i % 3 == 0) {
            int got;
            assert_true(due_queue_next_ns(&queue) == 1000 + (uint64_t)next);
            due_queue_pop(&queue, &got);
            assert_int_equal(got, next++);
        }
    }
    while (queue.count > 0) {
        int got;
        due_queue_pop(&queue, &got);
        assert_int_equal(got, next++);
    }
    assert_int_equal(next, 500);
    due_queue_release(&queue);
    due_queue_release(&queue);
}

static void check_full(void **state)
{
    (void)state;
    struct due_queue queue;
    due_queue_init(&queue, sizeof(int), 3);
    int item = 1;
    for (int i = 0; i < 3; i++)
        assert_true(due_queue_push(&queue, 1, &item));
    assert_false(due_queue_push(&queue, 1, &item));
    due_queue_pop(&queue, &item);
    assert_true(due_queue_push(&queue, 2, &item));
    due_queue_release(&queue);
}

int main(void)
{
    static struct rows all;
    rows_one(&all, "it gives items back in order while it grows", check_order);
    rows_one(&all, "it refuses what is over its maximum", check_full);
    return rows_run("due_queue", &all);
}
