#include "services/collector/probe.h"

#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"

enum {
    TIMEOUT_MS = 3000,
    HOST_MAX = 256,
    QUESTION_MAX = 512,
    CHUNK_BYTES = 16 * 1024,
    ANSWER_MAX = 4 * 1024 * 1024
};

/* "[::1]:80", "127.0.0.1:80", "80": host and port, cut into `host`. */
static const char *split(const char *address, char host[HOST_MAX])
{
    const char *colon = strrchr(address, ':');
    const char *begin = address[0] == '[' ? address + 1 : address;
    const char *end = colon ? colon : begin;
    if (address[0] == '[' && end > begin && end[-1] == ']')
        end--;
    snprintf(host, HOST_MAX, "%.*s", (int)(end - begin), begin);
    /* What listens everywhere is asked at home. */
    if (host[0] == '\0' || strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0)
        snprintf(host, HOST_MAX, "127.0.0.1");
    return colon ? colon + 1 : address;
}

static int connect_to(const char *host, const char *port, uint32_t timeout_ms)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    const struct timeval timeout = {.tv_sec = timeout_ms / 1000,
                                    .tv_usec = (suseconds_t)(timeout_ms % 1000) * 1000};
    struct addrinfo *found = NULL;
    if (getaddrinfo(host, port, &hints, &found) != 0)
        return -1;
    const int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0) {
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
    }
    const bool connected = fd >= 0 && connect(fd, found->ai_addr, found->ai_addrlen) == 0;
    freeaddrinfo(found);
    if (fd >= 0 && !connected)
        close(fd);
    return connected ? fd : -1;
}

/* Each wait is bounded by the socket's time-out, all together by the deadline. */
static enum status read_all(int fd, uint64_t deadline_ns, struct buffer *answer)
{
    char chunk[CHUNK_BYTES];
    while (answer->failed == STATUS_OK) {
        const ssize_t length = recv(fd, chunk, sizeof(chunk), 0);
        if (length == 0)
            return STATUS_OK;
        if (length < 0 || clock_mono_ns() >= deadline_ns)
            return STATUS_TIMEOUT;
        buffer_append(answer, chunk, (size_t)length);
    }
    return answer->failed;
}

static enum status ask(int fd, const char *path, uint64_t deadline_ns, struct buffer *answer)
{
    char question[QUESTION_MAX];
    const int length =
        snprintf(question, sizeof(question),
                 "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", path);
    if (length < 0 || (size_t)length >= sizeof(question))
        return STATUS_TOO_LARGE;
    if (send(fd, question, (size_t)length, MSG_NOSIGNAL) != length)
        return STATUS_REFUSED;
    return read_all(fd, deadline_ns, answer);
}

/* Connection: close, and all answers of ours say their length: what follows the head is the body.
 */
static enum status take_body(const struct buffer *answer, struct buffer *body)
{
    static const char end[] = "\r\n\r\n";
    const struct text all = {buffer_text(answer), answer->length_bytes};
    const char *at = all.length > 0 ? memmem(all.data, all.length, end, strlen(end)) : NULL;
    if (!at || !text_starts_with(all, "HTTP/1.") || all.length < 12 ||
        memcmp(all.data + 8, " 200", 4) != 0)
        return STATUS_REFUSED;
    const size_t head = (size_t)(at - all.data) + strlen(end);
    return buffer_append(body, all.data + head, all.length - head);
}

enum status probe_get(const char *address, const char *path, uint32_t timeout_ms,
                      struct buffer *body)
{
    const uint64_t deadline_ns = clock_mono_ns() + timeout_ms * NS_PER_MS;
    char host[HOST_MAX];
    struct buffer answer;
    const char *port = split(address, host);
    const int fd = connect_to(host, port, timeout_ms);
    if (fd < 0)
        return STATUS_REFUSED;
    buffer_init(&answer, ANSWER_MAX);
    enum status status = ask(fd, path, deadline_ns, &answer);
    if (status == STATUS_OK)
        status = take_body(&answer, body);
    close(fd);
    buffer_release(&answer);
    return status;
}

enum status probe_ready(const char *address, struct error *error)
{
    struct buffer body;
    buffer_init(&body, ANSWER_MAX);
    const enum status status = probe_get(address, "/readyz", TIMEOUT_MS, &body);
    buffer_release(&body);
    return status == STATUS_OK ? STATUS_OK
                               : error_set(error, STATUS_REFUSED, "%s: not ready", address);
}
