#include "loadgen/load/load_examples.h"

#include <string.h>

#include "tests/unit/rows.h"

enum { SAMPLES_MAX = 8 };

/* Each sample is a letter, its trace, and a digit, its latency: a capital letter failed, a dot has
 * no trace. */
struct row {
    const char *it;
    const char *first, *second; /* the second ones are merged in */
    const char *slowest, *failed;
};

static const struct row rows[] = {
    {"it keeps nothing of nothing", "", "", "", ""},
    {"it keeps the slowest, slowest first", "a1 b5 c3 d2 e4", "", "bec", ""},
    {"it keeps fewer than it could", "a1 b5", "", "ba", ""},
    {"it keeps the first of equals", "a5 b5 c5 d5", "", "abc", ""},
    {"it keeps the first that failed", "a1 B2 c3 D1 E9 F1", "", "EcB", "BDE"},
    {"it leaves out what has no trace", ".9 a1", "", "a", ""},
    {"it ranks those of two loops together", "a1 b5 C2", "d3 e9 F4", "ebF", "CF"},
    {"it merges into nothing", "", "d3 E9", "Ed", "E"},
};

static void add_all(struct load_examples *examples, const char *text)
{
    for (; *text; text += strlen(text) > 2 ? 3 : 2) {
        struct load_sample sample = {.outcome =
                                         *text >= 'A' && *text <= 'Z' ? LOAD_STATUS : LOAD_OK,
                                     .due_ns = 100,
                                     .done_ns = 100 + (uint64_t)(text[1] - '0')};
        sample.trace_id[3] = *text == '.' ? 0 : (uint8_t)*text;
        load_examples_add(examples, &sample);
    }
}

static void expect(const struct load_example *kept, size_t count, const char *letters)
{
    char told[LOAD_EXAMPLES_MAX + 1] = "";
    for (size_t i = 0; i < count; i++)
        told[i] = (char)kept[i].trace_id[3];
    assert_string_equal(told, letters);
}

static void check(void **state)
{
    const struct row *row = *state;
    struct load_examples first = {0}, second = {0};
    add_all(&first, row->first);
    add_all(&second, row->second);
    load_examples_merge(&first, &second);
    expect(first.slowest, first.slow_count, row->slowest);
    expect(first.failed, first.failed_count, row->failed);
}

int main(void)
{
    static struct rows all;
    ROWS(&all, rows, check);
    return rows_run("load_examples", &all);
}
