#include "base/hex.h"

#include <string.h>

#include "tests/unit/guard.h"
#include "tests/unit/rows.h"

static void check_round_trip(void **state)
{
    (void)state;
    uint8_t bytes[256], again[256];
    char text[513];
    for (unsigned i = 0; i < 256; i++)
        bytes[i] = (uint8_t)i;
    memset(text, 'Z', sizeof(text));
    hex_encode(bytes, 256, text);
    assert_int_equal(text[512], 'Z');
    assert_memory_equal(text, "000102", 6);
    assert_memory_equal(text + 506, "fdfeff", 6);
    assert_true(hex_decode(text, 256, false, again));
    assert_memory_equal(bytes, again, 256);
}

struct row {
    const char *it, *text;
    bool any_case, good;
};

static const struct row rows[] = {
    {"it reads lower case", "0a", false, true},
    {"it refuses upper case", "0A", false, false},
    {"it reads upper case when told", "Af", true, true},
    {"it refuses a wrong first digit", "g0", true, false},
    {"it refuses a wrong second digit", "0g", true, false},
    {"it refuses a sign", "-1", true, false},
    {"it refuses what is below '0'", "0/", true, false},
    {"it refuses what is behind '9'", "0:", true, false},
    {"it refuses '@'", "@0", true, false},
    {"it refuses '`'", "`0", true, false},
};

static void check_decode(void **state)
{
    const struct row *row = *state;
    uint8_t out;
    struct guard guard = guard_copy(row->text, 2);
    assert_int_equal(hex_decode((const char *)guard.bytes, 1, row->any_case, &out), row->good);
    guard_release(&guard);
}

/* Every byte, against the list of digits. */
static void check_all_bytes(void **state)
{
    (void)state;
    for (int i = 1; i < 256; i++) {
        const char text[] = {'0', (char)i};
        uint8_t out;
        assert_int_equal(hex_decode(text, 1, false, &out), strchr("0123456789abcdef", i) != NULL);
        assert_int_equal(hex_decode(text, 1, true, &out),
                         strchr("0123456789abcdefABCDEF", i) != NULL);
    }
}

int main(void)
{
    static struct rows all;
    rows_one(&all, "it reads what it wrote", check_round_trip);
    ROWS(&all, rows, check_decode);
    rows_one(&all, "it knows the digits among all bytes", check_all_bytes);
    return rows_run("hex", &all);
}
