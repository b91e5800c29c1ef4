#include "http/topology.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "http/topology_data.h"
#include "http/topology_reader.h"

enum {
    FILE_MAX_BYTES = 1024 * 1024,
    MEMORY_MAX_BYTES = 8 * 1024 * 1024,
    SERVICES_MAX = 64,
    ROUTES_MAX = 64,
    CALLS_MAX = 64,
    CALL_COUNT_MAX = 1000,
};

/* What the file says of a call; who is called is known once all of it is read. */
struct draft_call {
    const char *to, *method, *path, *queue;
    uint32_t count, per_line;
    bool has_count;
};

static enum status read_to(struct topology_reader *reader, void *into)
{
    return topology_reader_word(reader, &((struct draft_call *)into)->to);
}

static enum status read_call_method(struct topology_reader *reader, void *into)
{
    return topology_reader_word(reader, &((struct draft_call *)into)->method);
}

static enum status read_call_path(struct topology_reader *reader, void *into)
{
    return topology_reader_word(reader, &((struct draft_call *)into)->path);
}

static enum status read_queue(struct topology_reader *reader, void *into)
{
    return topology_reader_word(reader, &((struct draft_call *)into)->queue);
}

static enum status read_count(struct topology_reader *reader, void *into)
{
    struct draft_call *call = into;
    call->has_count = true;
    return topology_reader_number(reader, 0, CALL_COUNT_MAX, &call->count);
}

static enum status read_per_line(struct topology_reader *reader, void *into)
{
    return topology_reader_number(reader, 0, CALL_COUNT_MAX,
                                  &((struct draft_call *)into)->per_line);
}

static const struct topology_member call_members[] = {
    {"to", true, read_to},           {"method", false, read_call_method},
    {"path", false, read_call_path}, {"queue", false, read_queue},
    {"count", false, read_count},    {"per_line", false, read_per_line},
};

/* A callee that is still a name: a service with nothing but that name. */
static const struct topology_service *unresolved(struct topology_reader *reader, const char *name)
{
    struct topology_service *service = arena_alloc(reader->arena, sizeof *service);
    if (service)
        service->name = name;
    return service;
}

static enum status read_call(struct topology_reader *reader, void *item)
{
    struct topology_call *call = item;
    struct draft_call draft = {.count = 1};
    enum status status = topology_reader_object(
        reader, call_members, sizeof call_members / sizeof call_members[0], &draft);
    if (status != STATUS_OK)
        return status;
    bool has_route = draft.method && draft.path, has_part = draft.method || draft.path;
    if (draft.queue ? has_part : !has_route)
        return topology_reader_fail(reader,
                                    "call to \"%s\": either \"method\" and \"path\", or "
                                    "\"queue\"",
                                    draft.to);
    if (draft.count == 0 && draft.per_line == 0)
        return topology_reader_fail(reader, "call to \"%s\" that never happens", draft.to);
    *call = (struct topology_call){.callee = unresolved(reader, draft.to),
                                   .method = draft.queue ? "PROCESS" : draft.method,
                                   .path = draft.queue ? draft.queue : draft.path,
                                   .count = draft.count,
                                   .per_line = draft.per_line,
                                   .queued = draft.queue != NULL};
    if (call->callee == NULL)
        return error_set(reader->error, STATUS_NO_MEMORY, "%s: out of memory", reader->name);
    return STATUS_OK;
}

/* ---- routes */

static enum status read_method(struct topology_reader *reader, void *into)
{
    struct topology_route *route = into;
    enum status status = topology_reader_word(reader, &route->method);
    reader->method = route->method;
    return status;
}

static enum status read_path(struct topology_reader *reader, void *into)
{
    struct topology_route *route = into;
    enum status status = topology_reader_word(reader, &route->path);
    reader->path = route->path;
    return status;
}

static enum status read_calls(struct topology_reader *reader, void *into)
{
    static const struct topology_items kind = {sizeof(struct topology_call), CALLS_MAX, read_call};
    struct topology_route *route = into;
    const void *items = NULL;
    enum status status = topology_reader_items(reader, &kind, &items, &route->call_count);
    route->calls = items;
    return status;
}

static const struct topology_member route_members[] = {
    {"method", true, read_method},
    {"path", true, read_path},
    {"calls", true, read_calls},
};

static enum status read_route(struct topology_reader *reader, void *item)
{
    enum status status = topology_reader_object(
        reader, route_members, sizeof route_members / sizeof route_members[0], item);
    if (status == STATUS_OK)
        reader->method = reader->path = NULL;
    return status;
}

/* ---- services */

static enum status read_name(struct topology_reader *reader, void *into)
{
    struct topology_service *service = into;
    enum status status = topology_reader_word(reader, &service->name);
    reader->service = service->name;
    return status;
}

static enum status read_kind(struct topology_reader *reader, void *into)
{
    static const char *const kinds[] = {[TOPOLOGY_SERVICE] = "service",
                                        [TOPOLOGY_PARTNER] = "partner",
                                        [TOPOLOGY_COLLECTOR] = "collector"};
    const char *word;
    enum status status = topology_reader_word(reader, &word);
    if (status != STATUS_OK)
        return status;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(word, kinds[i]) == 0) {
            ((struct topology_service *)into)->kind = (enum topology_kind)i;
            return STATUS_OK;
        }
    }
    return topology_reader_fail(reader, "kind \"%s\" is neither service, partner nor collector",
                                word);
}

static enum status read_a_port(struct topology_reader *reader, uint16_t *port)
{
    uint32_t value = 0;
    enum status status = topology_reader_number(reader, 1, UINT16_MAX, &value);
    if (status == STATUS_OK)
        *port = (uint16_t)value;
    return status;
}

static enum status read_port(struct topology_reader *reader, void *into)
{
    return read_a_port(reader, &((struct topology_service *)into)->port);
}

static enum status read_query_port(struct topology_reader *reader, void *into)
{
    return read_a_port(reader, &((struct topology_service *)into)->query_port);
}

static enum status read_routes(struct topology_reader *reader, void *into)
{
    static const struct topology_items kind = {sizeof(struct topology_route), ROUTES_MAX,
                                               read_route};
    struct topology_service *service = into;
    const void *items = NULL;
    enum status status = topology_reader_items(reader, &kind, &items, &service->route_count);
    service->routes = items;
    return status;
}

static const struct topology_member service_members[] = {
    {"name", true, read_name},     {"kind", true, read_kind},
    {"port", true, read_port},     {"query_port", false, read_query_port},
    {"routes", true, read_routes},
};

static enum status read_service(struct topology_reader *reader, void *item)
{
    const struct topology_service *service = item;
    enum status status = topology_reader_object(
        reader, service_members, sizeof service_members / sizeof service_members[0], item);
    if (status != STATUS_OK)
        return status;
    if ((service->kind == TOPOLOGY_COLLECTOR) != (service->query_port != 0))
        return topology_reader_fail(reader, "a collector has a \"query_port\", and nobody else");
    reader->service = NULL;
    return STATUS_OK;
}

static enum status read_services(struct topology_reader *reader, void *into)
{
    static const struct topology_items kind = {sizeof(struct topology_service), SERVICES_MAX,
                                               read_service};
    struct topology *topology = into;
    const void *items = NULL;
    enum status status = topology_reader_items(reader, &kind, &items, &topology->service_count);
    topology->services = items;
    return status;
}

static const struct topology_member file_members[] = {{"services", true, read_services}};

/* ---- what must hold between services: errors have no line here, but names */

static bool shares_port(const struct topology_service *a, const struct topology_service *b)
{
    return a->port == b->port || a->query_port == b->port || a->port == b->query_port ||
           (a->query_port != 0 && a->query_port == b->query_port);
}

static enum status check_pair(struct topology_reader *reader, const struct topology_service *a,
                              const struct topology_service *b)
{
    reader->service = b->name;
    if (strcmp(a->name, b->name) == 0)
        return topology_reader_fail(reader, "is there twice");
    if (shares_port(a, b))
        return topology_reader_fail(reader, "has a port that \"%s\" has too", a->name);
    return STATUS_OK;
}

/* The list is the reader's own until it is handed out, so names may become pointers in place. */
static enum status resolve_call(struct topology_reader *reader, const struct topology *topology,
                                struct topology_call *call)
{
    const char *name = call->callee->name;
    call->callee = topology_find(topology, name);
    if (call->callee == NULL)
        return topology_reader_fail(reader, "calls \"%s\", which is no service", name);
    if (topology_find_route(call->callee, call->method, call->path) == NULL)
        return topology_reader_fail(reader, "calls \"%s %s\", which \"%s\" does not have",
                                    call->method, call->path, name);
    return STATUS_OK;
}

static enum status check_route(struct topology_reader *reader, const struct topology *topology,
                               const struct topology_service *service,
                               const struct topology_route *route)
{
    reader->method = route->method;
    reader->path = route->path;
    if (topology_find_route(service, route->method, route->path) != route)
        return topology_reader_fail(reader, "is there twice");
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < route->call_count; i++)
        status =
            resolve_call(reader, topology, (struct topology_call *)(uintptr_t)&route->calls[i]);
    return status;
}

static enum status check_service(struct topology_reader *reader, const struct topology *topology,
                                 size_t index)
{
    const struct topology_service *service = &topology->services[index];
    enum status status = STATUS_OK;
    reader->method = reader->path = NULL;
    if (service->port == service->query_port)
        return topology_reader_fail(reader, "service \"%s\": both ports are the same",
                                    service->name);
    for (size_t i = 0; status == STATUS_OK && i < index; i++)
        status = check_pair(reader, &topology->services[i], service);
    reader->service = service->name;
    for (size_t i = 0; status == STATUS_OK && i < service->route_count; i++)
        status = check_route(reader, topology, service, &service->routes[i]);
    return status;
}

static enum status parse(struct topology *topology, struct topology_reader *reader)
{
    json_reader_next(&reader->json);
    enum status status = topology_reader_object(reader, file_members, 1, topology);
    if (status == STATUS_OK && json_reader_next(&reader->json) != JSON_END)
        status = topology_reader_fail(
            reader, "%s", reader->json.fault ? reader->json.fault : "more than one object");
    reader->at_end = true;
    for (size_t i = 0; status == STATUS_OK && i < topology->service_count; i++)
        status = check_service(reader, topology, i);
    return status;
}

enum status topology_parse(struct topology *topology, const char *json, size_t length,
                           const char *name, struct error *error)
{
    *topology = (struct topology){0};
    struct arena *arena = malloc(sizeof *arena);
    if (arena == NULL)
        return error_set(error, STATUS_NO_MEMORY, "%s: out of memory", name);
    arena_init(arena, MEMORY_MAX_BYTES);
    topology->memory = arena;
    struct topology_reader reader = {.arena = arena, .name = name, .error = error};
    json_reader_init(&reader.json, json, length);
    enum status status = parse(topology, &reader);
    if (status != STATUS_OK)
        topology_release(topology);
    return status;
}

enum status topology_load(struct topology *topology, struct error *error)
{
    const char *path = getenv("CULPRIT_TOPOLOGY");
    *topology = (struct topology){0};
    if (path == NULL || path[0] == '\0')
        return topology_parse(topology, topology_data_begin,
                              (uintptr_t)topology_data_end - (uintptr_t)topology_data_begin,
                              "compose/topology.json", error);
    struct buffer file;
    buffer_init(&file, FILE_MAX_BYTES);
    enum status status = buffer_read_file(&file, path, error);
    if (status == STATUS_OK)
        status = topology_parse(topology, buffer_text(&file), file.length_bytes, path, error);
    buffer_release(&file);
    return status;
}

void topology_release(struct topology *topology)
{
    if (topology->memory)
        arena_release(topology->memory);
    free(topology->memory);
    *topology = (struct topology){0};
}

const struct topology_service *topology_find(const struct topology *topology, const char *name)
{
    for (size_t i = 0; i < topology->service_count; i++)
        if (strcmp(topology->services[i].name, name) == 0)
            return &topology->services[i];
    return NULL;
}

const struct topology_route *topology_find_route(const struct topology_service *service,
                                                 const char *method, const char *path)
{
    for (size_t i = 0; i < service->route_count; i++)
        if (strcmp(service->routes[i].method, method) == 0 &&
            strcmp(service->routes[i].path, path) == 0)
            return &service->routes[i];
    return NULL;
}
