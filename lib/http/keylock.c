#include "http/keylock.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "http/evidence.h"

struct place {
    char key[KEYLOCK_KEY_MAX + 1]; /* "" is a free place */
    struct trace_id holder;
};

struct keylock {
    pthread_mutex_t mutex;
    pthread_cond_t left; /* some key became free */
    const char *name;
    size_t max_count;
    struct place *places; /* guarded by mutex */
};

struct keylock *keylock_new(const char *name, size_t max_count)
{
    struct keylock *lock = calloc(1, sizeof *lock);
    struct place *places = calloc(max_count, sizeof *places);
    if (!lock || !places) {
        free(lock);
        free(places);
        return NULL;
    }
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&lock->left, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&lock->mutex, NULL);
    lock->max_count = max_count;
    lock->places = places;
    lock->name = name;
    return lock;
}

void keylock_free(struct keylock *lock)
{
    if (lock) {
        pthread_cond_destroy(&lock->left);
        pthread_mutex_destroy(&lock->mutex);
        free(lock->places);
        free(lock);
    }
}

/* Place of `key`, or max_count. "" finds a free place. */
static size_t find(const struct keylock *lock, const char *key)
{
    size_t i = 0;
    while (i < lock->max_count && strcmp(lock->places[i].key, key) != 0) {
        i++;
    }
    return i;
}

struct wait {
    uint64_t ns; /* 0: the key was free */
    struct trace_id holder;
};

static enum status wait_until_free(struct keylock *lock, const char *key, uint64_t deadline_ns,
                                   struct wait *wait)
{
    struct timespec until = {.tv_sec = (time_t)(deadline_ns / NS_PER_S),
                             .tv_nsec = (long)(deadline_ns % NS_PER_S)};
    uint64_t began_ns = clock_mono_ns();
    size_t place = find(lock, key);
    int code = 0;
    if (place < lock->max_count) {
        wait->holder = lock->places[place].holder;
    }
    while (place < lock->max_count && code != ETIMEDOUT) {
        code = pthread_cond_timedwait(&lock->left, &lock->mutex, &until);
        wait->ns = clock_mono_ns() - began_ns;
        place = find(lock, key);
    }
    return place < lock->max_count ? STATUS_TIMEOUT : STATUS_OK;
}

enum status keylock_enter(struct keylock *lock, const char *key, uint64_t deadline_ns)
{
    size_t length = strnlen(key, KEYLOCK_KEY_MAX + 1);
    struct trace_id mine = evidence_holder();
    struct wait wait = {0};
    assert(length > 0);
    if (length > KEYLOCK_KEY_MAX) {
        return STATUS_TOO_LARGE;
    }
    pthread_mutex_lock(&lock->mutex);
    enum status status = wait_until_free(lock, key, deadline_ns, &wait);
    size_t place = status == STATUS_OK ? find(lock, "") : 0;
    if (status == STATUS_OK && place == lock->max_count) {
        status = STATUS_BUSY;
    } else if (status == STATUS_OK) {
        memcpy(lock->places[place].key, key, length + 1);
        lock->places[place].holder = mine;
    }
    pthread_mutex_unlock(&lock->mutex);
    evidence_lock(lock->name, wait.ns, wait.holder);
    return status;
}

void keylock_leave(struct keylock *lock, const char *key)
{
    pthread_mutex_lock(&lock->mutex);
    size_t place = find(lock, key);
    assert(place < lock->max_count);
    lock->places[place].key[0] = '\0';
    pthread_cond_broadcast(&lock->left);
    pthread_mutex_unlock(&lock->mutex);
}
