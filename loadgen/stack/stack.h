/* The whole system on this machine: one process for each row of the topology, on sockets that this
 * process binds, so that ports never race. Starts the collector first and stops it last; a child
 * that dies is named. Not thread-safe; start it before other threads exist, from a thread that
 * lives on (children die with it). */
#ifndef CULPRIT_LOADGEN_STACK_STACK_H
#define CULPRIT_LOADGEN_STACK_STACK_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/status.h"
#include "http/topology.h"
#include "loadgen/base/target.h"

struct stack_config {
    const char *bin_directory;  /* NULL: where this program lies */
    const char *data_directory; /* NULL: a temporary one, removed at the end */
    const char *listen_address; /* "127.0.0.1" when NULL */
    const char *keep_path;      /* the store of traces is moved there at the end; NULL: it is not */
    bool usual_ports;           /* those of the topology; else free ones */
};

struct stack;

/* Ready means that every /readyz answered 200, within 15 s. On failure nothing is left behind.
 * STATUS_EXISTS (a port is in use), STATUS_NOT_FOUND (a program is missing), STATUS_CLOSED (a child
 * died), STATUS_TIMEOUT, STATUS_INTERRUPTED, STATUS_IO, STATUS_INVALID (the topology): words name
 * the process. */
MUST_CHECK enum status stack_start(struct stack **out, const struct stack_config *config,
                                   struct error *error);

/* STATUS_CLOSED with the name and the last words of a child that ended, once for each. Never
 * blocks. */
MUST_CHECK enum status stack_check(struct stack *stack, struct error *error);

/* Callers first, then those they call, the collector last, each with time to finish (SIGTERM, then
 * SIGKILL after 8 s); removes what is temporary. NULL is fine. Names on standard error who did not
 * end well; false then. */
bool stack_stop(struct stack *stack);

const struct target *stack_target(const struct stack *stack);
const struct topology *stack_topology(const struct stack *stack);
const char *stack_data_directory(const struct stack *stack);
double stack_ready_ms(const struct stack *stack);

/* Calls `visit` for each process in the topology's order. */
struct stack_process {
    const char *name;
    const char *url; /* of the collector: its query API */
    pid_t pid;
};
void stack_visit(const struct stack *stack,
                 void (*visit)(void *context, const struct stack_process *process), void *context);

#endif
