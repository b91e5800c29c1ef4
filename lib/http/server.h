/* HTTP/1.1 server on libmicrohttpd, which stays inside: one thread a connection, poll, so that
 * handlers may block. In front of it a guard that refuses what the library lets through (ambiguous
 * framing, repeated Host, bad characters); body limit with 413; idle time-out and a total deadline
 * for headers and body, which is 200 ms while more than three quarters of the connections that may
 * be are there; connection limit; drain.
 *
 * Each traced route gets a server span (trace/adapters/mhd.h) and one log line; the span is current
 * on the handler's thread. What a handler answers with 5xx is an exception on it, with the code and
 * the words of response_error (trace/log_record.h). Routes under "/-/", "/livez", "/readyz" and
 * "/metrics" get neither, nor a figure. */
#ifndef CULPRIT_HTTP_SERVER_H
#define CULPRIT_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/status.h"
#include "base/text.h"
#include "http/work.h"

struct MHD_Connection;

struct request {
    struct work work;
    const char *method;
    const char *path;
    const struct server_route *route;
    struct text body; /* as it came; empty without one. Borrowed, NUL-terminated */
    void *context;    /* server_config.context */
    struct server_parameters *parameters; /* inner */
    struct MHD_Connection *connection;    /* inner */
};

struct response {
    unsigned status; /* 200 unless set */
    struct {
        const char *name;
        char value[256];
    } headers[8];
    size_t header_count;
    uint8_t *body; /* malloc'ed; the server frees it */
    size_t body_bytes;
    const char *content_type; /* static; application/json unless set */
    struct {
        char code[64], message[256]; /* as response_error was told, cut */
    } error;
};

typedef void server_handler(struct request *request, struct response *response);

struct server_route {
    const char *method;
    const char *path; /* "/carts/{id}": one segment in braces is a parameter */
    server_handler *handle;
    size_t max_body_bytes; /* 0: the server's own */
    bool untraced;         /* neither span nor log line */
    bool wants_raw_body;   /* the body may be anything; else a body must be JSON */
};

/* Parameter of the path, percent-decoded, or NULL; of the query, or NULL (first of that name). */
const char *request_parameter(const struct request *request, const char *name);
const char *request_query(const struct request *request, const char *name);
/* The one of that name that `index` others come before, or NULL. */
const char *request_query_at(const struct request *request, const char *name, size_t index);
/* First header line of that name without OWS at its ends, or NULL. */
const char *request_header(const struct request *request, const char *name);
/* It has `Authorization: Bearer` and that token, which is not empty. Takes as long for a wrong one.
 */
bool request_has_bearer(const struct request *request, const char *token);
/* The body as a JSON object, parsed once and owned by the request; NULL: no body, or no object
 * (then a 400 was already answered before the handler ran, unless the route wants raw bodies). */
json_t *request_json(struct request *request);

/* Answers; the last call wins. response_json takes `value` over (NULL gives 500). */
void response_json(struct response *response, unsigned status, json_t *value);
/* {"error":{"code":"out_of_stock","message":"..."}} */
void response_error(struct response *response, unsigned status, const char *code,
                    const char *format, ...) PRINTF_LIKE(4, 5);
/* The handler's own work failed with that status: 504 for a time-out, 500 for the rest. */
void response_trouble(struct response *response, const char *code, enum status status);
/* Takes malloc'ed bytes over. content_type must be static. */
void response_bytes(struct response *response, unsigned status, const char *content_type,
                    uint8_t *body, size_t length_bytes);
/* Ignored when the value has control characters or is too long, or there are eight already. */
void response_header(struct response *response, const char *name, const char *value);

struct server_config {
    const char *service; /* for logs */
    int listen_fd;       /* bound and listening; taken over */
    const struct server_route *routes;
    size_t route_count;
    struct service_parts *parts; /* goes into request.work; may be NULL */
    struct faults *faults;       /* a snapshot a request; may be NULL */
    void *context;
    size_t max_body_bytes;       /* 1 MiB when 0 */
    unsigned connection_limit;   /* 1,024 when 0 */
    unsigned idle_timeout_s;     /* 30 when 0 */
    unsigned receive_timeout_ms; /* head and body together: 10,000 when 0 */
    unsigned work_timeout_ms;    /* request.work.deadline_ns: 10,000 when 0 */
    unsigned thread_stack_bytes; /* 256 KiB when 0 */
    bool traced;
    const char *bearer;        /* every request must have it, and is answered 401 before its body is
                                  read; NULL: none */
    const char *allowed_hosts; /* more names for Host, comma-separated; may be NULL.
                                  localhost, 127.0.0.1, [::1] and `service` always pass;
                                  others are answered 421 */
};

struct server;
struct metrics_text;

MUST_CHECK enum status server_new(struct server **out, const struct server_config *config,
                                  struct error *error);

/* The port that it listens on. */
uint16_t server_port(const struct server *server);

/* From now on: new connections are refused, what comes on open ones is answered with
 * `Connection: close`, /readyz answers 503. Returns once nothing is in flight, or STATUS_TIMEOUT.
 */
enum status server_drain(struct server *server, uint64_t deadline_ns);

/* Stops and frees; NULL is fine. */
void server_free(struct server *server);

struct server_stats {
    uint64_t requests, refused_by_guard, too_large, timed_out;
    uint64_t in_flight;
};
struct server_stats server_stats(const struct server *server);

/* Appends what the servers of one process counted: requests by method, route and status, what was
 * refused, what is in flight. Their routes differ; those that get no figures are the inner ones. */
void server_write_metrics(struct server *const *servers, size_t count,
                          const struct metrics_text *text);

/* Binds and listens. "127.0.0.1:0", "[::1]:8080", "0.0.0.0:80"; an address without a port or a
 * port without an address ("8080": loopback) pass too. STATUS_EXISTS: the port is in use, words say
 * which. */
MUST_CHECK enum status server_listen(const char *address, int *listen_fd, struct error *error);

#endif
