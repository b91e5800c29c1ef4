#include "loadgen/load/load_plan_read.h"

#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "loadgen/base/fields.h"
#include "loadgen/load/load_step_read.h"
#include "loadgen/load/load_threshold_read.h"
#include "loadgen/load/schedule_read.h"

enum { FILE_BYTES_MAX = 4 * 1024 * 1024 };

static const char schema_word[] = "culprit.load/1";

/* ---- how it arrives */

static enum status read_seconds(struct fields *fields, void *into)
{
    return fields_number(fields, 0, 366.0 * 86400, into);
}

static enum status read_whole(struct fields *fields, double highest, unsigned *out)
{
    double number = 0;
    enum status status = fields_number(fields, 1, highest, &number);
    if (status == STATUS_OK && number != (double)(unsigned)number)
        return fields_fail(fields, "must be a whole number");
    *out = (unsigned)number;
    return status;
}

static enum status read_count(struct fields *fields, void *into)
{
    return read_whole(fields, LOAD_USERS_MAX, into);
}

static enum status read_think(struct fields *fields, void *into)
{
    return load_step_read_pause(fields, into);
}

static enum status read_users(struct fields *fields, void *into)
{
    static const struct field table[] = {
        {"count", read_count, offsetof(struct load_plan, users), true},
        {"duration_s", read_seconds, offsetof(struct load_plan, users_duration_s), true},
        {"ramp_s", read_seconds, offsetof(struct load_plan, users_ramp_s), false},
        {"think_ms", read_think, offsetof(struct load_plan, think), false},
    };
    struct load_plan *plan = into;
    enum status status = fields_object(fields, FIELDS_OF(table), into, NULL);
    plan->is_closed = true;
    if (status == STATUS_OK &&
        !(plan->users_duration_s > 0 && plan->users_ramp_s <= plan->users_duration_s))
        return fields_fail(fields, "\"ramp_s\" must lie within \"duration_s\", which is above 0");
    return status;
}

/* ---- limits */

static enum status read_connections(struct fields *fields, void *into)
{
    return read_whole(fields, 16384, into);
}

static enum status read_threads(struct fields *fields, void *into)
{
    return read_whole(fields, LOAD_THREADS_MAX, into);
}

static enum status read_ns(struct fields *fields, double unit_ns, uint64_t *out)
{
    double number = 0;
    enum status status = fields_number(fields, 0, 86400e9 / unit_ns, &number);
    *out = (uint64_t)(number * unit_ns);
    if (status == STATUS_OK && *out == 0)
        return fields_fail(fields, "must be above 0");
    return status;
}

static enum status read_ms(struct fields *fields, void *into)
{
    return read_ns(fields, (double)NS_PER_MS, into);
}

static enum status read_grace(struct fields *fields, void *into)
{
    return read_ns(fields, (double)NS_PER_S, into);
}

static enum status read_bytes(struct fields *fields, void *into)
{
    double number = 0;
    enum status status = fields_number(fields, 1, 1e12, &number);
    *(uint64_t *)into = (uint64_t)number;
    return status;
}

static enum status read_limits(struct fields *fields, void *into)
{
    static const struct field table[] = {
        {"connections", read_connections, offsetof(struct load_limits, connections), false},
        {"threads", read_threads, offsetof(struct load_limits, threads), false},
        {"timeout_ms", read_ms, offsetof(struct load_limits, request_timeout_ns), false},
        {"connect_timeout_ms", read_ms, offsetof(struct load_limits, connect_timeout_ns), false},
        {"grace_s", read_grace, offsetof(struct load_limits, grace_ns), false},
        {"body_max_bytes", read_bytes, offsetof(struct load_limits, body_max_bytes), false},
    };
    return fields_object(fields, FIELDS_OF(table), into, NULL);
}

/* ---- feeders */

static enum status read_feeder_file(struct fields *fields, void *into)
{
    return fields_text(fields, into, PATH_MAX / 2);
}

static enum status read_order(struct fields *fields, void *into)
{
    bool is_random = json_reader_is(&fields->reader, "random");
    if (fields->reader.token != JSON_STRING ||
        !(is_random || json_reader_is(&fields->reader, "in_turn")))
        return fields_fail(fields, "must be \"in_turn\" or \"random\"");
    *(bool *)into = is_random;
    return STATUS_OK;
}

struct feeder_text {
    char file[PATH_MAX / 2];
    bool is_random;
};

static enum status read_rows(struct load_plan *plan, struct load_feeder *feeder, const char *path,
                             struct error *error)
{
    struct text content;
    if (plan->files == NULL)
        return load_feeder_read(feeder, path, error);
    enum status status = load_files_read(plan->files, path, LOAD_FEEDER_BYTES_MAX, &content, error);
    return status == STATUS_OK ? load_feeder_parse(feeder, content, path, error) : status;
}

static enum status add_feeder(struct fields *fields, struct load_plan *plan, const char *name)
{
    static const struct field table[] = {
        {"file", read_feeder_file, offsetof(struct feeder_text, file), true},
        {"order", read_order, offsetof(struct feeder_text, is_random), false},
    };
    struct feeder_text text = {0};
    enum status status = fields_object(fields, FIELDS_OF(table), &text, NULL);
    if (status != STATUS_OK)
        return status;
    char beside[PATH_MAX / 2], path[PATH_MAX + 2];
    text_copy(text_of(fields->file), beside, sizeof(beside));
    (void)snprintf(path, sizeof(path), "%s/%s", dirname(beside), text.file);
    struct load_feeder *feeder = &plan->feeders[plan->feeder_count++];
    struct error words = {0};
    feeder->name = name;
    feeder->is_random = text.is_random;
    status = read_rows(plan, feeder, text.file[0] == '/' ? text.file : path, &words);
    return status == STATUS_OK ? status : fields_fail(fields, "%s", words.text);
}

static enum status read_feeders(struct fields *fields, void *into)
{
    struct load_plan *plan = into;
    if (fields->reader.token != JSON_OBJECT_BEGIN)
        return fields_fail(fields, "must be an object");
    while (json_reader_next(&fields->reader) == JSON_KEY) {
        fields_take_key(fields);
        if (plan->feeder_count == LOAD_FEEDERS_MAX)
            return fields_fail(fields, "more than %d feeders", LOAD_FEEDERS_MAX);
        const char *name = arena_copy(&plan->arena, fields->key, strlen(fields->key));
        if (name == NULL || strpbrk(name, ".|:}") != NULL)
            return fields_fail(fields, "a feeder's name has none of .|:}");
        (void)json_reader_next(&fields->reader);
        enum status status = add_feeder(fields, plan, name);
        if (status != STATUS_OK)
            return status;
    }
    return fields->reader.token == JSON_OBJECT_END ? STATUS_OK : fields_fail(fields, "bad JSON");
}

/* ---- the whole */

static enum status read_schema(struct fields *fields, void *into)
{
    (void)into;
    return fields_word(fields, schema_word);
}

static enum status read_name(struct fields *fields, void *into)
{
    return fields_text(fields, into, LOAD_TEXT_MAX);
}

static enum status read_target(struct fields *fields, void *into)
{
    char *target = into;
    enum status status = fields_text(fields, target, LOAD_URL_MAX);
    const char *authority = status == STATUS_OK ? strstr(target, "://") : NULL;
    if (status == STATUS_OK &&
        (authority == NULL || authority[3] == '\0' || strpbrk(authority + 3, "/?# \r\n\t") != NULL))
        return fields_fail(fields, "must be http://HOST:PORT or https://HOST:PORT");
    return status;
}

static enum status read_seed(struct fields *fields, void *into)
{
    if (fields->reader.token != JSON_NUMBER || json_reader_u64(&fields->reader, into) != STATUS_OK)
        return fields_fail(fields, "must be a whole number");
    return STATUS_OK;
}

enum { FIELD_ARRIVALS = 6, FIELD_USERS };

static enum status read_document(struct load_step_reader *reader)
{
    static const struct field table[] = {
        {"$schema", fields_editor_hint, 0, false},
        {"schema", read_schema, 0, true},
        {"name", read_name, offsetof(struct load_plan, name), true},
        {"target", read_target, offsetof(struct load_plan, target), true},
        {"seed", read_seed, offsetof(struct load_plan, seed), false},
        {"trace", fields_read_bool, offsetof(struct load_plan, is_traced), false},
        [FIELD_ARRIVALS] = {"arrivals", schedule_read, offsetof(struct load_plan, schedule), false},
        [FIELD_USERS] = {"users", read_users, 0, false},
        {"limits", read_limits, offsetof(struct load_plan, limits), false},
        {"feeders", read_feeders, 0, false},
        {"headers", load_step_read_headers, 0, false},
        {"flows", load_step_read_flows, 0, true},
        {"thresholds", load_threshold_read, 0, false},
        {"abort_after_s", read_seconds, offsetof(struct load_plan, thresholds.abort_after_s),
         false},
    };
    uint32_t seen = 0;
    struct fields *fields = &reader->fields;
    (void)json_reader_next(&fields->reader);
    enum status status = fields_object(fields, FIELDS_OF(table), reader->plan, &seen);
    if (status != STATUS_OK)
        return status;
    if (!(seen & 1u << FIELD_ARRIVALS) == !(seen & 1u << FIELD_USERS))
        return fields_fail(fields, "either \"arrivals\" or \"users\"");
    status = fields_end(fields);
    if (status == STATUS_OK)
        status = load_threshold_read_settle(reader);
    return status == STATUS_OK ? load_step_compile(reader) : status;
}

enum status load_plan_read_text(struct load_plan *plan, struct text json, const char *path,
                                struct error *error)
{
    struct load_step_reader *reader = calloc(1, sizeof(*reader));
    if (reader == NULL)
        return error_set(error, STATUS_NO_MEMORY, "%s: no memory", path);
    reader->plan = plan;
    fields_init(&reader->fields, json.data, json.length, path, error);
    enum status status = read_document(reader);
    free(reader);
    return status;
}

enum status load_plan_read(struct load_plan *plan, const char *path, struct error *error)
{
    struct load_files *own = calloc(1, sizeof(*own));
    struct text content;
    if (own == NULL)
        return error_set(error, STATUS_NO_MEMORY, "%s: no memory", path);
    enum status status = load_files_read(plan->files != NULL ? plan->files : own, path,
                                         FILE_BYTES_MAX, &content, error);
    if (status == STATUS_OK)
        status = load_plan_read_text(plan, content, path, error);
    load_files_release(own);
    free(own);
    return status;
}
