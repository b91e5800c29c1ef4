/* A condition variable that is waited for until a deadline on the monotonic clock. */
#ifndef CULPRIT_TRACE_DEADLINE_WAIT_H
#define CULPRIT_TRACE_DEADLINE_WAIT_H

#include <pthread.h>
#include <stdint.h>

/* Not while anybody waits for it; in the child of a fork again, as nobody knows in what state the
 * fork found it. */
void deadline_wait_init(pthread_cond_t *condition);

/* Returns when it is signalled, at the deadline, or for no reason at all. */
void deadline_wait(pthread_cond_t *condition, pthread_mutex_t *lock, uint64_t deadline_ns);

#endif
