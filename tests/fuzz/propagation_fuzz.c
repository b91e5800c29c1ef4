/* Whatever arrives as traceparent, tracestate and baggage: no byte is read or written outside, what
 * comes out is printable and within its bounds, and reading it again changes nothing. The input's
 * first three lines are the three texts. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "trace/propagation.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_printable(const char *text, size_t most)
{
    size_t length = strlen(text);
    assert(length <= most);
    for (size_t i = 0; i < length; i++)
        assert(text[i] >= 0x20 && text[i] <= 0x7e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct remote_context once, again;
    static struct propagation_headers first, second;
    struct text rest = {(const char *)data, size};
    struct text parent = text_split(&rest, '\n');
    struct text state = rest.data ? text_split(&rest, '\n') : (struct text){NULL, 0};
    struct text baggage = rest.data ? rest : (struct text){NULL, 0};

    propagation_extract_texts(parent, state, baggage, &once);
    propagation_inject(&once.span, &once.baggage, &first);
    check_printable(first.traceparent, TRACEPARENT_LENGTH);
    check_printable(first.trace_state, TRACE_STATE_MAX);
    check_printable(first.baggage_text, BAGGAGE_MAX);
    assert(span_context_is_valid(&once.span) == (first.traceparent[0] != '\0'));
    assert(span_context_is_valid(&once.span) || first.trace_state[0] == '\0');

    propagation_extract_texts(text_of(first.traceparent), text_of(first.trace_state),
                              text_of(first.baggage_text), &again);
    propagation_inject(&again.span, &again.baggage, &second);
    assert(strcmp(first.traceparent, second.traceparent) == 0);
    assert(strcmp(first.trace_state, second.trace_state) == 0);
    assert(strcmp(first.baggage_text, second.baggage_text) == 0);
    return 0;
}
