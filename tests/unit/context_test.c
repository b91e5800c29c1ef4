/* Validity, and what is current on a thread. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>

#include "trace/context.h"

static void knows_valid_contexts(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct span_context context;
        bool valid, sampled;
    } rows[] = {
        {"it refuses the empty one", {{{0}}, {{0}}, 0, false, false, {NULL, 0}}, false, false},
        {"it needs a trace id", {{{0}}, {{1}}, 1, false, false, {NULL, 0}}, false, true},
        {"it needs a span id", {{{1}}, {{0}}, 0, false, false, {NULL, 0}}, false, false},
        {"it takes both", {{{1}}, {{1}}, 3, false, false, {NULL, 0}}, true, true},
        {"it tells random from sampled", {{{1}}, {{1}}, 2, false, false, {NULL, 0}}, true, false},
        {"it looks at the last bytes too",
         {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}},
          {{0, 0, 0, 0, 0, 0, 0, 1}},
          0,
          false,
          false,
          {NULL, 0}},
         true,
         false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (span_context_is_valid(&rows[i].context) != rows[i].valid ||
            span_context_is_sampled(&rows[i].context) != rows[i].sampled)
            fail_msg("%s", rows[i].name);
}

static void *see_current(void *into)
{
    *(struct context *)into = context_current();
    return NULL;
}

static void attaches_on_one_thread(void **state)
{
    (void)state;
    struct span *first = (struct span *)(uintptr_t)16, *second = (struct span *)(uintptr_t)32;
    struct baggage baggage = {0};
    struct context seen = {first, &baggage};
    pthread_t thread;
    assert_null(context_current().span);
    struct context before = context_attach((struct context){first, &baggage});
    assert_null(before.span);
    struct context outer = context_attach((struct context){second, NULL});
    assert_ptr_equal(outer.span, first);
    assert_ptr_equal(outer.baggage, &baggage);
    assert_ptr_equal(context_current().span, second);
    assert_int_equal(pthread_create(&thread, NULL, see_current, &seen), 0);
    pthread_join(thread, NULL);
    assert_null(seen.span); /* another thread has its own */
    assert_null(seen.baggage);
    context_attach(outer);
    assert_ptr_equal(context_current().baggage, &baggage);
    context_attach(before);
    assert_null(context_current().span);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_valid_contexts),
        cmocka_unit_test(attaches_on_one_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
