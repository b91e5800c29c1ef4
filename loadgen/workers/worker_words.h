/* What a coordinator and its workers say to each other, over HTTP/1.1 with JSON. Everything wants
 * `Authorization: Bearer TOKEN`; what has another token is answered 401, before anything of it is
 * looked at.
 *
 *     POST /-/workers                   {"protocol": 1, "instance": hex, "host": "a", "pid": 7}
 *       200 {"worker": 0, "workers": 3, "silence_ms": 10000}
 *       409 all seats are taken, or the run was started   426 another version of the protocol
 *     GET  /-/workers/clock             200 {"unix_ns": "..."}: the coordinator's clock
 *     GET  /-/workers/{worker}/job?instance=hex
 *       200 {"protocol": 1, "kind": "load", "nonce": hex, "word": "flow.json",
 *            "options": {load_options_json.h}, "files": [{"path": "flow.json", "bytes": 812}]}
 *     GET  /-/workers/{worker}/files/{number}?instance=hex   200 its bytes, as they are
 *     POST /-/workers/{worker}          a report; the answer is an order:
 *       200 {"order": "start", "start_unix_ns": "..."}       410 the seat is not (any more) yours
 *
 * A report is {"instance": hex, "number": 3, "state": "running", "words": "", ...} with all that
 * the worker counted since the start (load_steps_json.h: so nothing is lost with one that is not
 * heard, and one that is heard twice counts once). It comes about once a second; of a worker that
 * is ready the answer is held back for up to WORKER_HOLD_MS while there is no other order than to
 * wait.
 *
 *     worker   preparing -> ready -> running -> done, interrupted or failed -> gone
 *     order    wait         wait     go on      leave
 *                           start    stop, give up
 *
 * "start" names the time on the coordinator's clock at which the first request is due. Worker w of
 * N with L loops takes the arrivals whose number modulo N * L is one of w * L to w * L + L - 1, and
 * likewise users; what a number stands for (flow, rows of data, pauses) follows from the seed, so
 * that all of them together send what one process would. Limits on connections are of all together.
 *
 * A job's "kind" leaves room for others. Strict: what does not fit is an error with words. */
#ifndef CULPRIT_LOADGEN_WORKERS_WORKER_WORDS_H
#define CULPRIT_LOADGEN_WORKERS_WORKER_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json_writer.h"
#include "base/status.h"
#include "base/text.h"
#include "loadgen/load/load_run.h"
#include "loadgen/load/worker_roll.h"
#include "loadgen/options/load_options_json.h"
#include "loadgen/report/load_document.h"
#include "loadgen/report/load_steps_json.h"

enum {
    WORKER_PROTOCOL = 1,
    WORKER_HOLD_MS = 1000,
    WORKER_HELLO_BYTES_MAX = 4096,
    WORKER_JOB_BYTES_MAX = 1024 * 1024,
    WORKER_REPORT_BYTES_MAX = 64 * 1024 * 1024,
    WORKER_TOKEN_MAX = 256,
    WORKER_TOKEN_LEAST = 16,
};

/* ---- hello */

void worker_words_hello_write(struct json_writer *writer, const struct worker_name *name);
/* STATUS_UNSUPPORTED: another version of the protocol. STATUS_INVALID. */
MUST_CHECK enum status worker_words_hello_read(struct text json, struct worker_name *name,
                                               struct error *error);

struct worker_place {
    uint64_t worker, workers, silence_ms;
};
void worker_words_place_write(struct json_writer *writer, const struct worker_place *place);
MUST_CHECK enum status worker_words_place_read(struct text json, struct worker_place *place,
                                               struct error *error);

/* ---- clock and orders */

void worker_words_clock_write(struct json_writer *writer, uint64_t unix_ns);
MUST_CHECK enum status worker_words_clock_read(struct text json, uint64_t *unix_ns,
                                               struct error *error);

struct worker_command {
    enum worker_order order;
    uint64_t start_unix_ns; /* of WORKER_ORDER_START */
};
void worker_words_command_write(struct json_writer *writer, const struct worker_command *command);
MUST_CHECK enum status worker_words_command_read(struct text json, struct worker_command *command,
                                                 struct error *error);

/* ---- the job */

struct worker_job_file {
    char path[LOAD_FILE_PATH_MAX];
    uint64_t bytes;
};

struct worker_job {
    char nonce[17];
    char word[LOAD_FILE_PATH_MAX];
    struct load_options_sent sent; /* its `word` is the one above */
    struct worker_job_file files[LOAD_FILES_MAX];
    size_t file_count;
};

void worker_words_job_write(struct json_writer *writer, const char *nonce,
                            const struct load_options *options, const struct load_files *files);
/* STATUS_INVALID, STATUS_UNSUPPORTED. The job is to be released in any case. */
MUST_CHECK enum status worker_words_job_read(struct text json, struct worker_job *job,
                                             struct error *error);
void worker_words_job_release(struct worker_job *job);

/* ---- reports */

struct worker_report {
    char instance[WORKER_INSTANCE_LENGTH + 1];
    uint64_t number;
    enum worker_state state;
    char words[WORKER_WORDS_MAX];
    uint64_t clock_error_ns, cpu_ns, peak_rss_kib;
    bool is_late; /* the generator itself was: its latencies are not to be trusted */
    struct load_flow_counts flows;
    struct load_part part; /* figures.step_count 0: nothing was counted yet */
};

/* `steps` NULL: nothing was counted yet. Of the report's own part nothing is written. */
void worker_words_report_write(struct json_writer *writer, const struct worker_report *report,
                               const struct load_steps *steps);
/* STATUS_INVALID, STATUS_NO_MEMORY. The report is to be released in any case. */
MUST_CHECK enum status worker_words_report_read(struct text json, struct worker_report *report,
                                                struct error *error);
void worker_words_report_release(struct worker_report *report);

#endif
