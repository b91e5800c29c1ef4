#include "http/pool.h"

#include <assert.h>
#include <errno.h>

#include "base/clock.h"

void pool_init(struct pool *pool, const char *name, uint64_t size)
{
    pthread_condattr_t monotonic;
    *pool = (struct pool){.name = name, .size = size};
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&pool->was_left, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

void pool_release(struct pool *pool)
{
    assert(pool->in_use == 0);
    pthread_cond_destroy(&pool->was_left);
    pthread_mutex_destroy(&pool->mutex);
}

enum status pool_enter(struct pool *pool, uint64_t deadline_ns, struct evidence_pool *found)
{
    struct timespec until = {.tv_sec = (time_t)(deadline_ns / NS_PER_S),
                             .tv_nsec = (long)(deadline_ns % NS_PER_S)};
    uint64_t wait_ns = 0;
    int code = 0;
    pthread_mutex_lock(&pool->mutex);
    if (pool->in_use >= pool->size) {
        uint64_t began_ns = clock_mono_ns();
        while (pool->in_use >= pool->size && code != ETIMEDOUT)
            code = pthread_cond_timedwait(&pool->was_left, &pool->mutex, &until);
        wait_ns = clock_mono_ns() - began_ns;
    }
    bool is_free = pool->in_use < pool->size;
    pool->in_use += is_free;
    *found = (struct evidence_pool){pool->name, wait_ns, pool->in_use, pool->size};
    pthread_mutex_unlock(&pool->mutex);
    return is_free ? STATUS_OK : STATUS_TIMEOUT;
}

void pool_leave(struct pool *pool)
{
    pthread_mutex_lock(&pool->mutex);
    assert(pool->in_use > 0);
    pool->in_use--;
    pthread_cond_signal(&pool->was_left);
    pthread_mutex_unlock(&pool->mutex);
}
