/* The part of worker_words.h that is about windows of an experiment: the job of one, and the
 * requests that a worker tells, so that their traces can be read back.
 *
 *     {"protocol": 2, "kind": "window", "nonce": hex, "frontend": "http://...", "otlp":
 * "http://...", "tokens": ["..."], "stages": [{"duration_s": 20, "from": 5, "to": 5}], "poisson":
 * false, "seed": "1", "lines_min": 1, ..., "threads": 1}
 *
 * A report's "requests" are [trace id in hex or "", flow, step, outcome, lines, due_ns, done_ns]
 * each, times since the start of the window. Strict. */
#ifndef CULPRIT_LOADGEN_WORKERS_WINDOW_WORDS_H
#define CULPRIT_LOADGEN_WORKERS_WINDOW_WORDS_H

#include "loadgen/window/window.h"
#include "loadgen/workers/worker_words.h"

enum { WINDOW_JOB_TOKENS_MAX = 64, WINDOW_JOB_TOKEN_MAX = 513, WINDOW_JOB_URL_MAX = 272 };

struct window_job {
    struct window_config config; /* points into what follows */
    uint64_t threads;            /* of each worker: 1 to WINDOW_LOOPS_MAX */
    char frontend[WINDOW_JOB_URL_MAX];
    char otlp[WINDOW_JOB_URL_MAX]; /* where its root spans go */
    char tokens[WINDOW_JOB_TOKENS_MAX][WINDOW_JOB_TOKEN_MAX];
    const char *token_list[WINDOW_JOB_TOKENS_MAX];
    struct schedule_plan arrivals;
};

/* Of the configuration what a worker needs. */
void window_words_job_write(struct json_writer *writer, const struct window_config *config,
                            const char *otlp, unsigned threads);
/* STATUS_INVALID. Must not be moved afterwards; what window_run checks is left to it. */
MUST_CHECK enum status window_words_job_read(struct text json, struct window_job *job,
                                             struct error *error);

bool window_words_is_sampled(const struct worker_request *request);

/* The members "request_first" and "requests" into the object that is open. */
void window_words_requests_write(struct json_writer *writer, const struct worker_report *report);
/* A field_reader of "requests" into a struct worker_report. STATUS_INVALID, STATUS_NO_MEMORY. */
MUST_CHECK enum status window_words_requests_read(struct fields *fields, void *report);

#endif
