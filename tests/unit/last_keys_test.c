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

/* On the wire each byte that is not UTF-8 is '?'. */
static void checks_what_is_sent(void **state)
{
    (void)state;
    static const struct {
        const char *name, *one, *other;
        bool are_one;
    } rows[] = {
        {"it takes two bad bytes for one", "k\xff", "k\xfe", true},
        {"it takes a bad byte for what is sent in its place", "k\xff.a", "k?.a", true},
        {"it takes the bytes of a cut character for two", "k\xe2\x82", "k??", true},
        {"it tells good characters apart", "gr\xc3\xbcn", "gr\xc3\xb6n", false},
        {"it tells a good character from bad bytes", "gr\xc3\xbcn", "gr\xc3\xc3n", false},
        {"it tells what follows a bad byte apart", "k\xff.a", "k\xff.b", false},
        {"it tells lengths apart", "k\xff", "k\xff\xff", false},
        {"it tells plain keys apart", "key.a", "key.b", false},
    };
    static const size_t counts[] = {2, 60};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0] * 2; i++) {
        size_t count = counts[i % 2];
        for (size_t j = 0; j < count; j++)
            set_key(j, (unsigned)j + 1);
        items[0].key = text_of(rows[i / 2].one);
        items[count - 1].key = text_of(rows[i / 2].other);
        struct last_keys last = {items, count, 0};
        if (last_keys_next(&last, 0) == rows[i / 2].are_one)
            fail_msg("%s, of %zu", rows[i / 2].name, count);
    }
}

int main(void)
{
    static struct rows all;
    rows_one(&all, "it says the same as comparing each with each", check_random);
    rows_one(&all, "it holds at the edges of what it looks at together", check_edges);
    rows_one(&all, "it takes keys for one that are sent as one", checks_what_is_sent);
    return rows_run("last_keys", &all);
}
