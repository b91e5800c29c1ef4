/* What a coordinator and its workers say to each other, over HTTP/1.1 with JSON. Everything wants
 * `Authorization: Bearer TOKEN`; what has another token is answered 401, before anything of it is
 * looked at.
 *
 *     POST /-/workers                   {"protocol": 2, "instance": hex, "host": "a", "pid": 7}
 *       200 {"worker": 0, "workers": 3, "silence_ms": 10000}
 *       409 all seats are taken, or the run was started   426 another version of the protocol
 *     GET  /-/workers/clock             200 {"unix_ns": "..."}: the coordinator's clock
 *     GET  /-/workers/{worker}/job?instance=hex&round=1      the job of that round: "kind" says
 * what 200 {"protocol": 2, "kind": "load", "nonce": hex, "word": "flow.json", "options":
 * {load_options_json.h}, "files": [{"path": "flow.json", "bytes": 812}]} 200 {"protocol": 2,
 * "kind": "window", ...}: a window of an experiment (window_words.h) 200 {"protocol": 2, "kind":
 * "wait"}: it is not there yet; ask again 200 {"protocol": 2, "kind": "over"}: nor will it be GET
 * /-/workers/{worker}/files/{number}?instance=hex   200 its bytes, as they are POST
 * /-/workers/{worker}          a report; the answer is an order: 200 {"order": "start",
 * "start_unix_ns": "..."}       410 the seat is not (any more) yours
 *
 * A report is {"instance": hex, "round": 1, "number": 3, "state": "running", "words": "", ...} with
 * all that the worker counted since the round's start (load_steps_json.h: so nothing is lost with
 * one that is not heard, and one that is heard twice counts once). It comes about once a second; of
 * a worker that is ready, or asks for a job that is not there, the answer is held back for up to
 * WORKER_HOLD_MS.
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
 * A load is one round; an experiment has one for each of its windows, by the same workers. Strict:
 * what does not fit is an error with words. */
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
    WORKER_PROTOCOL = 2,
    WORKER_HOLD_MS = 1000,
    WORKER_HELLO_BYTES_MAX = 4096,
    WORKER_JOB_BYTES_MAX = 1024 * 1024,
    WORKER_REPORT_BYTES_MAX = 64 * 1024 * 1024,
    WORKER_TOKEN_MAX = 256,
    WORKER_TOKEN_LEAST = 16,
    WORKER_REQUESTS_MAX = 16384, /* in a report */
};

/* ---- shared with words of other kinds (loadgen/base/fields.h) */

struct field;
struct fields;

/* A field_reader of WORKER_INSTANCE_LENGTH hex digits: instances and nonces. */
MUST_CHECK enum status worker_words_read_hex(struct fields *fields, void *into);
/* One object, and nothing behind it; keys that are not in the table are passed over. */
MUST_CHECK enum status worker_words_read(struct text json, const struct field *table, size_t count,
                                         void *into, struct error *error);

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
    uint64_t taken;         /* requests of this round that the coordinator has */
};
void worker_words_command_write(struct json_writer *writer, const struct worker_command *command);
MUST_CHECK enum status worker_words_command_read(struct text json, struct worker_command *command,
                                                 struct error *error);

/* ---- the job */

enum worker_job_kind { WORKER_JOB_LOAD, WORKER_JOB_WINDOW, WORKER_JOB_WAIT, WORKER_JOB_OVER };

/* What stands first in any job, whose object stays open. */
void worker_words_kind_write(struct json_writer *writer, enum worker_job_kind kind);
/* STATUS_UNSUPPORTED, STATUS_INVALID. */
MUST_CHECK enum status worker_words_kind_read(struct text json, enum worker_job_kind *kind,
                                              struct error *error);

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
/* Of one of WORKER_JOB_LOAD. STATUS_INVALID. The job is to be released in any case. */
MUST_CHECK enum status worker_words_job_read(struct text json, struct worker_job *job,
                                             struct error *error);
void worker_words_job_release(struct worker_job *job);

/* ---- reports */

/* A request that ended, as far as others than its figures are concerned with it. */
struct worker_request {
    uint8_t trace_id[16];          /* all zero: not sampled */
    uint64_t number;               /* of its flow */
    uint64_t due_ns, done_ns;      /* since the round's start */
    uint16_t step, outcome, lines; /* enum window_step, enum load_outcome, of the cart */
};

struct worker_report {
    char instance[WORKER_INSTANCE_LENGTH + 1];
    uint64_t round, number;
    enum worker_state state;
    char words[WORKER_WORDS_MAX];
    uint64_t clock_error_ns, cpu_ns, peak_rss_kib;
    uint64_t spans_lost; /* of its own, in this round */
    bool is_late;        /* the generator itself was: its latencies are not to be trusted */
    struct load_flow_counts flows;
    struct load_part part; /* figures.step_count 0: nothing was counted yet */
    /* Those that the coordinator does not have yet, as many as fit: from the round's
     * `request_first`th on. malloced by worker_words_report_read. */
    struct worker_request *requests;
    uint64_t request_first;
    size_t request_count;
};

/* `steps` NULL: nothing was counted yet. Of the report's own part nothing is written. */
void worker_words_report_write(struct json_writer *writer, const struct worker_report *report,
                               const struct load_steps *steps);
/* STATUS_INVALID, STATUS_NO_MEMORY. The report is to be released in any case. */
MUST_CHECK enum status worker_words_report_read(struct text json, struct worker_report *report,
                                                struct error *error);
void worker_words_report_release(struct worker_report *report);

#endif
