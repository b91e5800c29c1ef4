/* A unit test as a table: each row is a test of its own, named "it ...". The first member of a row
 * is `const char *it`; the check gets the row as its state. One program, one thread. */
#ifndef CULPRIT_TESTS_UNIT_ROWS_H
#define CULPRIT_TESTS_UNIT_ROWS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { ROWS_MAX = 512 };

/* Of `count` seeds of a program with one thread. ThreadSanitizer makes each more than ten times as
 * slow, and what it looks for takes a second thread: a fifth shows that it gets through. */
#ifdef __SANITIZE_THREAD__
#define ROWS_SEEDS(count) ((count) / 5)
#else
#define ROWS_SEEDS(count) (count)
#endif

struct rows {
    struct CMUnitTest tests[ROWS_MAX];
    size_t count;
};

static inline void rows_add(struct rows *all, const void *table, size_t count, size_t row_bytes,
                            CMUnitTestFunction check)
{
    for (size_t i = 0; i < count && all->count < ROWS_MAX; i++) {
        const void *row = (const char *)table + i * row_bytes;
        all->tests[all->count++] = (struct CMUnitTest){.name = *(const char *const *)row,
                                                       .test_func = check,
                                                       .initial_state = (void *)(uintptr_t)row};
    }
}

/* All rows of an array. */
#define ROWS(all, table, check)                                                                    \
    rows_add((all), (table), sizeof(table) / sizeof((table)[0]), sizeof((table)[0]), (check))

/* A test that needs no row; `name` finishes "it ...". */
static inline void rows_one(struct rows *all, const char *name, CMUnitTestFunction check)
{
    if (all->count < ROWS_MAX)
        all->tests[all->count++] = (struct CMUnitTest){.name = name, .test_func = check};
}

static inline int rows_run(const char *group, struct rows *all)
{
    return _cmocka_run_group_tests(group, all->tests, all->count, NULL, NULL);
}

#endif
