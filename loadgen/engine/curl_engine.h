/* The engine's work done by libcurl: https, HTTP/2, and a second opinion on HTTP/1.1. Takes the
 * same requests as loadgen/engine/engine.h and keeps the same promises about callbacks, limits and
 * times, with these differences: it costs two to three times the CPU; libcurl sends a request anew
 * by itself where a connection that it had kept turns out to be closed; times are to the
 * microsecond; connection_limit bounds the requests under way, which HTTP/2 may carry over fewer
 * connections. One thread: the one that made it. */
#ifndef CULPRIT_LOADGEN_ENGINE_CURL_ENGINE_H
#define CULPRIT_LOADGEN_ENGINE_CURL_ENGINE_H

#include <stdbool.h>

#include "loadgen/engine/engine.h"

struct curl_engine;

struct curl_engine_config {
    struct engine_config engine; /* `origin` is not looked at */
    const char *target;          /* "https://host:port" */
    bool http2;          /* over TLS by negotiation, else HTTP/1.1; in the clear without asking */
    bool insecure;       /* any certificate passes */
    const char *ca_file; /* NULL: the system's */
};

/* STATUS_INVALID, STATUS_NO_MEMORY, STATUS_IO, STATUS_UNSUPPORTED (a libcurl without
 * HTTP/2; in the clear, 7.88, which breaks it). */
MUST_CHECK enum status curl_engine_new(const struct curl_engine_config *config,
                                       struct curl_engine **out, struct error *error);
void curl_engine_free(struct curl_engine *engine); /* accepts NULL */

/* As engine_submit, engine_poll, engine_abandon, engine_counts. */
MUST_CHECK enum status curl_engine_submit(struct curl_engine *engine,
                                          struct engine_request *request);
MUST_CHECK enum status curl_engine_poll(struct curl_engine *engine, uint64_t until_ns);
void curl_engine_abandon(struct curl_engine *engine);
struct engine_counts curl_engine_counts(const struct curl_engine *engine);

#endif
