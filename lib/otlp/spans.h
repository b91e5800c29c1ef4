/* The plain span model that every reader fills and everybody else reads: OpenTelemetry's trace data
 * model, all strings as slices that the set owns.
 *
 * Invariants: keys, names, services and other repeated strings are interned, so two equal ones of a
 * set have the same data pointer; text is NUL-terminated. Pointers stay good until release. Spans
 * are appended and never moved out; indices are stable, the array may move while it grows. Bounded
 * by bytes and by count: what does not fit is refused, counted in `rejected`, and nothing of it
 * stays half added. One owner, no locks; a set that is no longer changed may be read by many. */
#ifndef CULPRIT_OTLP_SPANS_H
#define CULPRIT_OTLP_SPANS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/map.h"
#include "base/otlp_fields.h"
#include "base/status.h"
#include "base/text.h"

enum { OTLP_VALUE_DEPTH_MAX = 64 }; /* deeper values become empty */

enum otlp_value_type {
    OTLP_EMPTY,
    OTLP_TEXT,
    OTLP_BOOL,
    OTLP_I64,
    OTLP_DOUBLE,
    OTLP_BYTES, /* in `text` */
    OTLP_ARRAY, /* items, keys unused */
    OTLP_LIST,  /* items with keys */
};

struct otlp_attribute;

struct otlp_value {
    enum otlp_value_type type;
    uint32_t item_count;
    union {
        struct text text;
        bool boolean;
        int64_t i64;
        double number;
        const struct otlp_attribute *items;
    };
};

struct otlp_attribute {
    struct text key;
    struct otlp_value value;
};

struct otlp_attributes {
    const struct otlp_attribute *items;
    uint32_t count;
    uint32_t dropped_count;
};

struct otlp_resource {
    struct otlp_attributes attributes;
    struct text service; /* service.name; "unknown_service" where there is none */
};

struct otlp_scope {
    struct text name, version;
};

struct otlp_event {
    uint64_t time_ns;
    struct text name;
    struct otlp_attributes attributes;
};

struct otlp_link {
    uint8_t trace_id[16];
    uint8_t span_id[8];
    uint32_t flags;
    struct text trace_state;
    struct otlp_attributes attributes;
};

struct otlp_span {
    uint8_t trace_id[16];
    uint8_t span_id[8];
    uint8_t parent_id[8]; /* all zero: root */
    uint32_t flags;       /* enum otlp_flags */
    uint8_t kind;         /* enum otlp_kind */
    uint8_t status;       /* enum otlp_status */
    uint64_t start_ns;    /* wall clock */
    uint64_t end_ns;      /* as it came: may lie before the start */
    struct text name;
    struct text status_message;
    struct text trace_state;
    const struct otlp_resource *resource; /* never NULL */
    const struct otlp_scope *scope;       /* never NULL */
    struct otlp_attributes attributes;
    const struct otlp_event *events;
    const struct otlp_link *links;
    uint32_t event_count, link_count;
    uint32_t dropped_event_count, dropped_link_count;
};

struct spans {
    struct arena arena;
    struct map interned;
    struct otlp_span *items;
    size_t count, capacity, max_count, max_bytes;
    uint64_t rejected;
};

/* `max_bytes` holds for strings, attributes and the array together. Allocates nothing yet. */
void spans_init(struct spans *spans, size_t max_count, size_t max_bytes);
void spans_release(struct spans *spans);

/* Appends a span whose pointers belong to this set's arena already. STATUS_TOO_LARGE (counted),
 * STATUS_NO_MEMORY. */
MUST_CHECK enum status spans_add(struct spans *spans, const struct otlp_span *span);

/* Deep-copies a span of another set. Statuses as above. */
MUST_CHECK enum status spans_copy(struct spans *spans, const struct otlp_span *span);

/* The set's own copy of a string; empty text with data NULL when it does not fit. */
struct text spans_intern(struct spans *spans, struct text value);

/* As spans_intern, but long values (above 64 bytes) get a copy of their own each. */
struct text spans_text(struct spans *spans, struct text value);

/* NULL when absent. */
const struct otlp_value *otlp_find(const struct otlp_attributes *attributes, const char *key);
/* Empty text / `otherwise` when absent or of another type. */
struct text otlp_find_text(const struct otlp_attributes *attributes, const char *key);
int64_t otlp_find_i64(const struct otlp_attributes *attributes, const char *key, int64_t otherwise);

bool otlp_span_is_root(const struct otlp_span *span);

#endif
