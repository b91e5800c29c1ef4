/* JSON from outside into jansson's values, on small stacks: its parser and its release call
 * themselves a level at a time, so that what is nested deeper than BOUNDED_JSON_DEPTH is refused
 * before it looks. Keys that are there twice are refused too. Callable from any thread. */
#ifndef CULPRIT_HTTP_BOUNDED_JSON_H
#define CULPRIT_HTTP_BOUNDED_JSON_H

#include <jansson.h>

#include "base/status.h"
#include "base/text.h"

enum { BOUNDED_JSON_DEPTH = 64 };

/* Any value; a new reference. NULL: `error` (may be NULL) says where and why. */
json_t *bounded_json_load(struct text json, struct error *error);

#endif
