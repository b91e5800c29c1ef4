#include "http/client_transports.h"

#include <stdlib.h>

#include "http/client_transfer.h"

enum {
    TRANSPORTS_MAX = 1024,     /* at once: as many as a server has connections */
    TRANSPORTS_KEPT_MAX = 64,  /* beyond that a transport is freed after use */
    CONNECTIONS_KEPT_MAX = 32, /* idle ones of a transport */
};

void client_transports_init(struct client_transports *transports)
{
    *transports = (struct client_transports){.idle = NULL};
    pthread_mutex_init(&transports->mutex, NULL);
    pool_init(&transports->pool, "http client", TRANSPORTS_MAX);
}

static void transport_free(struct client_transport *transport)
{
    for (size_t i = 0; i < transport->easy_count; i++) {
        curl_easy_cleanup(transport->easy[i]);
    }
    free(transport->easy);
    curl_multi_cleanup(transport->multi);
    free(transport);
}

struct client_transport *client_transports_take(struct client_transports *transports)
{
    pthread_mutex_lock(&transports->mutex);
    struct client_transport *transport = transports->idle;
    if (transport) {
        transports->idle = transport->next;
        transports->idle_count--;
    }
    pthread_mutex_unlock(&transports->mutex);
    if (transport) {
        return transport;
    }
    transport = calloc(1, sizeof *transport);
    if (transport && !(transport->multi = curl_multi_init())) {
        free(transport);
        return NULL;
    }
    if (transport) {
        /* Unset, libcurl keeps four connections an easy handle: fewer than there are peers. */
        curl_multi_setopt(transport->multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS_KEPT_MAX);
    }
    return transport;
}

void client_transports_give(struct client_transports *transports,
                            struct client_transport *transport)
{
    pthread_mutex_lock(&transports->mutex);
    bool keep = transports->idle_count < TRANSPORTS_KEPT_MAX;
    if (keep) {
        transport->next = transports->idle;
        transports->idle = transport;
        transports->idle_count++;
    }
    pthread_mutex_unlock(&transports->mutex);
    if (!keep) {
        transport_free(transport);
    }
}

bool client_transports_grow(struct client_transport *transport, size_t count)
{
    if (transport->easy_count >= count) {
        return true;
    }
    CURL **more = realloc(transport->easy, count * sizeof(CURL *));
    if (!more) {
        return false;
    }
    transport->easy = more;
    while (transport->easy_count < count) {
        CURL *easy = curl_easy_init();
        if (!easy) {
            return false;
        }
        client_transfer_configure(easy);
        transport->easy[transport->easy_count++] = easy;
    }
    return true;
}

void client_transports_release(struct client_transports *transports)
{
    while (transports->idle) {
        struct client_transport *next = transports->idle->next;
        transport_free(transports->idle);
        transports->idle = next;
    }
    pthread_mutex_destroy(&transports->mutex);
    pool_release(&transports->pool);
}
