#include "trace/span_view.h"

#include "base/otlp_fields.h"
#include "base/wire.h"

struct text span_view_name(const struct span_view *view)
{
    struct wire_reader reader = wire_reader_of(view->otlp, view->otlp_bytes);
    struct wire_field field;
    while (wire_next(&reader, &field) == STATUS_OK)
        if (field.number == OTLP_SPAN_NAME)
            return field.bytes;
    return (struct text){NULL, 0};
}

static struct attribute read_value(struct text key, struct text message)
{
    struct wire_reader reader = wire_reader_of(message.data, message.length);
    struct attribute value = {.key = key, .type = ATTRIBUTE_EMPTY};
    struct wire_field field;
    if (wire_next(&reader, &field) != STATUS_OK)
        return value;
    switch (field.number) {
    case OTLP_VALUE_STRING:
    case OTLP_VALUE_BYTES:
        value.type = field.number == OTLP_VALUE_STRING ? ATTRIBUTE_TEXT : ATTRIBUTE_BYTES;
        value.text = field.bytes;
        break;
    case OTLP_VALUE_BOOL:
        value.type = ATTRIBUTE_BOOL;
        value.boolean = field.value != 0;
        break;
    case OTLP_VALUE_INT:
        value.type = ATTRIBUTE_I64;
        value.i64 = (int64_t)field.value;
        break;
    case OTLP_VALUE_DOUBLE:
        value.type = ATTRIBUTE_DOUBLE;
        memcpy(&value.number, &field.value, sizeof value.number);
        break;
    case OTLP_VALUE_ARRAY:
        value.type = ATTRIBUTE_ARRAY;
        break;
    case OTLP_VALUE_KVLIST:
        value.type = ATTRIBUTE_MAP;
        break;
    }
    return value;
}

bool span_view_attribute(const struct span_view *view, struct text key, struct attribute *value)
{
    struct wire_reader reader = wire_reader_of(view->otlp, view->otlp_bytes);
    struct wire_field field, part;
    while (wire_next(&reader, &field) == STATUS_OK) {
        if (field.number != OTLP_SPAN_ATTRIBUTES)
            continue;
        struct text found = {NULL, 0}, message = {NULL, 0};
        struct wire_reader pair = wire_reader_of(field.bytes.data, field.bytes.length);
        while (wire_next(&pair, &part) == STATUS_OK) {
            if (part.number == OTLP_KEY_VALUE_KEY)
                found = part.bytes;
            else if (part.number == OTLP_KEY_VALUE_VALUE)
                message = part.bytes;
        }
        if (text_equal(found, key)) {
            *value = read_value(found, message);
            return true;
        }
    }
    return false;
}
