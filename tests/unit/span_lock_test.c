/* A lock that is its first owner's until a second thread comes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "trace/span_lock.h"

enum { ROUNDS = 20000, STRANGERS = 3 };

static struct shared {
    struct span_lock lock;
    uint64_t first, second; /* always alike, but inside */
    pthread_barrier_t start;
} shared;

static void add(const void *me)
{
    bool entered = span_lock_enter(&shared.lock, me);
    if (shared.first != shared.second)
        shared.second = UINT64_MAX / 2; /* seen at the end */
    shared.first++;
    shared.second++;
    span_lock_leave(&shared.lock, entered);
}

static void *come_from_outside(void *me)
{
    pthread_barrier_wait(&shared.start);
    for (int i = 0; i < ROUNDS; i++)
        add(me);
    return NULL;
}

static void run(const void *owner)
{
    pthread_t strangers[STRANGERS];
    char others[STRANGERS];
    span_lock_init(&shared.lock, owner);
    shared.first = shared.second = 0;
    pthread_barrier_init(&shared.start, NULL, STRANGERS + 1);
    for (int i = 0; i < STRANGERS; i++)
        assert_int_equal(pthread_create(&strangers[i], NULL, come_from_outside, &others[i]), 0);
    pthread_barrier_wait(&shared.start);
    for (int i = 0; i < ROUNDS; i++)
        add(&shared);
    for (int i = 0; i < STRANGERS; i++)
        pthread_join(strangers[i], NULL);
    pthread_barrier_destroy(&shared.start);
    assert_int_equal(shared.first, ROUNDS * (STRANGERS + 1));
    assert_int_equal(shared.second, ROUNDS * (STRANGERS + 1));
}

static void lets_one_in_at_a_time(void **state)
{
    (void)state;
    (void)asymmetric_start();
    for (int i = 0; i < 20; i++)
        run(&shared); /* the owner is inside when the others come */
    run(NULL);        /* shared from the start */
}

static void stays_the_owners_while_nobody_comes(void **state)
{
    (void)state;
    if (!asymmetric_start())
        skip();
    span_lock_init(&shared.lock, &shared);
    assert_true(span_lock_enter(&shared.lock, &shared));
    span_lock_leave(&shared.lock, true);
    assert_int_equal(shared.lock.shared, 0);
    char other;
    assert_false(span_lock_enter(&shared.lock, &other));
    span_lock_leave(&shared.lock, false);
    assert_false(span_lock_enter(&shared.lock, &shared));
    span_lock_leave(&shared.lock, false);
}

/* From now on this process has no membarrier; as a sandbox does that comes after the start. */
static bool forbid_membarrier(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {sizeof code / sizeof code[0], code};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

/* The last one: there is no way back. */
static void does_without_what_a_sandbox_takes_away(void **state)
{
    (void)state;
    if (!asymmetric_start() || !forbid_membarrier())
        skip();
    run(&shared); /* the owner relied on it */
    assert_false(asymmetric_is_there());
    assert_true(asymmetric_was_there());
    span_lock_init(&shared.lock, &shared);
    assert_int_equal(shared.lock.shared, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lets_one_in_at_a_time),
        cmocka_unit_test(stays_the_owners_while_nobody_comes),
        cmocka_unit_test(does_without_what_a_sandbox_takes_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
