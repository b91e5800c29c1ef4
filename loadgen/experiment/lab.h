/* A system under test with us as its driver: processes of our own or somebody's (--target), control
 * of faults and environment, customers, our own tracing, and the plan of what each request leads
 * to. Whatever way a run ends, lab_close makes faults and environment usual again. One a process;
 * calls from one thread, except lab_stop_flag. */
#ifndef CULPRIT_LOADGEN_EXPERIMENT_LAB_H
#define CULPRIT_LOADGEN_EXPERIMENT_LAB_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/status.h"
#include "http/topology.h"
#include "loadgen/base/target.h"
#include "loadgen/experiment/scenario.h"
#include "loadgen/stack/control.h"
#include "loadgen/stack/session.h"
#include "loadgen/stack/stack.h"
#include "loadgen/window/complete.h"
#include "loadgen/window/readback.h"

struct lab_config {
    const char *target_path;   /* NULL: start a system of our own, on free ports */
    const char *bin_directory; /* of that; may be NULL */
    const char *data_directory;
    const char *keep_path; /* where the store of traces goes at the end; may be NULL */
    unsigned threads;      /* event loops that send the load; 0: one, on the calling thread */
};

struct lab {
    struct stack *stack; /* NULL for somebody's system */
    struct target target;
    struct topology topology;
    struct control control;
    struct sessions sessions;
    struct plan plans[READBACK_STEPS];
    unsigned threads;
    window_driver *drive; /* who sends the load instead of this process; NULL: it does */
    void *drive_context;
    bool has_tracing;
    bool is_touched; /* faults or environment may not be usual; those that were set: */
    bool has_faults, has_environment;
    atomic_bool stop;  /* a signal came, or a process died: for window_config.stop */
    struct error died; /* who, when a process of ours did */
};

/* STATUS_INVALID, NOT_FOUND (the target file), others: no system to work with; words. Nothing is
 * left behind on failure. */
MUST_CHECK enum status lab_open(struct lab *lab, const struct lab_config *config,
                                struct error *error);
/* Flushes, resets, stops. May be called twice. */
void lab_close(struct lab *lab);

/* STATUS_INTERRUPTED: a signal came; STATUS_CLOSED: a process of ours died, words name it. Sets the
 * stop flag in both cases. Never blocks. */
MUST_CHECK enum status lab_check(struct lab *lab, struct error *error);

/* Waits; statuses as lab_check, as soon as they hold. */
MUST_CHECK enum status lab_wait_until(struct lab *lab, uint64_t deadline_ns, struct error *error);

/* All names of a scenario are rows of the system. STATUS_INVALID with words. */
MUST_CHECK enum status lab_check_scenario(const struct lab *lab, const struct scenario *scenario,
                                          struct error *error);

/* Environment with no fault; then faults with the environment kept. Statuses of control_replace. */
MUST_CHECK enum status lab_set_environment(struct lab *lab, const struct settings *environment,
                                           struct error *error);
MUST_CHECK enum status lab_set_faults(struct lab *lab, const struct settings *faults,
                                      struct error *error);

#endif
