#include "loadgen/engine/connection.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

void connection_init(struct connection *connection)
{
    *connection = (struct connection){.fd = -1};
    buffer_init(&connection->out, CONNECTION_REQUEST_MAX);
    buffer_init(&connection->rest, HTTP1_LINE_MAX);
    buffer_init(&connection->body, CONNECTION_BODY_KEPT);
    buffer_init(&connection->head, CONNECTION_HEAD_KEPT);
}

void connection_release(struct connection *connection)
{
    connection_close(connection);
    buffer_release(&connection->out);
    buffer_release(&connection->rest);
    buffer_release(&connection->body);
    buffer_release(&connection->head);
}

/* ---- opening and closing */

enum status connection_open(struct connection *connection, const struct origin *origin)
{
    const int one = 1;
    int fd = socket(origin->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return STATUS_REFUSED;
    connection->fd = fd;
    connection->connect_ns = 0;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)); /* slower without, no more */
    if (connect(fd, (const struct sockaddr *)&origin->address, origin->address_bytes) == 0)
        return STATUS_OK;
    if (errno == EINPROGRESS)
        return STATUS_BUSY;
    connection_close(connection);
    return STATUS_REFUSED;
}

enum status connection_check(struct connection *connection)
{
    int failure = 0;
    socklen_t length = sizeof(failure);
    if (getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &failure, &length) == 0 && failure == 0)
        return STATUS_OK;
    connection_close(connection);
    return STATUS_REFUSED;
}

void connection_close(struct connection *connection)
{
    if (connection->fd < 0)
        return;
    close(connection->fd);
    connection->fd = -1;
    connection->generation++;
}

/* ---- one request */

void connection_begin(struct connection *connection, uint64_t body_max_bytes)
{
    buffer_clear(&connection->out);
    buffer_clear(&connection->rest);
    buffer_clear(&connection->body);
    buffer_clear(&connection->head);
    connection->keeps_head = connection->ignores_body = false;
    connection->received_bytes = 0;
    connection->sent_bytes = 0;
    connection->first_byte_ns = 0;
    http1_init(&connection->parser, body_max_bytes, false);
}

enum status connection_send(struct connection *connection)
{
    const struct buffer *out = &connection->out;
    if (out->failed != STATUS_OK)
        return out->failed;
    while (connection->sent_bytes < out->length_bytes) {
        ssize_t sent = send(connection->fd, out->data + connection->sent_bytes,
                            out->length_bytes - connection->sent_bytes, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return errno == EAGAIN || errno == EWOULDBLOCK ? STATUS_BUSY : STATUS_CLOSED;
        connection->sent_bytes += (size_t)sent;
    }
    return STATUS_OK;
}

/* ---- one response */

static void keep_body(struct connection *connection, struct text body)
{
    size_t room = CONNECTION_BODY_KEPT - connection->body.length_bytes;
    if (body.length > 0 && room > 0 && !connection->ignores_body)
        buffer_append(&connection->body, body.data, body.length < room ? body.length : room);
}

static void keep_head(struct connection *connection, struct text line)
{
    if (connection->parser.http_status == 0) {
        buffer_clear(&connection->head); /* that was an interim response */
        return;
    }
    size_t room = CONNECTION_HEAD_KEPT - connection->head.length_bytes;
    buffer_append(&connection->head, line.data, line.length < room ? line.length : room);
}

/* The head at the beginning of `input`, where it is there whole: as the one before, or to be
 * remembered. What it says is how many bytes of the input are done with, its *status that of
 * http1_feed. */
static size_t feed_head(struct connection *connection, struct http1_memo *memo, struct text input,
                        enum status *status)
{
    struct http1 *parser = &connection->parser;
    bool is_new = parser->head_bytes == 0;
    size_t done = is_new && !connection->keeps_head ? http1_memo_recall(memo, parser, input) : 0;
    if (done > 0)
        return done;
    for (size_t used = 1; *status == STATUS_OK && used > 0 && http1_in_head(parser); done += used) {
        struct text left = {input.data + done, input.length - done}, no_body;
        *status = http1_feed(parser, left, &used, &no_body);
        if (connection->keeps_head)
            keep_head(connection, (struct text){left.data, used});
    }
    bool is_read = *status == STATUS_OK || *status == STATUS_END;
    if (is_new && is_read && !http1_in_head(parser))
        http1_memo_keep(memo, parser, (struct text){input.data, done});
    return done;
}

/* Whole lines and body are used up; a part of a line is put by. */
static enum status feed(struct connection *connection, struct http1_memo *memo, struct text input)
{
    enum status status = STATUS_OK;
    size_t used = feed_head(connection, memo, input, &status);
    input = (struct text){input.data + used, input.length - used};
    used = http1_in_head(&connection->parser) ? 0 : 1;
    while (status == STATUS_OK && used > 0) {
        struct text body;
        status = http1_feed(&connection->parser, input, &used, &body);
        keep_body(connection, body);
        input = (struct text){input.data + used, input.length - used};
    }
    buffer_clear(&connection->rest);
    if (input.length == 0)
        return status;
    /* Behind the end only whether there is something matters. */
    size_t put_by = input.length < HTTP1_LINE_MAX ? input.length : HTTP1_LINE_MAX;
    enum status kept = buffer_append(&connection->rest, input.data, put_by);
    return status == STATUS_OK ? kept : status;
}

enum status connection_receive(struct connection *connection, struct connection_scratch *scratch,
                               bool drain)
{
    for (;;) {
        const struct buffer *rest = &connection->rest;
        size_t before = rest->length_bytes;
        size_t room = CONNECTION_SCRATCH_BYTES - before;
        ssize_t got = recv(connection->fd, scratch->bytes + before, room, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return errno == EAGAIN || errno == EWOULDBLOCK ? STATUS_OK : STATUS_CLOSED;
        connection->last_byte_ns = clock_mono_ns();
        if (got == 0)
            return http1_close(&connection->parser);
        connection->received_bytes += (size_t)got;
        if (connection->first_byte_ns == 0)
            connection->first_byte_ns = connection->last_byte_ns;
        if (before > 0)
            memcpy(scratch->bytes, rest->data, before);
        enum status status =
            feed(connection, &scratch->memo, (struct text){scratch->bytes, before + (size_t)got});
        if (status != STATUS_OK || ((size_t)got < room && !drain))
            return status;
    }
}

bool connection_is_reusable(const struct connection *connection)
{
    return http1_keeps_alive(&connection->parser) && connection->rest.length_bytes == 0 &&
           connection->sent_bytes == connection->out.length_bytes;
}

/* ---- lists */

void connection_list_append(struct connection_list *list, struct connection *connection)
{
    connection->previous = list->last;
    connection->next = NULL;
    if (list->last != NULL)
        list->last->next = connection;
    else
        list->first = connection;
    list->last = connection;
    list->count++;
}

void connection_list_remove(struct connection_list *list, struct connection *connection)
{
    if (connection->previous != NULL)
        connection->previous->next = connection->next;
    else
        list->first = connection->next;
    if (connection->next != NULL)
        connection->next->previous = connection->previous;
    else
        list->last = connection->previous;
    connection->previous = connection->next = NULL;
    list->count--;
}
