#include "http/metrics_text.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/hex.h"
#include "base/text.h"

static const char *const type_words[] = {
    [METRICS_COUNTER] = "counter",
    [METRICS_GAUGE] = "gauge",
    [METRICS_HISTOGRAM] = "histogram",
};

/* OpenMetrics names a counter's family without the ending that its rows have. */
static struct text family_name(const struct metrics_text *text, const char *name,
                               enum metrics_type type)
{
    static const char ending[] = "_total";
    struct text family = text_of(name);
    size_t length = sizeof ending - 1;
    if (text->is_open && type == METRICS_COUNTER && family.length > length &&
        memcmp(family.data + family.length - length, ending, length) == 0)
        family.length -= length;
    return family;
}

void metrics_text_family(const struct metrics_text *text, const char *name, enum metrics_type type,
                         const char *help)
{
    struct text family = family_name(text, name, type);
    buffer_printf(text->out, "# HELP %.*s %s\n# TYPE %.*s %s\n", TEXT_ARGS(family), help,
                  TEXT_ARGS(family), type_words[type]);
}

/* "name{labels,more} "; braces only where there is something in them. */
static void put_name(const struct metrics_text *text, const char *name, const char *labels)
{
    buffer_append_text(text->out, name);
    if (labels[0])
        buffer_printf(text->out, "{%s}", labels);
    buffer_append_byte(text->out, ' ');
}

void metrics_text_u64(const struct metrics_text *text, const char *name, const char *labels,
                      uint64_t value)
{
    put_name(text, name, labels);
    buffer_printf(text->out, "%" PRIu64 "\n", value);
}

void metrics_text_seconds(const struct metrics_text *text, const char *name, double seconds)
{
    buffer_printf(text->out, "%s %.6f\n", name, seconds);
}

static double seconds_of(uint64_t ns)
{
    return (double)ns / (double)NS_PER_S;
}

static void put_exemplar(struct buffer *out, const struct metrics_exemplar *exemplar)
{
    char trace_id[33] = "", span_id[17] = "";
    hex_encode(exemplar->trace_id.bytes, sizeof exemplar->trace_id.bytes, trace_id);
    hex_encode(exemplar->span_id.bytes, sizeof exemplar->span_id.bytes, span_id);
    buffer_printf(out, " # {trace_id=\"%s\",span_id=\"%s\"} %.9f %.3f", trace_id, span_id,
                  seconds_of(exemplar->duration_ns), seconds_of(exemplar->wall_ns));
}

/* OpenMetrics writes whole numbers with a fraction. */
static void put_bucket_name(const struct metrics_text *text, const char *name, const char *labels,
                            size_t bucket)
{
    const char *most = bucket < DURATIONS_BOUNDS ? durations_bounds[bucket].words : "+Inf";
    bool is_whole = bucket < DURATIONS_BOUNDS && strchr(most, '.') == NULL;
    buffer_printf(text->out, "%s_bucket{%s%sle=\"%s%s\"} ", name, labels, labels[0] ? "," : "",
                  most, text->is_open && is_whole ? ".0" : "");
}

void metrics_text_durations(const struct metrics_text *text, const char *name, const char *labels,
                            const struct durations *durations,
                            const struct metrics_exemplar *exemplars)
{
    uint64_t sum = 0;
    for (size_t i = 0; i <= DURATIONS_BOUNDS; i++) {
        sum += durations->buckets[i];
        put_bucket_name(text, name, labels, i);
        buffer_printf(text->out, "%" PRIu64, sum);
        if (text->is_open && exemplars && exemplars[i].wall_ns > 0)
            put_exemplar(text->out, &exemplars[i]);
        buffer_append_byte(text->out, '\n');
    }
    const char *open = labels[0] ? "{" : "", *close = labels[0] ? "}" : "";
    buffer_printf(text->out, "%s_sum%s%s%s %.9f\n%s_count%s%s%s %" PRIu64 "\n", name, open, labels,
                  close, seconds_of(durations->sum_ns), name, open, labels, close,
                  durations->count);
}

void metrics_text_end(const struct metrics_text *text)
{
    if (text->is_open)
        buffer_append_text(text->out, "# EOF\n");
}

void metrics_text_rows(const struct metrics_text *text, const struct metrics_row *rows,
                       size_t count)
{
    const char *last = "";
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rows[i].name, last) != 0)
            metrics_text_family(text, rows[i].name, rows[i].type, rows[i].help);
        last = rows[i].name;
        metrics_text_u64(text, rows[i].name, rows[i].labels, rows[i].value);
    }
}

/* ---- which format */

/* The weight of one media range: 1 where none is written or it is wrong. */
static double weight_of(struct text parameters)
{
    double weight = 1;
    while (parameters.data) {
        struct text value = text_split(&parameters, ';');
        struct text key = text_trim(text_split(&value, '='));
        double given;
        if (text_equal_ignore_case(key, TEXT_LITERAL("q")) && value.data &&
            text_to_double(text_trim(value), &given) == STATUS_OK)
            weight = given;
    }
    return weight;
}

/* The greatest weight that a media type has in the list; 0 where it is not in it. */
static double weight_in(const char *accept, struct text type)
{
    double weight = 0;
    struct text rest = text_of(accept);
    while (rest.data) {
        struct text parameters = text_split(&rest, ',');
        struct text name = text_trim(text_split(&parameters, ';'));
        double given = text_equal_ignore_case(name, type) ? weight_of(parameters) : 0;
        weight = given > weight ? given : weight;
    }
    return weight;
}

bool metrics_text_wants_open(const char *accept)
{
    double open = weight_in(accept, TEXT_LITERAL("application/openmetrics-text"));
    return open > 0 && open >= weight_in(accept, TEXT_LITERAL("text/plain"));
}

const char *metrics_text_content_type(bool is_open)
{
    return is_open ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                   : "text/plain; version=0.0.4; charset=utf-8";
}
