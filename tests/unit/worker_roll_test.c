#include "loadgen/load/worker_roll.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "loadgen/workers/worker_clock.h"
#include "tests/unit/rows.h"

#define SECOND NS_PER_S
#define BEGIN  (1000 * NS_PER_S)

static const struct worker_roll_limits usual = {
    .worker_count = 2,
    .gather_ns = 60 * SECOND,
    .silence_ns = 10 * SECOND,
    .lead_ns = SECOND,
};

static struct worker_roll roll; /* too large for a stack */

/* ---- scripts: what happens, second by second */

enum act { END, JOIN, SAY, TICK, STOP, GIVE_UP, NEXT };

struct event {
    double at_s;
    enum act act;
    unsigned who; /* an instance, and the seat that it has */
    enum worker_state state;
    int number;
};

struct row {
    const char *it;
    struct event events[20];
    enum worker_state ends[2];
    enum worker_order orders[2];
    bool is_over, was_started;
};

#define BOTH_READY                                                                                 \
    {0, JOIN, 0, 0, 0}, {0, JOIN, 1, 0, 0}, {1, SAY, 0, WORKER_READY, 1},                          \
    {                                                                                              \
        2, SAY, 1, WORKER_READY, 1                                                                 \
    }

#define BOTH_DONE                                                                                  \
    BOTH_READY, {2, TICK, 0, 0, 0}, {40, SAY, 0, WORKER_DONE, 2}, {40.4, SAY, 1, WORKER_DONE, 2},  \
    {                                                                                              \
        40.4, TICK, 0, 0, 0                                                                        \
    }

static const struct row rows[] = {
    {"it waits while one is missing",
     {{0, JOIN, 0, 0, 0}, {1, SAY, 0, WORKER_READY, 1}, {2, TICK, 0, 0, 0}},
     {WORKER_READY, WORKER_FREE},
     {WORKER_ORDER_WAIT, WORKER_ORDER_LEAVE},
     false,
     false},
    {"it waits while one prepares",
     {{0, JOIN, 0, 0, 0}, {0, JOIN, 1, 0, 0}, {1, SAY, 0, WORKER_READY, 1}, {2, TICK, 0, 0, 0}},
     {WORKER_READY, WORKER_PREPARING},
     {WORKER_ORDER_WAIT, WORKER_ORDER_WAIT},
     false,
     false},
    {"it starts when all are ready",
     {BOTH_READY, {2, TICK, 0, 0, 0}},
     {WORKER_READY, WORKER_READY},
     {WORKER_ORDER_START, WORKER_ORDER_START},
     false,
     true},
    {"it tells who runs to go on",
     {BOTH_READY, {2, TICK, 0, 0, 0}, {4, SAY, 0, WORKER_RUNNING, 2}, {4, TICK, 0, 0, 0}},
     {WORKER_RUNNING, WORKER_READY},
     {WORKER_ORDER_GO_ON, WORKER_ORDER_START},
     false,
     true},
    {"it is over when all are done",
     {BOTH_READY,
      {2, TICK, 0, 0, 0},
      {40, SAY, 0, WORKER_DONE, 2},
      {40, SAY, 1, WORKER_DONE, 2},
      {40, TICK, 0, 0, 0}},
     {WORKER_DONE, WORKER_DONE},
     {WORKER_ORDER_LEAVE, WORKER_ORDER_LEAVE},
     true,
     true},
    {"it loses one that falls silent, and the other goes on",
     {BOTH_READY,
      {2, TICK, 0, 0, 0},
      {4, SAY, 0, WORKER_RUNNING, 2},
      {4, SAY, 1, WORKER_RUNNING, 2},
      {12, SAY, 0, WORKER_RUNNING, 3},
      {14.1, TICK, 0, 0, 0}},
     {WORKER_RUNNING, WORKER_LOST},
     {WORKER_ORDER_GO_ON, WORKER_ORDER_GO_ON},
     false,
     true},
    {"it does not lose one at the very deadline",
     {BOTH_READY,
      {2, TICK, 0, 0, 0},
      {4, SAY, 0, WORKER_RUNNING, 2},
      {4, SAY, 1, WORKER_RUNNING, 2},
      {14, TICK, 0, 0, 0}},
     {WORKER_RUNNING, WORKER_RUNNING},
     {WORKER_ORDER_GO_ON, WORKER_ORDER_GO_ON},
     false,
     true},
    {"it takes one back that is heard again",
     {BOTH_READY,
      {2, TICK, 0, 0, 0},
      {4, SAY, 0, WORKER_RUNNING, 2},
      {12, SAY, 0, WORKER_RUNNING, 3},
      {14.1, TICK, 0, 0, 0},
      {15, SAY, 1, WORKER_RUNNING, 2},
      {15, TICK, 0, 0, 0}},
     {WORKER_RUNNING, WORKER_RUNNING},
     {WORKER_ORDER_GO_ON, WORKER_ORDER_GO_ON},
     false,
     true},
    {"it is over when the one that is left is done",
     {BOTH_READY,
      {2, TICK, 0, 0, 0},
      {10, SAY, 0, WORKER_RUNNING, 2},
      {13, TICK, 0, 0, 0},
      {20, SAY, 0, WORKER_DONE, 3},
      {20, TICK, 0, 0, 0}},
     {WORKER_DONE, WORKER_LOST},
     {WORKER_ORDER_LEAVE, WORKER_ORDER_LEAVE},
     true,
     true},
    {"it is over when all are lost",
     {BOTH_READY, {2, TICK, 0, 0, 0}, {13, TICK, 0, 0, 0}},
     {WORKER_LOST, WORKER_LOST},
     {WORKER_ORDER_LEAVE, WORKER_ORDER_LEAVE},
     true,
     true},
    {"it ends in any case when the time of the run is up",
     {BOTH_READY,
      {2, TICK, 0, 0, 0},
      {12, SAY, 0, WORKER_RUNNING, 2},
      {22, SAY, 0, WORKER_RUNNING, 3},
      {32, SAY, 0, WORKER_RUNNING, 4},
      {42, SAY, 0, WORKER_RUNNING, 5},
      {48, SAY, 0, WORKER_RUNNING, 6},
      {48, TICK, 0, 0, 0}},
     {WORKER_LOST, WORKER_LOST},
     {WORKER_ORDER_LEAVE, WORKER_ORDER_LEAVE},
     true,
     true},
    {"it counts an older report for nothing",
     {BOTH_READY,
      {2, TICK, 0, 0, 0},
      {4, SAY, 0, WORKER_DONE, 9},
      {5, SAY, 0, WORKER_RUNNING, 8},
      {5, TICK, 0, 0, 0}},
     {WORKER_DONE, WORKER_READY},
     {WORKER_ORDER_LEAVE, WORKER_ORDER_START},
     false,
     true},
    {"it counts what is said twice once",
     {BOTH_READY, {2, TICK, 0, 0, 0}, {3, SAY, 0, WORKER_RUNNING, 1}, {3, TICK, 0, 0, 0}},
     {WORKER_READY, WORKER_READY},
     {WORKER_ORDER_START, WORKER_ORDER_START},
     false,
     true},
    {"it lets nobody run before the start",
     {{0, JOIN, 0, 0, 0}, {1, SAY, 0, WORKER_RUNNING, 1}, {1, TICK, 0, 0, 0}},
     {WORKER_PREPARING, WORKER_FREE},
     {WORKER_ORDER_WAIT, WORKER_ORDER_LEAVE},
     false,
     false},
    {"it frees the seat of one that falls silent before the start",
     {{0, JOIN, 0, 0, 0}, {0, JOIN, 1, 0, 0}, {9, SAY, 0, WORKER_READY, 1}, {10.1, TICK, 0, 0, 0}},
     {WORKER_READY, WORKER_FREE},
     {WORKER_ORDER_WAIT, WORKER_ORDER_LEAVE},
     false,
     false},
    {"it frees the seat of one that is interrupted before the start",
     {{0, JOIN, 0, 0, 0},
      {0, JOIN, 1, 0, 0},
      {1, SAY, 1, WORKER_INTERRUPTED, 1},
      {1, TICK, 0, 0, 0}},
     {WORKER_PREPARING, WORKER_FREE},
     {WORKER_ORDER_WAIT, WORKER_ORDER_LEAVE},
     false,
     false},
    {"it ends where one cannot do it",
     {{0, JOIN, 0, 0, 0}, {0, JOIN, 1, 0, 0}, {1, SAY, 1, WORKER_FAILED, 1}, {1, TICK, 0, 0, 0}},
     {WORKER_PREPARING, WORKER_FAILED},
     {WORKER_ORDER_LEAVE, WORKER_ORDER_LEAVE},
     true,
     false},
    {"it ends where not all come in time",
     {{0, JOIN, 0, 0, 0}, {55, SAY, 0, WORKER_READY, 1}, {60, TICK, 0, 0, 0}},
     {WORKER_READY, WORKER_FREE},
     {WORKER_ORDER_LEAVE, WORKER_ORDER_LEAVE},
     true,
     false},
    {"it stops in good order",
     {BOTH_READY,
      {2, TICK, 0, 0, 0},
      {4, SAY, 0, WORKER_RUNNING, 2},
      {5, SAY, 1, WORKER_DONE, 2},
      {5, STOP, 0, 0, 0},
      {5, TICK, 0, 0, 0}},
     {WORKER_RUNNING, WORKER_DONE},
     {WORKER_ORDER_STOP, WORKER_ORDER_LEAVE},
     false,
     true},
    {"it waits no longer than the grace time behind a stop",
     {BOTH_READY,
      {2, TICK, 0, 0, 0},
      {5, STOP, 0, 0, 0},
      {10, SAY, 0, WORKER_RUNNING, 2},
      {19, SAY, 0, WORKER_RUNNING, 3},
      {20, TICK, 0, 0, 0}},
     {WORKER_LOST, WORKER_LOST},
     {WORKER_ORDER_LEAVE, WORKER_ORDER_LEAVE},
     true,
     true},
    {"it is over at once where it is stopped before the start",
     {{0, JOIN, 0, 0, 0}, {5, STOP, 0, 0, 0}},
     {WORKER_PREPARING, WORKER_FREE},
     {WORKER_ORDER_LEAVE, WORKER_ORDER_LEAVE},
     true,
     false},
    {"it begins a next round with those who were done",
     {BOTH_DONE, {50, NEXT, 0, 0, 0}, {50, TICK, 0, 0, 0}},
     {WORKER_PREPARING, WORKER_PREPARING},
     {WORKER_ORDER_WAIT, WORKER_ORDER_WAIT},
     false,
     false},
    {"it starts a next round when all are ready again",
     {BOTH_DONE,
      {49, SAY, 0, WORKER_READY, 3},
      {50, NEXT, 0, 0, 0},
      {51, SAY, 0, WORKER_READY, 4},
      {51, SAY, 1, WORKER_READY, 4},
      {51, TICK, 0, 0, 0}},
     {WORKER_READY, WORKER_READY},
     {WORKER_ORDER_START, WORKER_ORDER_START},
     false,
     true},
    {"it loses one that falls silent between two rounds, and is over",
     {BOTH_DONE, {50, NEXT, 0, 0, 0}, {50.5, SAY, 0, WORKER_READY, 3}, {50.6, TICK, 0, 0, 0}},
     {WORKER_READY, WORKER_LOST},
     {WORKER_ORDER_LEAVE, WORKER_ORDER_LEAVE},
     true,
     false},
    {"it is over where one leaves between two rounds",
     {BOTH_DONE,
      {48, SAY, 1, WORKER_INTERRUPTED, 3},
      {49, SAY, 0, WORKER_PREPARING, 3},
      {50, NEXT, 0, 0, 0},
      {50, TICK, 0, 0, 0}},
     {WORKER_PREPARING, WORKER_INTERRUPTED},
     {WORKER_ORDER_LEAVE, WORKER_ORDER_LEAVE},
     true,
     false},
    {"it tells everybody to give up",
     {BOTH_READY, {2, TICK, 0, 0, 0}, {4, SAY, 0, WORKER_RUNNING, 2}, {5, GIVE_UP, 0, 0, 0}},
     {WORKER_RUNNING, WORKER_READY},
     {WORKER_ORDER_GIVE_UP, WORKER_ORDER_GIVE_UP},
     false,
     true},
};

static struct worker_name name_of(unsigned who)
{
    struct worker_name name = {.host = "h", .pid = who};
    (void)snprintf(name.instance, sizeof(name.instance), "%016x", who);
    return name;
}

static void next(uint64_t now_ns)
{
    worker_roll_next(&roll, 30 * SECOND, 5 * SECOND, now_ns);
}

static void begin(void)
{
    worker_roll_init(&roll, &usual);
    next(BEGIN);
}

static void play(const struct event *event)
{
    uint64_t now_ns = BEGIN + (uint64_t)(event->at_s * 1e9);
    const struct worker_name name = name_of(event->who);
    size_t seat = 99;
    if (event->act == JOIN) {
        assert_int_equal(worker_roll_join(&roll, &name, now_ns, &seat), STATUS_OK);
        assert_int_equal(seat, event->who);
    } else if (event->act == SAY) {
        assert_true(worker_roll_hear(&roll, event->who, name.instance, now_ns));
        (void)worker_roll_report(&roll, event->who, (uint64_t)event->number, event->state, "");
    } else if (event->act == NEXT) {
        next(now_ns);
    } else if (event->act == STOP) {
        worker_roll_stop(&roll, now_ns);
    } else if (event->act == GIVE_UP) {
        worker_roll_give_up(&roll, now_ns);
    } else {
        worker_roll_tick(&roll, now_ns);
    }
}

static void check_row(void **state)
{
    const struct row *row = *state;
    begin();
    for (const struct event *event = row->events; event->act != END; event++)
        play(event);
    for (size_t i = 0; i < 2; i++) {
        assert_string_equal(worker_roll_state_words(roll.seats[i].state),
                            worker_roll_state_words(row->ends[i]));
        assert_string_equal(worker_roll_order_words(worker_roll_order(&roll, i)),
                            worker_roll_order_words(row->orders[i]));
    }
    assert_int_equal(roll.is_over, row->is_over);
    assert_int_equal(roll.start_ns != 0, row->was_started);
}

/* ---- joining */

static void check_same_seat(void **state)
{
    (void)state;
    size_t seat = 9;
    const struct worker_name first = name_of(7), second = name_of(8);
    begin();
    for (int i = 0; i < 2; i++) {
        assert_int_equal(worker_roll_join(&roll, &first, BEGIN, &seat), STATUS_OK);
        assert_int_equal(seat, 0);
    }
    assert_int_equal(worker_roll_join(&roll, &second, BEGIN, &seat), STATUS_OK);
    assert_int_equal(seat, 1);
}

static void check_full(void **state)
{
    (void)state;
    size_t seat = 9;
    const struct worker_name names[] = {name_of(7), name_of(8), name_of(9)};
    begin();
    assert_int_equal(worker_roll_join(&roll, &names[0], BEGIN, &seat), STATUS_OK);
    assert_int_equal(worker_roll_join(&roll, &names[1], BEGIN, &seat), STATUS_OK);
    assert_int_equal(worker_roll_join(&roll, &names[2], BEGIN, &seat), STATUS_EXISTS);
    assert_false(worker_roll_hear(&roll, 0, names[2].instance, BEGIN));
    assert_false(worker_roll_hear(&roll, 2, names[2].instance, BEGIN));
    assert_false(worker_roll_hear(&roll, 0, "", BEGIN));
}

static void check_late_joiner(void **state)
{
    (void)state;
    size_t seat = 9;
    const struct worker_name late = name_of(3), first = name_of(0);
    begin();
    for (const struct event *event = rows[2].events; event->act != END; event++)
        play(event);
    assert_int_equal(roll.start_ns, BEGIN + 3 * SECOND);
    assert_int_equal(worker_roll_join(&roll, &late, BEGIN + 3 * SECOND, &seat), STATUS_CLOSED);
    assert_int_equal(worker_roll_join(&roll, &first, BEGIN + 3 * SECOND, &seat), STATUS_OK);
    assert_int_equal(seat, 0);
}

static void check_early_joiner(void **state)
{
    (void)state;
    size_t seat = 9;
    const struct worker_name first = name_of(0), late = name_of(3);
    worker_roll_init(&roll, &usual);
    assert_int_equal(worker_roll_join(&roll, &first, BEGIN, &seat), STATUS_OK);
    worker_roll_tick(&roll, BEGIN + 100 * SECOND);
    assert_int_equal(worker_roll_order(&roll, 0), WORKER_ORDER_WAIT);
    next(BEGIN + 5 * SECOND);
    assert_int_equal(roll.seats[0].state, WORKER_PREPARING);
    next(BEGIN + 6 * SECOND); /* not before the first is over, but for this: */
    assert_int_equal(worker_roll_join(&roll, &late, BEGIN + 7 * SECOND, &seat), STATUS_CLOSED);
}

static void check_freed_seat(void **state)
{
    (void)state;
    size_t seat = 9;
    const struct worker_name first = name_of(0), other = name_of(3);
    begin();
    assert_int_equal(worker_roll_join(&roll, &first, BEGIN, &seat), STATUS_OK);
    worker_roll_tick(&roll, BEGIN + 11 * SECOND);
    assert_false(worker_roll_hear(&roll, 0, first.instance, BEGIN + 11 * SECOND));
    assert_int_equal(worker_roll_join(&roll, &other, BEGIN + 11 * SECOND, &seat), STATUS_OK);
    assert_int_equal(seat, 0);
}

/* ---- clocks */

struct clock_row {
    const char *it;
    uint64_t asked_ns[3], theirs_ns[3], answered_ns[3];
    uint64_t theirs_then_ns, expected_ns, error_ns;
};

static const struct clock_row clock_rows[] = {
    {"it halves the trip", {1000}, {501000}, {1200}, 501500, 1600, 100},
    {"it believes the quickest exchange",
     {1000, 5000, 9000},
     {509000, 505050, 519000},
     {9000, 5100, 29000},
     505150,
     5150,
     50},
    {"it takes a clock far ahead", {1000}, {1u << 30}, {1000}, (1u << 30) + 500, 1500, 0},
    {"it takes a clock far behind", {1u << 30}, {1000}, {1u << 30}, 1500, (1u << 30) + 500, 0},
    {"it takes a time that is past", {1000}, {501000}, {1000}, 500500, 500, 0},
    {"it stays above zero", {1000}, {501000}, {1000}, 1, 0, 0},
    {"it stays below the top", {2}, {1}, {2}, UINT64_MAX, UINT64_MAX, 0},
    {"it takes an answer that came before the question", {1000}, {501000}, {900}, 501000, 1000, 0},
};

static void check_clock(void **state)
{
    const struct clock_row *row = *state;
    struct worker_clock clock = {0};
    for (size_t i = 0; i < 3 && row->asked_ns[i] != 0; i++)
        worker_clock_add(&clock, row->asked_ns[i], row->theirs_ns[i], row->answered_ns[i]);
    assert_int_equal(worker_clock_mono_ns(&clock, row->theirs_then_ns), row->expected_ns);
    assert_int_equal(worker_clock_error_ns(&clock), row->error_ns);
}

int main(void)
{
    static struct rows all;
    ROWS(&all, rows, check_row);
    ROWS(&all, clock_rows, check_clock);
    rows_one(&all, "it gives an instance the same seat again", check_same_seat);
    rows_one(&all, "it has no seat for one too many", check_full);
    rows_one(&all, "it takes in nobody after the start", check_late_joiner);
    rows_one(&all, "it takes workers in before the first round, and none in a later one",
             check_early_joiner);
    rows_one(&all, "it gives a freed seat to somebody else", check_freed_seat);
    return rows_run("worker_roll", &all);
}
