/* A worker's side of worker_words.h: one question after another to the coordinator, each under a
 * deadline. Blocks. One thread at a time. */
#ifndef CULPRIT_LOADGEN_WORKERS_WORKER_LINE_H
#define CULPRIT_LOADGEN_WORKERS_WORKER_LINE_H

#include "base/buffer.h"
#include "loadgen/base/fetch.h"
#include "loadgen/workers/worker_clock.h"
#include "loadgen/workers/worker_words.h"

struct worker_line {
    struct fetch fetch;
    const char *token; /* borrowed */
    struct worker_name name;
    struct worker_place place;
    struct worker_clock clock;
    uint64_t round;    /* of the last job */
    uint64_t number;   /* of the last report */
    uint64_t heard_ns; /* when the coordinator last answered */
    struct buffer out; /* what is sent */
};

/* STATUS_INVALID: no http:// address. STATUS_IO: no random bytes. Release in any case. */
MUST_CHECK enum status worker_line_init(struct worker_line *line, const char *url,
                                        const char *token, struct error *error);
void worker_line_release(struct worker_line *line);

/* Each of these: STATUS_REFUSED with the coordinator's words (it has another token, no seat, or
 * speaks another version), STATUS_INVALID (what it said is not to be understood), STATUS_CLOSED
 * (nobody listens, or no more), STATUS_TIMEOUT, STATUS_NOT_FOUND, STATUS_IO.
 *
 * A seat, asking again until `until_ns` where nobody listens yet; STATUS_INTERRUPTED. */
MUST_CHECK enum status worker_line_join(struct worker_line *line, uint64_t until_ns,
                                        struct error *error);
/* Its clock, anew. */
MUST_CHECK enum status worker_line_measure(struct worker_line *line, struct error *error);
/* The job of the next round, of whatever kind but WORKER_JOB_WAIT: asks until it is there.
 * *json is borrowed until the next question. STATUS_INTERRUPTED. */
MUST_CHECK enum status worker_line_job(struct worker_line *line, enum worker_job_kind *kind,
                                       struct text *json, struct error *error);
/* The files that it names, which are then sealed. */
MUST_CHECK enum status worker_line_files(struct worker_line *line, const struct worker_job *job,
                                         struct load_files *files, struct error *error);
/* Sends a report, whose instance, round and number are set here. `steps` may be NULL. */
MUST_CHECK enum status worker_line_report(struct worker_line *line, struct worker_report *report,
                                          const struct load_steps *steps,
                                          struct worker_command *command, struct error *error);

/* For how long nothing was heard of it. */
bool worker_line_is_dead(const struct worker_line *line);
uint64_t worker_line_silence_ns(const struct worker_line *line);

#endif
