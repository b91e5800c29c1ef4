#include "services/collector/probe.h"

#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { TIMEOUT_S = 3, HOST_MAX = 256, ANSWER_MAX = 512 };

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

static int connect_to(const char *host, const char *port)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
    const struct timeval timeout = {.tv_sec = TIMEOUT_S};
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

enum status probe_ready(const char *address, struct error *error)
{
    static const char question[] =
        "GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    char host[HOST_MAX], answer[ANSWER_MAX] = "";
    const char *port = split(address, host);
    const int fd = connect_to(host, port);
    if (fd < 0)
        return error_set(error, STATUS_REFUSED, "%s: nobody answers", address);
    const bool asked =
        send(fd, question, sizeof(question) - 1, MSG_NOSIGNAL) == (ssize_t)sizeof(question) - 1;
    const ssize_t length = asked ? recv(fd, answer, sizeof(answer) - 1, MSG_WAITALL) : -1;
    close(fd);
    if (length > 12 && strncmp(answer, "HTTP/1.1 200", 12) == 0)
        return STATUS_OK;
    return error_set(error, STATUS_REFUSED, "%s: not ready", address);
}
