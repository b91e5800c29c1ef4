#include "otlp/json_envelope.h"

#include <stddef.h>

#include "otlp/json_values.h"
#include "otlp/spans_origin.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct json_envelope *envelope_of(const struct json_in *in)
{
    return in->context;
}

static void read_items(struct json_in *in, void *target)
{
    json_in_array(in, envelope_of(in)->read, target);
}

struct level {
    bool known;               /* what holds for the items was read */
    struct json_reader later; /* where their array begins */
    bool has_later;
};

static void read_later(struct json_in *in, struct level *level, json_in_function *read)
{
    if (!level->has_later || !json_in_fine(in))
        return;
    const struct json_reader behind = in->reader;
    in->reader = level->later;
    read(in, NULL);
    if (json_in_fine(in))
        in->reader = behind;
}

static void now_or_later(struct json_in *in, struct level *level, json_in_function *read)
{
    if (level->known) {
        read(in, NULL);
        return;
    }
    level->later = in->reader;
    level->has_later = true;
    json_reader_skip(&in->reader);
}

struct scope_in {
    struct text name, version;
};

static void read_scope(struct json_in *in, void *target)
{
    static const struct json_in_field fields[] = {
        {"name", json_in_name, offsetof(struct scope_in, name)},
        {"version", json_in_name, offsetof(struct scope_in, version)},
    };
    struct level *level = target;
    struct json_envelope *origin = in->context;
    struct scope_in scope = {{"", 0}, {"", 0}};
    json_in_object(in, fields, COUNT(fields), &scope);
    origin->scope = spans_origin_scope(in->spans, scope.name, scope.version);
    level->known = true;
}

static void read_scope_array(struct json_in *in, void *target)
{
    now_or_later(in, target, read_items);
}

static void read_scope_items(struct json_in *in, void *target)
{
    struct level level = {0};
    struct json_envelope *origin = in->context;
    const struct json_in_field fields[] = {{"scope", read_scope, 0},
                                           {origin->words.items, read_scope_array, 0}};
    (void)target;
    origin->scope = spans_origin_scope(in->spans, (struct text){"", 0}, (struct text){"", 0});
    json_in_object(in, fields, COUNT(fields), &level);
    read_later(in, &level, read_items);
}

static void read_scope_items_array(struct json_in *in, void *target)
{
    json_in_array(in, read_scope_items, target);
}

static void read_new_resource(struct json_in *in)
{
    static const struct json_in_field fields[] = {
        {"attributes", json_values_read, 0},
        {"droppedAttributesCount", json_in_u32, offsetof(struct otlp_attributes, dropped_count)},
    };
    struct json_envelope *origin = in->context;
    struct otlp_attributes attributes = {0};
    in->overfull = false;
    json_in_object(in, fields, COUNT(fields), &attributes);
    if (json_in_fine(in) && !in->overfull)
        origin->resource = spans_origin_resource(in->spans, &attributes);
}

static void read_resource(struct json_in *in, void *target)
{
    struct level *level = target;
    struct json_envelope *origin = in->context;
    struct json_reader ahead = in->reader;
    level->known = true;
    if (!json_reader_skip(&ahead)) {
        in->reader = ahead;
        return;
    }
    const struct text wire = {in->reader.token_at, (size_t)(ahead.at - in->reader.token_at)};
    origin->resource = spans_origin_recall(in->spans, wire);
    if (origin->resource) {
        in->reader = ahead;
        return;
    }
    read_new_resource(in);
    spans_origin_remember(in->spans, wire, origin->resource);
}

static void read_resource_array(struct json_in *in, void *target)
{
    now_or_later(in, target, read_scope_items_array);
}

static void read_resource_items(struct json_in *in, void *target)
{
    static const struct otlp_attributes none;
    struct level level = {0};
    struct json_envelope *origin = in->context;
    const struct json_in_field fields[] = {{"resource", read_resource, 0},
                                           {origin->words.scopes, read_resource_array, 0}};
    (void)target;
    origin->resource = spans_origin_resource(in->spans, &none);
    json_in_object(in, fields, COUNT(fields), &level);
    read_later(in, &level, read_scope_items_array);
}

static void read_request(struct json_in *in, void *target)
{
    json_in_array(in, read_resource_items, target);
}

/* Jaeger's envelope. */
static void read_result(struct json_in *in, void *target)
{
    const struct json_in_field fields[] = {{envelope_of(in)->words.resources, read_request, 0}};
    json_in_object(in, fields, COUNT(fields), target);
}

static void read_document(struct json_in *in)
{
    const struct json_in_field fields[] = {{envelope_of(in)->words.resources, read_request, 0},
                                           {"result", read_result, 0}};
    json_reader_next(&in->reader);
    if (in->reader.token == JSON_NULL)
        json_in_wrong(in, "expected an object");
    json_in_object(in, fields, COUNT(fields), in->context);
}

/* Documents may follow one another; lines go on being counted from the first one's begin. */
static bool next_document(struct json_reader *reader)
{
    const char *begin = reader->begin, *at = reader->at;
    while (at < reader->end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t'))
        at++;
    if (at == reader->end)
        return false;
    json_reader_init(reader, at, (size_t)(reader->end - at));
    reader->begin = begin;
    return true;
}

void json_envelope_read(struct json_in *in, struct json_envelope *envelope)
{
    in->context = envelope;
    do
        read_document(in);
    while (json_in_fine(in) && next_document(&in->reader));
}
