#include "otlp/json_values.h"

#include "base/text.h"
#include "otlp/pile.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A value and how deep it lies: the targets of this file's rows. */
struct value_in {
    struct otlp_value value;
    unsigned depth;
};

struct item_in {
    struct otlp_attribute item;
    unsigned depth;
};

static void read_value(struct json_in *in, unsigned depth, struct otlp_value *out);

static void read_text(struct json_in *in, void *target)
{
    struct otlp_value *out = target;
    *out = (struct otlp_value){.type = OTLP_TEXT};
    json_in_text(in, &out->text);
}

static void read_bool(struct json_in *in, void *target)
{
    struct otlp_value *out = target;
    *out = (struct otlp_value){.type = OTLP_BOOL};
    json_in_bool(in, &out->boolean);
}

static void read_int(struct json_in *in, void *target)
{
    struct otlp_value *out = target;
    *out = (struct otlp_value){.type = OTLP_I64};
    if (json_reader_i64(&in->reader, &out->i64) != STATUS_OK)
        json_in_wrong(in, "expected a whole number from -2^63 to 2^63-1");
}

static void read_double(struct json_in *in, void *target)
{
    struct otlp_value *out = target;
    *out = (struct otlp_value){.type = OTLP_DOUBLE};
    if (json_reader_double(&in->reader, &out->number) != STATUS_OK)
        json_in_wrong(in, "expected a number");
}

/* Value of a base64 digit, of both alphabets; -1 for none. */
static int base64_digit(char digit)
{
    if (digit >= 'A' && digit <= 'Z')
        return digit - 'A';
    if (digit >= 'a' && digit <= 'z')
        return digit - 'a' + 26;
    if (digit >= '0' && digit <= '9')
        return digit - '0' + 52;
    if (digit == '+' || digit == '-')
        return 62;
    return digit == '/' || digit == '_' ? 63 : -1;
}

static bool base64_decode(struct text value, struct buffer *out)
{
    uint32_t bits = 0;
    unsigned held = 0;
    while (value.length > 0 && value.data[value.length - 1] == '=')
        value.length--;
    for (size_t i = 0; i < value.length; i++) {
        const int digit = base64_digit(value.data[i]);
        if (digit < 0)
            return false;
        bits = bits << 6 | (uint32_t)digit;
        held += 6;
        if (held >= 8) {
            held -= 8;
            buffer_append_byte(out, (uint8_t)(bits >> held));
        }
    }
    return value.length % 4 != 1 && out->failed == STATUS_OK;
}

static void read_bytes(struct json_in *in, void *target)
{
    struct otlp_value *out = target;
    struct buffer bytes;
    const struct text coded = json_in_string(in);
    buffer_init(&bytes, coded.length + 1);
    if (!base64_decode(coded, &bytes))
        json_in_wrong(in, "expected base64");
    const struct text plain = {buffer_text(&bytes), bytes.length_bytes};
    *out = (struct otlp_value){.type = OTLP_BYTES, .text = spans_text(in->spans, plain)};
    if (!out->text.data) {
        in->overfull = true;
        out->text = (struct text){"", 0};
    }
    buffer_release(&bytes);
}

static void read_array_item(struct json_in *in, void *target)
{
    const unsigned *depth = target;
    struct otlp_attribute item = {.key = {"", 0}};
    read_value(in, *depth, &item.value);
    buffer_append(&in->pile, &item, sizeof(item));
}

static void read_item_value(struct json_in *in, void *target)
{
    struct item_in *item = target;
    read_value(in, item->depth, &item->item.value);
}

static void read_item_key(struct json_in *in, void *target)
{
    struct item_in *item = target;
    json_in_name(in, &item->item.key);
}

static void read_list_item(struct json_in *in, void *target)
{
    static const struct json_in_field fields[] = {{"key", read_item_key, 0},
                                                  {"value", read_item_value, 0}};
    const unsigned *depth = target;
    struct item_in item = {.item.key = {"", 0}, .depth = *depth};
    json_in_object(in, fields, COUNT(fields), &item);
    buffer_append(&in->pile, &item.item, sizeof(item.item));
}

/* What `each` piles up becomes the value's items. */
static void read_items(struct json_in *in, json_in_function *each, unsigned depth,
                       struct otlp_value *out)
{
    const size_t mark = in->pile.length_bytes;
    json_in_array(in, each, &depth);
    const size_t count = (in->pile.length_bytes - mark) / sizeof(struct otlp_attribute);
    out->items = pile_take(&in->pile, mark, &in->spans->arena);
    out->item_count = out->items ? (uint32_t)count : 0;
    in->overfull |= !out->items;
}

static void read_array_values(struct json_in *in, void *target)
{
    struct value_in *out = target;
    out->value = (struct otlp_value){.type = OTLP_ARRAY};
    read_items(in, read_array_item, out->depth + 1, &out->value);
}

static void read_list_values(struct json_in *in, void *target)
{
    struct value_in *out = target;
    out->value = (struct otlp_value){.type = OTLP_LIST};
    read_items(in, read_list_item, out->depth + 1, &out->value);
}

/* An empty array is an array all the same. */
static void read_array(struct json_in *in, void *target)
{
    static const struct json_in_field fields[] = {{"values", read_array_values, 0}};
    struct value_in *out = target;
    out->value = (struct otlp_value){.type = OTLP_ARRAY};
    json_in_object(in, fields, COUNT(fields), target);
}

static void read_list(struct json_in *in, void *target)
{
    static const struct json_in_field fields[] = {{"values", read_list_values, 0}};
    struct value_in *out = target;
    out->value = (struct otlp_value){.type = OTLP_LIST};
    json_in_object(in, fields, COUNT(fields), target);
}

static void read_value(struct json_in *in, unsigned depth, struct otlp_value *out)
{
    static const struct json_in_field fields[] = {
        {"stringValue", read_text, 0}, {"intValue", read_int, 0},
        {"boolValue", read_bool, 0},   {"doubleValue", read_double, 0},
        {"arrayValue", read_array, 0}, {"kvlistValue", read_list, 0},
        {"bytesValue", read_bytes, 0},
    };
    struct value_in value = {.depth = depth};
    if (depth > OTLP_VALUE_DEPTH_MAX)
        json_reader_skip(&in->reader);
    else
        json_in_object(in, fields, COUNT(fields), &value);
    *out = value.value;
}

void json_values_read(struct json_in *in, void *target)
{
    struct otlp_attributes *out = target;
    struct otlp_value value = {0};
    read_items(in, read_list_item, 1, &value);
    out->items = value.items;
    out->count = value.item_count;
}

void json_values_read_value(struct json_in *in, void *target)
{
    read_value(in, 1, target);
}

/* ---- writing */

static void write_value(const struct otlp_value *value, struct json_writer *writer);

static void write_items(const struct otlp_attribute *items, uint32_t count, bool keyed,
                        struct json_writer *writer)
{
    json_begin_array(writer);
    for (uint32_t i = 0; i < count; i++) {
        if (keyed) {
            json_begin_object(writer);
            json_field_text(writer, "key", items[i].key);
            json_key(writer, "value");
        }
        write_value(&items[i].value, writer);
        if (keyed)
            json_end_object(writer);
    }
    json_end_array(writer);
}

/* Each value gets a writer of its own: values nest deeper than one writer may. */
static void write_composite(const struct otlp_value *value, struct json_writer *writer)
{
    struct json_writer inner;
    json_raw(writer, (struct text){"", 0});
    json_writer_init(&inner, writer->out, 0);
    json_begin_object(&inner);
    json_key(&inner, "values");
    write_items(value->items, value->item_count, value->type == OTLP_LIST, &inner);
    json_end_object(&inner);
}

static void write_variant(const struct otlp_value *value, struct json_writer *writer)
{
    switch (value->type) {
    case OTLP_EMPTY:
        return;
    case OTLP_TEXT:
        json_text(writer, value->text);
        return;
    case OTLP_BOOL:
        json_bool(writer, value->boolean);
        return;
    case OTLP_I64:
        json_i64_string(writer, value->i64);
        return;
    case OTLP_DOUBLE:
        json_double(writer, value->number);
        return;
    case OTLP_BYTES:
        json_base64(writer, (const uint8_t *)value->text.data, value->text.length);
        return;
    case OTLP_ARRAY:
    case OTLP_LIST:
        write_composite(value, writer);
        return;
    }
}

static void write_value(const struct otlp_value *value, struct json_writer *writer)
{
    static const char *const keys[] = {
        [OTLP_TEXT] = "stringValue",   [OTLP_BOOL] = "boolValue",   [OTLP_I64] = "intValue",
        [OTLP_DOUBLE] = "doubleValue", [OTLP_BYTES] = "bytesValue", [OTLP_ARRAY] = "arrayValue",
        [OTLP_LIST] = "kvlistValue",
    };
    json_begin_object(writer);
    if (value->type != OTLP_EMPTY) {
        json_key(writer, keys[value->type]);
        write_variant(value, writer);
    }
    json_end_object(writer);
}

void json_values_write(const struct otlp_attributes *attributes, struct json_writer *writer)
{
    write_items(attributes->items, attributes->count, true, writer);
}

void json_values_write_value(const struct otlp_value *value, struct json_writer *writer)
{
    write_value(value, writer);
}
