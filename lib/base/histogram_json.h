/* A histogram as JSON, whole: read back it is the same, bucket by bucket.
 *
 *     {"count": 3, "sum_ns": 3600, "min_ns": 900, "max_ns": 1500, "saturated": 0,
 *      "buckets": [index, count, index, count, ...]}
 *
 * Buckets that are empty are left out; indices rise, and are those of base/histogram.h: an index
 * below 512 is the nanoseconds themselves, above it holds (256 + index % 256) << (index / 256 - 1)
 * and the 1 << (index / 256 - 1) values from there. Numbers above 2^53 are written as strings. */
#ifndef CULPRIT_BASE_HISTOGRAM_JSON_H
#define CULPRIT_BASE_HISTOGRAM_JSON_H

#include "base/histogram.h"
#include "base/json_reader.h"
#include "base/json_writer.h"
#include "base/status.h"

void histogram_json_write(struct json_writer *writer, const struct histogram *histogram);

/* The reader stands at the value's first token, and then at its last one. STATUS_INVALID with words
 * without a place: not such an object, an index out of range or out of order, counts that do not
 * add up; the histogram is then undefined. */
MUST_CHECK enum status histogram_json_read(struct json_reader *reader, struct histogram *out,
                                           struct error *error);

#endif
