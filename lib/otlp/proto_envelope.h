/* What stands around spans and log records alike in an OTLP request: resources, scopes, and lists.
 * The parts may come in any order, so a level is passed twice: for what holds for all of it, then
 * for what it holds. */
#ifndef CULPRIT_OTLP_PROTO_ENVELOPE_H
#define CULPRIT_OTLP_PROTO_ENVELOPE_H

#include "otlp/spans.h"

struct proto_envelope;

/* One item under in->resource and in->scope. STATUS_INVALID ends the reading; what does not fit is
 * noted in `overfull` and passed over. */
typedef enum status proto_envelope_reader(struct proto_envelope *in, struct text message);

struct proto_envelope {
    struct spans *spans; /* owns the strings, resources and scopes; counts the rejected */
    proto_envelope_reader *read;
    const char *begin; /* of all bytes, for words */
    struct error *error;
    void *context; /* the reader's own */
    uint64_t refused;
    enum status overfull; /* STATUS_OK until something did not fit */
    const struct otlp_resource *resource;
    const struct otlp_scope *scope;
};

/* STATUS_INVALID with words; what was read before stays. */
MUST_CHECK enum status proto_envelope_read(struct proto_envelope *in, struct text request);

/* STATUS_INVALID with words: which message, and where it begins. */
enum status proto_envelope_broken(const struct proto_envelope *in, struct text message,
                                  const char *what);

#endif
