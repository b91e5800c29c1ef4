/* One event loop of `culprit load`: takes its share of the arrivals (or users) of a plan, goes
 * through the steps of their flows, and gives a sample for each request. It runs on a thread of its
 * own from load_loop_start to load_loop_join; what is asked meanwhile is answered under its lock,
 * which the loop holds for the time of one addition. */
#ifndef CULPRIT_LOADGEN_LOAD_LOAD_LOOP_H
#define CULPRIT_LOADGEN_LOAD_LOAD_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "loadgen/load/load_crew.h"

struct load_loop;

/* STATUS_NO_MEMORY, STATUS_IO with words. */
MUST_CHECK enum status load_loop_start(struct load_shared *shared, unsigned loop,
                                       struct load_loop **out, struct error *error);

/* Adds what it has counted so far. Any thread, until load_loop_free. */
void load_loop_collect(struct load_loop *loop, struct load_figures *figures,
                       struct load_flow_counts *flows);

void load_loop_collect_timeline(struct load_loop *loop, struct load_timeline *timeline);

/* Waits for its end. *cpu_ns: what its thread used. STATUS_OK; else why it ended, with words. */
MUST_CHECK enum status load_loop_join(struct load_loop *loop, uint64_t *cpu_ns,
                                      struct error *error);

/* After load_loop_join. Accepts NULL. */
void load_loop_free(struct load_loop *loop);

#endif
