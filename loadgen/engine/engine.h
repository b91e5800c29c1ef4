/* An HTTP/1.1 client for load: many requests to one origin from one thread, over keep-alive
 * connections in one epoll instance. Requests that find no free connection wait in a bounded queue,
 * the oldest first; connections are opened as they are needed. It repeats nothing by itself: what
 * goes wrong is reported.
 *
 * One thread uses an engine. Callbacks run inside engine_poll and engine_abandon only, and may call
 * engine_submit. Memory: the queue is a list of the callers' requests; a
 * connection keeps at most CONNECTION_REQUEST_MAX + CONNECTION_BODY_KEPT + CONNECTION_HEAD_KEPT +
 * HTTP1_LINE_MAX. */
#ifndef CULPRIT_LOADGEN_ENGINE_ENGINE_H
#define CULPRIT_LOADGEN_ENGINE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/status.h"
#include "base/text.h"
#include "loadgen/engine/origin.h"

struct engine;

struct engine_config {
    struct origin origin;
    size_t connection_limit; /* 1 .. ENGINE_CONNECTIONS_MAX */
    size_t queue_max;        /* requests that wait */
    uint64_t
        request_timeout_ns; /* from sending to the whole answer; and for waiting in the queue */
    uint64_t connect_timeout_ns;
    uint64_t idle_max_ns; /* idle connections are closed then: below the server's own limit, so
                             that no request meets a closing one */
    uint64_t body_max_bytes;
};

enum { ENGINE_CONNECTIONS_MAX = 16384 };

/* Lies in the caller's memory from engine_submit until `ended` was called. */
struct engine_request {
    /* Writes the whole request: called right before it is sent, not at all when it never is. */
    void (*write)(struct engine_request *request, struct buffer *out);
    /* `outcome` and the times are set. `body`: the first CONNECTION_BODY_KEPT bytes of the
     * answer's, valid during the call. */
    void (*ended)(struct engine_request *request, struct text body);

    /* STATUS_OK: a whole answer. STATUS_REFUSED: no connection. STATUS_CLOSED: before the answer
     * was whole. STATUS_TIMEOUT: sent, no whole answer in time. STATUS_BUSY: never sent, no free
     * connection in time. STATUS_INVALID, STATUS_TOO_LARGE, STATUS_UNSUPPORTED: no HTTP answer that
     * can be read. STATUS_INTERRUPTED: engine_abandon. STATUS_NO_MEMORY. */
    enum status outcome;
    unsigned http_status; /* 0 without a whole answer */
    uint64_t submitted_ns;
    uint64_t connect_ns;    /* how long its connection took to open; 0: it was there already */
    uint64_t sent_ns;       /* right before the first byte left; 0: never sent */
    uint64_t first_byte_ns; /* 0: none came */
    uint64_t done_ns;       /* of a whole answer: when its last byte had come */
    uint64_t sent_bytes, received_bytes; /* of the request, and of what came for it */
    /* The caller's: keep the head of the answer; keep nothing of its body; it has none (HEAD). */
    bool wants_head, ignores_body, is_head;
    struct text head; /* where it was wanted, up to CONNECTION_HEAD_KEPT bytes of it: status line
                         and fields as they came; valid during `ended` */
    struct engine_request *next; /* the engine's */
};

/* STATUS_INVALID (limits), STATUS_NO_MEMORY, STATUS_IO. */
MUST_CHECK enum status engine_new(const struct engine_config *config, struct engine **out,
                                  struct error *error);

/* Closes all connections. Requests that are still in it are forgotten without a call: use
 * engine_abandon before. Accepts NULL. */
void engine_free(struct engine *engine);

/* Puts a request into the queue; engine_poll sends it. STATUS_BUSY: the queue is full, and `ended`
 * will not be called. */
MUST_CHECK enum status engine_submit(struct engine *engine, struct engine_request *request);

/* Sends what can be sent, then waits until something happens or `until_ns`, then handles it.
 * May return early, with nothing done. STATUS_IO: waiting failed. */
MUST_CHECK enum status engine_poll(struct engine *engine, uint64_t until_ns);

/* The `until_ns` that will come after that of the next engine_poll, as far as the caller knows:
 * waits that are known ahead cost less (loadgen/engine/alarm.h). UINT64_MAX, as at first: it does
 * not. */
void engine_expect(struct engine *engine, uint64_t then_ns);

/* Ends all requests with STATUS_INTERRUPTED; those submitted meanwhile too. */
void engine_abandon(struct engine *engine);

struct engine_counts {
    size_t waiting;     /* in the queue */
    size_t in_flight;   /* sent, no answer yet */
    size_t connections; /* open or opening */
    uint64_t connects;  /* since the start */
};
struct engine_counts engine_counts(const struct engine *engine);

#endif
