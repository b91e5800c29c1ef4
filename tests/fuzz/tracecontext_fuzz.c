/* traceparent and tracestate. The first line is a traceparent, each other line a tracestate header.
 * What is accepted is compared with a check written another way; what is passed on is within its
 * bounds; the value operations keep a list valid. The text is copied to memory of exactly its size.
 */
#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "trace/trace_state_ot.h"
#include "trace/tracecontext.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct lines {
    struct text parent, states;
};

static void get_all(void *carrier, const char *name, carrier_take *take, void *into)
{
    const struct lines *lines = carrier;
    struct text rest = lines->states;
    if (strcmp(name, "traceparent") == 0)
        take(into, lines->parent);
    while (strcmp(name, "tracestate") == 0 && rest.data != NULL)
        take(into, text_split(&rest, '\n'));
}

/* By the pattern of the specification, character by character. */
static bool parent_is_valid(struct text text)
{
    static const char pattern[] = "hh-hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh-hhhhhhhhhhhhhhhh-hh";
    bool has_trace = false, has_span = false;
    if (text.length < sizeof pattern - 1 || memcmp(text.data, "ff", 2) == 0)
        return false;
    for (size_t i = 0; i < sizeof pattern - 1; i++) {
        if (pattern[i] == '-' ? text.data[i] != '-'
                              : memchr("0123456789abcdef", text.data[i], 16) == NULL)
            return false;
        has_trace = has_trace || (i > 2 && i < 35 && text.data[i] != '0');
        has_span = has_span || (i > 35 && i < 52 && text.data[i] != '0');
    }
    bool is_longer = text.length > sizeof pattern - 1;
    if (is_longer && (memcmp(text.data, "00", 2) == 0 || text.data[sizeof pattern - 1] != '-'))
        return false;
    return has_trace && has_span;
}

struct sent {
    size_t parents, states;
    char state[TRACE_STATE_MAX + 1];
};

static void set(void *carrier, const char *name, struct text value)
{
    struct sent *sent = carrier;
    for (size_t i = 0; i < value.length; i++)
        assert(value.data[i] >= 0x20 && value.data[i] <= 0x7e);
    if (strcmp(name, "traceparent") == 0) {
        sent->parents++;
        assert(value.length == TRACEPARENT_LENGTH && parent_is_valid(value));
    } else {
        sent->states++;
        assert(value.length > 0 && value.length <= TRACE_STATE_MAX);
        text_copy(value, sent->state, sizeof sent->state);
    }
}

static void check_list(struct text list)
{
    struct trace_state_reader reader;
    trace_state_reader_init(&reader);
    trace_state_reader_add_line(&reader, list);
    assert(!reader.invalid && reader.count <= TRACE_STATE_MEMBERS_MAX);
}

/* Changes the list by a key and a value of the input's own. */
static void change(struct text list, struct text key, struct text value)
{
    struct trace_state changed = {.length_bytes = 0};
    struct trace_state_ot entry, again;
    struct text found;
    if (trace_state_set(list, key, value, &changed) == STATUS_OK) {
        assert(trace_state_get(trace_state_list(&changed), key, &found));
        assert(text_equal(found, value));
        check_list(trace_state_list(&changed));
        enum status status = trace_state_delete(trace_state_list(&changed), key, &changed);
        assert(status == STATUS_OK);
        assert(!trace_state_get(trace_state_list(&changed), key, &found));
    }
    (void)trace_state_ot_read(list, &entry);
    if (trace_state_ot_write(list, &entry, &changed) == STATUS_OK) {
        check_list(trace_state_list(&changed));
        (void)trace_state_ot_read(trace_state_list(&changed), &again);
        assert(again.has_threshold == entry.has_threshold);
        assert(again.has_randomness == entry.has_randomness);
        assert(again.threshold == entry.threshold && again.randomness == entry.randomness);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct remote_context context;
    static struct sent sent;
    char *bytes = malloc(size ? size : 1);
    if (size > 0)
        memcpy(bytes, data, size);
    struct lines lines = {.states = {bytes, size}};
    lines.parent = text_split(&lines.states, '\n');
    struct carrier_source source = {&lines, get_all, NULL};
    struct carrier_sink sink = {&sent, set};
    sent = (struct sent){.parents = 0};
    context.span = (struct span_context){.flags = 0};
    context.trace_state[0] = '\0';

    tracecontext_extract(&source, &context);
    bool is_valid = span_context_is_valid(&context.span);
    assert(is_valid == parent_is_valid(text_trim(lines.parent)));
    assert(context.span.trace_state.length == strlen(context.trace_state));
    tracecontext_inject(&context.span, NULL, &sink);
    assert(sent.parents == is_valid);
    assert(strcmp(sent.state, context.trace_state) == 0);
    check_list(text_of(context.trace_state));
    change(text_of(context.trace_state), TEXT_LITERAL("fuzz"), lines.parent);
    change(lines.states, lines.parent, TEXT_LITERAL("v"));
    free(bytes);
    return 0;
}
