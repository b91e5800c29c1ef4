/* Random log records, encoded. Alone it looks whether each encodes; with `--corpus SEED COUNT` it
 * prints a line of JSON for each: what went in, text as hex, and the bytes that came out.
 * tests/integration/log_encoding_test.py holds the two against each other with Python's protobuf.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_writer.h"
#include "base/rng.h"
#include "tests/unit/rows.h"
#include "trace/log_record.h"

enum { ATTRIBUTES_MAX = 12, ITEMS_MAX = 256, TEXT_BYTES = 16384, LINE_MAX_BYTES = 1024 * 1024 };

/* One record and all that it borrows. */
struct sample {
    struct log_record record;
    struct span_context context;
    struct log_limits limits;
    struct attribute attributes[ATTRIBUTES_MAX];
    struct attribute items[ITEMS_MAX];
    char text[TEXT_BYTES];
    size_t item_count, text_bytes;
};

static unsigned below(struct rng *rng, unsigned bound)
{
    return (unsigned)rng_below(rng, bound);
}

/* ASCII, characters of all lengths, and bytes that are none. */
static struct text make_text(struct sample *sample, struct rng *rng, unsigned max_pieces)
{
    static const char *const pieces[] = {"a",
                                         "Z",
                                         "\"",
                                         "\n",
                                         "\\",
                                         "<",
                                         "\xc3\xa4",
                                         "\xe2\x82\xac",
                                         "\xff",
                                         "\xc3",
                                         "\xed\xa0\x80",
                                         "\xf0\x9f\x92\xa9",
                                         "\x80",
                                         "\x7f",
                                         "\xf4\x90\x80\x80"};
    char *begin = sample->text + sample->text_bytes, *at = begin;
    for (unsigned i = below(rng, max_pieces + 1); i > 0; i--) {
        const char *piece = pieces[below(rng, sizeof pieces / sizeof pieces[0])];
        if (sample->text_bytes + (size_t)(at - begin) + 5 > TEXT_BYTES)
            break;
        memcpy(at, piece, strlen(piece));
        at += strlen(piece);
    }
    sample->text_bytes += (size_t)(at - begin);
    return (struct text){begin, (size_t)(at - begin)};
}

static struct text make_key(struct sample *sample, struct rng *rng)
{
    static const char *const keys[] = {"", "k", "http.route", "exception.type", "k2"};
    const unsigned key = below(rng, 8);
    return key < 5 ? text_of(keys[key]) : make_text(sample, rng, 6);
}

static void make_value(struct sample *sample, struct rng *rng, unsigned depth,
                       struct attribute *out);

static void make_items(struct sample *sample, struct rng *rng, unsigned depth,
                       struct attribute *out)
{
    size_t count = below(rng, 4);
    if (count > ITEMS_MAX - sample->item_count)
        count = ITEMS_MAX - sample->item_count;
    struct attribute *items = &sample->items[sample->item_count];
    sample->item_count += count;
    out->items = items;
    out->item_count = count;
    for (size_t i = 0; i < count; i++) {
        items[i].key = make_key(sample, rng);
        make_value(sample, rng, depth + 1, &items[i]);
    }
}

static void make_value(struct sample *sample, struct rng *rng, unsigned depth,
                       struct attribute *out)
{
    out->type = (enum attribute_type)below(rng, depth < 6 ? 8 : 5);
    out->i64 = 0;
    if (out->type == ATTRIBUTE_TEXT || out->type == ATTRIBUTE_BYTES)
        out->text = make_text(sample, rng, 30);
    else if (out->type == ATTRIBUTE_BOOL)
        out->boolean = below(rng, 2);
    else if (out->type == ATTRIBUTE_I64)
        out->i64 = (int64_t)(rng_next(rng) >> below(rng, 64)) * (below(rng, 2) ? 1 : -1);
    else if (out->type == ATTRIBUTE_DOUBLE)
        out->number = (double)(int64_t)rng_next(rng) / 1e9;
    else if (out->type == ATTRIBUTE_ARRAY || out->type == ATTRIBUTE_MAP)
        make_items(sample, rng, depth, out);
}

static void make_sample(struct sample *sample, struct rng *rng)
{
    static const uint32_t lengths[] = {UINT32_MAX, 0, 1, 7};
    memset(sample, 0, sizeof *sample);
    struct log_record *record = &sample->record;
    if (below(rng, 4) > 0)
        for (size_t i = 0; i < 16; i++) {
            sample->context.trace_id.bytes[i] = (uint8_t)(1 + below(rng, 255));
            sample->context.span_id.bytes[i / 2] = (uint8_t)(1 + below(rng, 255));
        }
    sample->context.flags = (uint8_t)below(rng, 4);
    sample->limits =
        (struct log_limits){below(rng, 3) ? 128 : below(rng, 5), lengths[below(rng, 4)],
                            below(rng, 3) ? 64 : below(rng, 4)};
    record->wall_ns = below(rng, 4) ? rng_next(rng) : 0;
    record->observed_wall_ns = rng_next(rng);
    record->severity = below(rng, 27);
    record->severity_text = make_text(sample, rng, 20);
    record->event_name = make_text(sample, rng, 20);
    make_value(sample, rng, 0, &record->body);
    record->attributes = sample->attributes;
    record->attribute_count = below(rng, ATTRIBUTES_MAX + 1);
    for (size_t i = 0; i < record->attribute_count; i++) {
        sample->attributes[i].key = make_key(sample, rng);
        make_value(sample, rng, 0, &sample->attributes[i]);
    }
}

/* ---- printing */

static void put_hex(struct json_writer *json, struct text bytes)
{
    json_hex(json, (const uint8_t *)bytes.data, bytes.length);
}

/* ["text", "hex"], ["i64", "5"], ["map", [key, value], ...] */
static void put_value(struct json_writer *out, const struct attribute *value)
{
    static const char *const words[] = {
        [ATTRIBUTE_TEXT] = "text",     [ATTRIBUTE_BOOL] = "bool",   [ATTRIBUTE_I64] = "i64",
        [ATTRIBUTE_DOUBLE] = "double", [ATTRIBUTE_BYTES] = "bytes", [ATTRIBUTE_ARRAY] = "array",
        [ATTRIBUTE_MAP] = "map",       [ATTRIBUTE_EMPTY] = "empty"};
    json_begin_array(out);
    json_cstring(out, words[value->type]);
    if (value->type == ATTRIBUTE_TEXT || value->type == ATTRIBUTE_BYTES)
        put_hex(out, value->text);
    else if (value->type == ATTRIBUTE_BOOL)
        json_bool(out, value->boolean);
    else if (value->type == ATTRIBUTE_I64)
        json_i64_string(out, value->i64);
    else if (value->type == ATTRIBUTE_DOUBLE)
        json_hex(out, (const uint8_t *)&value->number, sizeof value->number);
    for (size_t i = 0;
         (value->type == ATTRIBUTE_ARRAY || value->type == ATTRIBUTE_MAP) && i < value->item_count;
         i++) {
        json_begin_array(out);
        put_hex(out, value->items[i].key);
        put_value(out, &value->items[i]);
        json_end_array(out);
    }
    json_end_array(out);
}

static void put_text(struct json_writer *out, const char *key, const void *bytes, size_t length)
{
    json_field_hex(out, key, bytes, length);
}

static void put_number(struct json_writer *out, const char *key, uint64_t number)
{
    json_field_u64_string(out, key, number);
}

static void print_sample(const struct sample *sample, struct text encoded, struct buffer *line)
{
    const struct log_record *record = &sample->record;
    struct json_writer json;
    buffer_clear(line);
    json_writer_init(&json, line, 0);
    json_begin_object(&json);
    put_number(&json, "wall", record->wall_ns);
    put_number(&json, "observed", record->observed_wall_ns);
    put_number(&json, "severity", record->severity);
    put_number(&json, "flags", sample->context.flags);
    put_number(&json, "count_limit", sample->limits.attribute_count);
    put_number(&json, "length_limit", sample->limits.value_length);
    put_number(&json, "depth_limit", sample->limits.value_depth);
    put_text(&json, "severity_text", record->severity_text.data, record->severity_text.length);
    put_text(&json, "event", record->event_name.data, record->event_name.length);
    put_text(&json, "trace", sample->context.trace_id.bytes, 16);
    put_text(&json, "span", sample->context.span_id.bytes, 8);
    json_key(&json, "body");
    put_value(&json, &record->body);
    json_key(&json, "attributes");
    struct attribute all = {.type = ATTRIBUTE_MAP};
    all.items = record->attributes;
    all.item_count = record->attribute_count;
    put_value(&json, &all);
    put_text(&json, "bytes", encoded.data, encoded.length);
    json_end_object(&json);
    puts(buffer_text(line));
}

/* ---- both ways of running */

static bool encode(const struct sample *sample, uint8_t bytes[8192], struct text *encoded)
{
    struct wire_writer writer = {bytes, bytes + 8192, false};
    const bool fits =
        log_record_encode(&sample->record, &sample->context, &sample->limits, &writer);
    *encoded = (struct text){(const char *)bytes, (size_t)(writer.at - bytes)};
    return fits;
}

static int print_corpus(uint64_t seed, unsigned count)
{
    static struct sample sample;
    struct buffer line;
    struct rng rng;
    uint8_t bytes[8192];
    struct text encoded;
    buffer_init(&line, LINE_MAX_BYTES);
    rng_seed(&rng, seed);
    for (unsigned i = 0; i < count; i++) {
        make_sample(&sample, &rng);
        if (!encode(&sample, bytes, &encoded))
            return 1;
        print_sample(&sample, encoded, &line);
        if (line.failed != STATUS_OK)
            return 1;
    }
    buffer_release(&line);
    return 0;
}

static void encodes_each(void **state)
{
    static struct sample sample;
    struct rng rng;
    uint8_t bytes[8192];
    struct text encoded;
    (void)state;
    rng_seed(&rng, 1);
    for (unsigned i = 0; i < 5000; i++) {
        make_sample(&sample, &rng);
        assert_true(encode(&sample, bytes, &encoded));
    }
}

int main(int argc, char **argv)
{
    static struct rows all;
    if (argc == 4 && strcmp(argv[1], "--corpus") == 0)
        return print_corpus(strtoull(argv[2], NULL, 10), (unsigned)strtoul(argv[3], NULL, 10));
    rows_one(&all, "it encodes each of many random records", encodes_each);
    return rows_run("log_corpus", &all);
}
