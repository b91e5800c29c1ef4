/* One libcurl handle of the curl engine, and the request that it carries. Says everything to
 * libcurl that HTTP is about; the engine has the sockets and the waiting. One thread. */
#ifndef CULPRIT_LOADGEN_ENGINE_CURL_TRANSFER_H
#define CULPRIT_LOADGEN_ENGINE_CURL_TRANSFER_H

#include <stdbool.h>
#include <stdint.h>

#include <curl/curl.h>

#include "base/buffer.h"
#include "base/status.h"
#include "loadgen/engine/curl_engine.h"

struct curl_transfer {
    CURL *easy; /* NULL: not made yet */
    const struct curl_engine_config *config;
    struct engine_request *request; /* NULL: free */
    struct curl_slist *headers;
    struct buffer out; /* the request as text; its body is sent from here */
    struct buffer head, body;
    uint64_t began_ns, body_bytes;
    bool too_large;
    struct curl_transfer *next_free; /* the engine's */
};

void curl_transfer_init(struct curl_transfer *transfer, const struct curl_engine_config *config);
void curl_transfer_release(struct curl_transfer *transfer);

/* Has the request written and tells libcurl about it; the caller then adds `easy` to its multi.
 * STATUS_NO_MEMORY, STATUS_TOO_LARGE. */
MUST_CHECK enum status curl_transfer_begin(struct curl_transfer *transfer,
                                           struct engine_request *request);

/* What became of it, by libcurl's word. */
enum status curl_transfer_outcome(const struct curl_transfer *transfer, CURLcode code);

/* Fills the request's outcome, status, times, bytes and head; true: a connection was opened. The
 * handle may be removed from its multi behind this only. */
bool curl_transfer_end(struct curl_transfer *transfer, enum status outcome);

#endif
