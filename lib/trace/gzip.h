/* gzip at level 1, one body after the other. Memory is taken at the start and for the largest body
 * so far. One owner, no locks. */
#ifndef CULPRIT_TRACE_GZIP_H
#define CULPRIT_TRACE_GZIP_H

#include <stddef.h>

#include "base/buffer.h"

struct gzip;

/* STATUS_NO_MEMORY. */
MUST_CHECK enum status gzip_new(struct gzip **gzip);
void gzip_free(struct gzip *gzip);

/* Appends the bytes, compressed. STATUS_NO_MEMORY, STATUS_TOO_LARGE. */
MUST_CHECK enum status gzip_deflate(struct gzip *gzip, const void *bytes, size_t length_bytes,
                                    struct buffer *out);

#endif
