#include "trace/deadline_wait.h"

#include <time.h>

#include "base/clock.h"

void deadline_wait_init(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &attributes);
    pthread_condattr_destroy(&attributes);
}

void deadline_wait(pthread_cond_t *condition, pthread_mutex_t *lock, uint64_t deadline_ns)
{
    const struct timespec until = {(time_t)(deadline_ns / NS_PER_S),
                                   (long)(deadline_ns % NS_PER_S)};
    (void)pthread_cond_timedwait(condition, lock, &until);
}
