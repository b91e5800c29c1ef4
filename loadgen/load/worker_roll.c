#include "loadgen/load/worker_roll.h"

#include <stdio.h>
#include <string.h>

#define WORKER_WORDS(name, words) words,

const char *worker_roll_state_words(enum worker_state state)
{
    static const char *const all[] = {WORKER_STATE_LIST(WORKER_WORDS)};
    return all[state];
}

const char *worker_roll_order_words(enum worker_order order)
{
    static const char *const all[] = {WORKER_ORDER_LIST(WORKER_WORDS)};
    return all[order];
}

static uint64_t later(uint64_t a_ns, uint64_t b_ns)
{
    return a_ns < UINT64_MAX - b_ns ? a_ns + b_ns : UINT64_MAX;
}

void worker_roll_init(struct worker_roll *roll, const struct worker_roll_limits *limits)
{
    memset(roll, 0, sizeof(*roll));
    roll->limits = *limits;
}

void worker_roll_next(struct worker_roll *roll, uint64_t run_ns, uint64_t grace_ns, uint64_t now_ns)
{
    roll->round++;
    roll->run_ns = run_ns;
    roll->grace_ns = grace_ns;
    roll->gather_until_ns = later(now_ns, roll->limits.gather_ns);
    roll->start_ns = roll->until_ns = 0;
    roll->is_stopped = roll->is_given_up = roll->is_over = false;
    for (size_t i = 0; i < roll->limits.worker_count; i++)
        if (roll->seats[i].state == WORKER_DONE)
            roll->seats[i].state = WORKER_PREPARING;
}

/* ---- workers */

static bool is_under_way(enum worker_state state)
{
    return state == WORKER_PREPARING || state == WORKER_READY || state == WORKER_RUNNING;
}

static bool has_instance(const struct worker_seat *seat, const char *instance)
{
    return seat->state != WORKER_FREE && strcmp(seat->name.instance, instance) == 0;
}

enum status worker_roll_join(struct worker_roll *roll, const struct worker_name *name,
                             uint64_t now_ns, size_t *seat)
{
    size_t free_one = roll->limits.worker_count;
    for (size_t i = 0; i < roll->limits.worker_count; i++) {
        if (worker_roll_hear(roll, i, name->instance, now_ns)) {
            *seat = i;
            return STATUS_OK;
        }
        if (roll->seats[i].state == WORKER_FREE && free_one == roll->limits.worker_count)
            free_one = i;
    }
    if (roll->start_ns != 0 || roll->is_over || roll->round > 1)
        return STATUS_CLOSED;
    if (free_one == roll->limits.worker_count)
        return STATUS_EXISTS;
    *seat = free_one;
    roll->seats[free_one] =
        (struct worker_seat){.state = WORKER_PREPARING, .name = *name, .heard_ns = now_ns};
    return STATUS_OK;
}

bool worker_roll_hear(struct worker_roll *roll, size_t seat, const char *instance, uint64_t now_ns)
{
    if (seat >= roll->limits.worker_count || !has_instance(&roll->seats[seat], instance))
        return false;
    if (now_ns > roll->seats[seat].heard_ns)
        roll->seats[seat].heard_ns = now_ns;
    return true;
}

bool worker_roll_report(struct worker_roll *roll, size_t index, uint64_t number,
                        enum worker_state state, const char *words)
{
    struct worker_seat *seat = &roll->seats[index];
    bool may_say = is_under_way(seat->state) || seat->state == WORKER_LOST;
    bool leaves = seat->state == WORKER_DONE && state == WORKER_INTERRUPTED;
    if (roll->is_over && leaves)
        may_say = true;
    else if (roll->is_over)
        return false;
    if (number <= seat->number || !may_say || state == WORKER_FREE || state == WORKER_LOST ||
        (roll->start_ns == 0 && state == WORKER_RUNNING))
        return false;
    seat->number = number;
    seat->state = state;
    (void)snprintf(seat->words, sizeof(seat->words), "%s", words);
    return true;
}

enum worker_order worker_roll_order(const struct worker_roll *roll, size_t index)
{
    enum worker_state state = roll->seats[index].state;
    bool is_new = state == WORKER_PREPARING || state == WORKER_READY;
    if (roll->is_over || !(is_under_way(state) || state == WORKER_LOST))
        return WORKER_ORDER_LEAVE;
    if (roll->start_ns == 0)
        return WORKER_ORDER_WAIT;
    if (roll->is_given_up)
        return WORKER_ORDER_GIVE_UP;
    if (roll->is_stopped)
        return WORKER_ORDER_STOP;
    return is_new ? WORKER_ORDER_START : WORKER_ORDER_GO_ON;
}

size_t worker_roll_count(const struct worker_roll *roll, enum worker_state state)
{
    size_t count = 0;
    for (size_t i = 0; i < roll->limits.worker_count; i++)
        count += roll->seats[i].state == state;
    return count;
}

/* ---- time */

static bool is_silent(const struct worker_roll *roll, const struct worker_seat *seat,
                      uint64_t now_ns)
{
    return is_under_way(seat->state) && now_ns > later(seat->heard_ns, roll->limits.silence_ns);
}

static const char silent_words[] = "was not heard of any more";

static void lose(struct worker_seat *seat, const char *words)
{
    seat->state = WORKER_LOST;
    (void)snprintf(seat->words, sizeof(seat->words), "%s", words);
}

/* Before the start: the seat is free again, as long as somebody else may take
 * it. */
static void give_up_on(const struct worker_roll *roll, struct worker_seat *seat, uint64_t now_ns)
{
    bool silent = is_silent(roll, seat, now_ns);
    if (roll->round == 1 && (silent || seat->state == WORKER_INTERRUPTED))
        *seat = (struct worker_seat){0};
    else if (silent)
        lose(seat, silent_words);
}

static void gather(struct worker_roll *roll, uint64_t now_ns)
{
    for (size_t i = 0; i < roll->limits.worker_count; i++)
        give_up_on(roll, &roll->seats[i], now_ns);
    size_t ready = worker_roll_count(roll, WORKER_READY);
    size_t gone = worker_roll_count(roll, WORKER_FAILED) + worker_roll_count(roll, WORKER_DONE) +
                  worker_roll_count(roll, WORKER_LOST) +
                  worker_roll_count(roll, WORKER_INTERRUPTED);
    if (gone == 0 && ready == roll->limits.worker_count) {
        roll->start_ns = later(now_ns, roll->limits.lead_ns);
        roll->until_ns = later(later(roll->start_ns, roll->run_ns),
                               later(roll->grace_ns, roll->limits.silence_ns));
        return;
    }
    roll->is_over = gone > 0 || now_ns >= roll->gather_until_ns;
}

static void watch(struct worker_roll *roll, uint64_t now_ns)
{
    bool goes_on = false;
    for (size_t i = 0; i < roll->limits.worker_count; i++) {
        struct worker_seat *seat = &roll->seats[i];
        if (is_silent(roll, seat, now_ns))
            lose(seat, silent_words);
        else if (is_under_way(seat->state) && now_ns >= roll->until_ns)
            lose(seat, "did not come to an end");
        goes_on |= is_under_way(seat->state);
    }
    roll->is_over = !goes_on;
}

void worker_roll_tick(struct worker_roll *roll, uint64_t now_ns)
{
    if (roll->is_over || roll->round == 0)
        return;
    if (roll->start_ns == 0)
        gather(roll, now_ns);
    else
        watch(roll, now_ns);
}

/* ---- ending it */

static void end_within(struct worker_roll *roll, uint64_t now_ns, uint64_t most_ns)
{
    uint64_t until_ns = later(now_ns, later(most_ns, roll->limits.silence_ns));
    if (roll->start_ns == 0)
        roll->is_over = true;
    else if (until_ns < roll->until_ns)
        roll->until_ns = until_ns;
}

void worker_roll_stop(struct worker_roll *roll, uint64_t now_ns)
{
    roll->is_stopped = true;
    end_within(roll, now_ns, roll->grace_ns);
}

void worker_roll_give_up(struct worker_roll *roll, uint64_t now_ns)
{
    roll->is_given_up = true;
    end_within(roll, now_ns, 0);
}
