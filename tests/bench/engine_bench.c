/* What the load engine costs: CPU a request on its own thread against a minimal responder in this
 * process (one epoll thread, no parsing to speak of), flat out and at 2,000 a second, and how late
 * it sends. Prints, never judges. */
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/histogram.h"
#include "loadgen/engine/engine.h"
#include "loadgen/load/schedule.h"

enum { CONNECTIONS = 32, EVENTS = 64 };

static const char request_text[] =
    "POST /checkout HTTP/1.1\r\nHost: frontend\r\nUser-Agent: culprit\r\n"
    "Authorization: Bearer 0123456789abcdef0123456789abcdef\r\nContent-Type: application/json\r\n"
    "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n"
    "Idempotency-Key: 0123456789abcdef-1\r\nContent-Length: 76\r\n\r\n"
    "{\"cart_id\":\"0123456789abcdef-1\",\"currency\":\"EUR\",\"country\":\"DE\",\"coupon\":\"\"}";

static const char answer_text[] =
    "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: 40\r\n\r\n"
    "{\"order_id\":\"0123456789abcdef\",\"x\":true}";

/* ---- the responder */

struct responder {
    int listen_fd, epoll_fd;
    pthread_t thread;
    char url[64];
};

/* One request is one segment here, so one read is one request. */
static void answer(const struct responder *responder, int fd)
{
    char bytes[4096];
    ssize_t got = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
    if (got > 0)
        (void)!send(fd, answer_text, sizeof(answer_text) - 1, MSG_NOSIGNAL);
    else if (got == 0 || errno != EAGAIN) {
        (void)epoll_ctl(responder->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
        close(fd);
    }
}

static void *run_responder(void *argument)
{
    struct responder *responder = argument;
    struct epoll_event events[EVENTS];
    for (;;) {
        int count = epoll_wait(responder->epoll_fd, events, EVENTS, -1);
        for (int i = 0; i < count; i++) {
            if (events[i].data.fd != responder->listen_fd) {
                answer(responder, events[i].data.fd);
                continue;
            }
            int fd = accept(responder->listen_fd, NULL, NULL);
            if (fd < 0)
                return NULL; /* shut down: the end */
            struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
            (void)epoll_ctl(responder->epoll_fd, EPOLL_CTL_ADD, fd, &event);
        }
    }
}

static bool start_responder(struct responder *responder)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    responder->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    responder->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = responder->listen_fd};
    if (bind(responder->listen_fd, (struct sockaddr *)&address, length) != 0 ||
        listen(responder->listen_fd, CONNECTIONS) != 0 ||
        getsockname(responder->listen_fd, (struct sockaddr *)&address, &length) != 0 ||
        epoll_ctl(responder->epoll_fd, EPOLL_CTL_ADD, responder->listen_fd, &event) != 0)
        return false;
    (void)snprintf(responder->url, sizeof(responder->url), "http://127.0.0.1:%u",
                   (unsigned)ntohs(address.sin_port));
    return pthread_create(&responder->thread, NULL, run_responder, responder) == 0;
}

static void stop_responder(struct responder *responder)
{
    shutdown(responder->listen_fd, SHUT_RDWR);
    pthread_join(responder->thread, NULL);
    close(responder->listen_fd);
    close(responder->epoll_fd);
}

/* ---- the client */

struct run;

struct call {
    struct engine_request request; /* first */
    struct run *run;
    uint64_t due_ns;
    struct call *next_free;
};

struct run {
    struct engine *engine;
    struct call *free_calls;
    uint64_t stop_ns; /* flat out: send the next one until then; 0: do not */
    uint64_t done, failed, under_way;
    struct histogram lag, latency;
};

static void write_call(struct engine_request *request, struct buffer *out)
{
    (void)request;
    buffer_append(out, request_text, sizeof(request_text) - 1);
}

static void submit(struct run *run, uint64_t due_ns)
{
    struct call *call = run->free_calls;
    if (call == NULL)
        return;
    call->due_ns = due_ns;
    if (engine_submit(run->engine, &call->request) != STATUS_OK)
        return;
    run->free_calls = call->next_free;
    run->under_way++;
}

static void end_call(struct engine_request *request, struct text body)
{
    struct call *call = (struct call *)request;
    struct run *run = call->run;
    (void)body;
    bool ok = request->outcome == STATUS_OK && request->http_status == 201;
    run->done += ok;
    run->failed += !ok;
    run->under_way--;
    histogram_add(&run->lag, request->sent_ns - call->due_ns);
    histogram_add(&run->latency, request->done_ns - call->due_ns);
    call->next_free = run->free_calls;
    run->free_calls = call;
    if (request->done_ns < run->stop_ns)
        submit(run, request->done_ns);
}

static bool flat_out(struct run *run, uint64_t duration_ns)
{
    uint64_t now_ns = clock_mono_ns();
    run->stop_ns = now_ns + duration_ns;
    for (unsigned i = 0; i < CONNECTIONS; i++)
        submit(run, now_ns);
    while (run->under_way > 0)
        if (engine_poll(run->engine, run->stop_ns + NS_PER_S) != STATUS_OK)
            return false;
    return true;
}

static bool paced(struct run *run, double rate, uint64_t duration_ns)
{
    struct schedule_plan plan = {0};
    struct schedule schedule;
    uint64_t number, due_ns;
    schedule_set_constant(&plan, rate, (double)duration_ns / (double)NS_PER_S);
    if (schedule_check(&plan, NULL) != STATUS_OK)
        return false;
    schedule_start(&schedule, &plan, 1, clock_mono_ns());
    while (schedule_next_ns(&schedule) != SCHEDULE_NEVER || run->under_way > 0) {
        uint64_t now_ns = clock_mono_ns();
        while (schedule_take(&schedule, now_ns, &number, &due_ns))
            submit(run, due_ns);
        if (engine_poll(run->engine, schedule_next_ns(&schedule)) != STATUS_OK)
            return false;
    }
    return true;
}

static void print(const char *name, const struct run *run, uint64_t cpu_ns, uint64_t wall_ns)
{
    printf("%-12s %8llu requests, %8.0f/s, %llu failed, %6.2f us CPU a request\n", name,
           (unsigned long long)run->done, (double)run->done * 1e9 / (double)wall_ns,
           (unsigned long long)run->failed, (double)cpu_ns / 1e3 / (double)run->done);
    printf("%-12s lag p50 %.1f us, p90 %.1f, p99 %.1f, max %.1f; latency p50 %.1f us, p99 %.1f\n",
           "", (double)histogram_quantile_ns(&run->lag, 0.5) / 1e3,
           (double)histogram_quantile_ns(&run->lag, 0.9) / 1e3,
           (double)histogram_quantile_ns(&run->lag, 0.99) / 1e3, (double)run->lag.max_ns / 1e3,
           (double)histogram_quantile_ns(&run->latency, 0.5) / 1e3,
           (double)histogram_quantile_ns(&run->latency, 0.99) / 1e3);
}

static bool measure(const char *name, const char *url, double rate)
{
    enum { CALLS = 4096 };
    static struct call calls[CALLS];
    static struct run run;
    struct engine_config config = {
        .connection_limit = CONNECTIONS,
        .queue_max = CALLS,
        .request_timeout_ns = 10 * NS_PER_S,
        .connect_timeout_ns = NS_PER_S,
        .idle_max_ns = 10 * NS_PER_S,
        .body_max_bytes = 65536,
    };
    memset(&run, 0, sizeof(run));
    for (size_t i = 0; i < CALLS; i++) {
        calls[i] = (struct call){.request = {.write = write_call, .ended = end_call},
                                 .run = &run,
                                 .next_free = run.free_calls};
        run.free_calls = &calls[i];
    }
    if (origin_parse(&config.origin, url, NULL) != STATUS_OK ||
        engine_new(&config, &run.engine, NULL) != STATUS_OK)
        return false;
    uint64_t cpu_ns = clock_thread_cpu_ns(), wall_ns = clock_mono_ns();
    bool ok = rate > 0 ? paced(&run, rate, 2 * NS_PER_S) : flat_out(&run, 2 * NS_PER_S);
    print(name, &run, clock_thread_cpu_ns() - cpu_ns, clock_mono_ns() - wall_ns);
    bool kept = engine_counts(run.engine).connects <= CONNECTIONS; /* else it measured connecting */
    engine_free(run.engine);
    return ok && kept && run.done > 0 && run.failed == 0;
}

int main(void)
{
    struct responder responder;
    if (!start_responder(&responder))
        return 1;
    bool ok = measure("flat out", responder.url, 0) && measure("2,000/s", responder.url, 2000) &&
              measure("200/s", responder.url, 200);
    stop_responder(&responder);
    return ok ? 0 : 1;
}
