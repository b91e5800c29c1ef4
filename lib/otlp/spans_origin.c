#include "otlp/spans_origin.h"

#include "base/buffer.h"
#include "otlp/proto_values.h"
#include "otlp/spans_copy.h"

enum { IDENTITY_MAX = 1024 * 1024 };

/* Identities live among the interned strings, whose values are unused. The first byte keeps the
 * three sorts apart; a text that spells the same shares the entry and leaves its value alone. */
enum identity { IDENTITY_RESOURCE = 'R', IDENTITY_SCOPE = 'S', IDENTITY_WIRE = 'W' };

static void *recall(const struct spans *spans, const struct buffer *identity)
{
    const uint64_t *found = map_find(&spans->interned, identity->data, identity->length_bytes);
    return found ? (void *)(uintptr_t)*found : NULL;
}

static bool remember(struct spans *spans, const struct buffer *identity, const void *what)
{
    const struct text key = {(const char *)identity->data, identity->length_bytes};
    if (!what || !spans_intern(spans, key).data)
        return false;
    *map_find(&spans->interned, key.data, key.length) = (uintptr_t)what;
    return true;
}

static void *new_resource(struct spans *spans, const struct otlp_attributes *attributes)
{
    struct otlp_resource *resource = arena_alloc(&spans->arena, sizeof(*resource));
    if (!resource)
        return NULL;
    resource->attributes = *attributes;
    if (!spans_copy_attributes(spans, &resource->attributes))
        return NULL;
    const struct text service = otlp_find_text(attributes, "service.name");
    resource->service =
        spans_intern(spans, service.length > 0 ? service : text_of("unknown_service"));
    return resource->service.data ? resource : NULL;
}

const struct otlp_resource *spans_origin_resource(struct spans *spans,
                                                  const struct otlp_attributes *attributes)
{
    struct buffer identity;
    void *resource = NULL;
    buffer_init(&identity, IDENTITY_MAX);
    buffer_append_byte(&identity, IDENTITY_RESOURCE);
    buffer_append(&identity, &attributes->dropped_count, sizeof(attributes->dropped_count));
    proto_values_write(attributes, OTLP_RESOURCE_ATTRIBUTES, &identity);
    if (identity.failed == STATUS_OK)
        resource = recall(spans, &identity);
    if (!resource && identity.failed == STATUS_OK) {
        resource = new_resource(spans, attributes);
        resource = remember(spans, &identity, resource) ? resource : NULL;
    }
    buffer_release(&identity);
    return resource;
}

static void *new_scope(struct spans *spans, struct text name, struct text version)
{
    struct otlp_scope *scope = arena_alloc(&spans->arena, sizeof(*scope));
    if (!scope)
        return NULL;
    *scope = (struct otlp_scope){spans_intern(spans, name), spans_intern(spans, version)};
    return scope->name.data && scope->version.data ? scope : NULL;
}

const struct otlp_scope *spans_origin_scope(struct spans *spans, struct text name,
                                            struct text version)
{
    struct buffer identity;
    void *scope = NULL;
    buffer_init(&identity, IDENTITY_MAX);
    buffer_append_byte(&identity, IDENTITY_SCOPE);
    buffer_append(&identity, &name.length, sizeof(name.length));
    buffer_append(&identity, name.data, name.length);
    buffer_append(&identity, version.data, version.length);
    if (identity.failed == STATUS_OK)
        scope = recall(spans, &identity);
    if (!scope && identity.failed == STATUS_OK) {
        scope = new_scope(spans, name, version);
        scope = remember(spans, &identity, scope) ? scope : NULL;
    }
    buffer_release(&identity);
    return scope;
}

static bool wire_identity(struct buffer *identity, struct text wire)
{
    buffer_init(identity, IDENTITY_MAX);
    buffer_append_byte(identity, IDENTITY_WIRE);
    return buffer_append(identity, wire.data, wire.length) == STATUS_OK;
}

const struct otlp_resource *spans_origin_recall(struct spans *spans, struct text wire)
{
    struct buffer identity;
    const void *resource = wire_identity(&identity, wire) ? recall(spans, &identity) : NULL;
    buffer_release(&identity);
    return resource;
}

void spans_origin_remember(struct spans *spans, struct text wire,
                           const struct otlp_resource *resource)
{
    struct buffer identity;
    if (wire_identity(&identity, wire))
        (void)remember(spans, &identity, resource);
    buffer_release(&identity);
}
