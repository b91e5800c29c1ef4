/* Which route of a table a request is for. Pure; never allocates. */
#ifndef CULPRIT_HTTP_ROUTE_H
#define CULPRIT_HTTP_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"
#include "http/server.h"

enum { ROUTE_PARAMETERS_MAX = 8, ROUTE_ALLOW_MAX = 128 };

struct route_parameter {
    struct text name;  /* in the template */
    struct text value; /* in the path; never empty */
};

/* The segments in braces. */
struct route_parameters {
    struct route_parameter items[ROUTE_PARAMETERS_MAX];
    size_t count;
};

/* "/carts/{id}" has "/carts/7"; a parameter takes one segment that is not empty. `parameters` may
 * be NULL, and is undefined where the answer is false. */
bool route_matches(const char *template, const char *path, struct route_parameters *parameters);

/* NULL: none; `allow` then has the methods that the path does have ("GET, PUT"), or is "". Words
 * win over parameters: "/carts/mine" before "/carts/{id}". A HEAD is answered by the GET. */
const struct server_route *route_find(const struct server_route *routes, size_t count,
                                      const char *method, const char *path,
                                      struct route_parameters *parameters,
                                      char allow[ROUTE_ALLOW_MAX]);

/* Paths of the machinery: never traced, never logged. */
bool route_is_inner(const char *path);

#endif
