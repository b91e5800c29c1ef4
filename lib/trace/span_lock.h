/* A lock that costs its first owner next to nothing until a second thread comes.
 *
 * The owner marks itself busy with plain stores; the first stranger makes the lock a shared one
 * for good (asymmetric.h), waits for the owner to leave, and from then on everybody, the owner
 * too, takes an ordinary spin lock. Held for some nanoseconds: nobody who has it waits for
 * anything. Never allocates. */
#ifndef CULPRIT_TRACE_SPAN_LOCK_H
#define CULPRIT_TRACE_SPAN_LOCK_H

#include <stddef.h>

#include "trace/asymmetric.h"

struct span_lock {
    const void *owner;   /* a thread's own address; NULL: shared from the start */
    atomic_uchar busy;   /* the owner is inside, without `held` */
    atomic_uchar shared; /* everybody takes `held` */
    atomic_uchar held;
};

/* `owner`: what identifies the calling thread. */
static inline void span_lock_init(struct span_lock *lock, const void *owner)
{
    bool biased = owner != NULL && asymmetric_is_there();
    lock->owner = biased ? owner : NULL;
    atomic_init(&lock->busy, 0);
    atomic_init(&lock->shared, !biased);
    atomic_init(&lock->held, 0);
}

/* Waits for `held`; the first who calls it ends the owner's privilege. */
void span_lock_enter_shared(struct span_lock *lock);

/* `me` as in init. What it returns is for span_lock_leave. */
static inline bool span_lock_enter(struct span_lock *lock, const void *me)
{
    if (__builtin_expect(lock->owner == me, 1)) {
        atomic_store_explicit(&lock->busy, 1, memory_order_relaxed);
        asymmetric_light();
        if (__builtin_expect(!atomic_load_explicit(&lock->shared, memory_order_acquire), 1))
            return true;
        /* release: the stranger sees what was done inside before */
        atomic_store_explicit(&lock->busy, 0, memory_order_release);
    }
    span_lock_enter_shared(lock);
    return false;
}

static inline void span_lock_leave(struct span_lock *lock, bool entered)
{
    /* release: the next one inside sees what was done */
    atomic_store_explicit(entered ? &lock->busy : &lock->held, 0, memory_order_release);
}

#endif
