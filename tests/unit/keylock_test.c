#include "http/keylock.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/clock.h"
#include "tests/unit/rows.h"

enum { THREADS = 8, TURNS = 200 };

static uint64_t soon(void)
{
    return clock_mono_ns() + 20 * NS_PER_S;
}

static void check_times_out(void **state)
{
    (void)state;
    struct keylock *lock = keylock_new("keys", 2);
    assert_int_equal(keylock_enter(lock, "a", soon()), STATUS_OK);
    assert_int_equal(keylock_enter(lock, "a", clock_mono_ns()), STATUS_TIMEOUT);
    assert_int_equal(keylock_enter(lock, "b", clock_mono_ns()), STATUS_OK);
    keylock_leave(lock, "a");
    assert_int_equal(keylock_enter(lock, "a", clock_mono_ns()), STATUS_OK);
    keylock_leave(lock, "a");
    keylock_leave(lock, "b");
    keylock_free(lock);
}

static void check_full(void **state)
{
    (void)state;
    struct keylock *lock = keylock_new("keys", 1);
    assert_int_equal(keylock_enter(lock, "a", soon()), STATUS_OK);
    assert_int_equal(keylock_enter(lock, "b", soon()), STATUS_BUSY);
    keylock_leave(lock, "a");
    assert_int_equal(keylock_enter(lock, "b", soon()), STATUS_OK);
    keylock_leave(lock, "b");
    keylock_free(lock);
}

static void check_length(void **state)
{
    (void)state;
    char key[KEYLOCK_KEY_MAX + 2];
    struct keylock *lock = keylock_new("keys", 1);
    memset(key, 'k', sizeof key);
    key[KEYLOCK_KEY_MAX + 1] = '\0';
    assert_int_equal(keylock_enter(lock, key, soon()), STATUS_TOO_LARGE);
    key[KEYLOCK_KEY_MAX] = '\0';
    assert_int_equal(keylock_enter(lock, key, soon()), STATUS_OK);
    keylock_leave(lock, key);
    keylock_free(lock);
}

struct shared {
    struct keylock *lock;
    atomic_int inside, together, failed;
};

static void *take_turns(void *argument)
{
    struct shared *shared = argument;
    for (int i = 0; i < TURNS; i++) {
        if (keylock_enter(shared->lock, "one", soon()) != STATUS_OK) {
            atomic_fetch_add(&shared->failed, 1);
            continue;
        }
        if (atomic_fetch_add(&shared->inside, 1) != 0) {
            atomic_fetch_add(&shared->together, 1);
        }
        atomic_fetch_sub(&shared->inside, 1);
        keylock_leave(shared->lock, "one");
    }
    return NULL;
}

static void check_alone(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    struct shared shared = {.lock = keylock_new("keys", THREADS)};
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, take_turns, &shared), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(shared.together, 0);
    assert_int_equal(shared.failed, 0);
    keylock_free(shared.lock);
}

int main(void)
{
    static struct rows all;
    rows_one(&all, "it lets the second bearer of a key wait until the deadline", check_times_out);
    rows_one(&all, "it refuses one key more than it was made for", check_full);
    rows_one(&all, "it refuses a key that is too long", check_length);
    rows_one(&all, "it lets one bearer in at a time", check_alone);
    return rows_run("keylock", &all);
}
