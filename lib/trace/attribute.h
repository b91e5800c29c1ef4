/* Attributes and what else a span is made from: plain values, borrowed by whoever takes them. */
#ifndef CULPRIT_TRACE_ATTRIBUTE_H
#define CULPRIT_TRACE_ATTRIBUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "trace/context.h"

enum attribute_type {
    ATTRIBUTE_TEXT,
    ATTRIBUTE_BOOL,
    ATTRIBUTE_I64,
    ATTRIBUTE_DOUBLE,
    ATTRIBUTE_BYTES, /* `text` holds them */
    ATTRIBUTE_ARRAY, /* `items`, whose keys do not count */
    ATTRIBUTE_MAP,   /* `items`; of equal keys the last stays */
    ATTRIBUTE_EMPTY,
};

/* Key and value; of an array's item the value alone. Borrowed, copied where it is set. Text is cut
 * after the limit's number of characters, bytes after that number of bytes. Arrays and maps below
 * the limit of depth are left empty; the outermost value is at depth 1. Receivers whose protobuf
 * reader takes 100 messages within each other (C++, Java, Python; not Go) refuse the whole batch
 * for one value of more than 47 arrays or 31 maps: for these, value_depth can be set lower. */
struct attribute {
    struct text key;
    enum attribute_type type;
    union {
        struct text text;
        int64_t i64;
        double number;
        bool boolean;
        struct {
            const struct attribute *items;
            size_t item_count;
        };
    };
};

enum span_kind { SPAN_INTERNAL = 1, SPAN_SERVER, SPAN_CLIENT, SPAN_PRODUCER, SPAN_CONSUMER };

struct span_link {
    struct span_context context;
    const struct attribute *attributes;
    size_t attribute_count;
};

#endif
