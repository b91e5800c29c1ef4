/* The coordinator of workers, whatever their job: takes them in over HTTP (worker_words.h), hands
 * each round's job to all of them, starts them at one moment, and keeps what they report. One
 * thread has it, and does the waiting; routes run on threads of their own. */
#ifndef CULPRIT_LOADGEN_WORKERS_COORDINATOR_H
#define CULPRIT_LOADGEN_WORKERS_COORDINATOR_H

#include <pthread.h>
#include <stdbool.h>

#include "base/buffer.h"
#include "http/server.h"
#include "loadgen/load/load_files.h"
#include "loadgen/load/load_workers.h"
#include "loadgen/workers/worker_words.h"

struct coordinator_config {
    const char *program; /* for what is said on standard error: "culprit load" */
    const char *address, *token;
    size_t worker_count;
    double wait_s, silence_s; /* 0: as usual */
    size_t step_count;        /* of reports */
    const struct load_files *files;
    size_t requests_max; /* that are kept until they are taken; 0: reports have none */
};

struct coordinator {
    struct coordinator_config config;
    struct server *server;
    uint64_t mono_ns, wall_ns; /* one moment: its clock is the monotonic one from there */

    pthread_mutex_t mutex;  /* of what is below */
    pthread_cond_t changed; /* CLOCK_MONOTONIC */
    struct worker_roll roll;
    struct buffer job;                               /* JSON, the same for all; of the round: */
    uint64_t job_round;                              /* 0: there is none yet */
    bool is_finished;                                /* there will be no other */
    bool has_left[WORKER_SEATS_MAX];                 /* it was told so */
    struct worker_report *reports[WORKER_SEATS_MAX]; /* the newest with figures; NULL: none */
    enum worker_state told[WORKER_SEATS_MAX];        /* what was said of them on standard error */
    uint64_t taken[WORKER_SEATS_MAX];                /* requests of this round that are here */
    struct buffer requests;                          /* struct worker_request each */
};

/* What its clock shows at a point of the monotonic one. */
static inline uint64_t coordinator_unix_ns(const struct coordinator *coordinator, uint64_t mono_ns)
{
    return coordinator->wall_ns + (mono_ns - coordinator->mono_ns);
}

/* Listens, says where, and takes workers in from now on. STATUS_EXISTS (the port is in use),
 * STATUS_INVALID, STATUS_NO_MEMORY, with words. Close it in any case; all of it is {0} then. */
MUST_CHECK enum status coordinator_open(struct coordinator *coordinator,
                                        const struct coordinator_config *config,
                                        struct error *error);

/* The next round, with a job that was written: its content is taken. */
MUST_CHECK enum status coordinator_begin(struct coordinator *coordinator, struct buffer *job,
                                         uint64_t run_ns, uint64_t grace_ns, struct error *error);

/* To be called all the time while a round goes on: says who came and who is lost. true: it is over.
 */
bool coordinator_look(struct coordinator *coordinator);
void coordinator_stop(struct coordinator *coordinator);
void coordinator_give_up(struct coordinator *coordinator);

/* Adds what was reported so far, of all workers. The start of the round, 0: not set yet. */
uint64_t coordinator_add_up(struct coordinator *coordinator, struct load_figures *figures,
                            struct load_flow_counts *flows);

/* Why a round was not started: STATUS_TIMEOUT (not all came in time), STATUS_IO (one could not do
 * it, or is gone), STATUS_INTERRUPTED; with words. */
enum status coordinator_explain(struct coordinator *coordinator, struct error *error);

/* Behind a round that was started. Who worked, a malloced item each; STATUS_NO_MEMORY. */
MUST_CHECK enum status coordinator_workers(struct coordinator *coordinator,
                                           struct load_workers *workers, struct error *error);
/* Figures over time of whoever told them: of a worker that was lost they are missing. */
void coordinator_timeline(struct coordinator *coordinator, struct load_timeline *timeline);
/* From the first due time to the last answer, of whoever took longest. */
double coordinator_elapsed_s(struct coordinator *coordinator);
bool coordinator_all_done(struct coordinator *coordinator);

/* Of the round that goes on: nobody is lost, was interrupted or failed so far. */
bool coordinator_is_whole(struct coordinator *coordinator);

/* The requests that were told since the last time are swapped with what `into` held, which is
 * forgotten. The start of the round, 0: not set yet. */
uint64_t coordinator_take_requests(struct coordinator *coordinator, struct buffer *into);

/* No other round: waits for a moment until workers know, and stops. */
void coordinator_close(struct coordinator *coordinator);

extern const struct server_route coordinator_routes[];
extern const size_t coordinator_routes_count;

#endif
