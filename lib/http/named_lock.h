/* A lock with a name: who takes it under a span leaves there how long it waited, and whose trace
 * had it meanwhile (evidence.h). One holder at a time, of any thread; not recursive. A little
 * dearer than a bare mutex (some 50 ns), so not for what is taken in inner loops. */
#ifndef CULPRIT_HTTP_NAMED_LOCK_H
#define CULPRIT_HTTP_NAMED_LOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "trace/context.h"

struct named_lock {
    const char *name;      /* borrowed: "catalog.products" */
    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t was_left;
    bool is_held;
    struct trace_id holder; /* of the span under which it was taken; zero without one */
};

void named_lock_init(struct named_lock *lock, const char *name);
void named_lock_release(struct named_lock *lock); /* nobody may be inside */

/* Waits for as long as it takes. */
void named_lock_enter(struct named_lock *lock);
/* STATUS_TIMEOUT: the deadline passed; the wait is told all the same. */
MUST_CHECK enum status named_lock_enter_until(struct named_lock *lock, uint64_t deadline_ns);
void named_lock_leave(struct named_lock *lock);

#endif
