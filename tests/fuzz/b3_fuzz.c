/* B3: lines of the input are the header b3, X-B3-TraceId, X-B3-SpanId, X-B3-Sampled and X-B3-Flags;
 * an empty line is a header that is not there. What is accepted is compared with a check written
 * another way; both forms of what leaves are read back as the same context. */
#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "trace/b3.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SINGLE, TRACE_ID, SPAN_ID, SAMPLED, FLAGS, HEADERS };

static const char *const names[HEADERS] = {"b3", "X-B3-TraceId", "X-B3-SpanId", "X-B3-Sampled",
                                           "X-B3-Flags"};

static void get_all(void *carrier, const char *name, carrier_take *take, void *into)
{
    const struct text *values = carrier;
    for (size_t i = 0; i < HEADERS; i++)
        if (values[i].length > 0 && strcmp(name, names[i]) == 0)
            take(into, values[i]);
}

static char sent[HEADERS][64];

static void set(void *carrier, const char *name, struct text value)
{
    struct text *values = carrier;
    for (size_t i = 0; i < HEADERS; i++) {
        if (strcmp(name, names[i]) == 0) {
            assert(value.length < sizeof sent[i]);
            text_copy(value, sent[i], sizeof sent[i]);
            values[i] = text_of(sent[i]);
            return;
        }
    }
    assert(false); /* a header that B3 has not */
}

/* `count` lower-case digits, not all zero where `some` is wanted. */
static bool is_id(struct text text, size_t count, bool some)
{
    bool any = false;
    for (size_t i = 0; i < text.length; i++) {
        if (!((text.data[i] >= '0' && text.data[i] <= '9') ||
              (text.data[i] >= 'a' && text.data[i] <= 'f')))
            return false;
        any = any || text.data[i] != '0';
    }
    return text.length == count && (any || !some);
}

static bool is_trace_id(struct text text)
{
    return is_id(text, 32, true) || is_id(text, 16, true);
}

static bool is_state(struct text text)
{
    return text_is(text, "0") || text_is(text, "1") || text_is(text, "d");
}

static bool single_is_valid(struct text value)
{
    struct text rest = value, parts[5];
    size_t count = 0;
    while (rest.data != NULL && count < 5)
        parts[count++] = text_split(&rest, '-');
    return count >= 2 && count <= 4 && is_trace_id(parts[0]) && is_id(parts[1], 16, true) &&
           (count < 3 || is_state(parts[2])) && (count < 4 || is_id(parts[3], 16, false));
}

static bool multi_is_valid(const struct text *values)
{
    struct text sampled = text_trim(values[SAMPLED]);
    return is_trace_id(text_trim(values[TRACE_ID])) &&
           is_id(text_trim(values[SPAN_ID]), 16, true) &&
           (values[SAMPLED].length == 0 || text_is(sampled, "0") || text_is(sampled, "1") ||
            text_equal_ignore_case(sampled, TEXT_LITERAL("true")) ||
            text_equal_ignore_case(sampled, TEXT_LITERAL("false")));
}

static void check_back(const struct span_context *span,
                       void (*inject)(const struct span_context *, const struct baggage *,
                                      const struct carrier_sink *))
{
    static struct remote_context again;
    struct text values[HEADERS] = {{NULL, 0}};
    struct carrier_sink sink = {values, set};
    struct carrier_source source = {values, get_all, NULL};
    again.span = (struct span_context){.flags = 0};
    inject(span, NULL, &sink);
    b3_extract(&source, &again);
    assert(memcmp(&again.span.trace_id, &span->trace_id, sizeof span->trace_id) == 0);
    assert(memcmp(&again.span.span_id, &span->span_id, sizeof span->span_id) == 0);
    assert(again.span.flags == span->flags && again.span.is_debug == span->is_debug);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct remote_context context;
    char *bytes = malloc(size ? size : 1); /* exactly: one byte too far is a crash */
    if (size > 0)
        memcpy(bytes, data, size);
    struct text rest = {bytes, size}, values[HEADERS] = {{NULL, 0}};
    for (size_t i = 0; i < HEADERS && rest.data != NULL; i++)
        values[i] = i < FLAGS ? text_split(&rest, '\n') : rest;
    struct carrier_source source = {values, get_all, NULL};
    context.span = (struct span_context){.flags = 0};
    b3_extract(&source, &context);

    struct text single = text_trim(values[SINGLE]);
    bool expected = single_is_valid(single) || (!is_state(single) && multi_is_valid(values));
    bool is_valid = span_context_is_valid(&context.span);
    assert(is_valid == expected);
    if (is_valid) {
        assert(context.span.is_remote && (context.span.flags & ~TRACE_FLAG_SAMPLED) == 0);
        assert(!context.span.is_debug || span_context_is_sampled(&context.span));
        check_back(&context.span, b3_single_inject);
        check_back(&context.span, b3_multi_inject);
    }
    free(bytes);
    return 0;
}
