#include "trace/console_exporter.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/otlp_fields.h"
#include "base/wire.h"
#include "trace/transcode.h"

enum { PIECE_BYTES = 4096 }; /* PIPE_BUF: what a pipe that is ready takes without blocking */

struct origin {
    struct text resource, scope;
};

static void write_span(struct buffer *lines, const struct origin *origin, struct text span)
{
    struct json_writer json;
    json_writer_init(&json, lines, 0);
    json_begin_object(&json);
    json_key(&json, "resource");
    transcode_message(&transcode_resource, origin->resource, &json);
    json_key(&json, "scope");
    transcode_message(&transcode_scope, origin->scope, &json);
    json_key(&json, "span");
    transcode_message(&transcode_span, span, &json);
    json_end_object(&json);
    buffer_append_byte(lines, '\n');
}

/* The last field of that number, as protobuf reads it. */
static struct text find(struct text message, uint32_t number)
{
    struct wire_reader reader = wire_reader_of(message.data, message.length);
    struct wire_field field;
    struct text found = {NULL, 0};
    while (wire_next(&reader, &field) == STATUS_OK)
        if (field.number == number && field.type == WIRE_BYTES)
            found = field.bytes;
    return found;
}

static void write_scope_spans(struct buffer *lines, struct text resource, struct text message)
{
    struct origin origin = {resource, find(message, OTLP_SCOPE_SPANS_SCOPE)};
    struct wire_reader reader = wire_reader_of(message.data, message.length);
    struct wire_field field;
    while (wire_next(&reader, &field) == STATUS_OK)
        if (field.number == OTLP_SCOPE_SPANS_SPANS && field.type == WIRE_BYTES)
            write_span(lines, &origin, field.bytes);
}

static void write_resource_spans(struct buffer *lines, struct text message)
{
    struct text resource = find(message, OTLP_RESOURCE_SPANS_RESOURCE);
    struct wire_reader reader = wire_reader_of(message.data, message.length);
    struct wire_field field;
    while (wire_next(&reader, &field) == STATUS_OK)
        if (field.number == OTLP_RESOURCE_SPANS_SCOPE_SPANS && field.type == WIRE_BYTES)
            write_scope_spans(lines, resource, field.bytes);
}

static void write_spans(struct buffer *lines, struct text request)
{
    struct wire_reader reader = wire_reader_of(request.data, request.length);
    struct wire_field field;
    while (wire_next(&reader, &field) == STATUS_OK)
        if (field.number == OTLP_REQUEST_RESOURCE_SPANS && field.type == WIRE_BYTES)
            write_resource_spans(lines, field.bytes);
}

static void write_batch(struct buffer *lines, struct text request)
{
    struct json_writer json;
    json_writer_init(&json, lines, 0);
    transcode_message(&transcode_traces, request, &json);
    buffer_append_byte(lines, '\n');
}

static enum status wait_writable(const struct console_exporter *exporter, uint64_t deadline_ns)
{
    struct pollfd polled = {.fd = exporter->descriptor, .events = POLLOUT};
    for (;;) {
        uint64_t limit_ns = atomic_load(&exporter->limit_ns);
        uint64_t until_ns = deadline_ns < limit_ns ? deadline_ns : limit_ns, now_ns;
        /* A stop has no way to wake this: look for it now and then. */
        now_ns = clock_mono_ns();
        uint64_t next_ns = now_ns + 100 * NS_PER_MS;
        if (poll(&polled, 1, clock_remaining_ms(next_ns < until_ns ? next_ns : until_ns)) > 0)
            return (polled.revents & POLLOUT) != 0 ? STATUS_OK : STATUS_CLOSED;
        if (now_ns >= until_ns)
            return STATUS_TIMEOUT;
    }
}

static enum status write_all(struct console_exporter *exporter, uint64_t deadline_ns)
{
    size_t at = 0;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && at < exporter->lines.length_bytes) {
        size_t left = exporter->lines.length_bytes - at;
        status = wait_writable(exporter, deadline_ns);
        if (status != STATUS_OK)
            break;
        ssize_t written = write(exporter->descriptor, exporter->lines.data + at,
                                left < PIECE_BYTES ? left : PIECE_BYTES);
        if (written > 0)
            at += (size_t)written;
        else if (errno != EINTR && errno != EAGAIN)
            status = errno == EPIPE ? STATUS_CLOSED : STATUS_IO;
    }
    if (at > 0)
        exporter->is_cut = at < exporter->lines.length_bytes;
    return status;
}

static enum status export_batch(void *self, const struct span_export *batch)
{
    struct console_exporter *exporter = self;
    struct text request = {(const char *)batch->otlp, batch->length_bytes};
    buffer_clear(&exporter->lines);
    if (exporter->is_cut)
        buffer_append_byte(&exporter->lines, '\n');
    if (exporter->whole_batches)
        write_batch(&exporter->lines, request);
    else
        write_spans(&exporter->lines, request);
    if (exporter->lines.failed != STATUS_OK)
        return exporter->lines.failed;
    return write_all(exporter, batch->deadline_ns);
}

static void stop(void *self, uint64_t limit_ns)
{
    struct console_exporter *exporter = self;
    atomic_store(&exporter->limit_ns, limit_ns);
}

void console_exporter_init(struct console_exporter *exporter, int descriptor, bool whole_batches)
{
    *exporter = (struct console_exporter){.descriptor = descriptor, .whole_batches = whole_batches};
    atomic_store(&exporter->limit_ns, UINT64_MAX);
    buffer_init(&exporter->lines, CONSOLE_LINES_MAX);
    exporter->exporter = (struct span_exporter){.name = whole_batches ? "otlp_stdout_span_exporter"
                                                                      : "console_span_exporter",
                                                .self = exporter,
                                                .export_batch = export_batch,
                                                .stop = stop};
}

void console_exporter_release(struct console_exporter *exporter, bool in_child)
{
    if (in_child)
        exporter->lines = (struct buffer){0};
    buffer_release(&exporter->lines);
}
