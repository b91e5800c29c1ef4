/* What a thread that works in rounds and those who ask it for one say to each other: it sleeps
 * until it is woken, a flush or the end is asked for, or a deadline passes; they wait for the round
 * that has what they asked for. Flushes are numbered and never set back under a waiter. Static
 * storage; callable from any thread but where a function is the worker's. */
#ifndef CULPRIT_TRACE_ROUNDS_H
#define CULPRIT_TRACE_ROUNDS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct rounds {
    pthread_mutex_t lock; /* guards all but is_woken; PTHREAD_MUTEX_INITIALIZER */
    pthread_cond_t work, done;
    bool stopping, has_ended;
    uint64_t flush_wanted, flush_done;
    atomic_bool is_woken; /* since the last round began */
};

/* Once, and in the child of a fork again: see deadline_wait_init. */
void rounds_init(struct rounds *rounds);

/* Before the worker starts: nothing is asked for. */
void rounds_reset(struct rounds *rounds);

/* Asks for a round. Waits at most for the worker to fall asleep, and once for each round. */
void rounds_wake(struct rounds *rounds);

/* Asks for a round that begins from now on, and waits for its end. false: the deadline passed. */
bool rounds_flush(struct rounds *rounds, uint64_t deadline_ns);

/* Asks the worker to end, and waits for it, as above. */
bool rounds_stop(struct rounds *rounds, uint64_t deadline_ns);

bool rounds_has_ended(struct rounds *rounds);

/* ---- the worker's */

/* Sleeps; then the number of the last flush that this round is for. */
uint64_t rounds_wait(struct rounds *rounds, uint64_t deadline_ns);

/* After a round. Returns whether it shall end: with one more round, then rounds_end. */
bool rounds_finish(struct rounds *rounds, uint64_t flush);

void rounds_end(struct rounds *rounds);

#endif
