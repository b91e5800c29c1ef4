/* The least that HTTP load costs: one epoll loop that sends the same bytes and reads as many as the
 * first answer had, without looking at them. No histogram, no parser, no queue.
 *
 *     load_floor PORT CONNECTIONS SECONDS RATE      (RATE 0: as fast as answers come)
 *
 * Prints how many requests were answered, and the 99th percentile of how late they were sent in ns
 * (of the last LAGS_MAX; 0 flat out). */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>

#include "base/clock.h"

enum { CONNECTIONS_MAX = 256, EVENTS = 64, LAGS_MAX = 1 << 16 };

static const char request[] =
    "GET / HTTP/1.1\r\nHost: 127.0.0.1:18081\r\nUser-Agent: culprit\r\n"
    "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n\r\n";

static struct floor {
    int epoll_fd;
    int fds[CONNECTIONS_MAX];
    int idle[CONNECTIONS_MAX], idle_count;
    size_t answer_bytes, got[CONNECTIONS_MAX];
    unsigned long long done;
    uint64_t lags_ns[LAGS_MAX];
} state;

static int open_connection(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
        exit(1);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    return fd;
}

static void send_on(int at)
{
    if (send(state.fds[at], request, sizeof(request) - 1, MSG_NOSIGNAL) < 0)
        exit(1);
}

static void receive(int at)
{
    static char bytes[65536];
    ssize_t got = recv(state.fds[at], bytes, sizeof(bytes), MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0)
        exit(1);
    if (state.answer_bytes == 0)
        state.answer_bytes = (size_t)got;
    state.got[at] += (size_t)got;
    if (state.got[at] < state.answer_bytes)
        return;
    state.got[at] = 0;
    state.done++;
    state.idle[state.idle_count++] = at;
}

/* Sends what is due; when the next will be. */
static uint64_t send_due(double rate, uint64_t start_ns, uint64_t end_ns, unsigned long long *sent)
{
    uint64_t now_ns = clock_mono_ns();
    if (now_ns >= end_ns)
        return now_ns;
    for (; state.idle_count > 0; ++*sent) {
        uint64_t due_ns = rate > 0 ? start_ns + (uint64_t)((double)*sent * 1e9 / rate) : now_ns;
        if (due_ns > now_ns)
            return due_ns;
        state.lags_ns[*sent % LAGS_MAX] = now_ns - due_ns;
        send_on(state.idle[--state.idle_count]);
    }
    return end_ns;
}

static int compare(const void *a, const void *b)
{
    const uint64_t *one = a, *other = b;
    return (*one > *other) - (*one < *other);
}

static unsigned long long lag_p99_ns(unsigned long long sent)
{
    size_t count = sent < LAGS_MAX ? (size_t)sent : LAGS_MAX;
    if (count == 0)
        return 0;
    qsort(state.lags_ns, count, sizeof(state.lags_ns[0]), compare);
    return state.lags_ns[(count * 99 - 1) / 100];
}

int main(int argc, char **argv)
{
    if (argc != 5)
        return 2;
    int port = atoi(argv[1]), connections = atoi(argv[2]);
    double seconds = atof(argv[3]), rate = atof(argv[4]);
    struct epoll_event events[EVENTS];
    unsigned long long sent = 0;
    prctl(PR_SET_TIMERSLACK, 1UL);
    state.epoll_fd = epoll_create1(0);
    for (int i = 0; i < connections && i < CONNECTIONS_MAX; i++) {
        struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.fd = i};
        state.fds[i] = open_connection(port);
        epoll_ctl(state.epoll_fd, EPOLL_CTL_ADD, state.fds[i], &event);
        state.idle[state.idle_count++] = i;
    }
    uint64_t start_ns = clock_mono_ns(), end_ns = start_ns + (uint64_t)(seconds * 1e9);
    while (clock_mono_ns() < end_ns || state.idle_count < connections) {
        uint64_t next_ns = send_due(rate, start_ns, end_ns, &sent), now_ns = clock_mono_ns();
        uint64_t left_ns = next_ns > now_ns ? next_ns - now_ns : 0;
        if (now_ns >= end_ns)
            left_ns = 100 * NS_PER_MS;
        const struct timespec timeout = {.tv_sec = (time_t)(left_ns / NS_PER_S),
                                         .tv_nsec = (long)(left_ns % NS_PER_S)};
        int count = epoll_pwait2(state.epoll_fd, events, EVENTS, &timeout, NULL);
        for (int i = 0; i < count; i++)
            receive(events[i].data.fd);
        if (now_ns > end_ns + 5 * NS_PER_S)
            return 1;
    }
    printf("%llu %llu\n", state.done, lag_p99_ns(sent));
    return 0;
}
