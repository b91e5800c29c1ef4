/* A listening socket from what a person wrote. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"
#include "http/server.h"

enum { BACKLOG = 511, HOST_MAX = 64 };

union socket_address {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
};

static bool is_digits(struct text value)
{
    for (size_t i = 0; i < value.length; i++)
        if (value.data[i] < '0' || value.data[i] > '9')
            return false;
    return value.length > 0;
}

/* Empty parts are those that were not written. false: two colons without brackets, and the like. */
static bool split(struct text address, struct text *host, struct text *port)
{
    struct text rest = address;
    *host = *port = (struct text){NULL, 0};
    if (is_digits(address)) {
        *port = address;
        return true;
    }
    if (!text_starts_with(address, "[")) {
        *host = text_split(&rest, ':');
        *port = rest;
        return rest.data == NULL || (rest.length > 0 && is_digits(rest));
    }
    struct text inner = {address.data + 1, address.length - 1};
    *host = text_split(&inner, ']');
    if (inner.data == NULL)
        return false;
    if (inner.length == 0)
        return true;
    *port = (struct text){inner.data + 1, inner.length - 1};
    return inner.data[0] == ':' && is_digits(*port);
}

static bool read_address(const char *address, union socket_address *out, socklen_t *size)
{
    struct text host, port;
    char name[HOST_MAX];
    uint64_t number = 0;
    memset(out, 0, sizeof *out);
    if (!split(text_of(address), &host, &port) || host.length >= sizeof name)
        return false;
    if (port.length > 0 && (text_to_u64(port, &number) != STATUS_OK || number > UINT16_MAX))
        return false;
    text_copy(host, name, sizeof name);
    bool is_loopback = host.length == 0 || strcmp(name, "localhost") == 0;
    if (inet_pton(AF_INET, is_loopback ? "127.0.0.1" : name, &out->in.sin_addr) == 1) {
        out->in.sin_family = AF_INET;
        out->in.sin_port = htons((uint16_t)number);
        *size = sizeof out->in;
        return true;
    }
    if (inet_pton(AF_INET6, name, &out->in6.sin6_addr) != 1)
        return false;
    out->in6.sin6_family = AF_INET6;
    out->in6.sin6_port = htons((uint16_t)number);
    *size = sizeof out->in6;
    return true;
}

enum status server_listen(const char *address, int *listen_fd, struct error *error)
{
    union socket_address to;
    socklen_t size;
    int yes = 1;
    *listen_fd = -1;
    if (!read_address(address, &to, &size))
        return error_set(error, STATUS_INVALID,
                         "\"%s\" is no address to listen on (127.0.0.1:8080, [::1]:8080, 8080)",
                         address);
    int fd = socket(to.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return error_set(error, STATUS_IO, "%s: %s", address, strerror(errno));
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(fd, &to.any, size) != 0 || listen(fd, BACKLOG) != 0) {
        int failure = errno;
        close(fd);
        if (failure == EADDRINUSE)
            return error_set(error, STATUS_EXISTS, "%s is in use already", address);
        return error_set(error, STATUS_IO, "%s: %s", address, strerror(failure));
    }
    *listen_fd = fd;
    return STATUS_OK;
}
