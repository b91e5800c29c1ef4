#include "trace/console_exporter.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/otlp_fields.h"
#include "base/wire.h"
#include "trace/transcode.h"

enum { PIECE_BYTES = 4096 }; /* PIPE_BUF: what a pipe that is ready takes without blocking */

/* The two signals have the same numbers around their items. */
static const struct {
    const struct transcode_type *request, *item;
    const char *key, *per_item, *per_batch;
} signals[] = {
    [OTLP_TRACES] = {&transcode_traces, &transcode_span, "span", "console_span_exporter",
                     "otlp_stdout_span_exporter"},
    [OTLP_LOGS] = {&transcode_logs, &transcode_log_record, "logRecord", "console_log_exporter",
                   "otlp_stdout_log_exporter"},
};

struct origin {
    enum otlp_signal signal;
    struct text resource, scope;
};

static void write_item(struct buffer *lines, const struct origin *origin, struct text item)
{
    struct json_writer json;
    json_writer_init(&json, lines, 0);
    json_begin_object(&json);
    json_key(&json, "resource");
    transcode_message(&transcode_resource, origin->resource, &json);
    json_key(&json, "scope");
    transcode_message(&transcode_scope, origin->scope, &json);
    json_key(&json, signals[origin->signal].key);
    transcode_message(signals[origin->signal].item, item, &json);
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

static void write_scope_items(struct buffer *lines, struct origin *origin, struct text message)
{
    struct wire_reader reader = wire_reader_of(message.data, message.length);
    struct wire_field field;
    origin->scope = find(message, OTLP_SCOPE_SPANS_SCOPE);
    while (wire_next(&reader, &field) == STATUS_OK)
        if (field.number == OTLP_SCOPE_SPANS_SPANS && field.type == WIRE_BYTES)
            write_item(lines, origin, field.bytes);
}

static void write_resource_items(struct buffer *lines, struct origin *origin, struct text message)
{
    struct wire_reader reader = wire_reader_of(message.data, message.length);
    struct wire_field field;
    origin->resource = find(message, OTLP_RESOURCE_SPANS_RESOURCE);
    while (wire_next(&reader, &field) == STATUS_OK)
        if (field.number == OTLP_RESOURCE_SPANS_SCOPE_SPANS && field.type == WIRE_BYTES)
            write_scope_items(lines, origin, field.bytes);
}

static void write_items(struct buffer *lines, enum otlp_signal signal, struct text request)
{
    struct wire_reader reader = wire_reader_of(request.data, request.length);
    struct wire_field field;
    struct origin origin = {.signal = signal};
    while (wire_next(&reader, &field) == STATUS_OK)
        if (field.number == OTLP_REQUEST_RESOURCE_SPANS && field.type == WIRE_BYTES)
            write_resource_items(lines, &origin, field.bytes);
}

static void write_batch(struct buffer *lines, enum otlp_signal signal, struct text request)
{
    struct json_writer json;
    json_writer_init(&json, lines, 0);
    transcode_message(signals[signal].request, request, &json);
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
        write_batch(&exporter->lines, exporter->signal, request);
    else
        write_items(&exporter->lines, exporter->signal, request);
    if (exporter->lines.failed != STATUS_OK)
        return exporter->lines.failed;
    return write_all(exporter, batch->deadline_ns);
}

static void stop(void *self, uint64_t limit_ns)
{
    struct console_exporter *exporter = self;
    atomic_store(&exporter->limit_ns, limit_ns);
}

void console_exporter_init(struct console_exporter *exporter, enum otlp_signal signal,
                           int descriptor, bool whole_batches)
{
    *exporter = (struct console_exporter){
        .signal = signal, .descriptor = descriptor, .whole_batches = whole_batches};
    atomic_store(&exporter->limit_ns, UINT64_MAX);
    buffer_init(&exporter->lines, CONSOLE_LINES_MAX);
    exporter->exporter = (struct span_exporter){.name = whole_batches ? signals[signal].per_batch
                                                                      : signals[signal].per_item,
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
