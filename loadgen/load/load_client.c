#include "loadgen/load/load_client.h"

#include <string.h>

#include "loadgen/engine/curl_engine.h"

static enum status epoll_make(const struct load_client_config *config, void **out,
                              struct error *error)
{
    struct engine *engine = NULL;
    enum status status = engine_new(&config->engine, &engine, error);
    *out = engine;
    return status;
}

static void epoll_release(void *client)
{
    engine_free(client);
}

static enum status epoll_submit(void *client, struct engine_request *request)
{
    return engine_submit(client, request);
}

static enum status epoll_poll(void *client, uint64_t until_ns)
{
    return engine_poll(client, until_ns);
}

static void epoll_expect(void *client, uint64_t then_ns)
{
    engine_expect(client, then_ns);
}

static void epoll_abandon(void *client)
{
    engine_abandon(client);
}

static struct engine_counts epoll_counts(const void *client)
{
    return engine_counts(client);
}

static enum status curl_make(const struct load_client_config *config, void **out,
                             struct error *error)
{
    struct curl_engine *engine = NULL;
    const struct curl_engine_config own = {.engine = config->engine,
                                           .target = config->target,
                                           .http2 = config->http2,
                                           .insecure = config->insecure,
                                           .ca_file = config->ca_file};
    enum status status = curl_engine_new(&own, &engine, error);
    *out = engine;
    return status;
}

static void curl_release(void *client)
{
    curl_engine_free(client);
}

static enum status curl_submit(void *client, struct engine_request *request)
{
    return curl_engine_submit(client, request);
}

static enum status curl_poll(void *client, uint64_t until_ns)
{
    return curl_engine_poll(client, until_ns);
}

static void curl_expect(void *client, uint64_t then_ns)
{
    (void)client;
    (void)then_ns;
}

static void curl_abandon(void *client)
{
    curl_engine_abandon(client);
}

static struct engine_counts curl_counts(const void *client)
{
    return curl_engine_counts(client);
}

static const struct load_client_kind kinds[] = {
    {"epoll", "HTTP/1.1, the cheapest", false, epoll_make, epoll_release, epoll_submit, epoll_poll,
     epoll_expect, epoll_abandon, epoll_counts},
    {"curl", "https and HTTP/2", true, curl_make, curl_release, curl_submit, curl_poll, curl_expect,
     curl_abandon, curl_counts},
};

const struct load_client_kind *load_client_find(const char *name)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    return NULL;
}

const struct load_client_kind *load_client_for(const char *target, bool http2)
{
    bool is_tls = strncmp(target, "https://", 8) == 0;
    return load_client_find(is_tls || http2 ? "curl" : "epoll");
}
