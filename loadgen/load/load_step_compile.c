#include <string.h>

#include "loadgen/load/load_step_read.h"

static bool has_header(const struct load_request_text *request, struct text name)
{
    for (size_t i = 0; i < request->header_count; i++)
        if (text_equal_ignore_case(request->headers[i][0], name))
            return true;
    return false;
}

/* A header of the step's own comes before one of every step. */
static void add_header(struct load_request_text *request, struct text name, struct text value)
{
    if (has_header(request, name) || request->header_count == LOAD_HEADERS_MAX)
        return;
    request->headers[request->header_count][0] = name;
    request->headers[request->header_count++][1] = value;
}

/* The place of a value in the flow's names; a later step may set one anew. */
static enum status name_value(struct load_names *names, struct text name, uint16_t *value)
{
    for (size_t i = 0; i < names->value_count; i++) {
        if (!text_equal(names->values[i], name))
            continue;
        *value = (uint16_t)i;
        return STATUS_OK;
    }
    if (names->value_count == LOAD_VALUES_MAX)
        return STATUS_TOO_LARGE;
    *value = (uint16_t)names->value_count;
    names->values[names->value_count++] = name;
    return STATUS_OK;
}

static enum status compile_step(struct load_step_reader *reader, size_t at, struct error *words)
{
    struct load_plan *plan = reader->plan;
    struct load_step *step = &plan->steps[at];
    struct load_step_text *text = &reader->steps[at];
    const struct load_request_text *common = &reader->common.request;
    for (size_t i = 0; i < common->header_count; i++)
        add_header(&text->request, common->headers[i][0], common->headers[i][1]);
    if (text->is_json)
        add_header(&text->request, TEXT_LITERAL("Content-Type"), TEXT_LITERAL("application/json"));
    enum status status = load_plan_compile(plan, step, &text->request, words);
    for (size_t i = 0; i < step->take_count && status == STATUS_OK; i++) {
        struct text name = text->take_names[i];
        if (memchr(name.data, '}', name.length) != NULL ||
            memchr(name.data, '|', name.length) != NULL || text_is(name, "number") ||
            text_is(name, "nonce") ||
            name_value(&plan->names, name, &step->takes[i].value) != STATUS_OK)
            return error_set(words, STATUS_INVALID,
                             "no value can be called \"%.*s\", or there are over %d",
                             TEXT_ARGS(name), LOAD_VALUES_MAX);
    }
    return status;
}

enum status load_step_compile(struct load_step_reader *reader)
{
    struct load_plan *plan = reader->plan;
    for (size_t f = 0; f < plan->flow_count; f++) {
        const struct load_flow *flow = &plan->flows[f];
        plan->names.value_count = 0; /* values are a flow's own */
        for (size_t i = flow->first_step; i < flow->first_step + flow->step_count; i++) {
            struct error words = {0};
            if (compile_step(reader, i, &words) != STATUS_OK)
                return error_set(reader->fields.error, STATUS_INVALID, "%s:%u: step \"%s\": %s",
                                 reader->fields.file, reader->steps[i].line, plan->steps[i].name,
                                 words.text);
        }
    }
    return STATUS_OK;
}
