/* What names a span from outside (OpenTelemetry's SpanContext), baggage, and the thread's current
 * context. Values are plain and copied by `=`, except where a field says that it is borrowed. */
#ifndef CULPRIT_TRACE_CONTEXT_H
#define CULPRIT_TRACE_CONTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/text.h"

enum { TRACE_FLAG_SAMPLED = 0x01, TRACE_FLAG_RANDOM = 0x02 }; /* W3C Trace Context 2 */
enum { TRACE_STATE_MAX = 512, BAGGAGE_MAX = 8192, BAGGAGE_MEMBERS_MAX = 64 };

struct trace_id {
    uint8_t bytes[16];
};

struct span_id {
    uint8_t bytes[8];
};

struct span_context {
    struct trace_id trace_id;
    struct span_id span_id;
    uint8_t flags;
    bool is_remote;
    bool is_debug;           /* B3's flag: sampled, and passed on as it came */
    struct text trace_state; /* a validated tracestate list, or empty; borrowed */
};

/* Both ids are non-zero. */
bool span_context_is_valid(const struct span_context *context);
bool span_context_is_sampled(const struct span_context *context);

/* Validated members, serialised as they leave: "key=value;props,key=value". `{0}` is a valid empty
 * one; baggage.h reads and changes it. */
struct baggage {
    uint16_t length_bytes;
    char text[BAGGAGE_MAX];
};

/* What came in with a request or a message: the caller owns it and keeps it alive while spans may
 * be started from it. `{0}` is a valid empty one (no parent, no baggage). */
struct remote_context {
    struct span_context span; /* is_remote; trace_state points at the array below */
    char trace_state[TRACE_STATE_MAX + 1];
    struct baggage baggage;
};

/* The thread's current context: which span new ones are children of, and the baggage that leaves
 * with calls. Both borrowed, both may be NULL. To go on in another thread: attach the value there
 * while span and baggage are alive, or take a copy with context_handover.h. */
struct span;
struct context {
    struct span *span;
    const struct baggage *baggage;
};

struct context context_current(void);

/* Makes `next` current on this thread and returns what was current, to be attached again later. */
struct context context_attach(struct context next);

#endif
