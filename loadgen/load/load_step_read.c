#include "loadgen/load/load_step_read.h"

#include <string.h>

#include "base/clock.h"

#define THINK_MAX_MS 3600000.0

/* ---- small parts */

static struct load_plan *plan_of(struct fields *fields)
{
    return ((struct load_step_reader *)fields)->plan;
}

static unsigned line_of(const struct fields *fields)
{
    unsigned line, column;
    json_reader_where(&fields->reader, &line, &column);
    return line;
}

/* A string of any length, of the plan's own. */
static enum status read_text(struct fields *fields, void *into)
{
    struct text *out = into;
    if (fields->reader.token != JSON_STRING)
        return fields_fail(fields, "must be a string");
    char *copy = arena_alloc(&plan_of(fields)->arena, fields->reader.text.length + 1);
    if (copy == NULL)
        return fields_fail(fields, "too much text");
    *out = (struct text){copy, json_reader_unescape(&fields->reader, copy)};
    return STATUS_OK;
}

static enum status read_some_text(struct fields *fields, void *into)
{
    enum status status = read_text(fields, into);
    if (status == STATUS_OK && ((struct text *)into)->length == 0)
        return fields_fail(fields, "must not be empty");
    return status;
}

static enum status key_text(struct fields *fields, struct text *out)
{
    const char *copy = arena_copy(&plan_of(fields)->arena, fields->key, strlen(fields->key));
    *out = text_of(copy);
    return copy != NULL ? STATUS_OK : fields_fail(fields, "too much text");
}

enum status load_step_read_pause(struct fields *fields, void *into)
{
    struct load_pause *pause = into;
    double least = 0, most = 0;
    enum status status = STATUS_OK;
    if (fields->reader.token != JSON_ARRAY_BEGIN) {
        status = fields_number(fields, 0, THINK_MAX_MS, &least);
        most = least;
    } else {
        (void)json_reader_next(&fields->reader);
        status = fields_number(fields, 0, THINK_MAX_MS, &least);
        if (status == STATUS_OK) {
            (void)json_reader_next(&fields->reader);
            status = fields_number(fields, least, THINK_MAX_MS, &most);
        }
        if (status == STATUS_OK && json_reader_next(&fields->reader) != JSON_ARRAY_END)
            status = fields_fail(fields, "must be a number or [least, most]");
    }
    pause->min_ns = (uint64_t)(least * (double)NS_PER_MS);
    pause->max_ns = (uint64_t)(most * (double)NS_PER_MS);
    return status;
}

/* Goes through an object whose keys are free. */
static enum status each_member(struct fields *fields, field_reader *read, void *into)
{
    if (fields->reader.token != JSON_OBJECT_BEGIN)
        return fields_fail(fields, "must be an object");
    while (json_reader_next(&fields->reader) == JSON_KEY) {
        fields_take_key(fields);
        (void)json_reader_next(&fields->reader);
        enum status status = read(fields, into);
        if (status != STATUS_OK)
            return status;
    }
    return fields->reader.token == JSON_OBJECT_END ? STATUS_OK : fields_fail(fields, "bad JSON");
}

/* ---- a step's request */

static enum status read_header(struct fields *fields, void *into)
{
    struct load_request_text *request = into;
    if (request->header_count == LOAD_HEADERS_MAX)
        return fields_fail(fields, "more than %d headers", LOAD_HEADERS_MAX);
    struct text *header = request->headers[request->header_count++];
    enum status status = key_text(fields, &header[0]);
    return status == STATUS_OK ? read_text(fields, &header[1]) : status;
}

enum status load_step_read_headers(struct fields *fields, void *into)
{
    (void)into;
    return each_member(fields, read_header, &((struct load_step_reader *)fields)->common.request);
}

static enum status read_json_body(struct fields *fields, void *into)
{
    struct load_step_text *text = into;
    const char *begin = fields->reader.token_at;
    if (fields->reader.token == JSON_ERROR || !json_reader_skip(&fields->reader))
        return fields_fail(fields, "bad JSON");
    size_t length = (size_t)(fields->reader.at - begin);
    text->is_json = true;
    text->request.body = (struct text){arena_copy(&plan_of(fields)->arena, begin, length), length};
    return text->request.body.data != NULL ? STATUS_OK : fields_fail(fields, "too much text");
}

/* ---- what is taken and checked */

struct take_text {
    struct text json, header, after, before;
};

static enum status read_take(struct fields *fields, void *into)
{
    static const struct field table[] = {
        {"json", read_text, offsetof(struct take_text, json), false},
        {"header", read_some_text, offsetof(struct take_text, header), false},
        {"after", read_some_text, offsetof(struct take_text, after), false},
        {"before", read_some_text, offsetof(struct take_text, before), false},
    };
    struct load_step *step = into;
    struct load_step_reader *reader = (struct load_step_reader *)fields;
    struct take_text text = {0};
    uint32_t seen = 0;
    size_t at = step->take_count;
    if (at == LOAD_TAKES_MAX)
        return fields_fail(fields, "more than %d values", LOAD_TAKES_MAX);
    enum status status =
        key_text(fields, &reader->steps[step - reader->plan->steps].take_names[at]);
    if (status == STATUS_OK)
        status = fields_object(fields, FIELDS_OF(table), &text, &seen);
    if (status != STATUS_OK)
        return status;
    struct load_extract *extract = &step->takes[step->take_count++].extract;
    if (seen == 1 && load_extract_is_pointer(text.json))
        *extract = (struct load_extract){LOAD_EXTRACT_JSON, text.json, {0}};
    else if (seen == 2)
        *extract = (struct load_extract){LOAD_EXTRACT_HEADER, text.header, {0}};
    else if (seen == 12)
        *extract = (struct load_extract){LOAD_EXTRACT_BETWEEN, text.after, text.before};
    else
        return fields_fail(fields, "\"json\" with a JSON pointer, or \"header\", or \"after\" "
                                   "and \"before\"");
    return STATUS_OK;
}

static enum status read_takes(struct fields *fields, void *into)
{
    return each_member(fields, read_take, into);
}

static enum status add_check(struct fields *fields, struct load_checks *checks,
                             struct load_check check)
{
    if (checks->count == LOAD_CHECKS_MAX)
        return fields_fail(fields, "more than %d checks", LOAD_CHECKS_MAX);
    checks->items[checks->count++] = check;
    return STATUS_OK;
}

static enum status read_status(struct fields *fields, void *into)
{
    double number = 0;
    enum status status = fields_number(fields, 200, 999, &number);
    *(uint16_t *)into = (uint16_t)number;
    return status;
}

static enum status read_statuses(struct fields *fields, void *into)
{
    struct load_checks *checks = into;
    checks->status_count = fields->reader.token == JSON_ARRAY_BEGIN ? 0 : 1;
    if (checks->status_count == 1)
        return read_status(fields, checks->statuses);
    return fields_array(fields, read_status,
                        &(struct field_items){checks->statuses, sizeof(checks->statuses[0]),
                                              LOAD_STATUSES_MAX, &checks->status_count});
}

static enum status read_header_check(struct fields *fields, void *into)
{
    struct load_check check = {.kind = LOAD_CHECK_HEADER};
    enum status status = key_text(fields, &check.what);
    if (status == STATUS_OK)
        status = read_text(fields, &check.value);
    return status == STATUS_OK ? add_check(fields, into, check) : status;
}

static enum status read_header_checks(struct fields *fields, void *into)
{
    return each_member(fields, read_header_check, into);
}

static enum status read_body_check(struct fields *fields, void *into)
{
    struct load_check check = {.kind = LOAD_CHECK_BODY};
    enum status status = read_some_text(fields, &check.value);
    return status == STATUS_OK ? add_check(fields, into, check) : status;
}

static enum status read_body_checks(struct fields *fields, void *into)
{
    if (fields->reader.token != JSON_ARRAY_BEGIN)
        return read_body_check(fields, into);
    while (json_reader_next(&fields->reader) != JSON_ARRAY_END) {
        enum status status = read_body_check(fields, into);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

/* The value as load_extract_run would give it. */
static enum status read_json_check(struct fields *fields, void *into)
{
    struct load_check check = {.kind = LOAD_CHECK_JSON};
    enum status status = key_text(fields, &check.what);
    if (status == STATUS_OK && !load_extract_is_pointer(check.what))
        return fields_fail(fields, "must be a JSON pointer, as \"/items/0/id\"");
    if (status == STATUS_OK && fields->reader.token == JSON_STRING) {
        status = read_text(fields, &check.value);
    } else if (status == STATUS_OK) {
        const char *begin = fields->reader.token_at;
        if (fields->reader.token == JSON_ERROR || fields->reader.token == JSON_OBJECT_BEGIN ||
            fields->reader.token == JSON_ARRAY_BEGIN)
            return fields_fail(fields, "must be a string, a number, true, false or null");
        size_t length = (size_t)(fields->reader.at - begin);
        check.value = (struct text){arena_copy(&plan_of(fields)->arena, begin, length), length};
    }
    return status == STATUS_OK ? add_check(fields, into, check) : status;
}

static enum status read_json_checks(struct fields *fields, void *into)
{
    return each_member(fields, read_json_check, into);
}

static enum status read_checks(struct fields *fields, void *into)
{
    static const struct field table[] = {
        {"status", read_statuses, 0, false},
        {"headers", read_header_checks, 0, false},
        {"body", read_body_checks, 0, false},
        {"json", read_json_checks, 0, false},
    };
    return fields_object(fields, FIELDS_OF(table), into, NULL);
}

/* ---- steps and flows */

static enum status read_step_name(struct fields *fields, void *into)
{
    return fields_text(fields, into, LOAD_TEXT_MAX);
}

/* A step's row in the table is half in the plan and half put by. */
struct step_pair {
    char name[LOAD_TEXT_MAX];
    struct load_step_text text;
    struct text method;
    struct load_pause think;
};

static enum status read_pair_headers(struct fields *fields, void *into)
{
    return each_member(fields, read_header, &((struct load_step_text *)into)->request);
}

static enum status read_pair_takes(struct fields *fields, void *into)
{
    (void)into;
    struct load_plan *plan = plan_of(fields);
    return read_takes(fields, &plan->steps[plan->step_count]);
}

static enum status read_pair_checks(struct fields *fields, void *into)
{
    (void)into;
    struct load_plan *plan = plan_of(fields);
    return read_checks(fields, &plan->steps[plan->step_count].checks);
}

static enum status read_step(struct fields *fields, void *into)
{
    enum { FIELD_BODY = 4, FIELD_JSON };
    static const struct field table[] = {
        {"name", read_step_name, offsetof(struct step_pair, name), true},
        {"method", read_some_text, offsetof(struct step_pair, text.request.method), false},
        {"path", read_some_text, offsetof(struct step_pair, text.request.path), true},
        {"headers", read_pair_headers, offsetof(struct step_pair, text), false},
        [FIELD_BODY] = {"body", read_text, offsetof(struct step_pair, text.request.body), false},
        [FIELD_JSON] = {"json", read_json_body, offsetof(struct step_pair, text), false},
        {"think_ms", load_step_read_pause, offsetof(struct step_pair, think), false},
        {"take", read_pair_takes, 0, false},
        {"check", read_pair_checks, 0, false},
    };
    (void)into;
    struct load_step_reader *reader = (struct load_step_reader *)fields;
    struct load_plan *plan = reader->plan;
    struct step_pair pair = {.text = {.line = line_of(fields), .request = reader->common.request}};
    uint32_t seen = 0;
    pair.text.request.header_count = 0;
    if (plan->step_count == LOAD_STEPS_MAX)
        return fields_fail(fields, "more than %d steps in all", LOAD_STEPS_MAX);
    enum status status = fields_object(fields, FIELDS_OF(table), &pair, &seen);
    if (status != STATUS_OK)
        return status;
    if ((seen & 1u << FIELD_BODY) && (seen & 1u << FIELD_JSON))
        return fields_fail(fields, "either \"body\" or \"json\"");
    if (pair.text.request.method.data == NULL)
        pair.text.request.method = TEXT_LITERAL("GET");
    for (size_t i = 0; i < plan->step_count; i++)
        if (strcmp(plan->steps[i].name, pair.name) == 0)
            return fields_fail(fields, "two steps are called \"%s\"", pair.name);
    struct load_step *step = &plan->steps[plan->step_count];
    memcpy(step->name, pair.name, sizeof(step->name));
    step->think = pair.think;
    memcpy(pair.text.take_names, reader->steps[plan->step_count].take_names,
           sizeof(pair.text.take_names));
    reader->steps[plan->step_count++] = pair.text;
    return STATUS_OK;
}

static enum status read_steps(struct fields *fields, void *into)
{
    struct load_flow *flow = into;
    struct load_plan *plan = plan_of(fields);
    flow->first_step = plan->step_count;
    enum status status =
        fields_array(fields, read_step,
                     &(struct field_items){plan->steps, 0, LOAD_STEPS_MAX, &flow->step_count});
    if (status == STATUS_OK && flow->step_count == 0)
        return fields_fail(fields, "must not be empty");
    return status;
}

static enum status read_weight(struct fields *fields, void *into)
{
    return fields_number(fields, 0.001, 1000000, into);
}

static enum status read_flow(struct fields *fields, void *into)
{
    static const struct field table[] = {
        {"name", read_step_name, offsetof(struct load_flow, name), true},
        {"weight", read_weight, offsetof(struct load_flow, weight), false},
        {"steps", read_steps, 0, true},
    };
    struct load_flow *flow = into;
    *flow = (struct load_flow){.weight = 1};
    return fields_object(fields, FIELDS_OF(table), into, NULL);
}

enum status load_step_read_flows(struct fields *fields, void *into)
{
    struct load_plan *plan = into;
    enum status status = fields_array(fields, read_flow,
                                      &(struct field_items){plan->flows, sizeof(plan->flows[0]),
                                                            LOAD_FLOWS_MAX, &plan->flow_count});
    if (status == STATUS_OK && plan->flow_count == 0)
        return fields_fail(fields, "must not be empty");
    return status;
}
