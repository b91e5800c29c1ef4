/* What the span path asks of the provider. Inside the library only. */
#ifndef CULPRIT_TRACE_TRACING_H
#define CULPRIT_TRACE_TRACING_H

#include <stdbool.h>

#include "trace/sampler.h"

/* Spans are recorded: started, not shut down, not disabled, not the child of a fork. */
bool tracing_is_on(void);

/* Good while tracing_is_on. */
const struct sampler *tracing_sampler(void);

/* A whole batch waits. */
void tracing_wake(void);

/* A span was dropped. */
void tracing_press(void);

#endif
