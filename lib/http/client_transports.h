/* What calls go over: multi handles with their easy handles, as the connection cache is the
 * multi's. Idle ones are kept. Used by client.c alone; callable from any thread, a transport by one
 * at a time. */
#ifndef CULPRIT_HTTP_CLIENT_TRANSPORTS_H
#define CULPRIT_HTTP_CLIENT_TRANSPORTS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include <curl/curl.h>

#include "http/pool.h"

struct client_transport {
    struct client_transport *next;
    CURLM *multi;
    CURL **easy;
    size_t easy_count;
};

struct client_transports {
    struct pool pool;      /* a place is taken before a transport is */
    pthread_mutex_t mutex; /* guards the two below */
    struct client_transport *idle;
    size_t idle_count;
};

void client_transports_init(struct client_transports *transports);
void client_transports_release(struct client_transports *transports); /* none may be taken */

/* An idle one, or a new one; NULL: no memory. */
struct client_transport *client_transports_take(struct client_transports *transports);
void client_transports_give(struct client_transports *transports,
                            struct client_transport *transport);

/* Makes it have `count` easy handles, set up for calls; false: no memory. */
bool client_transports_grow(struct client_transport *transport, size_t count);

#endif
