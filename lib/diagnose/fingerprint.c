#include "diagnose/fingerprint.h"

#include <stdio.h>
#include <string.h>

#include "diagnose/normal.h"

enum { NAME_MAX_BYTES = 256, DETAIL_MAX_BYTES = 384, PEER_MAX_BYTES = 128 };

/* A fingerprint before it is known whether it is new; its texts lie in the span or in here. */
struct draft {
    struct fingerprint print;
    struct text detail; /* tells apart what the name does not: SQL, path */
    char name[NAME_MAX_BYTES];
    char text[DETAIL_MAX_BYTES];
    char peer[PEER_MAX_BYTES];
};

void fingerprint_init(struct fingerprints *prints, struct arena *arena)
{
    *prints = (struct fingerprints){.arena = arena, .count = 1};
    map_init(&prints->known, FINGERPRINTS_MAX);
    map_init(&prints->services, FINGERPRINTS_MAX);
}

void fingerprint_release(struct fingerprints *prints)
{
    map_release(&prints->known);
    map_release(&prints->services);
}

struct text fingerprint_service_of(const struct fingerprints *prints, struct text peer)
{
    for (size_t length = peer.length; length > 0; length--) {
        if (length < peer.length && peer.data[length] != '.' && peer.data[length] != ':')
            continue;
        const uint64_t *number = map_find(&prints->services, peer.data, length);
        if (number)
            return prints->items[*number].service;
    }
    return (struct text){"", 0};
}

/* The first of some attributes that is there; old names of the conventions stand behind new. */
static struct text first_of(const struct otlp_span *span, const char *const *keys, size_t count)
{
    struct text value = {0};
    for (size_t i = 0; i < count && value.length == 0; i++)
        value = otlp_find_text(&span->attributes, keys[i]);
    return value;
}

#define FIRST_OF(span, ...)                                                                        \
    first_of((span), (const char *const[]){__VA_ARGS__},                                           \
             sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

/* One address serves many peers on one machine: there the port tells them apart. */
static bool is_bare_address(struct text host)
{
    bool digits_only = host.length > 0;
    for (size_t i = 0; i < host.length; i++)
        digits_only = digits_only && ((host.data[i] >= '0' && host.data[i] <= '9') ||
                                      host.data[i] == '.' || host.data[i] == ':');
    return digits_only || text_is(host, "localhost");
}

static struct text peer_of(struct draft *draft, const struct tree *tree, uint32_t at)
{
    const struct otlp_span *span = tree->nodes[at].span;
    const struct text host = FIRST_OF(span, "server.address", "net.peer.name", "peer.service");
    if (host.length > 0 && !is_bare_address(host))
        return host;
    const uint32_t far = tree_far_side(tree, at);
    const int64_t port = otlp_find_i64(&span->attributes, "server.port", 0);
    if (host.length > 0 && port > 0) {
        snprintf(draft->peer, sizeof(draft->peer), "%.*s:%lld",
                 (int)(host.length < 100 ? host.length : 100), host.data, (long long)port);
        return text_of(draft->peer);
    }
    if (host.length > 0)
        return host;
    if (far != TREE_NONE && span->kind == OTLP_KIND_CLIENT)
        return tree->nodes[far].span->resource->service;
    return FIRST_OF(span, "db.namespace", "db.name", "messaging.destination.name", "db.system.name",
                    "db.system");
}

static bool is_method(struct text word)
{
    static const char *const methods[] = {"GET", "HEAD",  "OPTIONS", "POST",
                                          "PUT", "PATCH", "DELETE"};
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        if (text_is(word, methods[i]))
            return true;
    }
    return false;
}

static bool is_one_of(struct text word, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (text_equal_ignore_case(word, text_of(words[i])))
            return true;
    }
    return false;
}

#define IS_ONE_OF(word, ...)                                                                       \
    is_one_of((word), (const char *const[]){__VA_ARGS__},                                          \
              sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

static void describe_database(struct draft *draft, const struct otlp_span *span)
{
    const struct text query = FIRST_OF(span, "db.query.text", "db.statement");
    struct text verb = FIRST_OF(span, "db.operation.name", "db.operation");
    if (verb.length == 0)
        verb = normal_first_word(query.length > 0 ? query : span->name);
    draft->detail = (struct text){draft->text, normal_sql(query, draft->text, DETAIL_MAX_BYTES)};
    draft->print.flags |= FINGERPRINT_DATABASE;
    if (IS_ONE_OF(verb, "SELECT"))
        draft->print.flags |= FINGERPRINT_READS;
    if (IS_ONE_OF(verb, "BEGIN", "SAVEPOINT", "START"))
        draft->print.flags |= FINGERPRINT_BEGINS;
    if (IS_ONE_OF(verb, "COMMIT", "ROLLBACK", "END", "RELEASE"))
        draft->print.flags |= FINGERPRINT_ENDS;
}

/* Names only ever lower the confidence of what the times say. */
static uint32_t cautions(struct text name, struct text url)
{
    static const char *const guards[] = {"auth", "verify", "session", "token", "login"};
    static const char *const pages[] = {"cursor=", "page=", "offset=", "page_token=", "after="};
    uint32_t flags = 0;
    for (size_t i = 0; i < sizeof(guards) / sizeof(guards[0]); i++)
        flags |= normal_contains(name, guards[i]) ? FINGERPRINT_GUARDS : 0u;
    for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++)
        flags |= normal_contains(url, pages[i]) ? FINGERPRINT_PAGES : 0u;
    return flags;
}

static void describe_http(struct draft *draft, const struct otlp_span *span)
{
    struct fingerprint *print = &draft->print;
    const struct text url = FIRST_OF(span, "url.full", "http.url", "http.target", "url.path");
    const struct text query = FIRST_OF(span, "url.query");
    print->method = FIRST_OF(span, "http.request.method", "http.method");
    if (print->method.length == 0 && is_method(normal_first_word(span->name)))
        print->method = normal_first_word(span->name);
    if (print->method.length == 0)
        return;
    print->flags |= FINGERPRINT_HTTP;
    print->route = span->kind == OTLP_KIND_CLIENT ? FIRST_OF(span, "url.template")
                                                  : FIRST_OF(span, "http.route");
    if (print->route.length == 0 && url.length > 0)
        print->route = (struct text){draft->text, normal_path(url, draft->text, DETAIL_MAX_BYTES)};
    if (print->route.length == 0 && print->name.length > print->method.length)
        print->route = text_trim((struct text){print->name.data + print->method.length,
                                               print->name.length - print->method.length});
    draft->detail = print->route;
    if (IS_ONE_OF(print->method, "GET", "HEAD", "OPTIONS"))
        print->flags |= FINGERPRINT_READS;
    print->flags |= cautions(print->name, url) | cautions(print->route, query);
    print->flags |= cautions((struct text){0}, query);
}

static void draft_of(struct draft *draft, const struct tree *tree, uint32_t at)
{
    const struct otlp_span *span = tree->nodes[at].span;
    draft->print = (struct fingerprint){.service = span->resource->service, .kind = span->kind};
    draft->detail = (struct text){0};
    draft->print.name =
        (struct text){draft->name, normal_name(span->name, draft->name, NAME_MAX_BYTES)};
    if (span->kind == OTLP_KIND_CLIENT || span->kind == OTLP_KIND_PRODUCER)
        draft->print.peer = peer_of(draft, tree, at);
    if (FIRST_OF(span, "db.system.name", "db.system").length > 0)
        describe_database(draft, span);
    else if (FIRST_OF(span, "messaging.destination.name").length > 0)
        draft->print.route = FIRST_OF(span, "messaging.destination.name");
    else if (span->kind == OTLP_KIND_CLIENT || span->kind == OTLP_KIND_SERVER)
        describe_http(draft, span);
}

static size_t append(char *key, size_t at, size_t size, struct text part)
{
    for (size_t i = 0; i < part.length && at + 1 < size; i++)
        key[at++] = part.data[i];
    if (at < size)
        key[at++] = 0;
    return at;
}

static size_t key_of(const struct draft *draft, char *key, size_t size)
{
    size_t at = 0;
    key[at++] = (char)draft->print.kind;
    at = append(key, at, size, draft->print.service);
    at = append(key, at, size, draft->print.peer);
    at = append(key, at, size, draft->print.method);
    at = append(key, at, size, draft->print.name);
    return append(key, at, size, draft->detail);
}

static bool keep(struct text *text, struct arena *arena)
{
    if (text->length == 0) {
        *text = (struct text){"", 0};
        return true;
    }
    text->data = arena_copy(arena, text->data, text->length);
    return text->data != NULL;
}

static bool grow(struct fingerprints *prints)
{
    if (prints->count < prints->capacity)
        return true;
    const uint32_t capacity = prints->capacity ? prints->capacity * 2 : 256;
    struct fingerprint *items = arena_alloc_array(prints->arena, capacity, sizeof(*items));
    if (!items)
        return false;
    if (prints->items)
        memcpy(items, prints->items, prints->count * sizeof(*items));
    prints->items = items;
    prints->capacity = capacity;
    return true;
}

static enum status note_service(struct fingerprints *prints, uint32_t number)
{
    const struct fingerprint *print = &prints->items[number];
    bool added;
    if ((print->kind != OTLP_KIND_SERVER && print->kind != OTLP_KIND_CONSUMER) ||
        print->service.length == 0)
        return STATUS_OK;
    uint64_t *value =
        map_put(&prints->services, print->service.data, print->service.length, &added);
    if (!value)
        return STATUS_NO_MEMORY;
    *value = added ? number : *value;
    return STATUS_OK;
}

static enum status add(struct fingerprints *prints, const struct draft *draft, const char *key,
                       size_t key_bytes, uint32_t *out)
{
    struct fingerprint print = draft->print;
    if (!grow(prints))
        return STATUS_NO_MEMORY;
    const char *kept = arena_copy(prints->arena, key, key_bytes);
    if (!kept || !keep(&print.service, prints->arena) || !keep(&print.name, prints->arena) ||
        !keep(&print.peer, prints->arena) || !keep(&print.method, prints->arena) ||
        !keep(&print.route, prints->arena))
        return STATUS_NO_MEMORY;
    uint64_t *number = map_put(&prints->known, kept, key_bytes, NULL);
    if (!number)
        return STATUS_NO_MEMORY;
    *number = prints->count;
    prints->items[prints->count] = print;
    *out = prints->count++;
    return note_service(prints, *out);
}

static enum status number_of(struct fingerprints *prints, const struct tree *tree, uint32_t at,
                             uint32_t *out)
{
    struct draft draft;
    char key[1024];
    draft_of(&draft, tree, at);
    const size_t key_bytes = key_of(&draft, key, sizeof(key));
    const uint64_t *known = map_find(&prints->known, key, key_bytes);
    *out = known ? (uint32_t)*known : 0;
    if (known || prints->count >= FINGERPRINTS_MAX)
        return STATUS_OK;
    return add(prints, &draft, key, key_bytes, out);
}

static void note_far_side(struct fingerprint *print, const struct tree *tree, uint32_t far)
{
    if (far == TREE_NONE)
        return;
    print->far_side_count++;
    if (print->far_service.length == 0)
        print->far_service = tree->nodes[far].span->resource->service;
}

enum status fingerprint_assign(struct fingerprints *prints, struct forest *forest)
{
    if (!grow(prints))
        return STATUS_NO_MEMORY;
    for (size_t t = 0; t < forest->count; t++) {
        struct tree *tree = &forest->trees[t];
        for (uint32_t i = 0; i < tree->count; i++) {
            const enum status status = number_of(prints, tree, i, &tree->nodes[i].print);
            if (status != STATUS_OK)
                return status;
            note_far_side(&prints->items[tree->nodes[i].print], tree, tree_far_side(tree, i));
        }
    }
    return STATUS_OK;
}
