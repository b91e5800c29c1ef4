/* The ways of sending requests behind one table: the epoll engine, and libcurl for https and HTTP/2
 * and as a second opinion. All take the same requests (loadgen/engine/engine.h), and each belongs
 * to the thread that made it. */
#ifndef CULPRIT_LOADGEN_LOAD_LOAD_CLIENT_H
#define CULPRIT_LOADGEN_LOAD_LOAD_CLIENT_H

#include "loadgen/engine/engine.h"

struct load_client_config {
    struct engine_config engine;
    const char *target;  /* "https://host:port" */
    bool http2;          /* curl alone: over TLS by negotiation, in the clear by prior knowledge */
    bool insecure;       /* accept any certificate */
    const char *ca_file; /* NULL: the system's */
};

struct load_client_kind {
    const char *name;
    const char *about;
    bool speaks_tls;
    enum status (*make)(const struct load_client_config *config, void **out, struct error *error);
    void (*release)(void *client); /* accepts NULL */
    enum status (*submit)(void *client, struct engine_request *request);
    enum status (*poll)(void *client, uint64_t until_ns);
    void (*expect)(void *client, uint64_t then_ns);
    void (*abandon)(void *client);
    struct engine_counts (*counts)(const void *client);
};

/* NULL: no such. */
const struct load_client_kind *load_client_find(const char *name);

/* The one that can speak to a target: epoll wherever it can. */
const struct load_client_kind *load_client_for(const char *target, bool http2);

#endif
