/* One run of a load plan: starts its loops at one moment, watches them, and adds up what they
 * counted. The calling thread waits meanwhile; SIGINT and SIGTERM (loadgen/base/interrupt.h) end
 * the arrivals, and what is in flight may end within the grace time. */
#ifndef CULPRIT_LOADGEN_LOAD_LOAD_RUN_H
#define CULPRIT_LOADGEN_LOAD_LOAD_RUN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "loadgen/base/verdict.h"
#include "loadgen/load/load_loop.h"
#include "loadgen/load/load_workers.h"

/* How far it is; about four times a second, on the calling thread. `figures` is of everything so
 * far, and valid during the call. */
struct load_progress {
    const struct load_figures *figures;
    struct load_flow_counts flows;
    uint64_t elapsed_ms, duration_ms;
};
typedef void load_teller(void *context, const struct load_progress *progress);

/* What somebody else wants of a run that goes on. */
enum load_order { LOAD_GO_ON, LOAD_STOP, LOAD_GIVE_UP };

struct load_run_config {
    const struct load_plan *plan; /* checked */
    const struct load_client_kind *client;
    bool http2, insecure;
    const char *ca_file;
    load_observer *observe;  /* may be NULL */
    load_teller *tell;       /* may be NULL */
    void *context;           /* of both */
    uint64_t start_ns;       /* when the first request may be due (monotonic); 0: at once */
    const char *nonce;       /* of 16 hex digits; NULL: drawn */
    unsigned part, parts;    /* this process does one of so many; 0 parts: all of it */
    const atomic_int *order; /* an enum load_order, looked at all the time; may be NULL */
};

struct load_judgement {
    double value;
    bool holds;
};

struct load_result {
    struct load_figures figures;
    struct load_timeline timeline;
    struct load_flow_counts flows;
    char nonce[17];
    uint64_t start_wall_ns, end_wall_ns;
    double elapsed_s; /* from the first due time to the last answer */
    uint64_t cpu_ns;  /* of the loops */
    uint64_t peak_rss_kib;
    bool is_interrupted;
    bool is_aborted; /* by a threshold that was broken */
    bool is_late;    /* the generator was late itself: its latencies are not to be trusted */
    struct load_judgement judgements[LOAD_THRESHOLDS_MAX]; /* of the plan's thresholds */
    enum verdict verdict;
    struct load_workers workers; /* none, where one process did all */
};

/* STATUS_NOT_FOUND (no address of that name), STATUS_INVALID (more connections than files may be
 * open), STATUS_NO_MEMORY, STATUS_IO with words. The result is
 * to be released in any case. */
MUST_CHECK enum status load_run(const struct load_run_config *config, struct load_result *result,
                                struct error *error);

/* Some threshold that aborts is broken, by figures of a run that goes on. */
bool load_run_breaks(const struct load_plan *plan, const struct load_figures *figures,
                     double elapsed_s);

/* Lateness, judgements and verdict, of figures that are complete. */
void load_run_judge(const struct load_plan *plan, struct load_result *result);

void load_run_release(struct load_result *result);

#endif
