#include "base/map.h"

#include <string.h>

#include "base/rng.h"
#include "tests/unit/rows.h"

enum { KEYS = 2000, STEPS = 200000 };

static void check_empty(void **state)
{
    (void)state;
    struct map map;
    size_t cursor = 0;
    map_init(&map, 10);
    assert_null(map_find(&map, "a", 1));
    assert_false(map_remove(&map, "a", 1));
    assert_null(map_next(&map, &cursor));
    map_clear(&map);
    map_release(&map);
    map_release(&map);
}

static void check_put(void **state)
{
    (void)state;
    struct map map;
    bool added = false;
    map_init(&map, 10);
    uint64_t *value = map_put(&map, "ab", 2, &added);
    assert_true(value && added && *value == 0);
    *value = 7;
    value = map_put(&map, "ab", 2, &added);
    assert_true(value && !added && *value == 7);
    assert_null(map_find(&map, "a", 1)); /* a beginning is another key */
    assert_null(map_find(&map, "abc", 3));
    value = map_put(&map, NULL, 0, NULL); /* no bytes are a key too */
    assert_non_null(value);
    *value = 8;
    assert_true(*map_find(&map, "", 0) == 8 && map.count == 2);
    assert_true(map_remove(&map, NULL, 0));
    assert_null(map_find(&map, "", 0));
    assert_true(*map_find(&map, "ab", 2) == 7);
    map_clear(&map);
    assert_true(map.count == 0 && !map_find(&map, "ab", 2));
    map_release(&map);
}

static void check_max(void **state)
{
    (void)state;
    static uint32_t keys[101];
    struct map map;
    map_init(&map, 100);
    for (uint32_t i = 0; i < 100; i++) {
        keys[i] = i;
        assert_non_null(map_put(&map, &keys[i], sizeof(keys[i]), NULL));
    }
    keys[100] = 100;
    bool added = true;
    assert_null(map_put(&map, &keys[100], sizeof(keys[100]), &added));
    assert_false(added);
    assert_non_null(map_put(&map, &keys[50], sizeof(keys[50]), &added)); /* is there already */
    assert_false(added);
    assert_true(map_remove(&map, &keys[50], sizeof(keys[50])));
    assert_non_null(map_put(&map, &keys[100], sizeof(keys[100]), &added));
    assert_true(added && map.count == 100);
    map_release(&map);
}

/* Every key's answer, and the walk, must be what a plain array says. */
static void compare(const struct map *map, const uint64_t *keys, const uint64_t *model)
{
    size_t expected = 0, walked = 0, cursor = 0;
    for (size_t i = 0; i < KEYS; i++) {
        const uint64_t *value = map_find(map, &keys[i], sizeof(keys[i]));
        assert_true(value ? *value == model[i] : model[i] == 0);
        expected += model[i] != 0;
    }
    for (const struct map_entry *entry; (entry = map_next(map, &cursor)); walked++) {
        uint64_t key;
        memcpy(&key, entry->key, sizeof(key));
        assert_true(entry->key_bytes == sizeof(key) && entry->value == model[key]);
    }
    assert_true(walked == expected && map->count == expected);
    assert_true(map->count <= map->capacity / 8 * 7);
}

/* Removal moves entries about: a long random life beside an array finds what it loses. */
static void check_model(void **state)
{
    (void)state;
    static uint64_t keys[KEYS], model[KEYS];
    struct map map;
    struct rng rng;
    map_init(&map, KEYS);
    rng_seed(&rng, 5);
    for (size_t i = 0; i < KEYS; i++)
        keys[i] = i;
    for (size_t step = 1; step <= STEPS; step++) {
        /* Few keys at first, so that removal runs through crowded tables of each size. */
        const size_t at = rng_below(&rng, 1 + KEYS * step / STEPS) % KEYS;
        if (rng_below(&rng, 2)) {
            uint64_t *value = map_put(&map, &keys[at], sizeof(keys[at]), NULL);
            assert_true(value && *value == model[at]);
            *value = model[at] = step;
        } else {
            assert_int_equal(map_remove(&map, &keys[at], sizeof(keys[at])), model[at] != 0);
            model[at] = 0;
        }
        if (step % 5000 == 0)
            compare(&map, keys, model);
    }
    map_release(&map);
}

int main(void)
{
    static struct rows all;
    rows_one(&all, "it is good while empty", check_empty);
    rows_one(&all, "it finds what was put", check_put);
    rows_one(&all, "it holds its maximum and no more", check_max);
    rows_one(&all, "it agrees with an array over a long life", check_model);
    return rows_run("map", &all);
}
