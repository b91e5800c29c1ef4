/* One window of load: an open model by a schedule. Each arrival is one checkout flow (fill a cart,
 * then check out), due at a time that is fixed before the window starts and does not depend on
 * answers; latency is counted from the due time. Runs the epoll engine on the calling thread
 * until the last flow ended or the grace time is over. The request sequence (users, carts, lines)
 * and the times at which they are due follow from the seed alone; ids of traces, carts and
 * idempotency keys carry the nonce.
 *
 * Every request is a CLIENT root span of the calling process's tracing (trace/trace.h), which the
 * caller started. */
#ifndef CULPRIT_LOADGEN_WINDOW_WINDOW_H
#define CULPRIT_LOADGEN_WINDOW_WINDOW_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "loadgen/load/load_examples.h"
#include "loadgen/load/load_figures.h"
#include "loadgen/load/load_sample.h"
#include "loadgen/load/load_timeline.h"
#include "loadgen/load/load_workers.h"
#include "loadgen/load/schedule.h"

enum window_step { WINDOW_CART, WINDOW_CHECKOUT, WINDOW_STEPS };

/* "fill the cart", "check out"; what thresholds and reports call them. */
const char *window_step_word(enum window_step step);

/* A request that ended. */
struct window_request {
    struct load_sample sample; /* `step` is an enum window_step */
    unsigned cart_lines;
    bool sampled;           /* its trace */
    uint64_t start_wall_ns; /* of the root span; a request that was never sent has none */
    uint64_t end_wall_ns;
};

/* Called on the engine's thread for every request that ended: must be quick and never block. */
typedef void window_observer(void *context, const struct window_request *request);

struct window_progress {
    uint64_t due, started, done, failed, in_flight; /* flows */
    uint64_t elapsed_ms, duration_ms;
    double wanted_rate;                 /* checkouts a second, at this moment */
    const struct load_figures *figures; /* the result's, so far */
};
/* About four times a second on the engine's thread, and once at the end. */
typedef void window_teller(void *context, const struct window_progress *progress);

struct window_config {
    const char *frontend;      /* "http://127.0.0.1:8080" */
    const char *const *tokens; /* session tokens, used in turn */
    size_t token_count;
    const struct schedule_plan *arrivals; /* of checkouts; borrowed */
    uint64_t seed;
    char nonce[17];                /* hex */
    unsigned lines_min, lines_max; /* of a cart */
    unsigned lines_median;         /* 0: evenly spread */
    unsigned sku_count;            /* sku-0001 .. */
    unsigned connection_limit;     /* of all parts together: 512 when 0 */
    uint64_t request_timeout_ms;   /* 30,000 when 0 */
    uint64_t grace_ms;    /* how long to wait for answers after the last arrival: 30,000 when 0 */
    uint64_t start_ns;    /* when the schedule begins (monotonic); 0: at once */
    unsigned part, parts; /* only the flows whose number modulo `parts` is `part`; 0 parts: all */
    const atomic_bool *stop;  /* true: no more arrivals, finish what is in flight; may be NULL */
    window_observer *observe; /* may be NULL */
    window_teller *tell;      /* may be NULL */
    void *context;            /* of both */
};

struct window_result {
    uint64_t flows_due, flows_done, flows_ok;
    uint64_t dropped; /* due, but never sent: no free connection within the request's
                         time-out; the LOAD_DROPPED outcomes of both steps */
    uint64_t start_wall_ns, end_wall_ns; /* first due time, last answer */
    double elapsed_s;                    /* between them */
    uint64_t cpu_ns;                     /* of loops on threads of their own; else 0 */
    bool interrupted;
    /* By enum window_step; no step and no slot where there was no memory. */
    struct load_figures figures;
    struct load_timeline timeline;
    struct load_examples examples[WINDOW_STEPS];
    /* Latency of the checkout by flow number; 0: not ok. flows_due items. */
    uint64_t *latency_by_flow_ns;
    struct load_workers workers; /* none, where one process did all */
};

/* STATUS_INVALID (config), STATUS_NO_MEMORY, STATUS_IO. The result is filled in any case. */
MUST_CHECK enum status window_run(const struct window_config *config, struct window_result *result,
                                  struct error *error);
void window_result_release(struct window_result *result);

/* Who does windows instead of window_run, with its statuses and more. */
typedef enum status window_driver(void *context, const struct window_config *config,
                                  struct window_result *result, struct error *error);

/* The generator itself was late, any of several: its latencies are not to be trusted. */
bool window_result_is_late(const struct window_result *result);

/* Latency of checkouts, those of unknown latency above the rest; 0 where there is none. */
uint64_t window_latency_ns(const struct window_result *result, double q);
/* Requests of both steps that were not answered rightly. */
uint64_t window_failed(const struct window_result *result);

#endif
