#include "loadgen/engine/origin.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

enum { PORT_DEFAULT = 80, PORT_MAX = 65535, HOST_MAX = 256 };

/* Cuts "[::1]:80", "host:80" or "host". */
static enum status split_authority(struct text authority, struct text *host, struct text *port)
{
    *port = (struct text){0};
    if (authority.length > 0 && authority.data[0] == '[') {
        const char *end = memchr(authority.data, ']', authority.length);
        if (end == NULL)
            return STATUS_INVALID;
        *host = (struct text){authority.data + 1, (size_t)(end - authority.data) - 1};
        struct text rest = {end + 1, authority.length - host->length - 2};
        if (rest.length == 0)
            return STATUS_OK;
        *port = (struct text){rest.data + 1, rest.length - 1};
        return rest.data[0] == ':' ? STATUS_OK : STATUS_INVALID;
    }
    *port = authority;
    *host = text_split(port, ':');
    return STATUS_OK;
}

static enum status read_port(struct text text, uint16_t *port)
{
    uint64_t number = PORT_DEFAULT;
    if (text.data != NULL && text_to_u64(text, &number) != STATUS_OK)
        return STATUS_INVALID;
    if (number == 0 || number > PORT_MAX)
        return STATUS_INVALID;
    *port = (uint16_t)number;
    return STATUS_OK;
}

static enum status resolve(struct origin *origin, const char *host, struct error *error)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    char port[8];
    (void)snprintf(port, sizeof(port), "%u", (unsigned)origin->port);
    int failed = getaddrinfo(host, port, &hints, &found);
    if (failed != 0)
        return error_set(error, STATUS_NOT_FOUND, "no address of %s: %s", host,
                         gai_strerror(failed));
    memcpy(&origin->address, found->ai_addr, found->ai_addrlen);
    origin->address_bytes = found->ai_addrlen;
    failed = getnameinfo(found->ai_addr, found->ai_addrlen, origin->peer, sizeof(origin->peer),
                         NULL, 0, NI_NUMERICHOST);
    freeaddrinfo(found);
    if (failed != 0)
        origin->peer[0] = '\0';
    return STATUS_OK;
}

enum status origin_parse(struct origin *origin, const char *url, struct error *error)
{
    static const char scheme[] = "http://";
    *origin = (struct origin){0};
    struct text rest = text_of(url);
    if (text_starts_with(rest, "https://"))
        return error_set(error, STATUS_UNSUPPORTED, "%s: only http is spoken here", url);
    if (!text_starts_with(rest, scheme))
        return error_set(error, STATUS_INVALID, "%s: not an http:// address", url ? url : "");
    rest = (struct text){rest.data + sizeof(scheme) - 1, rest.length - (sizeof(scheme) - 1)};
    if (rest.length > 0 && rest.data[rest.length - 1] == '/')
        rest.length--;
    struct text host, port;
    if (split_authority(rest, &host, &port) != STATUS_OK || host.length == 0 ||
        host.length >= HOST_MAX || memchr(rest.data, '/', rest.length) != NULL ||
        memchr(rest.data, '@', rest.length) != NULL)
        return error_set(error, STATUS_INVALID, "%s: expected http://host:port", url);
    if (read_port(port, &origin->port) != STATUS_OK)
        return error_set(error, STATUS_INVALID, "%s: the port must be 1 to 65535", url);
    char name[HOST_MAX];
    text_copy(host, name, sizeof(name));
    return resolve(origin, name, error);
}
