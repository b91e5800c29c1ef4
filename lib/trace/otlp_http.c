#include "trace/otlp_http.h"

#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/clock.h"

static const uint64_t connect_limit_ns = 3 * NS_PER_S; /* for one of a host's addresses */

enum status otlp_http_init(struct otlp_http *http, const struct otlp_request *request)
{
    *http = (struct otlp_http){.socket = -1};
    text_copy(text_of(request->host), http->host, sizeof http->host);
    text_copy(text_of(request->port), http->port, sizeof http->port);
    int length = snprintf(http->head, sizeof http->head,
                          "POST %s HTTP/1.1\r\nHost: %s\r\n%sContent-Length: ", request->path,
                          request->authority, request->headers);
    assert(length > 0 && (size_t)length < sizeof http->head);
    http->head_bytes = (size_t)length;
    void *reply = mmap(NULL, OTLP_REPLY_MAX, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (reply == MAP_FAILED)
        return STATUS_NO_MEMORY;
    http->reply = reply;
    return STATUS_OK;
}

static void disconnect(struct otlp_http *http)
{
    if (http->socket >= 0)
        close(http->socket);
    http->socket = -1;
}

void otlp_http_release(struct otlp_http *http)
{
    disconnect(http);
    if (http->reply != NULL)
        munmap(http->reply, OTLP_REPLY_MAX);
    http->reply = NULL;
}

/* Events of the socket; 0 when the time is over. */
static short wait_for(const struct otlp_http *http, short events, const struct otlp_post *post,
                      uint64_t deadline_ns)
{
    for (;;) {
        struct pollfd polled[2] = {{.fd = http->socket, .events = events},
                                   {.fd = otlp_stop_descriptor(post->stop), .events = POLLIN}};
        uint64_t until_ns = otlp_stop_limited(post->stop, deadline_ns);
        int count = poll(polled, 2, clock_remaining_ms(until_ns));
        if (polled[0].revents != 0)
            return polled[0].revents;
        if (count == 0 && clock_mono_ns() >= until_ns)
            return 0;
        if (count < 0 && errno != EINTR)
            return 0;
    }
}

static enum status connect_failure(int code)
{
    return code == ECONNREFUSED ? STATUS_REFUSED : STATUS_IO;
}

static enum status connect_one(struct otlp_http *http, const struct addrinfo *address,
                               const struct otlp_post *post)
{
    int one = 1, code = 0;
    socklen_t size = sizeof code;
    http->socket = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (http->socket < 0)
        return STATUS_IO;
    (void)setsockopt(http->socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(http->socket, address->ai_addr, address->ai_addrlen) == 0)
        return STATUS_OK;
    if (errno != EINPROGRESS)
        return connect_failure(errno);
    uint64_t own_ns = clock_mono_ns() + connect_limit_ns;
    if (own_ns > post->deadline_ns)
        own_ns = post->deadline_ns;
    if (wait_for(http, POLLOUT, post, own_ns) == 0)
        return STATUS_TIMEOUT;
    if (getsockopt(http->socket, SOL_SOCKET, SO_ERROR, &code, &size) != 0 || code != 0)
        return connect_failure(code);
    return STATUS_OK;
}

static enum status connect_any(struct otlp_http *http, const struct otlp_post *post)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *addresses = NULL;
    if (getaddrinfo(http->host, http->port, &hints, &addresses) != 0)
        return STATUS_IO;
    enum status status = STATUS_IO;
    for (const struct addrinfo *at = addresses; at != NULL; at = at->ai_next) {
        disconnect(http);
        status = connect_one(http, at, post);
        if (status == STATUS_OK ||
            clock_mono_ns() >= otlp_stop_limited(post->stop, post->deadline_ns))
            break;
    }
    freeaddrinfo(addresses);
    return status;
}

/* The server may have closed a kept connection, or sent what nobody asked for. */
static bool is_usable(const struct otlp_http *http)
{
    char byte;
    return http->socket >= 0 && recv(http->socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
           (errno == EAGAIN || errno == EWOULDBLOCK);
}

static void advance(struct iovec *parts, size_t sent)
{
    for (int i = 0; i < 3 && sent > 0; i++) {
        size_t part = sent < parts[i].iov_len ? sent : parts[i].iov_len;
        parts[i].iov_base = (char *)parts[i].iov_base + part;
        parts[i].iov_len -= part;
        sent -= part;
    }
}

/* STATUS_END: the server answers before all was sent, or closed; what it said may still be read. */
static enum status send_all(struct otlp_http *http, struct iovec parts[3],
                            const struct otlp_post *post)
{
    while (parts[0].iov_len + parts[1].iov_len + parts[2].iov_len > 0) {
        struct msghdr message = {.msg_iov = parts, .msg_iovlen = 3};
        ssize_t sent = sendmsg(http->socket, &message, MSG_NOSIGNAL);
        if (sent >= 0) {
            advance(parts, (size_t)sent);
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            short events = wait_for(http, POLLIN | POLLOUT, post, post->deadline_ns);
            if (events == 0)
                return STATUS_TIMEOUT;
            if ((events & POLLOUT) == 0)
                return STATUS_END;
        } else if (errno != EINTR) {
            return STATUS_END;
        }
    }
    return STATUS_OK;
}

static enum status receive(struct otlp_http *http, const struct otlp_post *post,
                           struct http_reply *reply)
{
    size_t length = 0;
    for (;;) {
        if (length == OTLP_REPLY_MAX)
            return STATUS_TOO_LARGE;
        if (wait_for(http, POLLIN, post, post->deadline_ns) == 0)
            return STATUS_TIMEOUT;
        ssize_t got = recv(http->socket, http->reply + length, OTLP_REPLY_MAX - length, 0);
        if (got < 0 && (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK))
            continue;
        bool closed = got <= 0;
        if (!closed)
            length += (size_t)got;
        enum status status = http_reply_parse(http->reply, length, closed, clock_wall_ns(), reply);
        if (status != STATUS_BUSY)
            return status;
    }
}

enum status otlp_http_post(struct otlp_http *http, const struct otlp_post *post,
                           struct http_reply *reply)
{
    char length_text[32];
    enum status status = STATUS_OK;
    if (!is_usable(http)) {
        disconnect(http);
        status = connect_any(http, post);
    }
    if (status != STATUS_OK) {
        disconnect(http);
        return status;
    }
    int digits = snprintf(length_text, sizeof length_text, "%zu\r\n\r\n", post->length_bytes);
    struct iovec parts[3] = {{http->head, http->head_bytes},
                             {length_text, (size_t)digits},
                             {(void *)(uintptr_t)post->body, post->length_bytes}};
    enum status sent = send_all(http, parts, post);
    status = sent == STATUS_TIMEOUT ? sent : receive(http, post, reply);
    if (status != STATUS_OK || sent != STATUS_OK || !reply->keep_alive)
        disconnect(http);
    return status;
}
