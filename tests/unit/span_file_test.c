#include "otlp/span_file.h"

#include <unistd.h>
#include <zlib.h>

#include "otlp/jaeger_json.h"
#include "otlp/otlp_json.h"
#include "otlp/otlp_proto.h"
#include "tests/unit/rows.h"
#include "tests/unit/spans_make.h"

enum { COUNT_MAX = 1000, BYTES_MAX = 64 * 1024 * 1024, SPANS = 12 };

static void write_json(const struct spans *spans, struct buffer *out)
{
    struct json_writer writer;
    json_writer_init(&writer, out, 2);
    json_begin_object(&writer);
    json_key(&writer, "resourceSpans");
    otlp_json_write(spans, 0, spans->count, &writer);
    json_end_object(&writer);
}

static void write_envelope(const struct spans *spans, struct buffer *out)
{
    buffer_append_text(out, " \n{\"result\":");
    write_json(spans, out);
    buffer_append_text(out, "}\n");
}

static void write_jaeger(const struct spans *spans, struct buffer *out)
{
    struct json_writer writer;
    json_writer_init(&writer, out, 2);
    json_begin_object(&writer);
    json_field_u64(&writer, "total", 0);
    json_key(&writer, "data");
    json_begin_array(&writer);
    jaeger_json_write(spans, 0, spans->count, &writer);
    json_end_array(&writer);
    json_end_object(&writer);
}

static void write_proto(const struct spans *spans, struct buffer *out)
{
    assert_int_equal(otlp_proto_write(spans, 0, spans->count, out), STATUS_OK);
}

struct row {
    const char *it;
    void (*write)(const struct spans *spans, struct buffer *out);
    bool gzip;
};

static const struct row rows[] = {
    {"it reads OTLP JSON", write_json, false},
    {"it reads OTLP JSON, gzipped", write_json, true},
    {"it reads Jaeger's v3 envelope", write_envelope, false},
    {"it reads Jaeger's JSON", write_jaeger, false},
    {"it reads Jaeger's JSON, gzipped", write_jaeger, true},
    {"it reads OTLP protobuf", write_proto, false},
    {"it reads OTLP protobuf, gzipped", write_proto, true},
};

static void zip(struct buffer *bytes)
{
    z_stream stream = {0};
    struct buffer out;
    uint8_t *room;
    buffer_init(&out, BYTES_MAX);
    assert_int_equal(deflateInit2(&stream, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    const size_t most = deflateBound(&stream, bytes->length_bytes);
    assert_int_equal(buffer_extend(&out, most, &room), STATUS_OK);
    stream.next_in = bytes->data;
    stream.avail_in = (uInt)bytes->length_bytes;
    stream.next_out = room;
    stream.avail_out = (uInt)most;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    out.length_bytes = stream.total_out;
    deflateEnd(&stream);
    buffer_release(bytes);
    *bytes = out;
}

static void check_file(void **state)
{
    const struct row *row = *state;
    char path[] = "/tmp/span-file-XXXXXX";
    struct spans made, read;
    struct buffer bytes;
    struct error error = {{0}};
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    spans_init(&made, COUNT_MAX, BYTES_MAX);
    spans_init(&read, COUNT_MAX, BYTES_MAX);
    buffer_init(&bytes, BYTES_MAX);
    spans_make(&made, 21, SPANS);
    row->write(&made, &bytes);
    if (row->gzip)
        zip(&bytes);
    assert_int_equal(buffer_write_file(&bytes, path, &error), STATUS_OK);
    assert_int_equal(span_file_read(&read, path, &error), STATUS_OK);
    assert_int_equal(read.count, SPANS);
    unlink(path);
    spans_release(&made);
    spans_release(&read);
    buffer_release(&bytes);
}

struct bad_row {
    const char *it;
    const char *bytes;
    const char *words;
};

static const struct bad_row bad_rows[] = {
    {"it refuses an empty file", "", "f.json: empty"},
    {"it names file and line of wrong JSON", "{\n\"data\":\n[7,]}", "f.json: line 3"},
    {"it names the file of wrong gzip", "\x1f\x8b\x08 nonsense", "f.json: gzip"},
    {"it refuses text", "hello", "f.json: not OTLP"},
};

static void check_bad(void **state)
{
    const struct bad_row *row = *state;
    struct spans spans;
    struct error error = {{0}};
    spans_init(&spans, COUNT_MAX, BYTES_MAX);
    assert_int_equal(span_file_parse(&spans, row->bytes, strlen(row->bytes), "f.json", &error),
                     STATUS_INVALID);
    assert_non_null(strstr(error.text, row->words));
    spans_release(&spans);
}

/* Protobuf whose first bytes look like white space and a brace. */
static void check_brace(void **state)
{
    struct spans spans;
    struct error error = {{0}};
    char bytes[2 + 0x7b] = "\x0a\x7b\x1a\x79";
    (void)state;
    spans_init(&spans, COUNT_MAX, BYTES_MAX);
    assert_int_equal(span_file_parse(&spans, bytes, sizeof(bytes), "f", &error), STATUS_OK);
    spans_release(&spans);
}

static void check_missing(void **state)
{
    struct spans spans;
    struct error error = {{0}};
    (void)state;
    spans_init(&spans, COUNT_MAX, BYTES_MAX);
    assert_int_equal(span_file_read(&spans, "/nowhere/at/all", &error), STATUS_NOT_FOUND);
    spans_release(&spans);
}

int main(void)
{
    static struct rows all;
    ROWS(&all, rows, check_file);
    ROWS(&all, bad_rows, check_bad);
    rows_one(&all, "it tells protobuf from JSON by more than its first bytes", check_brace);
    rows_one(&all, "it says when there is no file", check_missing);
    return rows_run("span_file", &all);
}
