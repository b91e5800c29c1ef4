#include "loadgen/load/load_drive.h"

#include "tests/unit/rows.h"

#define RATES(...)                                                                                 \
    {                                                                                              \
        .is_known = true, .arrivals = { __VA_ARGS__ }                                              \
    }
#define USERS(...)                                                                                 \
    {                                                                                              \
        .is_known = true, .users = { __VA_ARGS__ }                                                 \
    }

struct drive_row {
    const char *it;
    struct load_drive before, after;
    const char *says; /* NULL: they are the same */
};

static const struct drive_row drive_rows[] = {
    {"it finds equal arrivals the same", RATES({{10, 5, 5}}, 1), RATES({{10, 5, 5}}, 1), NULL},
    {"it finds equal users the same", USERS(3, 10, 1, 5, 9), USERS(3, 10, 1, 5, 9), NULL},
    {"it tells users from arrivals", USERS(3, 10), RATES({{10, 5, 5}}, 1),
     "users before, arrivals at a rate after"},
    {"it tells arrivals from users", RATES({{10, 5, 5}}, 1), USERS(3, 10),
     "arrivals at a rate before, users after"},
    {"it tells a rate from another", RATES({{10, 100, 100}}, 1), RATES({{10, 200, 200}}, 1),
     "10 s at 100/s before, 10 s at 200/s after"},
    {"it tells a ramp from a constant rate", RATES({{10, 100, 100}}, 1), RATES({{10, 100, 200}}, 1),
     "10 s at 100/s before, 10 s at 100 to 200/s after"},
    {"it names the first stage that differs", RATES({{1, 2, 2}, {3, 4, 4}, {5, 6, 6}}, 3),
     RATES({{1, 2, 2}, {3.5, 4, 4}}, 2), "3 s at 4/s before, 3.5 s at 4/s after"},
    {"it tells a stage more", RATES({{1, 2, 2}, {3, 4, 4}}, 2), RATES({{1, 2, 2}}, 1),
     "2 stages of arrivals before, 1 after"},
    {"it tells even from Poisson arrivals", RATES({{1, 2, 2}}, 1), RATES({{1, 2, 2}}, 1, true),
     "even arrivals before, Poisson after"},
    {"it tells how many users", USERS(3, 10), USERS(4, 10), "users: 3 before, 4 after"},
    {"it tells how long users go on", USERS(3, 10), USERS(3, 9.5),
     "duration: 10 s before, 9.5 s after"},
    {"it tells ramps", USERS(3, 10, 1), USERS(3, 10), "ramp: 1 s before, 0 s after"},
    {"it tells shortest pauses", USERS(3, 10, 0, 1, 5), USERS(3, 10, 0, 2, 5),
     "shortest pause: 1 ms before, 2 ms after"},
    {"it tells longest pauses", USERS(3, 10, 0, 1, 5), USERS(3, 10, 0, 1, 6),
     "longest pause: 5 ms before, 6 ms after"},
};

static void check_drive(void **state)
{
    const struct drive_row *row = *state;
    char words[LOAD_DRIVE_WORDS_MAX] = "";
    assert_int_equal(load_drive_differs(&row->before, &row->after, words), row->says != NULL);
    assert_string_equal(words, row->says != NULL ? row->says : "");
}

int main(void)
{
    static struct rows all;
    ROWS(&all, drive_rows, check_drive);
    return rows_run("load_drive", &all);
}
