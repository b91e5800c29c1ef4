#include "http/keylock.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

struct keylock {
    pthread_mutex_t mutex;
    pthread_cond_t left; /* some key became free */
    size_t max_count;
    char (*keys)[KEYLOCK_KEY_MAX + 1]; /* "" is a free place; guarded by mutex */
};

struct keylock *keylock_new(size_t max_count)
{
    struct keylock *lock = calloc(1, sizeof *lock);
    char(*keys)[KEYLOCK_KEY_MAX + 1] = calloc(max_count, sizeof *keys);
    if (!lock || !keys) {
        free(lock);
        free(keys);
        return NULL;
    }
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&lock->left, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&lock->mutex, NULL);
    lock->max_count = max_count;
    lock->keys = keys;
    return lock;
}

void keylock_free(struct keylock *lock)
{
    if (lock) {
        pthread_cond_destroy(&lock->left);
        pthread_mutex_destroy(&lock->mutex);
        free(lock->keys);
        free(lock);
    }
}

/* Place of `key`, or max_count. "" finds a free place. */
static size_t find(const struct keylock *lock, const char *key)
{
    size_t i = 0;
    while (i < lock->max_count && strcmp(lock->keys[i], key) != 0) {
        i++;
    }
    return i;
}

static enum status wait_until_free(struct keylock *lock, const char *key, uint64_t deadline_ns)
{
    struct timespec until = {.tv_sec = (time_t)(deadline_ns / NS_PER_S),
                             .tv_nsec = (long)(deadline_ns % NS_PER_S)};
    while (find(lock, key) < lock->max_count) {
        int code = pthread_cond_timedwait(&lock->left, &lock->mutex, &until);
        if (code == ETIMEDOUT && find(lock, key) < lock->max_count) {
            return STATUS_TIMEOUT;
        }
    }
    return STATUS_OK;
}

enum status keylock_enter(struct keylock *lock, const char *key, uint64_t deadline_ns)
{
    size_t length = strnlen(key, KEYLOCK_KEY_MAX + 1);
    assert(length > 0);
    if (length > KEYLOCK_KEY_MAX) {
        return STATUS_TOO_LARGE;
    }
    pthread_mutex_lock(&lock->mutex);
    enum status status = wait_until_free(lock, key, deadline_ns);
    size_t place = status == STATUS_OK ? find(lock, "") : 0;
    if (status == STATUS_OK && place == lock->max_count) {
        status = STATUS_BUSY;
    } else if (status == STATUS_OK) {
        memcpy(lock->keys[place], key, length + 1);
    }
    pthread_mutex_unlock(&lock->mutex);
    return status;
}

void keylock_leave(struct keylock *lock, const char *key)
{
    pthread_mutex_lock(&lock->mutex);
    size_t place = find(lock, key);
    assert(place < lock->max_count);
    lock->keys[place][0] = '\0';
    pthread_cond_broadcast(&lock->left);
    pthread_mutex_unlock(&lock->mutex);
}
