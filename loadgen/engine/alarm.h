/* Ends the waits of an epoll instance at points in time, with two timers, so that the point after
 * the next one is set ahead. That is cheaper than it looks: a processor's own timer is programmed
 * anew whenever the earliest point changes, which in a virtual machine leaves it for the host. A
 * time-out of epoll_wait changes it twice a wait, one timer twice a point, two timers once.
 *
 * May end a wait too early, never too late. For one thread; never blocks, never allocates. */
#ifndef CULPRIT_LOADGEN_ENGINE_ALARM_H
#define CULPRIT_LOADGEN_ENGINE_ALARM_H

#include <stdint.h>

#include "base/status.h"

enum { ALARM_TIMERS = 2 };

struct alarm {
    int fds[ALARM_TIMERS];
    uint64_t set_ns[ALARM_TIMERS]; /* when it goes off, or went off; 0: never set */
};

/* Its events in `epoll_fd` have the data `tag`, and mean nothing but that the wait ended.
 * STATUS_IO. Close in any case. */
MUST_CHECK enum status alarm_open(struct alarm *alarm, int epoll_fd, uint64_t tag);
void alarm_close(struct alarm *alarm);

/* A wait that begins at `now_ns` ends by `first_ns`; UINT64_MAX: it need not. `second_ns`: what
 * first_ns will be after that, as far as anybody knows; UINT64_MAX: nobody does. STATUS_IO. */
MUST_CHECK enum status alarm_set(struct alarm *alarm, uint64_t now_ns, uint64_t first_ns,
                                 uint64_t second_ns);

#endif
