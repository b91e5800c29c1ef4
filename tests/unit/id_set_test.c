#include "loadgen/base/id_set.h"

#include <string.h>

#include "tests/unit/rows.h"

static void id_of(uint32_t number, uint8_t id[16])
{
    memset(id, 0, 16);
    memcpy(id + 6, &number, sizeof number);
}

static void check_many(void **state)
{
    (void)state;
    struct id_set set;
    uint8_t id[16];
    id_set_init(&set, 100000);
    for (uint32_t i = 0; i < 5000; i += 2) {
        id_of(i, id);
        id_set_add(&set, id);
        id_set_add(&set, id);
    }
    assert_int_equal(set.map.count, 2500);
    for (uint32_t i = 0; i < 5000; i++) {
        id_of(i, id);
        assert_int_equal(id_set_has(&set, id), i % 2 == 0);
    }
    id_set_release(&set);
    id_set_release(&set);
}

static void check_full(void **state)
{
    (void)state;
    struct id_set set;
    uint8_t id[16];
    id_set_init(&set, 2);
    for (uint32_t i = 0; i < 4; i++) {
        id_of(i, id);
        id_set_add(&set, id);
        assert_int_equal(id_set_has(&set, id), i < 2);
    }
    id_set_release(&set);
}

int main(void)
{
    static struct rows all;
    rows_one(&all, "it knows what was added, and nothing else", check_many);
    rows_one(&all, "it does not remember what is over its maximum", check_full);
    return rows_run("id_set", &all);
}
