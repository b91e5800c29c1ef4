#include "loadgen/base/fetch.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

enum { HEAD_MAX = 32 * 1024, CHUNK_OVERHEAD = 1024 * 1024, SENT_BYTES_MAX = 64 * 1024 * 1024 };

/* What the head of an answer says. */
struct head {
    unsigned status;
    size_t bytes; /* of the head, with the empty line */
    bool chunked, has_length, close;
    uint64_t length;
};

enum status fetch_init(struct fetch *fetch, const char *url, size_t max_body_bytes,
                       struct error *error)
{
    *fetch = (struct fetch){.fd = -1, .max_body_bytes = max_body_bytes};
    buffer_init(&fetch->in, max_body_bytes + HEAD_MAX + CHUNK_OVERHEAD);
    buffer_init(&fetch->body, max_body_bytes);
    struct text rest = text_of(url);
    if (!text_starts_with(rest, "http://"))
        return error_set(error, STATUS_INVALID, "%s: not an http:// address", url ? url : "");
    rest.data += strlen("http://");
    rest.length -= strlen("http://");
    struct text authority = text_split(&rest, '/');
    struct text host = authority;
    struct text port = {"80", 2};
    const char *colon = memrchr(authority.data, ':', authority.length);
    const char *bracket = memrchr(authority.data, ']', authority.length);
    if (colon && (!bracket || colon > bracket)) {
        host.length = (size_t)(colon - authority.data);
        port = (struct text){colon + 1, authority.length - host.length - 1};
    }
    if (host.length > 1 && host.data[0] == '[' && host.data[host.length - 1] == ']')
        host = (struct text){host.data + 1, host.length - 2};
    uint64_t number;
    if (host.length == 0 || host.length >= sizeof fetch->host ||
        text_to_u64(port, &number) != STATUS_OK || number == 0 || number > 65535)
        return error_set(error, STATUS_INVALID, "%s: no http://host:port", url);
    text_copy(host, fetch->host, sizeof fetch->host);
    snprintf(fetch->port, sizeof fetch->port, "%u", (unsigned)number);
    return STATUS_OK;
}

static void hang_up(struct fetch *fetch)
{
    if (fetch->fd >= 0)
        close(fetch->fd);
    fetch->fd = -1;
}

void fetch_release(struct fetch *fetch)
{
    if (fetch->max_body_bytes == 0)
        return;
    hang_up(fetch);
    buffer_release(&fetch->in);
    buffer_release(&fetch->body);
}

static enum status wait_for(int fd, short events, uint64_t deadline_ns)
{
    for (;;) {
        int left_ms = clock_remaining_ms(deadline_ns);
        struct pollfd waiting = {.fd = fd, .events = events};
        int ready = poll(&waiting, 1, left_ms);
        if (ready > 0)
            return STATUS_OK;
        if (ready == 0)
            return STATUS_TIMEOUT;
        if (errno != EINTR)
            return STATUS_IO;
        if (left_ms == 0)
            return STATUS_TIMEOUT;
    }
}

static enum status connect_one(const struct addrinfo *address, uint64_t deadline_ns, int *out)
{
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return STATUS_IO;
    enum status status = STATUS_OK;
    if (connect(fd, address->ai_addr, address->ai_addrlen) < 0) {
        int failure = errno;
        if (failure == EINPROGRESS) {
            socklen_t size = sizeof failure;
            status = wait_for(fd, POLLOUT, deadline_ns);
            if (status == STATUS_OK && getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &size) < 0)
                status = STATUS_IO;
        }
        if (status == STATUS_OK && failure != 0)
            status = failure == ECONNREFUSED ? STATUS_REFUSED : STATUS_IO;
    }
    if (status != STATUS_OK) {
        close(fd);
        return status;
    }
    int one = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    *out = fd;
    return STATUS_OK;
}

static enum status dial(struct fetch *fetch, uint64_t deadline_ns)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    if (getaddrinfo(fetch->host, fetch->port, &hints, &found) != 0)
        return STATUS_NOT_FOUND;
    enum status status = STATUS_NOT_FOUND;
    for (const struct addrinfo *a = found; a && fetch->fd < 0; a = a->ai_next)
        status = connect_one(a, deadline_ns, &fetch->fd);
    freeaddrinfo(found);
    return status;
}

static enum status send_all(int fd, struct text bytes, uint64_t deadline_ns)
{
    size_t sent = 0;
    while (sent < bytes.length) {
        ssize_t n = send(fd, bytes.data + sent, bytes.length - sent, MSG_NOSIGNAL);
        if (n > 0) {
            sent += (size_t)n;
            continue;
        }
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            return STATUS_CLOSED;
        enum status status = wait_for(fd, POLLOUT, deadline_ns);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

/* STATUS_END: the other side closed in good order. */
static enum status receive_some(struct fetch *fetch, uint64_t deadline_ns)
{
    enum status status = buffer_reserve(&fetch->in, 16 * 1024);
    if (status != STATUS_OK)
        return status;
    for (;;) {
        size_t room = fetch->in.capacity_bytes - fetch->in.length_bytes;
        ssize_t n = recv(fetch->fd, fetch->in.data + fetch->in.length_bytes, room - 1, 0);
        if (n > 0) {
            uint8_t *end;
            return buffer_extend(&fetch->in, (size_t)n, &end);
        }
        if (n == 0)
            return STATUS_END;
        if (errno != EAGAIN && errno != EINTR)
            return STATUS_CLOSED;
        status = wait_for(fetch->fd, POLLIN, deadline_ns);
        if (status != STATUS_OK)
            return status;
    }
}

static void read_header(struct text line, struct head *head)
{
    struct text value = line;
    struct text name = text_split(&value, ':');
    value = text_trim(value);
    if (text_equal_ignore_case(name, TEXT_LITERAL("content-length")))
        head->has_length = text_to_u64(value, &head->length) == STATUS_OK;
    else if (text_equal_ignore_case(name, TEXT_LITERAL("transfer-encoding")))
        head->chunked = text_equal_ignore_case(value, TEXT_LITERAL("chunked"));
    else if (text_equal_ignore_case(name, TEXT_LITERAL("connection")))
        head->close = text_equal_ignore_case(value, TEXT_LITERAL("close"));
}

/* STATUS_BUSY: not all of it is here yet. */
static enum status read_head(const struct buffer *in, struct head *head)
{
    const char *begin = buffer_text(in);
    const char *end = in->length_bytes ? memmem(begin, in->length_bytes, "\r\n\r\n", 4) : NULL;
    if (!end)
        return in->length_bytes > HEAD_MAX ? STATUS_INVALID : STATUS_BUSY;
    *head = (struct head){.bytes = (size_t)(end - begin) + 4};
    struct text rest = {begin, (size_t)(end - begin)};
    struct text first = text_split(&rest, '\r');
    uint64_t code;
    if (!text_starts_with(first, "HTTP/1.") || first.length < 12 ||
        text_to_u64((struct text){first.data + 9, 3}, &code) != STATUS_OK)
        return STATUS_INVALID;
    head->status = (unsigned)code;
    while (rest.data) {
        struct text line = text_split(&rest, '\r');
        if (line.length > 0 && line.data[0] == '\n')
            line = (struct text){line.data + 1, line.length - 1};
        read_header(line, head);
    }
    return STATUS_OK;
}

/* Moves whole chunks from in[*at..] to the body. OK: the last one was there; BUSY: more to come. */
static enum status take_chunks(struct fetch *fetch, size_t *at)
{
    for (;;) {
        const char *begin = buffer_text(&fetch->in) + *at;
        size_t left = fetch->in.length_bytes - *at;
        const char *line_end = left ? memmem(begin, left, "\r\n", 2) : NULL;
        if (!line_end)
            return left > 1024 ? STATUS_INVALID : STATUS_BUSY;
        char *digits_end;
        unsigned long size = strtoul(begin, &digits_end, 16);
        if (digits_end == begin || size > fetch->max_body_bytes)
            return digits_end == begin ? STATUS_INVALID : STATUS_TOO_LARGE;
        size_t line_bytes = (size_t)(line_end - begin) + 2;
        if (left < line_bytes + size + 2)
            return STATUS_BUSY;
        enum status status = buffer_append(&fetch->body, begin + line_bytes, size);
        if (status != STATUS_OK)
            return status;
        *at += line_bytes + size + 2;
        if (size == 0)
            return STATUS_OK;
    }
}

/* One step of the body: BUSY while more is to come. */
static enum status take_body(struct fetch *fetch, const struct head *head, size_t *at)
{
    if (head->chunked)
        return take_chunks(fetch, at);
    if (head->has_length && head->length > fetch->max_body_bytes)
        return STATUS_TOO_LARGE;
    size_t here = fetch->in.length_bytes - *at;
    if (!head->has_length || here < head->length)
        return here > fetch->max_body_bytes ? STATUS_TOO_LARGE : STATUS_BUSY;
    return buffer_append(&fetch->body, buffer_text(&fetch->in) + *at, head->length);
}

static enum status receive_answer(struct fetch *fetch, uint64_t deadline_ns, struct head *head)
{
    enum status status = STATUS_BUSY;
    while (status == STATUS_BUSY) {
        status = read_head(&fetch->in, head);
        if (status == STATUS_BUSY) {
            enum status more = receive_some(fetch, deadline_ns);
            if (more != STATUS_OK)
                return more == STATUS_END ? STATUS_CLOSED : more;
        }
    }
    bool empty = head->status == 204 || head->status == 304;
    size_t at = head->bytes;
    while (status == STATUS_OK && !empty) {
        status = take_body(fetch, head, &at);
        if (status != STATUS_BUSY)
            return status;
        status = receive_some(fetch, deadline_ns);
        if (status == STATUS_END && !head->chunked && !head->has_length) {
            head->close = true;
            return buffer_append(&fetch->body, buffer_text(&fetch->in) + at,
                                 fetch->in.length_bytes - at);
        }
    }
    return status == STATUS_END ? STATUS_CLOSED : status;
}

static enum status write_request(const struct fetch *fetch, const struct fetch_request *request,
                                 struct buffer *out)
{
    bool is_6 = strchr(fetch->host, ':') != NULL;
    buffer_printf(out, "%s %s HTTP/1.1\r\nHost: %s%s%s:%s\r\nAccept: %s\r\n", request->method,
                  request->path, is_6 ? "[" : "", fetch->host, is_6 ? "]" : "", fetch->port,
                  request->accept ? request->accept : "application/json");
    if (request->bearer && request->bearer[0])
        buffer_printf(out, "Authorization: Bearer %s\r\n", request->bearer);
    if (request->body.length)
        buffer_printf(out, "Content-Type: application/json\r\nContent-Length: %zu\r\n",
                      request->body.length);
    buffer_append_text(out, "\r\n");
    return buffer_append(out, request->body.data ? request->body.data : "", request->body.length);
}

static enum status exchange(struct fetch *fetch, const struct buffer *out, uint64_t deadline_ns,
                            struct head *head)
{
    buffer_clear(&fetch->in);
    buffer_clear(&fetch->body);
    enum status status = fetch->fd < 0 ? dial(fetch, deadline_ns) : STATUS_OK;
    if (status == STATUS_OK)
        status =
            send_all(fetch->fd, (struct text){buffer_text(out), out->length_bytes}, deadline_ns);
    if (status == STATUS_OK)
        status = receive_answer(fetch, deadline_ns, head);
    if (status != STATUS_OK || head->close)
        hang_up(fetch);
    return status;
}

enum status fetch_do(struct fetch *fetch, const struct fetch_request *request, uint64_t deadline_ns,
                     struct fetch_answer *answer, struct error *error)
{
    *answer = (struct fetch_answer){0};
    struct buffer out;
    buffer_init(&out, SENT_BYTES_MAX + HEAD_MAX);
    struct head head = {0};
    enum status status = write_request(fetch, request, &out);
    if (status == STATUS_OK) {
        bool kept = fetch->fd >= 0;
        status = exchange(fetch, &out, deadline_ns, &head);
        if (status == STATUS_CLOSED && kept && fetch->in.length_bytes == 0)
            status = exchange(fetch, &out, deadline_ns, &head);
    }
    buffer_release(&out);
    if (status != STATUS_OK)
        return error_set(error, status, "%s http://%s:%s%s: %s", request->method, fetch->host,
                         fetch->port, request->path, status_words(status));
    answer->status = head.status;
    answer->body = (struct text){buffer_text(&fetch->body), fetch->body.length_bytes};
    return STATUS_OK;
}
