/* One call as a libcurl transfer: sets an easy handle up, and reads the outcome off it. Used by
 * client.c alone; one thread at a time. */
#ifndef CULPRIT_HTTP_CLIENT_TRANSFER_H
#define CULPRIT_HTTP_CLIENT_TRANSFER_H

#include <stdbool.h>

#include <curl/curl.h>

#include "base/buffer.h"
#include "http/client.h"
#include "http/evidence.h"
#include "trace/trace.h"

/* Where a peer is. */
struct client_peer {
    const char *name;
    bool is_partner;               /* gets no context */
    struct curl_slist *connect_to; /* "tax:80:127.0.0.1:8101" */
};

struct client_transfer {
    struct call *call;
    const struct client_peer *peer;
    CURL *easy;                        /* owned by the transport */
    const struct evidence_pool *place; /* of the transport; borrowed */
    struct span *span; /* NULL: the thread has no span, so there is none to be a child of */
    struct curl_slist *headers;
    char *body;
    struct buffer url;
    struct buffer reply;
    unsigned resend_count;
    unsigned request_count; /* that libcurl began for it: it must not begin a second by itself */
    bool running;           /* in the multi handle */
};

/* Sets all that is the same for every transfer; once a handle. */
void client_transfer_configure(CURL *easy);

/* Starts the span and sets the handle up. STATUS_TIMEOUT: no time is left; STATUS_NO_MEMORY,
 * STATUS_TOO_LARGE (path). The call's result is set then. */
MUST_CHECK enum status client_transfer_begin(struct client_transfer *transfer,
                                             uint64_t deadline_ns);

/* Ends the span, fills the call's outputs. true: nothing came because the connection was closed
 * under an idempotent call that was not sent again yet: begin it once more. */
bool client_transfer_end(struct client_transfer *transfer, CURLcode result);

/* Frees what begin made; may be called twice. */
void client_transfer_release(struct client_transfer *transfer);

#endif
