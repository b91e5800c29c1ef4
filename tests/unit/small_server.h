/* An HTTP server of a few lines for tests of clients: a thread a connection, on a port of the
 * kernel's choice. The test says what a connection does; small_server_stop ends all of them. */
#ifndef CULPRIT_TESTS_UNIT_SMALL_SERVER_H
#define CULPRIT_TESTS_UNIT_SMALL_SERVER_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SMALL_SERVER_CONNECTIONS = 256, SMALL_SERVER_REQUEST_MAX = 128 * 1024 };

struct small_server;
typedef void small_server_talk(struct small_server *server, int fd);

struct small_server_connection {
    struct small_server *server;
    int fd;
    pthread_t thread;
};

struct small_server {
    small_server_talk *talk; /* runs in the connection's thread; must not close fd */
    const void *with;        /* for talk */
    atomic_uint requests, connections, open_now, open_most;
    int listen_fd;
    char url[64];
    pthread_t thread;
    struct small_server_connection all[SMALL_SERVER_CONNECTIONS];
};

static inline void *small_server_run_connection(void *argument)
{
    struct small_server_connection *connection = argument;
    struct small_server *server = connection->server;
    unsigned now = atomic_fetch_add(&server->open_now, 1) + 1;
    unsigned most = atomic_load(&server->open_most);
    while (now > most && !atomic_compare_exchange_weak(&server->open_most, &most, now))
        ;
    server->talk(server, connection->fd);
    atomic_fetch_sub(&server->open_now, 1);
    shutdown(connection->fd, SHUT_RDWR);
    return NULL;
}

static inline void *small_server_run(void *argument)
{
    struct small_server *server = argument;
    for (;;) {
        int fd = accept(server->listen_fd, NULL, NULL);
        if (fd < 0)
            return NULL;
        unsigned i = atomic_load(&server->connections);
        if (i >= SMALL_SERVER_CONNECTIONS) {
            close(fd);
            continue;
        }
        server->all[i] = (struct small_server_connection){.server = server, .fd = fd};
        if (pthread_create(&server->all[i].thread, NULL, small_server_run_connection,
                           &server->all[i]) != 0)
            abort();
        atomic_store(&server->connections, i + 1);
    }
}

static inline void small_server_start(struct small_server *server, small_server_talk *talk,
                                      const void *with)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    memset(server, 0, sizeof(*server));
    server->talk = talk;
    server->with = with;
    server->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(server->listen_fd, (struct sockaddr *)&address, length) != 0 ||
        listen(server->listen_fd, 256) != 0 ||
        getsockname(server->listen_fd, (struct sockaddr *)&address, &length) != 0)
        abort();
    snprintf(server->url, sizeof(server->url), "http://127.0.0.1:%u",
             (unsigned)ntohs(address.sin_port));
    if (pthread_create(&server->thread, NULL, small_server_run, server) != 0)
        abort();
}

static inline void small_server_stop(struct small_server *server)
{
    shutdown(server->listen_fd, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->listen_fd);
    for (unsigned i = 0; i < atomic_load(&server->connections); i++) {
        shutdown(server->all[i].fd, SHUT_RDWR);
        pthread_join(server->all[i].thread, NULL);
        close(server->all[i].fd);
    }
}

/* Reads one request with its body as text; its length, 0 at the end of the connection. Clients that
 * send the next one before they have an answer are not served. */
static inline size_t small_server_read(struct small_server *server, int fd, char *into, size_t size)
{
    size_t have = 0;
    for (;;) {
        ssize_t got = recv(fd, into + have, size - 1 - have, 0);
        if (got <= 0)
            return 0;
        have += (size_t)got;
        into[have] = '\0';
        const char *head_end = strstr(into, "\r\n\r\n");
        if (head_end == NULL)
            continue;
        const char *length = strstr(into, "Content-Length: ");
        size_t body = length && length < head_end ? strtoul(length + 16, NULL, 10) : 0;
        if (have < (size_t)(head_end + 4 - into) + body)
            continue;
        atomic_fetch_add(&server->requests, 1);
        return have;
    }
}

static inline bool small_server_write(int fd, const char *bytes, size_t length)
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

#endif
