/* The traces that are still open, in bounded memory: shards by trace id, a lock each. A trace that
 * had no span for a while settles: the writer takes it, stores it, and gives it back; until then it
 * can be queried here. Spans that come after that open the trace again. Callable from any thread;
 * settling from one at a time. */
#ifndef CULPRIT_COLLECTOR_OPEN_TRACES_H
#define CULPRIT_COLLECTOR_OPEN_TRACES_H

#include "services/collector/batch.h"
#include "services/collector/open_trace.h"

struct open_traces;

/* `settle_ns`: quiet time after the last span; shorter when more than half of `max_bytes` is used,
 * none above three quarters. */
MUST_CHECK enum status open_traces_new(struct open_traces **out, size_t max_bytes,
                                       uint64_t settle_ns);
void open_traces_free(struct open_traces *open);

/* false: over the memory limit, whoever has more should come again later. */
bool open_traces_have_room(const struct open_traces *open, size_t more_bytes);

/* Adds the batch's spans; returns how many did not fit (a trace over its limit, no memory). */
uint64_t open_traces_add(struct open_traces *open, const struct batch *batch, uint64_t now_ns);

/* Takes settled traces (all with `all`) of together about `max_spans` spans, oldest first in each
 * shard, as a list by `older`. NULL: none. They stay readable and do not change. */
struct open_trace *open_traces_settle(struct open_traces *open, uint64_t now_ns, size_t max_spans,
                                      bool all);
/* Gives the list back, to be forgotten. */
void open_traces_done(struct open_traces *open, struct open_trace *list);

/* Appends what is open of a trace as TracesData. false: nothing. */
bool open_traces_copy(struct open_traces *open, const uint8_t id[16], struct buffer *out);

/* A trace that may be what a search wants. */
struct open_traces_row {
    uint8_t id[16];
    uint64_t start_ns;
};

/* Appends a row for each trace that overlaps [start_ns, end_ns], in no order. */
void open_traces_list(struct open_traces *open, uint64_t start_ns, uint64_t end_ns,
                      struct buffer *out);

/* Calls `each` with the service of every resource of the traces here, under a shard's lock. */
void open_traces_each_service(struct open_traces *open,
                              void (*each)(void *context, struct text service), void *context);
/* Calls `each` with the bytes of every span of a service, under a shard's lock. */
void open_traces_each_span(struct open_traces *open, struct text service,
                           void (*each)(void *context, struct text span), void *context);

struct open_traces_stats {
    uint64_t traces, spans, bytes;
};
struct open_traces_stats open_traces_stats(const struct open_traces *open);

/* Sleeps until there may be something to settle, at most until the deadline. */
void open_traces_wait(struct open_traces *open, uint64_t deadline_ns);
/* Ends such a sleep. */
void open_traces_wake(struct open_traces *open);

#endif
