/* Whatever arrives in the fields of a carrier, read by every propagator: no byte is read or written
 * outside, what comes out is printable and within its bounds, and reading it again gives the same
 * context. The first byte chooses the propagators; the rest is lines, "name: value". */
#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "trace/baggage.h"
#include "trace/propagation.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Each bit of the choice is a row of the table. */
static void choose(uint8_t bits)
{
    const struct propagator *list[PROPAGATORS_MAX] = {NULL};
    for (size_t i = 0; i < propagator_row_count; i++)
        if (bits & 1u << i)
            propagator_list_add(list, &propagator_rows[i]);
    propagation_use(list);
}

static void check_lines(const char *text)
{
    size_t length = strlen(text);
    assert(length < CARRIER_LINES_MAX);
    for (size_t i = 0; i < length; i++)
        assert((text[i] >= 0x20 && text[i] <= 0x7e) || text[i] == '\r' || text[i] == '\n');
}

static void write_lines(const struct remote_context *context, char text[CARRIER_LINES_MAX])
{
    struct carrier_lines lines = {text, CARRIER_LINES_MAX};
    struct carrier_sink sink = carrier_lines_sink(&lines);
    text[0] = '\0';
    propagation_inject(&context->span, &context->baggage, &sink);
    check_lines(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct remote_context once, again;
    static char first[CARRIER_LINES_MAX], second[CARRIER_LINES_MAX];
    if (size == 0)
        return 0;
    choose(data[0]);
    struct text lines = {(const char *)data + 1, size - 1};
    struct carrier_source source = carrier_lines_source(&lines);
    propagation_extract(&source, &once);
    assert(once.span.trace_state.length <= TRACE_STATE_MAX);
    assert(once.baggage.length_bytes <= BAGGAGE_MAX);
    assert(!span_context_is_valid(&once.span) || once.span.is_remote);
    write_lines(&once, first);

    lines = text_of(first);
    propagation_extract(&source, &again);
    assert(span_context_is_valid(&once.span) == span_context_is_valid(&again.span));
    write_lines(&again, second);
    /* The last of several wins, and B3 carries less than W3C's. */
    bool is_mixed = (data[0] & 1) != 0 && (data[0] & 12) != 0;
    assert(is_mixed || strcmp(first, second) == 0);
    assert(memcmp(&once.span.trace_id, &again.span.trace_id, sizeof once.span.trace_id) == 0);

    struct baggage_entry entry;
    struct text rest = baggage_list(&once.baggage);
    static char value[BAGGAGE_MAX + 1];
    while (baggage_next(&rest, &entry))
        assert(baggage_decode(entry.value, value, sizeof value) == STATUS_OK &&
               strlen(value) <= entry.value.length);
    return 0;
}
