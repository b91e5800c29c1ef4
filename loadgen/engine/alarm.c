#include "loadgen/engine/alarm.h"

#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/clock.h"

enum status alarm_open(struct alarm *alarm, int epoll_fd, uint64_t tag)
{
    /* Edge-triggered: nobody needs to read them. */
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u64 = tag};
    enum status status = STATUS_OK;
    for (unsigned i = 0; i < ALARM_TIMERS; i++) {
        alarm->set_ns[i] = 0;
        alarm->fds[i] = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
        if (alarm->fds[i] < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, alarm->fds[i], &event) != 0)
            status = STATUS_IO;
    }
    return status;
}

void alarm_close(struct alarm *alarm)
{
    for (unsigned i = 0; i < ALARM_TIMERS; i++) {
        if (alarm->fds[i] >= 0)
            close(alarm->fds[i]);
        alarm->fds[i] = -1;
    }
}

static enum status set(struct alarm *alarm, unsigned timer, uint64_t due_ns)
{
    const struct itimerspec at = {
        .it_value = {.tv_sec = (time_t)(due_ns / NS_PER_S), .tv_nsec = (long)(due_ns % NS_PER_S)}};
    alarm->set_ns[timer] = due_ns;
    return timerfd_settime(alarm->fds[timer], TFD_TIMER_ABSTIME, &at, NULL) == 0 ? STATUS_OK
                                                                                 : STATUS_IO;
}

/* One goes off within (now_ns, until_ns]. */
static bool is_covered(const struct alarm *alarm, uint64_t now_ns, uint64_t until_ns)
{
    for (unsigned i = 0; i < ALARM_TIMERS; i++)
        if (alarm->set_ns[i] > now_ns && alarm->set_ns[i] <= until_ns)
            return true;
    return false;
}

/* The one that went off longest ago, or will go off last. */
static unsigned spare(const struct alarm *alarm, uint64_t now_ns)
{
    const uint64_t *set_ns = alarm->set_ns;
    bool both_ahead = set_ns[0] > now_ns && set_ns[1] > now_ns;
    return both_ahead == (set_ns[0] < set_ns[1]) ? 1 : 0;
}

enum status alarm_set(struct alarm *alarm, uint64_t now_ns, uint64_t first_ns, uint64_t second_ns)
{
    if (first_ns > now_ns && first_ns != UINT64_MAX && !is_covered(alarm, now_ns, first_ns)) {
        enum status status = set(alarm, spare(alarm, now_ns), first_ns);
        if (status != STATUS_OK)
            return status;
    }
    unsigned other = spare(alarm, now_ns);
    if (second_ns == UINT64_MAX || second_ns <= now_ns || alarm->set_ns[other] > now_ns)
        return STATUS_OK;
    return set(alarm, other, second_ns);
}
