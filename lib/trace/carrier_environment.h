/* Environment variables as a carrier, for processes that are started by others: "traceparent" is
 * TRACEPARENT, "X-B3-TraceId" is X_B3_TRACEID. A child reads what it was started with; a parent
 * makes the list for execve or posix_spawn, its own environment is left as it is. Never allocates.
 */
#ifndef CULPRIT_TRACE_CARRIER_ENVIRONMENT_H
#define CULPRIT_TRACE_CARRIER_ENVIRONMENT_H

#include "trace/carrier.h"

enum { CARRIER_ENVIRONMENT_FIELDS_MAX = 64 };

/* Reads variables of `list` ("NAME=value", NULL at the end: environ), which must live as long as
 * the source:
 *     struct carrier_source source = carrier_environment_source(environ);
 *     propagation_extract(&source, &remote);                                                    */
struct carrier_source carrier_environment_source(char *const *list);

/* Collects the variables that a child is to get; `{0}` is a valid empty one. Large: at home on no
 * small stack. A field that does not fit is left out whole. */
struct carrier_environment {
    size_t length_bytes;
    size_t count;
    char *variables[CARRIER_ENVIRONMENT_FIELDS_MAX]; /* into the text */
    char text[CARRIER_LINES_MAX];
};
struct carrier_sink carrier_environment_sink(struct carrier_environment *environment);

/* What a child is to get of `list`: all of it but the fields of the propagators in use, which
 * would be those of our own parent, and then what was collected. `out` gets at most `count`
 * pointers, NULL among them, good while list and *environment are. STATUS_TOO_LARGE. */
MUST_CHECK enum status carrier_environment_list(struct carrier_environment *environment,
                                                char *const *list, char **out, size_t count);

#endif
