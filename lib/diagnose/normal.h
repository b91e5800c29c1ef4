/* Names made alike: what differs from request to request (ids, literals) becomes a mark, so that
 * calls of one place in the code share one text. Writes at most `size` bytes with the terminator,
 * cuts what is longer; returns the length. Never allocates. */
#ifndef CULPRIT_DIAGNOSE_NORMAL_H
#define CULPRIT_DIAGNOSE_NORMAL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

/* Words and path segments that are numbers, UUIDs or long hex become {}; a query string goes. */
size_t normal_name(struct text name, char *out, size_t size);

/* The path of a URL, or of a request target, normalised as a name. */
size_t normal_path(struct text url, char *out, size_t size);

/* SQL: literals and parameters become ?, lists of them one ?, runs of blanks one. */
size_t normal_sql(struct text sql, char *out, size_t size);

/* Whether two routes can be the same: segment by segment, where {x}, :x, <x> and * stand for any
 * segment. */
bool normal_routes_match(struct text a, struct text b);

/* Looks for `word` (lower case) anywhere, ignoring case. */
bool normal_contains(struct text value, const char *word);

/* Up to the first blank. */
struct text normal_first_word(struct text value);

#endif
