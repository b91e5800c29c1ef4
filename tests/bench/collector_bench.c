/* What the collector costs: spans stored per CPU-second, memory and bytes a span on disk. Starts a
 * real collector on free ports and sends OTLP protobuf over two connections: 510 spans a request,
 * 30 spans a trace, 6 attributes, about 271 bytes a span.
 *
 * Usage: collector_bench [SPANS]   (CULPRIT_BIN says where the programs are) */
#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/otlp_fields.h"
#include "base/rng.h"
#include "otlp/proto_out.h"

enum {
    SPANS_A_REQUEST = 510,
    SPANS_A_TRACE = 30,
    SERVICES = 6,
    CONNECTIONS = 2,
    BODY_MAX = 1024 * 1024,
    LINE_MAX_BYTES = 4096,
};

static const char *const services[SERVICES] = {"frontend", "checkout", "cart",
                                               "pricing",  "payment",  "orders"};

struct sender {
    unsigned port;
    size_t spans;
    uint64_t seed;
    size_t bytes; /* sent */
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

static void make_body(struct buffer *out, struct rng *rng)
{
    uint8_t traces[SPANS_A_REQUEST / SPANS_A_TRACE][16];
    uint8_t roots[SPANS_A_REQUEST / SPANS_A_TRACE][8];
    for (size_t t = 0; t < SPANS_A_REQUEST / SPANS_A_TRACE; t++) {
        const uint64_t ids[3] = {rng_next(rng), rng_next(rng), rng_next(rng)};
        memcpy(traces[t], ids, sizeof(traces[t]));
        memcpy(roots[t], ids + 2, sizeof(roots[t]));
    }
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
        make_body(&body, &rng);
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

/* The collector, its log on the pipe that *log reads. */
static pid_t start(const char *directory, FILE **log)
{
    const char *bin = getenv("CULPRIT_BIN");
    char program[LINE_MAX_BYTES];
    int ends[2];
    snprintf(program, sizeof(program), "%s/collector", bin ? bin : "build/release/bin");
    if (pipe(ends) != 0)
        return -1;
    const pid_t pid = fork();
    if (pid == 0) {
        dup2(ends[1], STDOUT_FILENO);
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        execl(program, program, "--listen", "127.0.0.1:0", "--query", "127.0.0.1:0", "--data",
              directory, "--sync", "off", (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    *log = fdopen(ends[0], "r");
    return pid;
}

static unsigned port_of(FILE *log)
{
    char line[LINE_MAX_BYTES];
    while (fgets(line, sizeof(line), log)) {
        const char *found = strstr(line, "\"otlp_port\":");
        if (found)
            return (unsigned)atoi(found + strlen("\"otlp_port\":"));
    }
    return 0;
}

static void report(size_t spans, const struct rusage *usage, const char *store)
{
    struct stat file = {0};
    const double cpu_s = (double)usage->ru_utime.tv_sec + (double)usage->ru_stime.tv_sec +
                         (double)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) / 1e6;
    (void)stat(store, &file);
    printf("spans_per_cpu_second %.0f\n", (double)spans / cpu_s);
    printf("rss_max_mib %.1f\n", (double)usage->ru_maxrss / 1024);
    printf("bytes_a_span %.1f\n", (double)file.st_size / (double)spans);
}

static bool send_everything(unsigned port, size_t spans)
{
    struct sender senders[CONNECTIONS];
    pthread_t threads[CONNECTIONS];
    bool fine = true;
    size_t bytes = 0;
    for (size_t i = 0; i < CONNECTIONS; i++) {
        senders[i] = (struct sender){.port = port, .spans = spans / CONNECTIONS, .seed = i + 1};
        pthread_create(&threads[i], NULL, send_spans, &senders[i]);
    }
    for (size_t i = 0; i < CONNECTIONS; i++) {
        pthread_join(threads[i], NULL);
        fine &= !senders[i].failed;
        bytes += senders[i].bytes;
    }
    printf("sent_bytes_a_span %.1f\n", (double)bytes / (double)spans);
    return fine;
}

int main(int argc, char **argv)
{
    const size_t round = (size_t)SPANS_A_REQUEST * CONNECTIONS;
    const size_t spans = ((argc > 1 ? strtoul(argv[1], NULL, 10) : 300000) / round + 1) * round;
    char directory[] = "/tmp/collector-bench-XXXXXX", store[128];
    FILE *log = NULL;
    struct rusage usage;
    int status;
    if (!mkdtemp(directory))
        return 1;
    const pid_t pid = start(directory, &log);
    const unsigned port = pid > 0 ? port_of(log) : 0;
    const uint64_t began_ns = clock_mono_ns();
    const bool sent = port != 0 && send_everything(port, spans);
    const uint64_t sent_ns = clock_mono_ns() - began_ns;
    if (pid > 0)
        kill(pid, SIGTERM);
    if (pid > 0 && wait4(pid, &status, 0, &usage) == pid && sent) {
        snprintf(store, sizeof(store), "%s/traces.db", directory);
        printf("spans %zu\nseconds_sending %.2f\n", spans, (double)sent_ns / 1e9);
        report(spans, &usage, store);
    }
    snprintf(store, sizeof(store), "rm -rf %s", directory);
    if (system(store) != 0 || !sent)
        return 1;
    return 0;
}
