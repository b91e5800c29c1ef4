/* A client of bytes for tests of servers: says exactly what it is told, and reads until the other
 * side closes. Every wait ends after RAW_CLIENT_S. */
#ifndef CULPRIT_TESTS_UNIT_RAW_CLIENT_H
#define CULPRIT_TESTS_UNIT_RAW_CLIENT_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { RAW_CLIENT_S = 10, RAW_ANSWER_MAX = 256 * 1024 };

struct raw_answer {
    char text[RAW_ANSWER_MAX]; /* NUL-terminated */
    size_t length;
    bool closed; /* by the other side, in time */
};

/* -1: refused. */
static inline int raw_connect(uint16_t port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval wait = {.tv_sec = RAW_CLIENT_S};
    to.sin_port = htons(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0)
        return fd;
    close(fd);
    return -1;
}

/* false: not all went out. */
static inline bool raw_send(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t part = send(fd, bytes, length, MSG_NOSIGNAL);
        if (part <= 0)
            return false;
        bytes += part;
        length -= (size_t)part;
    }
    return true;
}

/* Reads until the other side closes, or (with `until`) the text holds that. */
static inline void raw_read(int fd, const char *until, struct raw_answer *answer)
{
    answer->length = 0;
    answer->text[0] = '\0';
    answer->closed = false;
    while (answer->length < sizeof answer->text - 1) {
        if (until && strstr(answer->text, until))
            return;
        ssize_t part =
            recv(fd, answer->text + answer->length, sizeof answer->text - 1 - answer->length, 0);
        answer->closed = part == 0 || (part < 0 && errno == ECONNRESET);
        if (part <= 0)
            return;
        answer->length += (size_t)part;
        answer->text[answer->length] = '\0';
    }
}

/* One connection: says it all, reads to the end. */
static inline void raw_ask(uint16_t port, const char *bytes, size_t length,
                           struct raw_answer *answer)
{
    int fd = raw_connect(port);
    answer->length = 0;
    answer->text[0] = '\0';
    answer->closed = false;
    if (fd < 0)
        return;
    raw_send(fd, bytes, length);
    raw_read(fd, NULL, answer);
    close(fd);
}

/* Status of the first answer; 0 without one. */
static inline unsigned raw_status(const struct raw_answer *answer)
{
    if (strncmp(answer->text, "HTTP/1.", 7) != 0)
        return 0;
    return (unsigned)strtoul(answer->text + 9, NULL, 10);
}

static inline unsigned raw_answer_count(const struct raw_answer *answer, const char *begin)
{
    unsigned count = 0;
    for (const char *at = answer->text; (at = strstr(at, begin)); at++)
        count++;
    return count;
}

#endif
