#include "loadgen/engine/alarm.h"

#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/unit/rows.h"

#define NEVER UINT64_MAX
#define TAG   77u

struct row {
    const char *it;
    uint64_t set[ALARM_TIMERS]; /* of a clock at 1000; far from now, so that none goes off */
    uint64_t first, second;
    uint64_t wanted[ALARM_TIMERS];
};

static const struct row rows[] = {
    {"it sets a first one", {0, 0}, 2000, NEVER, {0, 2000}},
    {"it sets a second one ahead", {0, 0}, 2000, 3000, {3000, 2000}},
    {"it leaves what is set as it should be", {3000, 2000}, 2000, 3000, {3000, 2000}},
    {"it sets the one that went off", {900, 2000}, 2000, 3000, {3000, 2000}},
    {"it sets the one that went off just now", {2000, 1000}, 2000, 3000, {2000, 3000}},
    {"it is content with an earlier one", {900, 1500}, 2000, NEVER, {900, 1500}},
    {"it sets the later one when both are too late", {5000, 4000}, 2000, NEVER, {2000, 4000}},
    {"it gives up no earlier one for the second", {1500, 2500}, 2000, 3000, {1500, 2500}},
    {"it sets nothing for a wait without end", {900, 950}, NEVER, NEVER, {900, 950}},
    {"it sets nothing for a wait that is over", {900, 950}, 1000, NEVER, {900, 950}},
    {"it sets the second one of a wait that is over", {900, 950}, 1000, 3000, {3000, 950}},
    {"it passes over a second one that is past", {900, 950}, 2000, 999, {2000, 950}},
};

static uint64_t far(uint64_t base_ns, uint64_t at)
{
    return at == NEVER ? NEVER : at == 0 ? 0 : base_ns + at;
}

static void check_row(void **state)
{
    const struct row *row = *state;
    const uint64_t base_ns = clock_mono_ns() + 3600 * NS_PER_S;
    struct alarm alarm;
    int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    assert_int_equal(alarm_open(&alarm, epoll_fd, TAG), STATUS_OK);
    for (unsigned i = 0; i < ALARM_TIMERS; i++)
        alarm.set_ns[i] = far(base_ns, row->set[i]);
    assert_int_equal(
        alarm_set(&alarm, base_ns + 1000, far(base_ns, row->first), far(base_ns, row->second)),
        STATUS_OK);
    for (unsigned i = 0; i < ALARM_TIMERS; i++)
        assert_int_equal(alarm.set_ns[i], far(base_ns, row->wanted[i]));
    alarm_close(&alarm);
    alarm_close(&alarm);
    close(epoll_fd);
}

/* A wait of each point in turn, each set ahead but the first; nobody reads the timers. */
static void check_waits(void **state)
{
    (void)state;
    struct alarm alarm;
    struct epoll_event event;
    int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    assert_int_equal(alarm_open(&alarm, epoll_fd, TAG), STATUS_OK);
    uint64_t due_ns = clock_mono_ns();
    for (int turn = 0; turn < 5; turn++) {
        due_ns += NS_PER_MS;
        while (clock_mono_ns() < due_ns) {
            uint64_t now_ns = clock_mono_ns();
            assert_int_equal(alarm_set(&alarm, now_ns, due_ns, due_ns + NS_PER_MS), STATUS_OK);
            if (now_ns >= due_ns)
                break;
            assert_int_equal(epoll_wait(epoll_fd, &event, 1, 10000), 1);
            assert_int_equal(event.data.u64, TAG);
        }
    }
    alarm_close(&alarm);
    close(epoll_fd);
}

static void check_no_epoll(void **state)
{
    (void)state;
    struct alarm alarm;
    assert_int_equal(alarm_open(&alarm, -1, TAG), STATUS_IO);
    alarm_close(&alarm);
}

int main(void)
{
    struct rows all = {0};
    ROWS(&all, rows, check_row);
    rows_one(&all, "it ends one wait after another", check_waits);
    rows_one(&all, "it reports an epoll instance that is none", check_no_epoll);
    return rows_run("alarm", &all);
}
