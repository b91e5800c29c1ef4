/* How waits for a receiver are cut short from outside: a point in time that none of them goes
 * beyond, and a descriptor that wakes the one that goes on. `stop` may come from any thread, the
 * rest belongs to the thread that sends. Never allocates. */
#ifndef CULPRIT_TRACE_OTLP_STOP_H
#define CULPRIT_TRACE_OTLP_STOP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

struct otlp_stop {
    int event;                 /* readable once stopped */
    _Atomic uint64_t limit_ns; /* UINT64_MAX: not stopped */
};

/* STATUS_IO: no descriptor; release is fine then, too. */
MUST_CHECK enum status otlp_stop_init(struct otlp_stop *stop);

/* May be called twice. */
void otlp_stop_release(struct otlp_stop *stop);

/* Lets no wait, now or later, go beyond `limit_ns`, and wakes the one that goes on. */
void otlp_stop_at(struct otlp_stop *stop, uint64_t limit_ns);

bool otlp_stop_is_set(const struct otlp_stop *stop);

/* The deadline, or the limit where that comes first. */
uint64_t otlp_stop_limited(const struct otlp_stop *stop, uint64_t deadline_ns);

/* What poll() is to wait on: -1 once stopped, since the event stays readable. */
int otlp_stop_descriptor(const struct otlp_stop *stop);

/* Waits until the deadline; true when it was stopped before. */
bool otlp_stop_pause(struct otlp_stop *stop, uint64_t deadline_ns);

#endif
