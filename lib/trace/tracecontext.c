#include "trace/tracecontext.h"

#include "base/hex.h"
#include "trace/trace_state.h"

static const char parent_name[] = "traceparent";
static const char state_name[] = "tracestate";

const char *const tracecontext_fields[] = {parent_name, state_name, NULL};

/* Where the parts of "VV-<trace id>-<span id>-FF" begin. */
enum { AT_TRACE_ID = 3, AT_SPAN_ID = 36, AT_FLAGS = 53, AT_SUFFIX = 55 };

/* ---- out */

static void write_parent(const struct span_context *span, char out[TRACEPARENT_LENGTH])
{
    uint8_t flags = span->flags & (TRACE_FLAG_SAMPLED | TRACE_FLAG_RANDOM);
    out[0] = out[1] = '0';
    out[AT_TRACE_ID - 1] = '-';
    hex_encode(span->trace_id.bytes, 16, out + AT_TRACE_ID);
    out[AT_SPAN_ID - 1] = '-';
    hex_encode(span->span_id.bytes, 8, out + AT_SPAN_ID);
    out[AT_FLAGS - 1] = '-';
    hex_encode(&flags, 1, out + AT_FLAGS);
}

/* A program may have made the list up: it is read once more. */
static size_t write_state(struct text list, char out[TRACE_STATE_MAX + 1])
{
    struct trace_state_reader reader;
    trace_state_reader_init(&reader);
    trace_state_reader_add_line(&reader, list);
    return trace_state_reader_write(&reader, out, TRACE_STATE_MAX + 1);
}

void tracecontext_inject(const struct span_context *span, const struct baggage *baggage,
                         const struct carrier_sink *sink)
{
    char parent[TRACEPARENT_LENGTH], state[TRACE_STATE_MAX + 1];
    (void)baggage;
    if (span == NULL || !span_context_is_valid(span))
        return;
    write_parent(span, parent);
    sink->set(sink->carrier, parent_name, (struct text){parent, sizeof parent});
    size_t length = span->trace_state.length > 0 ? write_state(span->trace_state, state) : 0;
    if (length > 0)
        sink->set(sink->carrier, state_name, (struct text){state, length});
}

/* ---- in */

static bool version_allows_length(uint8_t version, struct text text)
{
    if (version == 0xff)
        return false;
    if (version == 0)
        return text.length == TRACEPARENT_LENGTH;
    return text.length == TRACEPARENT_LENGTH || text.data[AT_SUFFIX] == '-';
}

static bool read_parent(struct text text, struct span_context *out)
{
    uint8_t version, flags;
    *out = (struct span_context){.is_remote = true};
    if (text.length < TRACEPARENT_LENGTH || text.data[AT_TRACE_ID - 1] != '-' ||
        text.data[AT_SPAN_ID - 1] != '-' || text.data[AT_FLAGS - 1] != '-')
        return false;
    if (!hex_decode(text.data, 1, false, &version) || !version_allows_length(version, text))
        return false;
    if (!hex_decode(text.data + AT_TRACE_ID, 16, false, out->trace_id.bytes) ||
        !hex_decode(text.data + AT_SPAN_ID, 8, false, out->span_id.bytes) ||
        !hex_decode(text.data + AT_FLAGS, 1, false, &flags))
        return false;
    out->flags = flags & (TRACE_FLAG_SAMPLED | TRACE_FLAG_RANDOM);
    return span_context_is_valid(out);
}

static void take_state(void *into, struct text value)
{
    trace_state_reader_add_line(into, value);
}

void tracecontext_extract(const struct carrier_source *source, struct remote_context *into)
{
    struct span_context found;
    struct trace_state_reader reader;
    struct text parent;
    if (!carrier_get_one(source, parent_name, &parent) || !read_parent(parent, &found))
        return;
    trace_state_reader_init(&reader);
    source->get_all(source->carrier, state_name, take_state, &reader);
    into->span = found;
    into->span.trace_state.data = into->trace_state;
    into->span.trace_state.length =
        trace_state_reader_write(&reader, into->trace_state, sizeof into->trace_state);
}
