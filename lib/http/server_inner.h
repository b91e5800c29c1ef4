/* Inside of the server: what its files share, and nobody else includes. */
#ifndef CULPRIT_HTTP_SERVER_INNER_H
#define CULPRIT_HTTP_SERVER_INNER_H

#include <pthread.h>
#include <stdatomic.h>

#include <microhttpd.h>

#include "base/buffer.h"
#include "http/guard.h"
#include "http/reaper.h"
#include "http/route.h"
#include "http/server.h"
#include "http/server_metrics.h"
#include "trace/adapters/mhd.h"

struct server {
    struct server_config config; /* with the defaults filled in */
    struct MHD_Daemon *daemon;
    struct reaper *reaper;
    struct server_metrics metrics;
    uint16_t port;
    int listen_fd; /* -1 once closed */
    atomic_bool draining;
    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t settled;
    uint64_t requests, in_flight;
    size_t connections;
};

/* A header's value without the white space around it. */
struct server_header_copy {
    struct server_header_copy *next;
    char value[];
};

/* What a request's accessors find, and what is freed with it. */
struct server_parameters {
    struct route_parameters path;
    char *values[ROUTE_PARAMETERS_MAX]; /* of the path, NUL-terminated */
    struct server_header_copy *copies;
    json_t *json;
    bool is_parsed;
};

/* One request, from its first line to its end. */
struct server_exchange {
    struct server *server;
    struct request request;
    struct response response;
    struct server_parameters parameters;
    struct guard_verdict target_verdict;
    struct trace_mhd_request trace;
    struct buffer body;
    char *path; /* decoded */
    char method[24];
    uint64_t began_ns, cpu_began_ns;
    size_t body_limit, body_bytes; /* body_bytes: with what was thrown away */
    int fd;
    bool counted;    /* in `in_flight` */
    bool is_quiet;   /* neither span nor log line */
    bool is_counted; /* in the figures */
    bool is_traced;  /* the span is open */
    bool is_refused; /* `response` is set, the handler is not asked */
    bool must_close;
    bool is_answered;
};

/* Callbacks of libmicrohttpd (server_exchange.c); the closure is the server. */
void *server_exchange_begin(void *closure, const char *target, struct MHD_Connection *connection);
enum MHD_Result server_exchange_step(void *closure, struct MHD_Connection *connection,
                                     const char *path, const char *method, const char *version,
                                     const char *upload, size_t *upload_bytes, void **exchange);
void server_exchange_end(void *closure, struct MHD_Connection *connection, void **exchange,
                         enum MHD_RequestTerminationCode why);

/* Reads the body as a JSON object; sets the response and gives false where it is none. */
bool request_parse_json(struct request *request, struct response *response);

/* The request's body is said to be JSON. */
bool request_is_json_type(const struct request *request);

/* The peer's address is a loopback one. */
bool request_is_from_loopback(const struct request *request);

/* Frees what the accessors made. */
void request_release_parameters(struct server_parameters *parameters);

/* Hands the response to libmicrohttpd. */
enum MHD_Result response_queue(struct response *response, struct MHD_Connection *connection,
                               bool close);

#endif
