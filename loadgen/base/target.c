#include "loadgen/base/target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_reader.h"
#include "http/topology.h"

enum { FILE_BYTES_MAX = 1024 * 1024 };

const char *target_find(const struct target *target, const char *name)
{
    for (size_t i = 0; i < target->count; i++)
        if (strcmp(target->endpoints[i].name, name) == 0)
            return target->endpoints[i].url;
    return NULL;
}

enum status target_add(struct target *target, const char *name, const char *url)
{
    struct target_endpoint *endpoint = &target->endpoints[target->count];
    if (target->count == TARGET_ENDPOINTS_MAX || strlen(name) >= sizeof endpoint->name ||
        strlen(url) >= sizeof endpoint->url)
        return STATUS_TOO_LARGE;
    if (target_find(target, name))
        return STATUS_EXISTS;
    text_copy(text_of(name), endpoint->name, sizeof endpoint->name);
    text_copy(text_of(url), endpoint->url, sizeof endpoint->url);
    target->count++;
    return STATUS_OK;
}

/* The last KEY or STRING as plain text; false when it is too long. */
static bool plain(const struct json_reader *reader, char *out, size_t size)
{
    if (reader->text.length >= size)
        return false;
    out[json_reader_unescape(reader, out)] = '\0';
    return true;
}

static enum status read_endpoints(struct target *target, struct json_reader *reader,
                                  struct error *words)
{
    if (json_reader_next(reader) != JSON_OBJECT_BEGIN)
        return error_set(words, STATUS_INVALID, "key \"endpoints\": must be an object");
    while (json_reader_next(reader) == JSON_KEY) {
        struct target_endpoint endpoint;
        if (!plain(reader, endpoint.name, sizeof endpoint.name))
            return error_set(words, STATUS_INVALID, "key \"endpoints\": a name is too long");
        if (json_reader_next(reader) != JSON_STRING ||
            !plain(reader, endpoint.url, sizeof endpoint.url))
            return error_set(words, STATUS_INVALID, "key \"%s\": must be an address",
                             endpoint.name);
        enum status status = target_add(target, endpoint.name, endpoint.url);
        if (status != STATUS_OK)
            return error_set(words, STATUS_INVALID, "key \"%s\": %s", endpoint.name,
                             status_words(status));
    }
    return STATUS_OK;
}

static enum status read_members(struct target *target, struct json_reader *reader,
                                struct error *words)
{
    if (json_reader_next(reader) != JSON_OBJECT_BEGIN)
        return error_set(words, STATUS_INVALID, "must be an object");
    while (json_reader_next(reader) == JSON_KEY) {
        enum status status = STATUS_OK;
        if (json_reader_is(reader, "endpoints")) {
            status = read_endpoints(target, reader, words);
        } else if (json_reader_is(reader, "control_token")) {
            if (json_reader_next(reader) != JSON_STRING ||
                !plain(reader, target->control_token, sizeof target->control_token))
                status = error_set(words, STATUS_INVALID,
                                   "key \"control_token\": must be a string of at most 128 bytes");
        } else if (!json_reader_skip(reader)) {
            break;
        }
        if (status != STATUS_OK)
            return status;
    }
    if (reader->token == JSON_OBJECT_END && json_reader_next(reader) == JSON_END)
        return STATUS_OK;
    return error_set(words, STATUS_INVALID, "%s", reader->fault ? reader->fault : "bad JSON");
}

static enum status check(const struct target *target, struct error *words)
{
    static const char *const needed[] = {"frontend", "otlp", "query"};
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++)
        if (!target_find(target, needed[i]))
            return error_set(words, STATUS_INVALID, "key \"endpoints\": no \"%s\" in it",
                             needed[i]);
    return STATUS_OK;
}

enum status target_read(struct target *target, const char *path, struct error *error)
{
    *target = (struct target){0};
    struct buffer file;
    buffer_init(&file, FILE_BYTES_MAX);
    enum status status = buffer_read_file(&file, path, error);
    if (status == STATUS_OK) {
        struct json_reader reader;
        struct error words = {0};
        json_reader_init(&reader, buffer_text(&file), file.length_bytes);
        status = read_members(target, &reader, &words);
        if (status == STATUS_OK)
            status = check(target, &words);
        unsigned line, column;
        json_reader_where(&reader, &line, &column);
        if (status != STATUS_OK)
            error_set(error, status, "%s:%u: %s", path, line, words.text);
    }
    buffer_release(&file);
    return status;
}

void target_write(const struct target *target, struct json_writer *writer)
{
    json_key(writer, "endpoints");
    json_begin_object(writer);
    for (size_t i = 0; i < target->count; i++)
        json_field_cstring(writer, target->endpoints[i].name, target->endpoints[i].url);
    json_end_object(writer);
    json_field_cstring(writer, "control_token", target->control_token);
}

static enum status add_usual(struct target *target, const char *name, unsigned port)
{
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%u", port);
    return target_add(target, name, url);
}

enum status target_usual(struct target *target, struct error *error)
{
    struct topology topology;
    const char *token = getenv("CULPRIT_CONTROL_TOKEN");
    enum status status = topology_load(&topology, error);
    if (status != STATUS_OK)
        return status;
    *target = (struct target){0};
    text_copy(text_of(token), target->control_token, sizeof target->control_token);
    for (size_t i = 0; i < topology.service_count && status == STATUS_OK; i++) {
        const struct topology_service *service = &topology.services[i];
        bool is_collector = service->kind == TOPOLOGY_COLLECTOR;
        status = add_usual(target, is_collector ? "otlp" : service->name, service->port);
        if (is_collector && status == STATUS_OK)
            status = add_usual(target, "query", service->query_port);
    }
    topology_release(&topology);
    return status == STATUS_OK ? status : error_set(error, status, "%s", status_words(status));
}
