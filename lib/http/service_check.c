/* --check, for probes that run a program: one request over a plain socket. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "http/service_inner.h"

enum { CHECK_MS = 3000, HOST_MAX = 64 };

union socket_address {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
};

/* Who listens on all addresses is asked on the loopback one. */
static bool read_address(const char *address, union socket_address *out, socklen_t *size)
{
    const char *colon = strrchr(address, ':');
    struct text host = {address, colon ? (size_t)(colon - address) : 0};
    struct text port = text_of(colon ? colon + 1 : address);
    char name[HOST_MAX];
    uint64_t number;
    memset(out, 0, sizeof *out);
    if (text_to_u64(port, &number) != STATUS_OK || number > UINT16_MAX)
        return false;
    if (host.length > 1 && host.data[0] == '[')
        host = (struct text){host.data + 1, host.length - 2};
    text_copy(host, name, sizeof name);
    if (inet_pton(AF_INET6, name, &out->in6.sin6_addr) == 1) {
        if (IN6_IS_ADDR_UNSPECIFIED(&out->in6.sin6_addr))
            out->in6.sin6_addr = in6addr_loopback;
        out->in6.sin6_family = AF_INET6;
        out->in6.sin6_port = htons((uint16_t)number);
        *size = sizeof out->in6;
        return true;
    }
    if (inet_pton(AF_INET, name, &out->in.sin_addr) != 1 || out->in.sin_addr.s_addr == INADDR_ANY)
        out->in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    out->in.sin_family = AF_INET;
    out->in.sin_port = htons((uint16_t)number);
    *size = sizeof out->in;
    return true;
}

static bool ask(int fd, uint64_t deadline_ns)
{
    static const char request[] = "GET /readyz HTTP/1.1\r\nHost: localhost\r\n"
                                  "Connection: close\r\n\r\n";
    char answer[16];
    size_t length = 0;
    if (send(fd, request, sizeof request - 1, MSG_NOSIGNAL) != (ssize_t)sizeof request - 1)
        return false;
    while (length < strlen("HTTP/1.1 200")) {
        struct pollfd readable = {.fd = fd, .events = POLLIN};
        if (poll(&readable, 1, clock_remaining_ms(deadline_ns)) != 1)
            return false;
        ssize_t part = recv(fd, answer + length, sizeof answer - length, 0);
        if (part <= 0)
            return false;
        length += (size_t)part;
    }
    return memcmp(answer, "HTTP/1.1 200", strlen("HTTP/1.1 200")) == 0;
}

int service_check(const char *address)
{
    union socket_address to;
    socklen_t size;
    uint64_t deadline_ns = clock_mono_ns() + CHECK_MS * NS_PER_MS;
    struct timeval most = {.tv_sec = CHECK_MS / 1000};
    if (!read_address(address, &to, &size)) {
        fprintf(stderr, "%s is no address\n", address);
        return 2;
    }
    int fd = socket(to.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return 1;
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &most, sizeof most);
    bool is_ready = connect(fd, &to.any, size) == 0 && ask(fd, deadline_ns);
    close(fd);
    if (!is_ready)
        fprintf(stderr, "%s is not ready\n", address);
    return is_ready ? 0 : 1;
}
