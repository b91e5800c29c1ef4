/* Maps the monotonic clock to Unix time. The offset between the two is published by the exporter
 * thread; a span reads it once, at its start, so that no step of the wall clock falls inside a
 * span. Callable from any thread; never allocates. */
#ifndef CULPRIT_TRACE_TIMELINE_H
#define CULPRIT_TRACE_TIMELINE_H

#include <stdint.h>

/* Unix time minus monotonic time; 0 before the first refresh. */
uint64_t timeline_offset_ns(void);

/* Compares the clocks anew. */
void timeline_refresh(void);

#endif
