/* What `culprit load` is to do: flows of steps against one origin, how they arrive, what is right,
 * and what must hold. Read from a JSON file (scenarios/schema/load.schema.json), strictly: a key
 * that nobody knows, a wrong type or a name that nobody sets is an error with file, line and key.
 * Or made of one URL. Read only once it is made; any thread. */
#ifndef CULPRIT_LOADGEN_LOAD_LOAD_PLAN_H
#define CULPRIT_LOADGEN_LOAD_LOAD_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"
#include "loadgen/load/load_check.h"
#include "loadgen/load/load_extract.h"
#include "loadgen/load/load_feeder.h"
#include "loadgen/load/load_files.h"
#include "loadgen/load/load_template.h"
#include "loadgen/load/load_threshold.h"
#include "loadgen/load/schedule.h"

enum {
    LOAD_FLOWS_MAX = 16,
    LOAD_STEPS_MAX = 64, /* of all flows */
    LOAD_HEADERS_MAX = 32,
    LOAD_USERS_MAX = 65536,
    LOAD_THREADS_MAX = 64,
    LOAD_TEXT_MAX = 64,
    LOAD_URL_MAX = 512,
};

/* Uniform between the two, by the seed. */
struct load_pause {
    uint64_t min_ns, max_ns;
};

struct load_take {
    uint16_t value; /* which one it sets */
    struct load_extract extract;
};

struct load_step {
    char name[LOAD_TEXT_MAX];
    char method[16];
    struct load_template request; /* everything; its hole for the body is `body` */
    struct load_template body;
    bool has_constant_body; /* and then it is in `request` */
    bool is_head;
    bool wants_head, wants_body; /* of the answer */
    struct load_pause think;     /* before it is sent */
    struct load_take takes[LOAD_TAKES_MAX];
    size_t take_count;
    struct load_checks checks;
};

struct load_flow {
    char name[LOAD_TEXT_MAX];
    double weight;
    size_t first_step, step_count;
};

struct load_limits {
    unsigned connections; /* of all threads together */
    unsigned threads;
    uint64_t request_timeout_ns, connect_timeout_ns, grace_ns;
    uint64_t body_max_bytes;
};

struct load_plan {
    char name[LOAD_TEXT_MAX];
    char target[LOAD_URL_MAX]; /* "http://host:port" */
    uint64_t seed;
    bool is_traced;
    bool is_closed; /* users that wait for answers, instead of arrivals that do not */
    struct schedule_plan schedule;
    unsigned users;
    double users_ramp_s, users_duration_s;
    struct load_pause think; /* of a user between two flows */
    struct load_limits limits;
    struct load_flow flows[LOAD_FLOWS_MAX];
    size_t flow_count;
    struct load_step steps[LOAD_STEPS_MAX];
    size_t step_count;
    struct load_names names;
    struct load_feeder feeders[LOAD_FEEDERS_MAX];
    size_t feeder_count;
    struct load_thresholds thresholds;
    struct arena arena;
    struct load_files *files; /* borrowed; NULL: files are read from disk and not kept */
};

/* Everything at its default: 10 s of 10 a second over at most 64 connections and one thread,
 * 30 s for an answer. */
void load_plan_init(struct load_plan *plan);
void load_plan_release(struct load_plan *plan);

/* How long arrivals or users go on. */
double load_plan_duration_s(const struct load_plan *plan);

/* The last word, when all is set: STATUS_INVALID with words. */
MUST_CHECK enum status load_plan_check(const struct load_plan *plan, struct error *error);

/* Which flow arrival `number` is: by weight, from the seed. */
const struct load_flow *load_plan_flow(const struct load_plan *plan, uint64_t number);

/* One request as texts with holes; what it is made into is the plan's. */
struct load_request_text {
    struct text method, path, body; /* body.data NULL: none */
    struct text headers[LOAD_HEADERS_MAX][2];
    size_t header_count;
};
/* Compiles the step's request. `authority` is what the Host field says. STATUS_INVALID with words
 * without a place. */
MUST_CHECK enum status load_plan_compile(struct load_plan *plan, struct load_step *step,
                                         const struct load_request_text *text, struct error *error);

/* Adds a flow of one step and the target from "http://host:port/path". */
MUST_CHECK enum status load_plan_add_url(struct load_plan *plan, const char *url,
                                         struct load_request_text *text, struct error *error);

#endif
