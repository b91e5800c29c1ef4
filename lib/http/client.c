#include "http/client.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "http/client_transfer.h"
#include "http/client_transports.h"

enum {
    CALLS_MAX = 128, /* side by side */
    POLL_MAX_MS = 1000,
    SHUTDOWN_MARGIN_MS = 50, /* libcurl's own time-outs come first */
};

struct client {
    struct client_peer *peers;
    size_t peer_count;
    struct client_transports transports;
};

/* ---- peers */

/* The value of `name` in "a=x,b=y", or empty. */
static struct text endpoint_of(const char *endpoints, const char *name)
{
    struct text rest = text_of(endpoints);
    while (rest.data) {
        struct text value = text_split(&rest, ',');
        struct text key = text_trim(text_split(&value, '='));
        if (text_is(key, name) && value.data) {
            return text_trim(value);
        }
    }
    return (struct text){0};
}

static enum status set_peer(struct client_peer *peer, const struct topology_service *service,
                            const char *endpoints, struct error *error)
{
    char line[512];
    struct text address = endpoint_of(endpoints, service->name);
    int length = address.length > 0 && address.data
                     ? snprintf(line, sizeof line, "%s:80:%.*s", service->name, TEXT_ARGS(address))
                     : snprintf(line, sizeof line, "%s:80:%s:%u", service->name, service->name,
                                service->port);
    if (length < 0 || (size_t)length >= sizeof line) {
        return error_set(error, STATUS_INVALID, "endpoint of %s is too long", service->name);
    }
    if (address.data && address.length > 0 && !memchr(address.data, ':', address.length)) {
        return error_set(error, STATUS_INVALID, "endpoint of %s: %.*s: expected HOST:PORT",
                         service->name, TEXT_ARGS(address));
    }
    peer->name = service->name;
    peer->is_partner = service->kind == TOPOLOGY_PARTNER;
    peer->connect_to = curl_slist_append(NULL, line);
    return peer->connect_to ? STATUS_OK : error_set(error, STATUS_NO_MEMORY, "out of memory");
}

static const struct client_peer *find_peer(const struct client *client, const char *name)
{
    for (size_t i = 0; i < client->peer_count; i++) {
        if (strcmp(client->peers[i].name, name) == 0) {
            return &client->peers[i];
        }
    }
    return NULL;
}

static void init_curl(void)
{
    curl_global_init(CURL_GLOBAL_ALL);
}

enum status client_new(struct client **out, const struct topology *topology, const char *endpoints,
                       struct error *error)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, init_curl);
    *out = NULL;
    struct client *client = calloc(1, sizeof *client);
    if (!client) {
        return error_set(error, STATUS_NO_MEMORY, "out of memory");
    }
    client_transports_init(&client->transports);
    size_t count = topology ? topology->service_count : 0;
    client->peers = calloc(count + 1, sizeof *client->peers);
    if (!client->peers) {
        client_free(client);
        return error_set(error, STATUS_NO_MEMORY, "out of memory");
    }
    enum status status = STATUS_OK;
    while (status == STATUS_OK && client->peer_count < count) {
        status = set_peer(&client->peers[client->peer_count],
                          &topology->services[client->peer_count], endpoints, error);
        client->peer_count += status == STATUS_OK;
    }
    if (status != STATUS_OK) {
        client_free(client);
        return status;
    }
    *out = client;
    return STATUS_OK;
}

void client_free(struct client *client)
{
    if (!client) {
        return;
    }
    for (size_t i = 0; client->peers && i < client->peer_count; i++) {
        curl_slist_free_all(client->peers[i].connect_to);
    }
    free(client->peers);
    client_transports_release(&client->transports);
    free(client);
}

/* ---- calls */

/* A batch of calls over one transport. */
struct batch {
    struct client_transport *transport;
    struct client_transfer *transfers;
    size_t count, running;
    uint64_t deadline_ns;
    struct evidence_pool place; /* of the transport */
};

static void start(struct batch *batch, struct client_transfer *transfer)
{
    if (client_transfer_begin(transfer, batch->deadline_ns) != STATUS_OK) {
        return;
    }
    if (curl_multi_add_handle(batch->transport->multi, transfer->easy) != CURLM_OK) {
        client_transfer_end(transfer, CURLE_OUT_OF_MEMORY);
        return;
    }
    transfer->running = true;
    batch->running++;
}

static void finish(struct batch *batch, struct client_transfer *transfer, CURLcode result)
{
    curl_multi_remove_handle(batch->transport->multi, transfer->easy);
    transfer->running = false;
    batch->running--;
    if (!client_transfer_end(transfer, result)) {
        return;
    }
    client_transfer_release(transfer);
    transfer->resend_count++;
    start(batch, transfer);
}

static void reap(struct batch *batch)
{
    int left = 0;
    CURLMsg *message;
    while ((message = curl_multi_info_read(batch->transport->multi, &left))) {
        if (message->msg != CURLMSG_DONE) {
            continue;
        }
        CURLcode result = message->data.result; /* finish() makes the message invalid */
        char *private = NULL;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private);
        finish(batch, (struct client_transfer *)(void *)private, result);
    }
}

/* Each transfer has a time-out of its own at or before the deadline; the bound here only keeps the
 * loop finite if libcurl should not honour it. */
static void drive(struct batch *batch)
{
    uint64_t bound_ns = batch->deadline_ns + SHUTDOWN_MARGIN_MS * NS_PER_MS;
    while (batch->running > 0 && clock_mono_ns() < bound_ns) {
        int running = 0;
        curl_multi_perform(batch->transport->multi, &running);
        reap(batch);
        if (batch->running > 0 && running > 0) {
            curl_multi_poll(batch->transport->multi, NULL, 0, POLL_MAX_MS, NULL);
        }
    }
    for (size_t i = 0; i < batch->count && batch->running > 0; i++) {
        struct client_transfer *transfer = &batch->transfers[i];
        if (transfer->running) {
            transfer->resend_count = 1; /* no more time: not again */
            finish(batch, transfer, CURLE_OPERATION_TIMEDOUT);
        }
    }
}

static enum status run_batch(struct client *client, struct batch *batch, struct call *calls)
{
    for (size_t i = 0; i < batch->count; i++) {
        struct client_transfer *transfer = &batch->transfers[i];
        *transfer = (struct client_transfer){
            .call = &calls[i],
            .peer = find_peer(client, calls[i].peer),
            .easy = batch->transport->easy[i],
            .place = &batch->place,
        };
        calls[i].result = STATUS_NOT_FOUND;
        if (transfer->peer) {
            start(batch, transfer);
        }
    }
    drive(batch);
    enum status first = STATUS_OK;
    for (size_t i = 0; i < batch->count; i++) {
        bool never = calls[i].result == STATUS_REFUSED || calls[i].result == STATUS_NOT_FOUND;
        calls[i].sent = !never || batch->transfers[i].resend_count > 0;
        client_transfer_release(&batch->transfers[i]);
        first = first != STATUS_OK ? first : calls[i].result;
    }
    return first;
}

static enum status fail_all(struct call *calls, size_t count, enum status status)
{
    for (size_t i = 0; i < count; i++) {
        calls[i].result = status;
    }
    return status;
}

struct call_list {
    struct call *calls;
    size_t count;
};

static enum status call_in_place(struct client *client, const struct evidence_pool *place,
                                 uint64_t deadline_ns, const struct call_list *list)
{
    struct call *calls = list->calls;
    size_t count = list->count;
    struct client_transport *transport = client_transports_take(&client->transports);
    if (!transport) {
        return fail_all(calls, count, STATUS_NO_MEMORY);
    }
    struct client_transfer few[8];
    struct client_transfer *transfers = few;
    if (count > sizeof few / sizeof few[0]) {
        transfers = calloc(count, sizeof *transfers);
    }
    enum status status = STATUS_NO_MEMORY;
    if (transfers && client_transports_grow(transport, count)) {
        struct batch batch = {
            .transport = transport,
            .transfers = transfers,
            .count = count,
            .deadline_ns = deadline_ns,
            .place = *place,
        };
        status = run_batch(client, &batch, calls);
    } else {
        fail_all(calls, count, STATUS_NO_MEMORY);
    }
    if (transfers != few) {
        free(transfers);
    }
    client_transports_give(&client->transports, transport);
    return status;
}

enum status client_call_all(const struct work *work, struct call *calls, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        calls[i].status = 0;
        calls[i].sent = false;
        calls[i].reply = NULL;
        calls[i].sent = false;
    }
    if (count > CALLS_MAX) {
        return fail_all(calls, count, STATUS_TOO_LARGE);
    }
    struct client *client = work->parts->client;
    struct evidence_pool place;
    enum status status = pool_enter(&client->transports.pool, work->deadline_ns, &place);
    if (status != STATUS_OK) {
        return fail_all(calls, count, status);
    }
    status = call_in_place(client, &place, work->deadline_ns, &(struct call_list){calls, count});
    pool_leave(&client->transports.pool);
    return status;
}

enum status client_call(const struct work *work, struct call *call)
{
    return client_call_all(work, call, 1);
}

bool call_succeeded(const struct call *call)
{
    return call->result == STATUS_OK && call->status / 100 == 2;
}

void call_release(struct call *call)
{
    json_decref(call->reply);
    call->reply = NULL;
}

void call_release_all(struct call *calls, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        call_release(&calls[i]);
    }
}

bool client_escape(const char *value, char *out, size_t size)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t at = 0;
    for (const unsigned char *c = (const unsigned char *)value; *c; c++) {
        bool plain = (*c >= '0' && *c <= '9') || ((*c | 0x20) >= 'a' && (*c | 0x20) <= 'z') ||
                     strchr("-._~", *c);
        size_t needed = plain ? 1 : 3;
        if (at + needed + 1 > size) {
            return false;
        }
        if (plain) {
            out[at++] = (char)*c;
            continue;
        }
        out[at++] = '%';
        out[at++] = digits[*c >> 4];
        out[at++] = digits[*c & 15];
    }
    if (at + 1 > size) {
        return false;
    }
    out[at] = '\0';
    return true;
}
