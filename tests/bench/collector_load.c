/* The load of the collector's bench: OTLP protobuf over two connections to whoever takes it, 510
 * spans a request, 30 spans a trace, 6 attributes, about 271 bytes a span. What is refused with 503
 * comes again. Prints one line of JSON: what went out, how long that took, and some trace ids.
 *
 * Usage: collector_load PORT SPANS */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hex.h"
#include "base/otlp_fields.h"
#include "base/rng.h"
#include "otlp/proto_out.h"

enum {
    SPANS_A_REQUEST = 510,
    SPANS_A_TRACE = 30,
    SERVICES = 6,
    CONNECTIONS = 2,
    SAMPLES = 10, /* of each connection */
    BODY_MAX = 1024 * 1024,
    LINE_MAX_BYTES = 4096,
};

static const char *const services[SERVICES] = {"frontend", "checkout", "cart",
                                               "pricing",  "payment",  "orders"};

struct sender {
    unsigned port;
    size_t spans;
    uint64_t seed;
    size_t bytes;                 /* sent */
    uint8_t samples[SAMPLES][16]; /* trace ids of requests spread over all */
    bool failed;
};

/* Short enough for lengths of one byte, as every exporter writes them. */
static void put_attribute_as(struct buffer *out, uint32_t number, const char *key,
                             const char *value)
{
    const size_t key_bytes = strlen(key), value_bytes = strlen(value);
    proto_out_head(out, number, 2 + key_bytes + 2 + 2 + value_bytes);
    proto_out_bytes(out, OTLP_KEY_VALUE_KEY, key, key_bytes);
    proto_out_head(out, OTLP_KEY_VALUE_VALUE, 2 + value_bytes);
    proto_out_bytes(out, OTLP_VALUE_STRING, value, value_bytes);
}

static void put_attribute(struct buffer *out, const char *key, const char *value)
{
    put_attribute_as(out, OTLP_SPAN_ATTRIBUTES, key, value);
}

static void put_span(struct buffer *out, struct rng *rng, const uint8_t trace_id[16],
                     const uint8_t parent_id[8])
{
    const uint64_t id = rng_next(rng) | 1, now = clock_wall_ns();
    char text[32];
    proto_out_bytes(out, OTLP_SPAN_TRACE_ID, trace_id, 16);
    proto_out_bytes(out, OTLP_SPAN_SPAN_ID, &id, 8);
    proto_out_bytes(out, OTLP_SPAN_PARENT_SPAN_ID, parent_id, 8);
    snprintf(text, sizeof(text), "GET /items/%u", (unsigned)rng_below(rng, 20));
    proto_out_text(out, OTLP_SPAN_NAME, text_of(text));
    proto_out_u64(out, OTLP_SPAN_KIND, 1 + rng_below(rng, 5));
    proto_out_fixed64(out, OTLP_SPAN_START_TIME, now - rng_below(rng, 50000000));
    proto_out_fixed64(out, OTLP_SPAN_END_TIME, now);
    put_attribute(out, "http.request.method", "GET");
    put_attribute(out, "http.route", text);
    put_attribute(out, "server.address", services[rng_below(rng, SERVICES)]);
    snprintf(text, sizeof(text), "order-%011u", (unsigned)rng_below(rng, 100000));
    put_attribute(out, "order.id", text);
    put_attribute(out, "url.scheme", "http");
    snprintf(text, sizeof(text), "%016llx%012llx", (unsigned long long)rng_next(rng),
             (unsigned long long)rng_below(rng, 1ull << 48));
    put_attribute(out, "session.id", text);
}

/* 17 traces of 30 spans; each service has its part of each trace. */
static void put_service(struct buffer *out, struct rng *rng, const char *service,
                        const uint8_t (*traces)[16], const uint8_t (*roots)[8])
{
    struct buffer span;
    buffer_init(&span, BODY_MAX);
    const size_t mark = proto_out_begin(out, OTLP_REQUEST_RESOURCE_SPANS);
    const size_t resource = proto_out_begin(out, OTLP_RESOURCE_SPANS_RESOURCE);
    put_attribute_as(out, OTLP_RESOURCE_ATTRIBUTES, "service.name", service);
    put_attribute_as(out, OTLP_RESOURCE_ATTRIBUTES, "service.version", "1.2.3");
    put_attribute_as(out, OTLP_RESOURCE_ATTRIBUTES, "telemetry.sdk.name", "culprit-trace");
    proto_out_end(out, resource);
    const size_t scope = proto_out_begin(out, OTLP_RESOURCE_SPANS_SCOPE_SPANS);
    for (int t = 0; t < SPANS_A_REQUEST / SPANS_A_TRACE; t++) {
        for (int i = 0; i < SPANS_A_TRACE / SERVICES; i++) {
            buffer_clear(&span);
            put_span(&span, rng, traces[t], roots[t]);
            proto_out_bytes(out, OTLP_SCOPE_SPANS_SPANS, span.data, span.length_bytes);
        }
    }
    proto_out_end(out, scope);
    proto_out_end(out, mark);
    buffer_release(&span);
}

/* The first trace's id goes to `sample`. */
static void make_body(struct buffer *out, struct rng *rng, uint8_t sample[16])
{
    uint8_t traces[SPANS_A_REQUEST / SPANS_A_TRACE][16];
    uint8_t roots[SPANS_A_REQUEST / SPANS_A_TRACE][8];
    for (size_t t = 0; t < SPANS_A_REQUEST / SPANS_A_TRACE; t++) {
        const uint64_t ids[3] = {rng_next(rng), rng_next(rng), rng_next(rng)};
        memcpy(traces[t], ids, sizeof(traces[t]));
        memcpy(roots[t], ids + 2, sizeof(roots[t]));
    }
    memcpy(sample, traces[0], 16);
    buffer_clear(out);
    for (int i = 0; i < SERVICES; i++)
        put_service(out, rng, services[i], (const uint8_t(*)[16])traces,
                    (const uint8_t(*)[8])roots);
}

static bool send_all(int fd, const void *bytes, size_t length)
{
    for (const char *at = bytes; length > 0;) {
        const ssize_t sent = send(fd, at, length, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        at += sent;
        length -= (size_t)sent;
    }
    return true;
}

static int connect_to(unsigned port)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 ? fd : -1;
}

/* One request; the answer's status. The answers are small: one read has them whole. */
static int post(int fd, const struct buffer *body)
{
    char head[256], answer[LINE_MAX_BYTES];
    const int length = snprintf(head, sizeof(head),
                                "POST /v1/traces HTTP/1.1\r\nHost: localhost\r\n"
                                "Content-Type: application/x-protobuf\r\n"
                                "Content-Length: %zu\r\n\r\n",
                                body->length_bytes);
    if (!send_all(fd, head, (size_t)length) || !send_all(fd, body->data, body->length_bytes))
        return -1;
    const ssize_t received = recv(fd, answer, sizeof(answer) - 1, 0);
    return received > 12 ? atoi(answer + 9) : -1;
}

/* Sends until its share is taken; comes again after a 503. */
static void *send_spans(void *argument)
{
    struct sender *sender = argument;
    struct buffer body;
    struct rng rng;
    rng_seed(&rng, sender->seed);
    buffer_init(&body, BODY_MAX);
    const int fd = connect_to(sender->port);
    for (size_t sent = 0; sent < sender->spans && !sender->failed; sent += SPANS_A_REQUEST) {
        int status;
        make_body(&body, &rng, sender->samples[sent * SAMPLES / sender->spans]);
        sender->bytes += body.length_bytes;
        while ((status = post(fd, &body)) == 503)
            clock_sleep_until_ns(clock_mono_ns() + 20 * NS_PER_MS);
        sender->failed = status != 200;
    }
    if (fd >= 0)
        close(fd);
    buffer_release(&body);
    return NULL;
}

/* The share of each connection, side by side. */
static bool send_everything(struct sender senders[CONNECTIONS], unsigned port, size_t spans)
{
    pthread_t threads[CONNECTIONS];
    bool fine = true;
    for (size_t i = 0; i < CONNECTIONS; i++) {
        senders[i] = (struct sender){.port = port, .spans = spans / CONNECTIONS, .seed = i + 1};
        if (pthread_create(&threads[i], NULL, send_spans, &senders[i]) != 0)
            return false;
    }
    for (size_t i = 0; i < CONNECTIONS; i++) {
        pthread_join(threads[i], NULL);
        fine &= !senders[i].failed;
    }
    return fine;
}

static void report(const struct sender senders[CONNECTIONS], size_t spans, uint64_t elapsed_ns)
{
    size_t bytes = 0;
    for (size_t i = 0; i < CONNECTIONS; i++)
        bytes += senders[i].bytes;
    printf("{\"spans\":%zu,\"spans_a_trace\":%d,\"bytes\":%zu,\"seconds\":%.3f,\"traces\":[", spans,
           SPANS_A_TRACE, bytes, (double)elapsed_ns / 1e9);
    for (size_t i = 0; i < (size_t)CONNECTIONS * SAMPLES; i++) {
        char hex[33] = "";
        hex_encode(senders[i / SAMPLES].samples[i % SAMPLES], 16, hex);
        printf("%s\"%s\"", i == 0 ? "" : ",", hex);
    }
    printf("]}\n");
}

int main(int argc, char **argv)
{
    const size_t round = (size_t)SPANS_A_REQUEST * CONNECTIONS;
    static struct sender senders[CONNECTIONS];
    if (argc != 3) {
        fprintf(stderr, "usage: collector_load PORT SPANS\n");
        return 2;
    }
    const size_t spans = (strtoul(argv[2], NULL, 10) / round + 1) * round;
    const uint64_t began_ns = clock_mono_ns();
    if (!send_everything(senders, (unsigned)strtoul(argv[1], NULL, 10), spans)) {
        fprintf(stderr, "collector_load: a request failed\n");
        return 1;
    }
    report(senders, spans, clock_mono_ns() - began_ns);
    return 0;
}
