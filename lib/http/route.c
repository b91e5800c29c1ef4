#include "http/route.h"

#include <stdio.h>
#include <string.h>

static bool is_parameter(struct text segment)
{
    return segment.length > 2 && segment.data[0] == '{' && segment.data[segment.length - 1] == '}';
}

bool route_matches(const char *template, const char *path, struct route_parameters *parameters)
{
    struct text wanted = text_of(template), given = text_of(path);
    if (parameters)
        parameters->count = 0;
    while (wanted.data && given.data) {
        struct text want = text_split(&wanted, '/'), have = text_split(&given, '/');
        if (!is_parameter(want)) {
            if (!text_equal(want, have))
                return false;
            continue;
        }
        if (have.length == 0)
            return false;
        if (parameters && parameters->count < ROUTE_PARAMETERS_MAX)
            parameters->items[parameters->count++] =
                (struct route_parameter){.name = {want.data + 1, want.length - 2}, .value = have};
    }
    return !wanted.data && !given.data;
}

static bool is_better(const struct server_route *route, const struct server_route *than)
{
    return !than || (strchr(than->path, '{') && !strchr(route->path, '{'));
}

static bool serves(const struct server_route *route, const char *method)
{
    return strcmp(route->method, method) == 0 ||
           (strcmp(method, "HEAD") == 0 && strcmp(route->method, "GET") == 0);
}

static void add_allowed(const struct server_route *route, char allow[ROUTE_ALLOW_MAX])
{
    size_t length = strlen(allow);
    const char *head = strcmp(route->method, "GET") == 0 ? ", HEAD" : "";
    snprintf(allow + length, ROUTE_ALLOW_MAX - length, "%s%s%s", length ? ", " : "", route->method,
             head);
}

const struct server_route *route_find(const struct server_route *routes, size_t count,
                                      const char *method, const char *path,
                                      struct route_parameters *parameters,
                                      char allow[ROUTE_ALLOW_MAX])
{
    const struct server_route *best = NULL;
    allow[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        if (!route_matches(routes[i].path, path, NULL))
            continue;
        if (!serves(&routes[i], method))
            add_allowed(&routes[i], allow);
        else if (is_better(&routes[i], best))
            best = &routes[i];
    }
    if (best)
        route_matches(best->path, path, parameters);
    return best;
}

bool route_is_inner(const char *path)
{
    static const char *const words[] = {"/livez", "/readyz", "/metrics"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(path, words[i]) == 0)
            return true;
    return strncmp(path, "/-/", 3) == 0;
}
