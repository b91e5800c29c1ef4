#include "services/collector/catalogue.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "services/collector/light.h"

enum {
    ITEMS_MAX = 100000,
    BYTES_MAX = 32 * 1024 * 1024,
    NAME_MAX = 1024,
    ANY_KIND = 0xff,
};

void catalogue_init(struct catalogue *catalogue)
{
    arena_init(&catalogue->arena, BYTES_MAX);
    map_init(&catalogue->seen, ITEMS_MAX);
    buffer_init(&catalogue->items, BYTES_MAX);
}

void catalogue_release(struct catalogue *catalogue)
{
    arena_release(&catalogue->arena);
    map_release(&catalogue->seen);
    buffer_release(&catalogue->items);
}

/* The catalogue's own copy when it is new; data NULL when it is not (or does not fit). */
static struct text add_new(struct catalogue *catalogue, struct text key)
{
    bool added = false;
    if (map_find(&catalogue->seen, key.data, key.length))
        return (struct text){NULL, 0};
    const char *copy = arena_copy(&catalogue->arena, key.data, key.length);
    if (!copy || !map_put(&catalogue->seen, copy, key.length, &added))
        return (struct text){NULL, 0};
    return (struct text){copy, key.length};
}

static int compare_text(struct text a, struct text b)
{
    const size_t common = a.length < b.length ? a.length : b.length;
    const int order = common ? memcmp(a.data, b.data, common) : 0;
    return order != 0 ? order : (a.length > b.length) - (a.length < b.length);
}

static void sort(struct catalogue *catalogue, size_t item_bytes,
                 int (*compare)(const void *left, const void *right))
{
    const size_t count = catalogue->items.length_bytes / item_bytes;
    if (count > 1)
        qsort(catalogue->items.data, count, item_bytes, compare);
}

/* ---- services */

/* What is stored without a name of its own, as too long or one too many, has none to list. */
static void add_service(void *context, struct text service)
{
    struct catalogue *catalogue = context;
    if (service.length == 0)
        return;
    const struct text own = add_new(catalogue, service);
    if (own.data)
        buffer_append(&catalogue->items, &own, sizeof(own));
}

static void add_stored_service(void *context, struct text service, struct text name, uint8_t kind)
{
    (void)name;
    (void)kind;
    add_service(context, service);
}

static int by_name(const void *left, const void *right)
{
    return compare_text(*(const struct text *)left, *(const struct text *)right);
}

void catalogue_services(struct catalogue *out, struct collector *collector)
{
    open_traces_each_service(collector->open, add_service, out);
    names_each_operation(store_names(collector->store), add_stored_service, out);
    sort(out, sizeof(struct text), by_name);
}

const struct text *catalogue_service_items(const struct catalogue *catalogue, size_t *count)
{
    *count = catalogue->items.length_bytes / sizeof(struct text);
    return (const void *)catalogue->items.data;
}

/* ---- operations */

struct operations_wanted {
    struct catalogue *catalogue;
    struct text service;
    uint8_t kind;
};

static void add_operation(const struct operations_wanted *wanted, struct text name, uint8_t kind)
{
    char key[NAME_MAX + 1];
    if (name.length > NAME_MAX || (wanted->kind != ANY_KIND && wanted->kind != kind))
        return;
    key[0] = (char)kind;
    if (name.length > 0)
        memcpy(key + 1, name.data, name.length);
    const struct text own = add_new(wanted->catalogue, (struct text){key, name.length + 1});
    if (!own.data)
        return;
    const struct catalogue_operation operation = {{own.data + 1, name.length}, kind};
    buffer_append(&wanted->catalogue->items, &operation, sizeof(operation));
}

static void add_open_operation(void *context, struct text bytes)
{
    struct light_span span;
    if (light_read(bytes, &span))
        add_operation(context, span.name, span.kind);
}

static void add_stored_operation(void *context, struct text service, struct text name, uint8_t kind)
{
    const struct operations_wanted *wanted = context;
    if (text_equal(service, wanted->service))
        add_operation(wanted, name, kind);
}

static int by_operation(const void *left, const void *right)
{
    const struct catalogue_operation *a = left, *b = right;
    const int order = compare_text(a->name, b->name);
    return order != 0 ? order : (int)a->kind - (int)b->kind;
}

void catalogue_operations(struct catalogue *out, struct collector *collector, struct text service,
                          uint8_t kind)
{
    struct operations_wanted wanted = {out, service, kind};
    open_traces_each_span(collector->open, service, add_open_operation, &wanted);
    names_each_operation(store_names(collector->store), add_stored_operation, &wanted);
    sort(out, sizeof(struct catalogue_operation), by_operation);
}

const struct catalogue_operation *catalogue_operation_items(const struct catalogue *catalogue,
                                                            size_t *count)
{
    *count = catalogue->items.length_bytes / sizeof(struct catalogue_operation);
    return (const void *)catalogue->items.data;
}

/* ---- calls */

struct edges_wanted {
    struct catalogue *catalogue;
    struct names *names;
};

static struct text copy_name(const struct edges_wanted *wanted, uint32_t id)
{
    char name[NAME_MAX + 1];
    names_text(wanted->names, id, name, sizeof(name));
    const char *copy = arena_copy(&wanted->catalogue->arena, name, strlen(name));
    return text_of(copy);
}

static void add_edge(void *context, uint32_t parent, uint32_t child, uint64_t calls)
{
    const struct edges_wanted *wanted = context;
    const struct catalogue_edge edge = {copy_name(wanted, parent), copy_name(wanted, child), calls};
    buffer_append(&wanted->catalogue->items, &edge, sizeof(edge));
}

static int by_edge(const void *left, const void *right)
{
    const struct catalogue_edge *a = left, *b = right;
    const int order = compare_text(a->parent, b->parent);
    return order != 0 ? order : compare_text(a->child, b->child);
}

enum status catalogue_edges(struct catalogue *out, struct collector *collector, uint64_t start_ns,
                            uint64_t end_ns)
{
    const uint64_t minute_ns = 60 * NS_PER_S;
    struct edges_wanted wanted = {out, store_names(collector->store)};
    const enum status status = store_read_edges(collector->readers, (int64_t)(start_ns / minute_ns),
                                                (int64_t)(end_ns / minute_ns), add_edge, &wanted);
    sort(out, sizeof(struct catalogue_edge), by_edge);
    return status;
}

const struct catalogue_edge *catalogue_edge_items(const struct catalogue *catalogue, size_t *count)
{
    *count = catalogue->items.length_bytes / sizeof(struct catalogue_edge);
    return (const void *)catalogue->items.data;
}
