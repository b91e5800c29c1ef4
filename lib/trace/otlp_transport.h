/* Who carries a request to its receiver. Plain http is built in (otlp_http.h); https comes with an
 * adapter that registers itself, so that the library links no TLS. One thread posts. */
#ifndef CULPRIT_TRACE_OTLP_TRANSPORT_H
#define CULPRIT_TRACE_OTLP_TRANSPORT_H

#include "trace/http_reply.h"
#include "trace/otlp_request.h"
#include "trace/otlp_stop.h"

enum { OTLP_REPLY_MAX = 4 << 20 };

struct otlp_post {
    const void *body;
    size_t length_bytes;
    uint64_t deadline_ns;
    struct otlp_stop *stop; /* cuts every wait */
};

struct otlp_transport {
    /* `settings` has the certificates; both are borrowed for the call. STATUS_INVALID,
     * STATUS_NO_MEMORY, STATUS_IO; `error` says what. */
    enum status (*open)(const struct otlp_request *request, const struct otlp_settings *settings,
                        void **self, struct error *error);

    /* One post, connecting where needed. STATUS_OK: the server answered, *reply (its body borrowed
     * until the next post) says what. STATUS_CLOSED, STATUS_REFUSED, STATUS_IO: the connection
     * failed before an answer. STATUS_TIMEOUT. STATUS_INVALID, STATUS_TOO_LARGE: the answer, or who
     * gives it, is no good, and will be no better. */
    enum status (*post)(void *self, const struct otlp_post *post, struct http_reply *reply);

    /* `in_child`: of a fork, where the connection and all that goes with it stay the parent's. */
    void (*close)(void *self, bool in_child);
};

/* Before tracing_start; static storage. NULL: none again. */
void otlp_transport_register_https(const struct otlp_transport *transport);

/* NULL: none was registered. */
const struct otlp_transport *otlp_transport_https(void);

#endif
