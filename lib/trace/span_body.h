/* The growing part of a span's protobuf message: entries for name, tracestate, attributes, events,
 * links and status, each encoded when it is set. The first bytes lie in the span's own block, what
 * is more in further blocks of the pool. An entry that is overwritten by one of another size
 * becomes a hole, which the exporter leaves out.
 *
 * An entry is a one-byte tag, a length and its bytes; a hole has the tag SPAN_BODY_HOLE. Never
 * allocates but from the pool; the span's lock guards it. Text that is not UTF-8 gets '?' for each
 * bad byte, because one bad string makes receivers refuse the whole batch. */
#ifndef CULPRIT_TRACE_SPAN_BODY_H
#define CULPRIT_TRACE_SPAN_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "trace/span_pool.h"
#include "trace/trace.h"

enum {
    SPAN_BODY_HOLE = 0,
    SPAN_BODY_MAX = 60 * 1024, /* bytes of all entries */
    SPAN_INDEXED_KEYS = 22,    /* attributes found by hash; later ones by walking */
};

struct span_body {
    uint8_t *first;          /* where the body begins in the first block */
    struct span_block *head; /* the first block */
    struct span_block *tail; /* the last one of the chain */
    const struct span_limits *limits;
    uint32_t length_bytes;
    uint32_t capacity_bytes;     /* of the chain as it is */
    uint32_t name_at, status_at; /* offset + 1 of the entry, 0: none */
    uint32_t unindexed_at;       /* where the first attribute without an index lies */
    uint32_t dropped_attributes, dropped_events, dropped_links;
    uint32_t attribute_count, event_count, link_count;
    bool has_holes;
    uint64_t key_filter; /* a bit for each indexed key, by its hash */
    uint16_t key_hash[SPAN_INDEXED_KEYS];
    uint16_t key_at[SPAN_INDEXED_KEYS];
};

/* `first` points into head->data; the rest of that block is the body's. The limits are borrowed. */
void span_body_init(struct span_body *body, struct span_block *head, uint8_t *first,
                    const struct span_limits *limits);

/* Something was left out: for a limit, or for want of room. */
static inline bool span_body_has_lost(const struct span_body *body)
{
    return (body->dropped_attributes | body->dropped_events | body->dropped_links) != 0;
}

/* Where there is no room the name is cut, status and tracestate are left out; attributes, events
 * and links are counted as dropped. */
void span_body_set_name(struct span_body *body, struct text name);
void span_body_set_trace_state(struct span_body *body, struct text trace_state);
void span_body_set_status(struct span_body *body, enum span_status status, struct text description);
void span_body_set_attribute(struct span_body *body, const struct attribute *attribute,
                             uint32_t hash);

/* The same for the usual kinds, which go the short way; hash: span_key_hash. */
void span_body_set_text(struct span_body *body, struct text key, uint32_t hash, struct text value);
void span_body_set_i64(struct span_body *body, struct text key, uint32_t hash, int64_t value);
void span_body_add_event(struct span_body *body, uint64_t wall_ns, struct text name,
                         const struct attribute *attributes, size_t count);
void span_body_add_link(struct span_body *body, const struct span_link *link);

#endif
