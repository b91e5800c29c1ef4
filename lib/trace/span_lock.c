#include "trace/span_lock.h"

#include <sched.h>

enum { SPINS = 64 };

static void pause_a_while(int *spins)
{
    if (++*spins >= SPINS)
        sched_yield();
}

void span_lock_enter_shared(struct span_lock *lock)
{
    int spins = 0;
    while (atomic_exchange_explicit(&lock->held, 1, memory_order_acquire) != 0)
        pause_a_while(&spins);
    if (atomic_load_explicit(&lock->shared, memory_order_relaxed))
        return;
    /* Others wait for `held` meanwhile, so that nobody gets in before the owner is out. */
    atomic_store_explicit(&lock->shared, 1, memory_order_release);
    asymmetric_heavy();
    while (atomic_load_explicit(&lock->busy, memory_order_acquire) != 0)
        pause_a_while(&spins);
}
