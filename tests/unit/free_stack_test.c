/* The stack of free things: order, exhaustion, and no thing with two owners. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <pthread.h>

#include "trace/free_stack.h"

enum { THINGS = 8, THREADS = 4, ROUNDS = 20000 };

static _Atomic uint32_t links[THINGS];
static struct free_stack stack;

static void hands_out_the_last_returned_first(void **state)
{
    (void)state;
    uint32_t index;
    free_stack_fill(&stack, links, THINGS);
    assert_int_equal(free_stack_count(&stack), THINGS);
    for (uint32_t i = 0; i < THINGS; i++) {
        assert_true(free_stack_pop(&stack, &index));
        assert_int_equal(index, i);
    }
    assert_false(free_stack_pop(&stack, &index));
    free_stack_push(&stack, 5);
    free_stack_push(&stack, 2);
    assert_int_equal(free_stack_count(&stack), 2);
    assert_true(free_stack_pop(&stack, &index));
    assert_int_equal(index, 2);
    assert_true(free_stack_pop(&stack, &index));
    assert_int_equal(index, 5);
    assert_false(free_stack_pop(&stack, &index));
}

/* Plain memory: ThreadSanitizer sees where two hold one thing, or where one does not see what the
 * owner before wrote. */
static uint64_t owners[THINGS];

static void *take_and_return(void *wrong)
{
    for (int i = 0; i < ROUNDS; i++) {
        uint32_t held[3], count = 0;
        while (count < 1u + (unsigned)i % 3 && free_stack_pop(&stack, &held[count]))
            count++;
        for (uint32_t j = 0; j < count; j++)
            if (++owners[held[j]] % 2 != 1)
                atomic_fetch_add((_Atomic unsigned *)wrong, 1);
        for (uint32_t j = 0; j < count; j++) {
            owners[held[j]]++;
            free_stack_push(&stack, held[j]);
        }
    }
    return NULL;
}

static void gives_a_thing_to_one_thread_at_a_time(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    _Atomic unsigned wrong = 0;
    free_stack_fill(&stack, links, THINGS);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, take_and_return, &wrong), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&wrong), 0);
    assert_int_equal(free_stack_count(&stack), THINGS);
    unsigned seen = 0;
    uint32_t index;
    while (free_stack_pop(&stack, &index))
        seen |= 1u << index;
    assert_int_equal(seen, (1u << THINGS) - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hands_out_the_last_returned_first),
        cmocka_unit_test(gives_a_thing_to_one_thread_at_a_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
