#include "loadgen/stack/sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/server.h"

static enum status port_of(int fd, uint16_t *port)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address;
    socklen_t size = sizeof address;
    memset(&address, 0, sizeof address);
    if (getsockname(fd, &address.any, &size) < 0)
        return STATUS_IO;
    *port = ntohs(address.any.sa_family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port);
    return STATUS_OK;
}

static enum status open_one(struct sockets *sockets, const char *name, const char *address,
                            uint16_t port, struct error *error)
{
    char where[128];
    struct error why = {0};
    int low_fd = -1;
    bool is_v6 = strchr(address, ':') && address[0] != '[';
    snprintf(where, sizeof where, is_v6 ? "[%s]:%u" : "%s:%u", address, port);
    enum status status = server_listen(where, &low_fd, &why);
    if (status == STATUS_EXISTS)
        return error_set(error, status, "%s: port %u of %s is in use", name, port, address);
    if (status != STATUS_OK)
        return error_set(error, status, "%s: %s", name, why.text);
    int fd = fcntl(low_fd, F_DUPFD_CLOEXEC, 64);
    int failure = errno;
    close(low_fd);
    if (fd < 0)
        return error_set(error, STATUS_IO, "%s: %s", name, strerror(failure));
    sockets->fds[sockets->count] = fd;
    return port_of(fd, &sockets->ports[sockets->count++]);
}

enum status sockets_open(struct sockets *sockets, const struct topology_service *service,
                         const char *address, bool usual_ports, struct error *error)
{
    *sockets = (struct sockets){.fds = {-1, -1}};
    uint16_t ports[CHILD_SOCKETS_MAX] = {service->port, service->query_port};
    size_t count = service->kind == TOPOLOGY_COLLECTOR ? 2 : 1;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < count && status == STATUS_OK; i++)
        status = open_one(sockets, service->name, address, usual_ports ? ports[i] : 0, error);
    if (status != STATUS_OK)
        sockets_close(sockets);
    return status;
}

void sockets_close(struct sockets *sockets)
{
    for (size_t i = 0; i < CHILD_SOCKETS_MAX; i++) {
        if (i < sockets->count && sockets->fds[i] >= 0)
            close(sockets->fds[i]);
        sockets->fds[i] = -1;
    }
}
