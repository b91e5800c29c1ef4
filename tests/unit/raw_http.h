/* For tests: a server of ours on a loopback port of the kernel's choice, and raw bytes to and from
 * it. Everything that waits has a deadline. */
#ifndef CULPRIT_TESTS_UNIT_RAW_HTTP_H
#define CULPRIT_TESTS_UNIT_RAW_HTTP_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "http/server.h"

enum { RAW_ANSWER_MAX = 256 * 1024, RAW_PATIENCE_MS = 20000 };

/* What came back until the server closed. */
struct raw_answer {
    char text[RAW_ANSWER_MAX + 1];
    size_t length;
    bool closed; /* by the server, in time */
};

static inline int raw_connect(uint16_t port)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* false: the server did not take all of it. */
static inline bool raw_send(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        bytes += sent;
        length -= (size_t)sent;
    }
    return true;
}

static inline bool raw_wait(int fd, uint64_t deadline_ns)
{
    struct pollfd readable = {.fd = fd, .events = POLLIN};
    return poll(&readable, 1, clock_remaining_ms(deadline_ns)) == 1;
}

/* Reads on until the answer holds `needle`, or (NULL) until the server closes. */
static inline bool raw_read(int fd, struct raw_answer *answer, const char *needle)
{
    uint64_t deadline_ns = clock_mono_ns() + RAW_PATIENCE_MS * NS_PER_MS;
    while (answer->length < RAW_ANSWER_MAX) {
        answer->text[answer->length] = '\0';
        if (needle && strstr(answer->text, needle))
            return true;
        if (!raw_wait(fd, deadline_ns))
            return false;
        ssize_t got = recv(fd, answer->text + answer->length, RAW_ANSWER_MAX - answer->length, 0);
        if (got <= 0) {
            answer->closed = true;
            return needle == NULL;
        }
        answer->length += (size_t)got;
    }
    return false;
}

/* Sends all, then reads until the server closes. */
static inline struct raw_answer *raw_talk(uint16_t port, const char *bytes, size_t length)
{
    struct raw_answer *answer = calloc(1, sizeof *answer);
    int fd = raw_connect(port);
    if (answer && fd >= 0) {
        raw_send(fd, bytes, length);
        raw_read(fd, answer, NULL);
    }
    if (fd >= 0)
        close(fd);
    return answer;
}

/* How many answers there are, and the status of one (from 0); 100 Continue does not count. */
static inline unsigned raw_count(const char *text)
{
    unsigned count = 0;
    for (const char *at = text; (at = strstr(at, "HTTP/1.1 ")) != NULL; at++)
        count += strncmp(at + 9, "100", 3) != 0;
    return count;
}

static inline unsigned raw_status(const char *text, unsigned index)
{
    for (const char *at = text; (at = strstr(at, "HTTP/1.1 ")) != NULL; at++) {
        if (strncmp(at + 9, "100", 3) != 0 && index-- == 0)
            return (unsigned)strtoul(at + 9, NULL, 10);
    }
    return 0;
}

static inline struct server *raw_server(struct server_config config)
{
    struct error error = {""};
    struct server *server = NULL;
    if (server_listen("127.0.0.1:0", &config.listen_fd, &error) != STATUS_OK ||
        server_new(&server, &config, &error) != STATUS_OK) {
        fprintf(stderr, "no server: %s\n", error.text);
        abort();
    }
    return server;
}

#endif
