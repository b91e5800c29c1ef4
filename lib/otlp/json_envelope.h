/* What stands around spans and log records alike in OTLP JSON: resources, scopes, lists, Jaeger's
 * {"result":...}, and documents one after another. Keys may come in any order: where the items come
 * before what holds for them, their place is kept and read again afterwards. */
#ifndef CULPRIT_OTLP_JSON_ENVELOPE_H
#define CULPRIT_OTLP_JSON_ENVELOPE_H

#include "otlp/json_in.h"

struct json_envelope {
    struct {
        const char *resources, *scopes, *items; /* "resourceSpans", "scopeSpans", "spans" */
    } words;
    json_in_function *read; /* one item; finds this struct in in->context */
    /* What holds for the item at hand; NULL: did not fit. */
    const struct otlp_resource *resource;
    const struct otlp_scope *scope;
};

/* Reads all documents. How it went: json_in_status. */
void json_envelope_read(struct json_in *in, struct json_envelope *envelope);

#endif
