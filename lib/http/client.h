/* HTTP client on libcurl, which stays inside: calls to peers by logical name, one after another or
 * side by side, with deadlines. Whole multi handles sit in a free list (the connection cache is the
 * multi's), one caller at a time each. Every call is a client span (trace/adapters/curl.h), child
 * of the thread's current span. Never follows redirects; http only, to the peers of the topology
 * only. A body is read up to 4 MiB. An idempotent call whose connection was closed under it is sent
 * once more, as a span of its own. Callable from any thread. */
#ifndef CULPRIT_HTTP_CLIENT_H
#define CULPRIT_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/status.h"
#include "http/topology.h"
#include "http/work.h"

enum { CLIENT_PATH_MAX = 8191 };

struct call {
    /* set by the caller */
    const char *peer;            /* "tax": a name of the topology */
    const char *method;          /* "GET" */
    const char *path_template;   /* "/products/{id}": url.template */
    const char *path;            /* what is asked for, query included; NULL: the template itself.
                                    Borrowed */
    json_t *body;                /* borrowed; NULL for none */
    const char *idempotency_key; /* header Idempotency-Key; makes any method idempotent; or NULL */
    const char *authorization;   /* header Authorization, or NULL */
    uint32_t timeout_ms;         /* 0: what is left of the work's deadline */
    bool drop_context;           /* nothing of the trace is passed on */
    /* set by the call */
    enum status result; /* STATUS_OK: an answer came, whatever its status code; TIMEOUT,
                           REFUSED, CLOSED, TOO_LARGE, IO, NOT_FOUND (no such peer),
                           INVALID (the answer is not JSON) */
    unsigned status;    /* 0 without an answer */
    json_t *reply;      /* owned by the call; NULL when there is no body */
    bool sent;          /* the peer may have seen it: false only where no connection was made,
                           in no attempt */
};

/* Does the call and returns its result. */
enum status client_call(const struct work *work, struct call *call);

/* Does all calls side by side over one multi handle. Returns the first result that is not OK, in
 * the array's order, after all of them ended. */
enum status client_call_all(const struct work *work, struct call *calls, size_t count);

/* Answer came and its status code is 2xx. */
bool call_succeeded(const struct call *call);

/* Frees the reply; may be called twice. */
void call_release(struct call *call);
void call_release_all(struct call *calls, size_t count);

/* Percent-encodes `value` for one path segment or query value into `out`; false when too long. */
bool client_escape(const char *value, char *out, size_t size);

/* Peers' addresses: "auth=127.0.0.1:34211,cart=..." wins over the topology's `name:port`.
 * STATUS_INVALID with words. Both arguments may be NULL / are borrowed for the client's life. */
MUST_CHECK enum status client_new(struct client **out, const struct topology *topology,
                                  const char *endpoints, struct error *error);
void client_free(struct client *client);

#endif
