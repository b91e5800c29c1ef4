#include "trace/propagation.h"

#include <string.h>

#include "base/hex.h"
#include "trace/baggage.h"
#include "trace/trace_state.h"

/* Where the parts of "VV-<trace id>-<span id>-FF" begin. */
enum { AT_TRACE_ID = 3, AT_SPAN_ID = 36, AT_FLAGS = 53, AT_SUFFIX = 55 };

static bool version_allows_length(uint8_t version, struct text text)
{
    if (version == 0xff)
        return false;
    if (version == 0)
        return text.length == TRACEPARENT_LENGTH;
    return text.length == TRACEPARENT_LENGTH || text.data[AT_SUFFIX] == '-';
}

static bool parse_traceparent(struct text value, struct span_context *out)
{
    struct text text = text_trim(value);
    uint8_t version, flags;
    struct span_context parsed = {.is_remote = true};
    if (text.length < TRACEPARENT_LENGTH || text.data[AT_TRACE_ID - 1] != '-' ||
        text.data[AT_SPAN_ID - 1] != '-' || text.data[AT_FLAGS - 1] != '-')
        return false;
    if (!hex_decode(text.data, 1, false, &version) || !version_allows_length(version, text))
        return false;
    if (!hex_decode(text.data + AT_TRACE_ID, 16, false, parsed.trace_id.bytes) ||
        !hex_decode(text.data + AT_SPAN_ID, 8, false, parsed.span_id.bytes) ||
        !hex_decode(text.data + AT_FLAGS, 1, false, &flags) || !span_context_is_valid(&parsed))
        return false;
    parsed.flags = flags & (TRACE_FLAG_SAMPLED | TRACE_FLAG_RANDOM);
    *out = parsed;
    return true;
}

static void clear(struct remote_context *out)
{
    out->span = (struct span_context){0};
    out->trace_state[0] = '\0';
    out->baggage.length_bytes = 0;
}

static void write_trace_state(const struct trace_state_reader *state, struct remote_context *out)
{
    size_t length = trace_state_reader_write(state, out->trace_state, sizeof out->trace_state);
    out->span.trace_state = (struct text){out->trace_state, length};
}

struct parents {
    struct text value;
    size_t count;
};

static void take_parent(void *into, struct text value)
{
    struct parents *parents = into;
    parents->value = value;
    parents->count++;
}

static void take_state(void *into, struct text value)
{
    trace_state_reader_add_line(into, value);
}

static void take_baggage(void *into, struct text value)
{
    baggage_reader_add_line(into, value);
}

void propagation_extract(const struct header_source *source, struct remote_context *out)
{
    clear(out);
    struct parents parents = {0};
    source->visit(source->carrier, "traceparent", take_parent, &parents);
    if (parents.count == 1 && parse_traceparent(parents.value, &out->span)) {
        struct trace_state_reader state;
        trace_state_reader_init(&state);
        source->visit(source->carrier, "tracestate", take_state, &state);
        write_trace_state(&state, out);
    }
    struct baggage_reader reader;
    baggage_reader_init(&reader, &out->baggage);
    source->visit(source->carrier, "baggage", take_baggage, &reader);
}

void propagation_extract_texts(struct text traceparent, struct text trace_state,
                               struct text baggage, struct remote_context *out)
{
    clear(out);
    if (traceparent.length > 0 && parse_traceparent(traceparent, &out->span)) {
        struct trace_state_reader state;
        trace_state_reader_init(&state);
        trace_state_reader_add_line(&state, trace_state);
        write_trace_state(&state, out);
    }
    struct baggage_reader reader;
    baggage_reader_init(&reader, &out->baggage);
    baggage_reader_add_line(&reader, baggage);
}

void propagation_traceparent(const struct span_context *span, char out[TRACEPARENT_LENGTH + 1])
{
    uint8_t flags = span->flags & (TRACE_FLAG_SAMPLED | TRACE_FLAG_RANDOM);
    memcpy(out, "00-", 3);
    hex_encode(span->trace_id.bytes, 16, out + AT_TRACE_ID);
    out[AT_SPAN_ID - 1] = '-';
    hex_encode(span->span_id.bytes, 8, out + AT_SPAN_ID);
    out[AT_FLAGS - 1] = '-';
    hex_encode(&flags, 1, out + AT_FLAGS);
    out[TRACEPARENT_LENGTH] = '\0';
}

/* A list that a caller made up must not break the header apart. */
static bool is_printable(struct text text)
{
    for (size_t i = 0; i < text.length; i++)
        if (text.data[i] < 0x20 || text.data[i] > 0x7e)
            return false;
    return true;
}

void propagation_inject(const struct span_context *span, const struct baggage *baggage,
                        struct propagation_headers *out)
{
    out->traceparent[0] = out->trace_state[0] = out->baggage_text[0] = '\0';
    out->baggage = NULL;
    if (span != NULL && span_context_is_valid(span)) {
        propagation_traceparent(span, out->traceparent);
        struct text state = span->trace_state;
        if (state.length <= TRACE_STATE_MAX && is_printable(state))
            text_copy(state, out->trace_state, sizeof out->trace_state);
    }
    if (baggage != NULL && baggage->length_bytes > 0) {
        text_copy((struct text){baggage->text, baggage->length_bytes}, out->baggage_text,
                  sizeof out->baggage_text);
        out->baggage = out->baggage_text;
    }
}
