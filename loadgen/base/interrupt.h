/* SIGINT and SIGTERM ask the program to stop in good order; the second one ends it at once. The
 * only place that installs handlers. Waits here end early when a signal comes, SIGCHLD too. */
#ifndef CULPRIT_LOADGEN_BASE_INTERRUPT_H
#define CULPRIT_LOADGEN_BASE_INTERRUPT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

/* Once, before threads are started. */
MUST_CHECK enum status interrupt_start(struct error *error);

/* Somebody asked to stop. */
bool interrupt_came(void);

/* Waits until the deadline; false: a signal (any of the three) or interrupt_wake came before. */
bool interrupt_wait_until(uint64_t deadline_ns);

/* Ends the wait under way, or the next one. Any thread. */
void interrupt_wake(void);

#endif
