/* What a receiver says of a batch, in the words of its protobuf or JSON: how much of it was not
 * taken, and why; or why nothing was. Bytes that are neither say nothing. Never allocates. */
#ifndef CULPRIT_TRACE_OTLP_ANSWER_H
#define CULPRIT_TRACE_OTLP_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

struct otlp_answer {
    uint64_t rejected; /* records; 0 when it says a negative number */
    char message[256]; /* cut; "" where there is none */
};

/* The Export...ServiceResponse of either signal: both have the same numbers. */
struct otlp_answer otlp_answer_of_success(struct text body, bool json);

/* The google.rpc.Status of a failure. */
struct otlp_answer otlp_answer_of_failure(struct text body, bool json);

#endif
