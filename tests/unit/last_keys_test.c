/* Which attributes of a list count, beside what comparing each with each says. */
#include "rows.h"

#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "trace/last_keys.h"

enum { ITEMS = 2000, TRIES = 200 };

static struct attribute items[ITEMS];
static char keys[ITEMS][16];

static bool is_last(size_t count, size_t at)
{
    for (size_t i = at + 1; i < count; i++)
        if (text_equal(items[i].key, items[at].key))
            return false;
    return items[at].key.length > 0;
}

static void check(size_t count)
{
    struct last_keys last = {items, count, 0};
    for (size_t i = 0; i < count; i++)
        if (last_keys_next(&last, i) != is_last(count, i))
            fail_msg("item %zu of %zu", i, count);
}

static void set_key(size_t at, unsigned number)
{
    (void)snprintf(keys[at], sizeof keys[at], "key.%u", number);
    items[at].key = number > 0 ? text_of(keys[at]) : (struct text){NULL, 0};
}

static void check_random(void **state)
{
    (void)state;
    struct rng rng;
    rng_seed(&rng, 7);
    for (int i = 0; i < TRIES; i++) {
        size_t count = rng_next(&rng) % (i % 4 ? 200 : ITEMS);
        unsigned different = 1 + (unsigned)(rng_next(&rng) % (i % 3 ? 100 : 2 * ITEMS));
        for (size_t j = 0; j < count; j++)
            set_key(j, (unsigned)(rng_next(&rng) % different));
        check(count);
    }
}

static void check_edges(void **state)
{
    (void)state;
    static const size_t counts[] = {0, 1, 2, 15, 16, 17, 63, 64, 65, 127, 128, 129};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        for (size_t j = 0; j < counts[i]; j++)
            set_key(j, (unsigned)j + 1);
        check(counts[i]);
        for (size_t j = 0; j < counts[i]; j++)
            set_key(j, 1);
        check(counts[i]);
        for (size_t j = 0; j < counts[i]; j++)
            set_key(j, 0);
        check(counts[i]);
    }
}

int main(void)
{
    static struct rows all;
    rows_one(&all, "it says the same as comparing each with each", check_random);
    rows_one(&all, "it holds at the edges of what it looks at together", check_edges);
    return rows_run("last_keys", &all);
}
