/* Receives OTLP/HTTP protobuf on a free port of loopback and counts: requests, bytes of their
 * bodies, spans, distinct span ids, and spans that are whole (name, attributes and events of
 * trace_workload.h). Prints {"port":N} first; the counts when its standard input ends. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/otlp_fields.h"
#include "base/wire.h"
#include "tests/bench/trace_workload.h"

enum { BODY_MAX = 4 << 20, SPANS_MAX = 4 << 20 };

static struct {
    pthread_mutex_t lock; /* guards the rest */
    uint64_t *ids;
    size_t spans, whole, requests, bodies_bytes;
} counts = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void count_span(struct text bytes)
{
    struct wire_reader reader = wire_reader_of(bytes.data, bytes.length);
    struct wire_field field;
    unsigned attributes = 0, events = 0;
    bool named = false;
    uint64_t id = 0;
    while (wire_next(&reader, &field) == STATUS_OK) {
        attributes += field.number == OTLP_SPAN_ATTRIBUTES;
        events += field.number == OTLP_SPAN_EVENTS;
        if (field.number == OTLP_SPAN_NAME)
            named = text_equal(field.bytes, TEXT_LITERAL(WORKLOAD_SPAN_NAME));
        if (field.number == OTLP_SPAN_SPAN_ID && field.bytes.length == sizeof id)
            memcpy(&id, field.bytes.data, sizeof id);
    }
    if (counts.spans < SPANS_MAX)
        counts.ids[counts.spans++] = id;
    counts.whole += named && attributes == WORKLOAD_ATTRIBUTES && events == WORKLOAD_EVENTS;
}

/* Each message with the path's numbers below `bytes`: request, resource spans, scope spans. */
static void count_below(struct text bytes, unsigned depth)
{
    static const uint32_t path[] = {OTLP_REQUEST_RESOURCE_SPANS, OTLP_RESOURCE_SPANS_SCOPE_SPANS,
                                    OTLP_SCOPE_SPANS_SPANS};
    struct wire_reader reader = wire_reader_of(bytes.data, bytes.length);
    struct wire_field field;
    if (depth == sizeof path / sizeof path[0]) {
        count_span(bytes);
        return;
    }
    while (wire_next(&reader, &field) == STATUS_OK) {
        if (field.number == path[depth] && field.type == WIRE_BYTES)
            count_below(field.bytes, depth + 1);
    }
}

/* One request from `client`; false when it closed or sent what this does not understand. */
static bool answer_one(int client, char *buffer)
{
    static const char yes[] = "HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\n"
                              "Content-Length: 0\r\n\r\n";
    size_t got = 0, head = 0, body = 0;
    while (head == 0 || got < head + body) {
        const ssize_t part = recv(client, buffer + got, BODY_MAX - got - 1, 0);
        if (part <= 0)
            return false;
        got += (size_t)part;
        buffer[got] = '\0';
        const char *end = head == 0 ? strstr(buffer, "\r\n\r\n") : NULL;
        const char *field = end != NULL ? strcasestr(buffer, "content-length: ") : NULL;
        if (end != NULL && field == NULL)
            return false;
        if (end != NULL) {
            head = (size_t)(end + 4 - buffer);
            body = strtoul(field + strlen("content-length: "), NULL, 10);
        }
        if (head + body >= BODY_MAX)
            return false;
    }
    pthread_mutex_lock(&counts.lock);
    counts.requests++;
    counts.bodies_bytes += body;
    count_below((struct text){buffer + head, body}, 0);
    pthread_mutex_unlock(&counts.lock);
    return send(client, yes, sizeof yes - 1, MSG_NOSIGNAL) > 0;
}

static void *serve(void *argument)
{
    const int client = (int)(intptr_t)argument;
    char *buffer = malloc(BODY_MAX);
    while (buffer != NULL && answer_one(client, buffer))
        continue;
    free(buffer);
    close(client);
    return NULL;
}

static void *accept_all(void *argument)
{
    const int listener = (int)(intptr_t)argument;
    for (;;) {
        const int client = accept(listener, NULL, NULL);
        pthread_t thread;
        if (client < 0)
            return NULL;
        if (pthread_create(&thread, NULL, serve, (void *)(intptr_t)client) == 0)
            pthread_detach(thread);
        else
            close(client);
    }
}

static int by_value(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void report(void)
{
    size_t distinct = 0;
    pthread_mutex_lock(&counts.lock);
    qsort(counts.ids, counts.spans, sizeof counts.ids[0], by_value);
    for (size_t i = 0; i < counts.spans; i++)
        distinct += i == 0 || counts.ids[i] != counts.ids[i - 1];
    printf("{\"requests\":%zu,\"body_bytes\":%zu,\"spans\":%zu,\"distinct\":%zu,\"whole\":%zu}\n",
           counts.requests, counts.bodies_bytes, counts.spans, distinct, counts.whole);
    pthread_mutex_unlock(&counts.lock);
}

int main(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    pthread_t thread;
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    counts.ids = calloc(SPANS_MAX, sizeof counts.ids[0]);
    if (counts.ids == NULL || bind(listener, (struct sockaddr *)&address, size) != 0 ||
        listen(listener, 8) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) != 0 ||
        pthread_create(&thread, NULL, accept_all, (void *)(intptr_t)listener) != 0) {
        perror("trace_sink");
        return 1;
    }
    printf("{\"port\":%u}\n", (unsigned)ntohs(address.sin_port));
    fflush(stdout);
    while (getchar() != EOF)
        continue;
    report();
    return 0;
}
