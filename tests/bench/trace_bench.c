/* What a span costs the thread that makes it: a SERVER root with four attributes and one event,
 * recorded, unsampled, and with tracing off. Bursts of 512, so that the queue never fills; the
 * flush between bursts is not timed. A recorded row counts only when the receiver got every span.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "trace/trace.h"

enum { BURST = 512, BURSTS = 400, WARM_UP = 20 };

static const struct tracer tracer = {"bench", "1"};

struct receiver {
    int listener;
    uint16_t port;
    pthread_t thread;
    _Atomic uint64_t bytes;
};

/* Swallows requests and says yes. */
static bool answer_one(struct receiver *receiver, int client, char *buffer, size_t room)
{
    static const char yes[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    size_t got = 0, whole = 0;
    while (whole == 0 || got < whole) {
        ssize_t part = recv(client, buffer + got, room - got - 1, 0);
        if (part <= 0)
            return false;
        got += (size_t)part;
        buffer[got] = '\0';
        const char *end = strstr(buffer, "\r\n\r\n");
        const char *field = strstr(buffer, "Content-Length: ");
        if (whole == 0 && end != NULL && field != NULL)
            whole = (size_t)(end + 4 - buffer) + strtoul(field + 16, NULL, 10);
    }
    atomic_fetch_add(&receiver->bytes, whole);
    return send(client, yes, sizeof yes - 1, MSG_NOSIGNAL) > 0;
}

static void *receive(void *argument)
{
    struct receiver *receiver = argument;
    enum { ROOM = 4 << 20 };
    char *buffer = malloc(ROOM);
    int client = accept(receiver->listener, NULL, NULL);
    while (client >= 0 && answer_one(receiver, client, buffer, ROOM))
        continue;
    if (client >= 0)
        close(client);
    free(buffer);
    return NULL;
}

static void start_receiver(struct receiver *receiver)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    receiver->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(receiver->listener, (struct sockaddr *)&address, size) != 0 ||
        listen(receiver->listener, 1) != 0 ||
        getsockname(receiver->listener, (struct sockaddr *)&address, &size) != 0 ||
        pthread_create(&receiver->thread, NULL, receive, receiver) != 0) {
        perror("receiver");
        exit(1);
    }
    receiver->port = ntohs(address.sin_port);
}

static void stop_receiver(struct receiver *receiver)
{
    shutdown(receiver->listener, SHUT_RDWR);
    pthread_join(receiver->thread, NULL);
    close(receiver->listener);
}

static void one_span(int number)
{
    static const struct span_options options = {.kind = SPAN_SERVER, .root = true};
    struct span *span = span_start(&tracer, "GET /api/items/{id}", &options);
    span_set_text(span, SPAN_KEY("http.request.method"), TEXT_LITERAL("GET"));
    span_set_text(span, SPAN_KEY("http.route"), TEXT_LITERAL("/api/items/{id}"));
    span_set_i64(span, SPAN_KEY("http.response.status_code"), 200);
    span_set_i64(span, SPAN_KEY("item.number"), number);
    span_add_event(span, TEXT_LITERAL("cache.miss"), NULL, 0);
    span_end(span);
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void measure(const char *name, bool flush)
{
    static uint64_t burst_ns[BURSTS];
    for (int i = -WARM_UP; i < BURSTS; i++) {
        uint64_t before_ns = clock_mono_ns();
        for (int j = 0; j < BURST; j++)
            one_span(j);
        uint64_t elapsed_ns = clock_mono_ns() - before_ns;
        if (i >= 0)
            burst_ns[i] = elapsed_ns;
        if (flush && tracing_flush(clock_mono_ns() + 10 * NS_PER_S) != STATUS_OK)
            printf("%-10s a flush failed\n", name);
    }
    qsort(burst_ns, BURSTS, sizeof burst_ns[0], by_value);
    printf("%-10s %7.1f ns/span median, %7.1f best\n", name, (double)burst_ns[BURSTS / 2] / BURST,
           (double)burst_ns[0] / BURST);
}

static void run(const char *name, const struct receiver *receiver, enum sampler_kind sampler)
{
    struct tracing_config config;
    struct error error;
    tracing_config_from_environment(&config, "bench");
    snprintf(config.otlp.endpoint, sizeof config.otlp.endpoint, "http://127.0.0.1:%u/v1/traces",
             receiver->port);
    config.sampling.root.kind = sampler;
    if (tracing_start(&config, &error) != STATUS_OK) {
        fprintf(stderr, "%s\n", error.text);
        exit(1);
    }
    measure(name, sampler == SAMPLER_ALWAYS_ON);
    struct tracing_stats stats = tracing_stats();
    if (stats.exported != stats.ended)
        printf("%-10s does not count: %lu of %lu spans arrived\n", name, stats.exported,
               stats.ended);
    if (stats.exported > 0)
        printf("%-10s %7.1f bytes/span on the wire\n", name,
               (double)atomic_load(&receiver->bytes) / (double)stats.exported);
    (void)tracing_shutdown(clock_mono_ns() + 10 * NS_PER_S);
}

int main(void)
{
    struct receiver receiver = {.bytes = 0};
    measure("disabled", false);
    start_receiver(&receiver);
    run("recording", &receiver, SAMPLER_ALWAYS_ON);
    run("unsampled", &receiver, SAMPLER_ALWAYS_OFF);
    stop_receiver(&receiver);
    return 0;
}
