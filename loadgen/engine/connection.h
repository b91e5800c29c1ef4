/* One keep-alive socket of the engine: opens, sends one request, reads one response. Never blocks
 * and never waits; knows neither queue nor clock (but for the moment of the first byte). One
 * thread. */
#ifndef CULPRIT_LOADGEN_ENGINE_CONNECTION_H
#define CULPRIT_LOADGEN_ENGINE_CONNECTION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/status.h"
#include "loadgen/engine/http1.h"
#include "loadgen/engine/http1_memo.h"
#include "loadgen/engine/origin.h"

enum {
    CONNECTION_REQUEST_MAX = 64 * 1024,
    CONNECTION_BODY_KEPT = 64 * 1024, /* of a response; the rest is counted, not kept */
    CONNECTION_HEAD_KEPT = 16 * 1024, /* where `keeps_head` is set */
    CONNECTION_SCRATCH_BYTES = 64 * 1024,
};

/* What connection_receive works with; its content means nothing from call to call but that the same
 * is read faster the second time. One for all connections of a thread, zeroed at first. */
struct connection_scratch {
    struct http1_memo memo;
    char bytes[CONNECTION_SCRATCH_BYTES];
};

enum connection_state {
    CONNECTION_CLOSED,
    CONNECTION_CONNECTING,
    CONNECTION_IDLE,
    CONNECTION_BUSY,
    CONNECTION_STATES,
};

struct engine_request;

struct connection {
    int fd;                         /* -1: closed */
    enum connection_state state;    /* the list that it is in */
    uint32_t generation;            /* changes when it is closed, so that old events are known */
    uint64_t since_ns;              /* in this state */
    uint64_t connect_ns;            /* how long connecting took; 0 once a request was told */
    uint64_t first_byte_ns;         /* of the response; 0: none yet */
    uint64_t last_byte_ns;          /* when what came last came; of a close too */
    struct engine_request *request; /* of a busy one */
    struct buffer out;              /* the request */
    size_t sent_bytes;
    struct buffer rest; /* a part of a line */
    struct buffer body;
    bool keeps_head, ignores_body;
    struct buffer head;      /* status line and fields of the final response */
    uint64_t received_bytes; /* of this response, and of what followed it */
    struct http1 parser;
    struct connection *previous, *next;
};

/* The caller has the memory, zeroed or not. */
void connection_init(struct connection *connection);
void connection_release(struct connection *connection);

/* STATUS_OK: connected; STATUS_BUSY: ask connection_check when it can be written to;
 * STATUS_REFUSED: not connected, and closed again. */
MUST_CHECK enum status connection_open(struct connection *connection, const struct origin *origin);
MUST_CHECK enum status connection_check(struct connection *connection);

/* May be called on a closed one. */
void connection_close(struct connection *connection);

/* Makes it ready for a request, whose bytes the caller then appends to `out`. */
void connection_begin(struct connection *connection, uint64_t body_max_bytes);

/* STATUS_OK: all of `out` is sent; STATUS_BUSY: go on when it can be written to; STATUS_CLOSED;
 * STATUS_TOO_LARGE, STATUS_NO_MEMORY: `out` failed. */
MUST_CHECK enum status connection_send(struct connection *connection);

/* Reads what is there; `drain`: up to the end of the stream, where one was announced. STATUS_OK:
 * not complete; STATUS_END: the response is, `body` and `parser` tell of it; STATUS_CLOSED, and
 * what http1_feed refuses. */
MUST_CHECK enum status connection_receive(struct connection *connection,
                                          struct connection_scratch *scratch, bool drain);

/* After STATUS_END: another request may follow. */
bool connection_is_reusable(const struct connection *connection);

/* A list in order of arrival. */
struct connection_list {
    struct connection *first, *last;
    size_t count;
};
void connection_list_append(struct connection_list *list, struct connection *connection);
void connection_list_remove(struct connection_list *list, struct connection *connection);

#endif
