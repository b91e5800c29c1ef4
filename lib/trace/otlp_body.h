/* What a request carries: a signal's protobuf as it is, or as JSON, and either of them with gzip.
 * Its memory grows with the largest batch so far and is bounded. One owner, no locks. */
#ifndef CULPRIT_TRACE_OTLP_BODY_H
#define CULPRIT_TRACE_OTLP_BODY_H

#include "base/buffer.h"
#include "trace/tracing_config.h"

enum otlp_signal { OTLP_TRACES, OTLP_LOGS };

/* Of a request, before and after compression. */
enum { OTLP_BODY_MAX = 64 << 20 };

struct gzip;

struct otlp_body {
    enum otlp_signal signal;
    bool json;
    struct gzip *gzip;          /* NULL: not compressed */
    struct buffer text, packed; /* the last batch's */
};

/* STATUS_NO_MEMORY. */
MUST_CHECK enum status otlp_body_init(struct otlp_body *body, enum otlp_signal signal,
                                      const struct otlp_settings *settings);

/* May be called twice, and on `{0}`. */
void otlp_body_release(struct otlp_body *body);

/* In the child of a fork, which may have met it in the middle: forgets the memory. */
void otlp_body_forget(struct otlp_body *body);

/* *bytes: borrowed until the next call; of `otlp` itself where nothing is changed.
 * STATUS_TOO_LARGE, STATUS_NO_MEMORY. */
MUST_CHECK enum status otlp_body_make(struct otlp_body *body, struct text otlp, struct text *bytes);

#endif
