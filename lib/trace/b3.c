#include "trace/b3.h"

#include <string.h>

#include "base/hex.h"

static const char single_name[] = "b3";
static const char trace_id_name[] = "X-B3-TraceId";
static const char span_id_name[] = "X-B3-SpanId";
static const char sampled_name[] = "X-B3-Sampled";
static const char flags_name[] = "X-B3-Flags";

const char *const b3_single_fields[] = {single_name, NULL};
const char *const b3_multi_fields[] = {trace_id_name, span_id_name, sampled_name, flags_name, NULL};

enum { TRACE_ID_DIGITS = 32, SPAN_ID_DIGITS = 16 };

/* ---- out */

static char state_of(const struct span_context *span)
{
    if (span->is_debug)
        return 'd';
    return span_context_is_sampled(span) ? '1' : '0';
}

void b3_single_inject(const struct span_context *span, const struct baggage *baggage,
                      const struct carrier_sink *sink)
{
    char value[TRACE_ID_DIGITS + 1 + SPAN_ID_DIGITS + 2];
    (void)baggage;
    if (span == NULL || !span_context_is_valid(span))
        return;
    hex_encode(span->trace_id.bytes, 16, value);
    value[TRACE_ID_DIGITS] = '-';
    hex_encode(span->span_id.bytes, 8, value + TRACE_ID_DIGITS + 1);
    value[sizeof value - 2] = '-';
    value[sizeof value - 1] = state_of(span);
    sink->set(sink->carrier, single_name, (struct text){value, sizeof value});
}

void b3_multi_inject(const struct span_context *span, const struct baggage *baggage,
                     const struct carrier_sink *sink)
{
    char trace_id[TRACE_ID_DIGITS], span_id[SPAN_ID_DIGITS];
    (void)baggage;
    if (span == NULL || !span_context_is_valid(span))
        return;
    hex_encode(span->trace_id.bytes, 16, trace_id);
    hex_encode(span->span_id.bytes, 8, span_id);
    sink->set(sink->carrier, trace_id_name, (struct text){trace_id, sizeof trace_id});
    sink->set(sink->carrier, span_id_name, (struct text){span_id, sizeof span_id});
    const char state = state_of(span);
    if (state == 'd') /* which implies that it is sampled */
        sink->set(sink->carrier, flags_name, TEXT_LITERAL("1"));
    else
        sink->set(sink->carrier, sampled_name, (struct text){&state, 1});
}

/* ---- in */

static bool read_trace_id(struct text digits, struct trace_id *out)
{
    *out = (struct trace_id){{0}};
    if (digits.length != TRACE_ID_DIGITS && digits.length != TRACE_ID_DIGITS / 2)
        return false;
    size_t count = digits.length / 2;
    return hex_decode(digits.data, count, false, out->bytes + 16 - count);
}

static bool read_span_id(struct text digits, struct span_id *out)
{
    return digits.length == SPAN_ID_DIGITS && hex_decode(digits.data, 8, false, out->bytes);
}

/* "0", "1" or "d". */
static bool read_state(struct text state, struct span_context *out)
{
    if (state.length != 1 || strchr("01d", state.data[0]) == NULL || state.data[0] == '\0')
        return false;
    out->is_debug = state.data[0] == 'd';
    out->flags = state.data[0] == '0' ? 0 : TRACE_FLAG_SAMPLED;
    return true;
}

/* "tid-sid", then "-state", then "-parent"; or the state alone, which leaves the ids zero. */
static bool read_single(struct text value, struct span_context *out)
{
    struct text rest = value;
    struct span_id parent;
    *out = (struct span_context){.is_remote = true};
    if (read_state(value, out))
        return true;
    if (!read_trace_id(text_split(&rest, '-'), &out->trace_id) || rest.data == NULL ||
        !read_span_id(text_split(&rest, '-'), &out->span_id))
        return false;
    if (rest.data != NULL && !read_state(text_split(&rest, '-'), out))
        return false;
    return (rest.data == NULL || read_span_id(rest, &parent)) && span_context_is_valid(out);
}

/* Early tracers wrote true and false. */
static bool read_sampled(struct text value, uint8_t *flags)
{
    bool sampled = text_is(value, "1") || text_equal_ignore_case(value, TEXT_LITERAL("true"));
    *flags = sampled ? TRACE_FLAG_SAMPLED : 0;
    return sampled || text_is(value, "0") || text_equal_ignore_case(value, TEXT_LITERAL("false"));
}

static bool read_multi(const struct carrier_source *source, struct span_context *out)
{
    struct text value;
    *out = (struct span_context){.is_remote = true};
    if (!carrier_get_one(source, trace_id_name, &value) || !read_trace_id(value, &out->trace_id) ||
        !carrier_get_one(source, span_id_name, &value) || !read_span_id(value, &out->span_id))
        return false;
    if (carrier_get(source, sampled_name).data != NULL &&
        (!carrier_get_one(source, sampled_name, &value) || !read_sampled(value, &out->flags)))
        return false;
    out->is_debug = carrier_get_one(source, flags_name, &value) && text_is(value, "1");
    if (out->is_debug)
        out->flags = TRACE_FLAG_SAMPLED;
    return span_context_is_valid(out);
}

void b3_extract(const struct carrier_source *source, struct remote_context *into)
{
    struct span_context found;
    struct text value;
    bool is_single = carrier_get_one(source, single_name, &value) && read_single(value, &found);
    if (!is_single && !read_multi(source, &found))
        return;
    if (!span_context_is_valid(&found))
        return;
    into->span = found;
    into->trace_state[0] = '\0';
}
