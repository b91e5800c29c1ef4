/* One span's bytes (OTLP protobuf) read lightly: what ingest, the index and the dependency graph
 * need, as slices of the input, and the proof that a full reading of them will not fail. Pure,
 * never allocates; recursion is bounded by OTLP_VALUE_DEPTH_MAX. */
#ifndef CULPRIT_COLLECTOR_LIGHT_H
#define CULPRIT_COLLECTOR_LIGHT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

struct light_span {
    uint8_t trace_id[16];
    uint8_t span_id[8];
    uint8_t parent_id[8]; /* all zero: root */
    uint64_t start_ns, end_ns;
    uint8_t kind, status;
    bool refused; /* its ids are none */
    struct text name;
};

/* false: not an OTLP span, in part or in whole. */
bool light_read(struct text bytes, struct light_span *out);

/* The same proof for a resource, and its service.name ("unknown_service" where there is none). */
bool light_read_resource(struct text bytes, struct text *service);
bool light_read_scope(struct text bytes);

/* An attribute's text, or empty; `bytes` were proved before. */
struct text light_attribute(struct text bytes, uint32_t attributes_number, const char *key);

/* Calls `each` for the span id of every link whose trace id is `trace_id`. */
void light_each_link(struct text bytes, const uint8_t trace_id[16],
                     void (*each)(void *context, const uint8_t span_id[8]), void *context);

#endif
