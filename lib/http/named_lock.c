#include "http/named_lock.h"

#include <assert.h>
#include <errno.h>

#include "base/clock.h"
#include "http/evidence.h"

void named_lock_init(struct named_lock *lock, const char *name)
{
    pthread_condattr_t monotonic;
    *lock = (struct named_lock){.name = name};
    pthread_mutex_init(&lock->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&lock->was_left, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

void named_lock_release(struct named_lock *lock)
{
    assert(!lock->is_held);
    pthread_cond_destroy(&lock->was_left);
    pthread_mutex_destroy(&lock->mutex);
}

/* Caller has the mutex. `deadline_ns` UINT64_MAX: none. */
static void wait_until_left(struct named_lock *lock, uint64_t deadline_ns)
{
    struct timespec until = {.tv_sec = (time_t)(deadline_ns / NS_PER_S),
                             .tv_nsec = (long)(deadline_ns % NS_PER_S)};
    int code = 0;
    while (lock->is_held && code != ETIMEDOUT)
        code = deadline_ns == UINT64_MAX
                   ? pthread_cond_wait(&lock->was_left, &lock->mutex)
                   : pthread_cond_timedwait(&lock->was_left, &lock->mutex, &until);
}

enum status named_lock_enter_until(struct named_lock *lock, uint64_t deadline_ns)
{
    struct trace_id mine = evidence_holder(), theirs = {{0}};
    uint64_t wait_ns = 0;
    pthread_mutex_lock(&lock->mutex);
    if (lock->is_held) {
        uint64_t began_ns = clock_mono_ns();
        theirs = lock->holder;
        wait_until_left(lock, deadline_ns);
        wait_ns = clock_mono_ns() - began_ns;
    }
    bool is_mine = !lock->is_held;
    if (is_mine) {
        lock->is_held = true;
        lock->holder = mine;
    }
    pthread_mutex_unlock(&lock->mutex);
    evidence_lock(lock->name, wait_ns, theirs);
    return is_mine ? STATUS_OK : STATUS_TIMEOUT;
}

void named_lock_enter(struct named_lock *lock)
{
    enum status status = named_lock_enter_until(lock, UINT64_MAX);
    assert(status == STATUS_OK);
    (void)status;
}

void named_lock_leave(struct named_lock *lock)
{
    pthread_mutex_lock(&lock->mutex);
    assert(lock->is_held);
    lock->is_held = false;
    pthread_cond_signal(&lock->was_left);
    pthread_mutex_unlock(&lock->mutex);
}
