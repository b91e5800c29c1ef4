/* gzip in and out with the output bounded: a bomb costs its cap, never more. */
#ifndef CULPRIT_OTLP_GUNZIP_H
#define CULPRIT_OTLP_GUNZIP_H

#include "base/buffer.h"

/* Inflates all members into `out` (appended). STATUS_TOO_LARGE: passes the buffer's maximum;
 * STATUS_INVALID: not gzip, cut, or a wrong checksum. */
MUST_CHECK enum status gunzip(const void *bytes, size_t length_bytes, struct buffer *out);

/* true when the bytes begin as gzip does. */
bool gunzip_looks_like_it(const void *bytes, size_t length_bytes);

#endif
