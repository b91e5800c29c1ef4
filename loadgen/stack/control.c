#include "loadgen/stack/control.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "loadgen/base/fetch.h"

enum { CALL_MS = 3000, ANSWER_BYTES_MAX = 256 * 1024, BODY_BYTES_MAX = 16 * 1024 };

static const char path[] = "/-/faults";

/* Words of an answer that is none of success. */
static enum status refused(const char *name, const struct fetch_request *request,
                           const struct fetch_answer *answer, struct error *error)
{
    json_t *reply = json_loadb(answer->body.data, answer->body.length, 0, NULL);
    const char *message =
        json_string_value(json_object_get(json_object_get(reply, "error"), "message"));
    enum status status = error_set(
        error, answer->status == 400 || answer->status == 422 ? STATUS_INVALID : STATUS_IO,
        "%s: %s %s answered %u: %s", name, request->method, request->path, answer->status,
        message ? message : "");
    json_decref(reply);
    return status;
}

static enum status ask(const struct control *control, const char *name,
                       struct fetch_request *request, json_t **reply, struct error *error)
{
    struct fetch fetch;
    struct fetch_answer answer;
    struct error words = {0};
    enum status status =
        fetch_init(&fetch, target_find(&control->target, name), ANSWER_BYTES_MAX, &words);
    request->bearer = control->target.control_token;
    if (status == STATUS_OK)
        status = fetch_do(&fetch, request, clock_mono_ns() + CALL_MS * NS_PER_MS, &answer, &words);
    if (status != STATUS_OK) {
        status = error_set(error, status == STATUS_INVALID ? STATUS_IO : status, "%s: %s", name,
                           words.text);
    } else if (answer.status != 200 && answer.status != 204) {
        status = refused(name, request, &answer, error);
    } else if (reply) {
        *reply = json_loadb(answer.body.data, answer.body.length, 0, NULL);
    }
    fetch_release(&fetch);
    return status;
}

static enum status describe(struct control *control, const char *name, struct error *error)
{
    json_t *reply = NULL;
    enum status status =
        ask(control, name, &(struct fetch_request){.method = "GET", .path = path}, &reply, error);
    if (status != STATUS_OK)
        return status == STATUS_INVALID ? STATUS_IO : status;
    json_t *rows = json_object_get(reply, "rows");
    if (json_is_array(rows)) {
        struct control_service *service = &control->services[control->count++];
        text_copy(text_of(name), service->name, sizeof service->name);
        service->rows = json_incref(rows);
    } else {
        status = error_set(error, STATUS_IO, "%s: GET %s: no \"rows\" in the answer", name, path);
    }
    json_decref(reply);
    return status;
}

enum status control_open(struct control *control, const struct target *target, struct error *error)
{
    *control = (struct control){.target = *target};
    enum status status = STATUS_OK;
    for (size_t i = 0; i < target->count && status == STATUS_OK; i++) {
        const char *name = target->endpoints[i].name;
        if (strcmp(name, "otlp") != 0 && strcmp(name, "query") != 0)
            status = describe(control, name, error);
    }
    if (status != STATUS_OK)
        control_release(control);
    return status;
}

enum status control_probe(const struct control *control, struct error *error)
{
    char names[200];
    size_t used = 0, count = 0;
    struct error first = {0};
    for (size_t i = 0; i < control->count; i++) {
        struct error words = {0};
        const char *name = control->services[i].name;
        if (ask(control, name, &(struct fetch_request){.method = "GET", .path = "/livez"}, NULL,
                &words) == STATUS_OK)
            continue;
        if (count++ == 0)
            first = words;
        if (used + strlen(name) + 3 < sizeof names)
            used +=
                (size_t)snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "", name);
    }
    if (count == 0)
        return STATUS_OK;
    return error_set(error, STATUS_CLOSED, "no sign of life from %s; %s", names, first.text);
}

void control_release(struct control *control)
{
    for (size_t i = 0; i < control->count; i++)
        json_decref(control->services[i].rows);
    control->count = 0;
}

static const struct control_service *find(const struct control *control, const char *name)
{
    for (size_t i = 0; i < control->count; i++)
        if (strcmp(control->services[i].name, name) == 0)
            return &control->services[i];
    return NULL;
}

/* The service's rows of a class, as "a, b, c". */
static void list_rows(const struct control_service *service, bool environment, char *out,
                      size_t size)
{
    size_t index, used = 0;
    json_t *row;
    out[0] = '\0';
    json_array_foreach(service->rows, index, row)
    {
        const char *name = json_string_value(json_object_get(row, "name"));
        if (json_is_true(json_object_get(row, "environment")) != environment || !name ||
            used + strlen(name) + 3 > size)
            continue;
        used += (size_t)snprintf(out + used, size - used, "%s%s", used ? ", " : "", name);
    }
}

static bool has_row(const struct control_service *service, const char *wanted, bool environment)
{
    size_t index;
    json_t *row;
    json_array_foreach(service->rows, index, row)
    {
        const char *name = json_string_value(json_object_get(row, "name"));
        if (name && strcmp(name, wanted) == 0)
            return json_is_true(json_object_get(row, "environment")) == environment;
    }
    return false;
}

enum status control_check(const struct control *control, const struct settings *settings,
                          bool environment, struct error *error)
{
    const char *word = environment ? "setting" : "fault";
    for (size_t i = 0; i < settings->count; i++) {
        const struct setting *setting = &settings->items[i];
        const struct control_service *service = find(control, setting->service);
        char rows[256];
        if (!service)
            return error_set(error, STATUS_INVALID, "%s \"%s.%s\": no service \"%s\"", word,
                             setting->service, setting->row, setting->service);
        if (has_row(service, setting->row, environment))
            continue;
        list_rows(service, environment, rows, sizeof rows);
        return error_set(error, STATUS_INVALID, "%s \"%s.%s\": %s has no such %s; it has %s", word,
                         setting->service, setting->row, setting->service, word,
                         rows[0] ? rows : "none");
    }
    return STATUS_OK;
}

static void write_class(const char *key, const struct settings *settings, const char *service,
                        struct json_writer *writer)
{
    if (!settings)
        return;
    json_key(writer, key);
    json_begin_object(writer);
    for (size_t i = 0; i < settings->count; i++) {
        if (strcmp(settings->items[i].service, service) != 0)
            continue;
        json_key(writer, settings->items[i].row);
        setting_write_value(&settings->items[i], writer);
    }
    json_end_object(writer);
}

static enum status replace_one(const struct control *control, const char *name,
                               const struct settings *faults, const struct settings *environment,
                               struct error *error)
{
    struct buffer body;
    struct json_writer writer;
    buffer_init(&body, BODY_BYTES_MAX);
    json_writer_init(&writer, &body, 0);
    json_begin_object(&writer);
    write_class("faults", faults, name, &writer);
    write_class("environment", environment, name, &writer);
    json_end_object(&writer);
    enum status status = body.failed;
    if (status == STATUS_OK)
        status =
            ask(control, name,
                &(struct fetch_request){
                    .method = "PUT", .path = path, .body = {buffer_text(&body), body.length_bytes}},
                NULL, error);
    buffer_release(&body);
    return status;
}

enum status control_replace(const struct control *control, const struct settings *faults,
                            const struct settings *environment, struct error *error)
{
    enum status first = STATUS_OK;
    for (size_t i = 0; i < control->count; i++) {
        struct error words = {0};
        enum status status =
            replace_one(control, control->services[i].name, faults, environment, &words);
        /* the others are set all the same: a reset must reach all that still live */
        if (status != STATUS_OK && first == STATUS_OK) {
            first = status;
            error_set(error, status, "%s", words.text);
        }
    }
    return first;
}
