#include "loadgen/engine/timer_heap.h"

#include "base/rng.h"
#include "tests/unit/rows.h"

enum { MANY = 1000 };

static void check_order(void **state)
{
    (void)state;
    struct timer_heap heap;
    struct rng rng;
    uint64_t sum = 0, taken = 0, last_ns = 0;
    rng_seed(&rng, 3);
    timer_heap_init(&heap, MANY);
    assert_true(timer_heap_next_ns(&heap) == UINT64_MAX);
    for (unsigned i = 0; i < MANY; i++) {
        uint64_t due_ns = rng_below(&rng, 500); /* many are equal */
        sum += due_ns;
        assert_true(timer_heap_push(&heap, due_ns, &sum));
    }
    assert_false(timer_heap_push(&heap, 1, NULL));
    for (unsigned i = 0; i < MANY; i++) {
        uint64_t next_ns = timer_heap_next_ns(&heap);
        struct timer_heap_item item = timer_heap_pop(&heap);
        assert_true(item.due_ns == next_ns && item.due_ns >= last_ns && item.what == &sum);
        last_ns = item.due_ns;
        taken += item.due_ns;
    }
    assert_true(taken == sum && heap.count == 0);
    timer_heap_release(&heap);
    timer_heap_release(&heap);
}

static void check_mixed(void **state)
{
    (void)state;
    struct timer_heap heap;
    int a, b, c;
    timer_heap_init(&heap, 4);
    assert_true(timer_heap_push(&heap, 30, &c));
    assert_true(timer_heap_push(&heap, 10, &a));
    assert_ptr_equal(timer_heap_pop(&heap).what, &a);
    assert_true(timer_heap_push(&heap, 20, &b));
    assert_ptr_equal(timer_heap_pop(&heap).what, &b);
    assert_ptr_equal(timer_heap_pop(&heap).what, &c);
    timer_heap_release(&heap);
}

int main(void)
{
    static struct rows all;
    rows_one(&all, "it gives what was put in by its time, and no more than it may hold",
             check_order);
    rows_one(&all, "it takes more in between", check_mixed);
    return rows_run("timer_heap", &all);
}
