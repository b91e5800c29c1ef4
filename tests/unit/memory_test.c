#include "loadgen/base/memory.h"

#include <unistd.h>

#include "tests/unit/rows.h"

static void check_own(void **state)
{
    (void)state;
    struct memory memory = memory_of(getpid());
    assert_true(memory.pss_kib > 0);
    assert_true(memory.pss_kib <= memory.rss_kib);
    assert_true(memory.rss_kib < 4ull * 1024 * 1024);
}

static void check_nobody(void **state)
{
    (void)state;
    struct memory memory = memory_of(-1);
    assert_int_equal(memory.rss_kib, 0);
    assert_int_equal(memory.pss_kib, 0);
}

static void check_peak(void **state)
{
    (void)state;
    uint64_t now_kib = memory_of(getpid()).rss_kib; /* first: reading it may take memory itself */
    uint64_t peak_kib = memory_peak_kib();
    assert_true(peak_kib > 0 && peak_kib < 4ull * 1024 * 1024);
    assert_true(peak_kib >= now_kib);
}

int main(void)
{
    static struct rows all;
    rows_one(&all, "it reads a process's memory", check_own);
    rows_one(&all, "it gives zeros where nobody is", check_nobody);
    rows_one(&all, "it knows the most that there was", check_peak);
    return rows_run("memory", &all);
}
