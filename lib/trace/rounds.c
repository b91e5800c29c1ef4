#include "trace/rounds.h"

#include "base/clock.h"
#include "trace/deadline_wait.h"

void rounds_init(struct rounds *rounds)
{
    deadline_wait_init(&rounds->work);
    deadline_wait_init(&rounds->done);
}

/* Whoever still waits for a flush of before has had it. */
void rounds_reset(struct rounds *rounds)
{
    pthread_mutex_lock(&rounds->lock);
    rounds->stopping = rounds->has_ended = false;
    rounds->flush_done = rounds->flush_wanted;
    pthread_mutex_unlock(&rounds->lock);
    atomic_store(&rounds->is_woken, false);
}

void rounds_wake(struct rounds *rounds)
{
    if (atomic_load_explicit(&rounds->is_woken, memory_order_relaxed) ||
        atomic_exchange(&rounds->is_woken, true))
        return;
    pthread_mutex_lock(&rounds->lock);
    pthread_cond_signal(&rounds->work);
    pthread_mutex_unlock(&rounds->lock);
}

/* Caller has the lock. false: the deadline passed. */
static bool wait_done(struct rounds *rounds, uint64_t flush, uint64_t deadline_ns)
{
    while (rounds->flush_done < flush && !rounds->has_ended && clock_mono_ns() < deadline_ns)
        deadline_wait(&rounds->done, &rounds->lock, deadline_ns);
    return rounds->flush_done >= flush || rounds->has_ended;
}

bool rounds_flush(struct rounds *rounds, uint64_t deadline_ns)
{
    pthread_mutex_lock(&rounds->lock);
    const uint64_t mine = ++rounds->flush_wanted;
    pthread_cond_signal(&rounds->work);
    const bool done = wait_done(rounds, mine, deadline_ns);
    pthread_mutex_unlock(&rounds->lock);
    return done;
}

bool rounds_stop(struct rounds *rounds, uint64_t deadline_ns)
{
    pthread_mutex_lock(&rounds->lock);
    rounds->stopping = true;
    pthread_cond_signal(&rounds->work);
    const bool ended = wait_done(rounds, UINT64_MAX, deadline_ns);
    pthread_mutex_unlock(&rounds->lock);
    return ended;
}

bool rounds_has_ended(struct rounds *rounds)
{
    pthread_mutex_lock(&rounds->lock);
    const bool ended = rounds->has_ended;
    pthread_mutex_unlock(&rounds->lock);
    return ended;
}

/* ---- the worker's */

/* Caller has the lock. */
static bool has_work(struct rounds *rounds)
{
    return rounds->stopping || rounds->flush_wanted != rounds->flush_done ||
           atomic_load(&rounds->is_woken);
}

uint64_t rounds_wait(struct rounds *rounds, uint64_t deadline_ns)
{
    pthread_mutex_lock(&rounds->lock);
    while (!has_work(rounds) && clock_mono_ns() < deadline_ns)
        deadline_wait(&rounds->work, &rounds->lock, deadline_ns);
    const uint64_t flush = rounds->flush_wanted;
    pthread_mutex_unlock(&rounds->lock);
    atomic_store(&rounds->is_woken, false);
    return flush;
}

bool rounds_finish(struct rounds *rounds, uint64_t flush)
{
    pthread_mutex_lock(&rounds->lock);
    rounds->flush_done = flush;
    pthread_cond_broadcast(&rounds->done);
    const bool stopping = rounds->stopping;
    pthread_mutex_unlock(&rounds->lock);
    return stopping;
}

void rounds_end(struct rounds *rounds)
{
    pthread_mutex_lock(&rounds->lock);
    rounds->has_ended = true;
    rounds->flush_done = rounds->flush_wanted;
    pthread_cond_broadcast(&rounds->done);
    pthread_mutex_unlock(&rounds->lock);
}
