/* Words and JSON of a finding; declared in diagnose.h. */
#include "diagnose/diagnose.h"

static const char *const kind_words[] = {
#define FINDING_KIND_WORD(name, word) word,
    FINDING_KIND_LIST(FINDING_KIND_WORD)
#undef FINDING_KIND_WORD
};

const char *finding_kind_word(enum finding_kind kind)
{
    return (unsigned)kind < FINDING_KIND_COUNT ? kind_words[kind] : "unknown";
}

bool finding_kind_of(struct text word, enum finding_kind *kind)
{
    for (unsigned i = 0; i < FINDING_KIND_COUNT; i++) {
        if (!text_is(word, kind_words[i]))
            continue;
        *kind = (enum finding_kind)i;
        return true;
    }
    return false;
}

const char *finding_state_word(enum finding_state state)
{
    return state == FINDING_REGRESSION ? "regression" : "standing";
}

const char *finding_confidence_word(enum finding_confidence confidence)
{
    static const char *const words[] = {"hint", "strong", "proved"};
    return (unsigned)confidence < sizeof(words) / sizeof(words[0]) ? words[confidence] : "hint";
}

bool finding_counts(const struct finding *finding, bool with_baseline)
{
    const enum finding_state wanted = with_baseline ? FINDING_REGRESSION : FINDING_STANDING;
    return finding->confidence != FINDING_HINT && finding->state == wanted;
}

static void write_number(struct json_writer *writer, const char *key, double value)
{
    json_field_fixed(writer, key, value, 3);
}

static void write_evidence(const struct finding *finding, struct json_writer *writer)
{
    json_key(writer, "evidence");
    json_begin_object(writer);
    json_key(writer, "gates");
    json_begin_array(writer);
    for (size_t i = 0; i < finding->gate_count; i++) {
        json_begin_object(writer);
        json_field_cstring(writer, "name", finding->gates[i].name);
        write_number(writer, "value", finding->gates[i].value);
        write_number(writer, "threshold", finding->gates[i].threshold);
        json_end_object(writer);
    }
    json_end_array(writer);
    json_key(writer, "spans");
    json_begin_array(writer);
    for (size_t i = 0; i < finding->trace_count; i++) {
        const struct finding_trace *trace = &finding->traces[i];
        json_begin_object(writer);
        json_field_hex(writer, "trace_id", trace->trace_id, sizeof(trace->trace_id));
        json_field_hex(writer, "span_id", trace->span_id, sizeof(trace->span_id));
        write_number(writer, "before_ms", trace->before_ms);
        write_number(writer, "after_ms", trace->after_ms);
        json_end_object(writer);
    }
    json_end_array(writer);
    json_end_object(writer);
}

static void write_lists(const struct finding *finding, struct json_writer *writer)
{
    json_key(writer, "traces");
    json_begin_array(writer);
    for (size_t i = 0; i < finding->trace_count; i++)
        json_hex(writer, finding->traces[i].trace_id, sizeof(finding->traces[i].trace_id));
    json_end_array(writer);
    write_evidence(finding, writer);
    json_key(writer, "ruled_out");
    json_begin_array(writer);
    for (size_t i = 0; i < finding->ruled_out_count; i++)
        json_text(writer, finding->ruled_out[i]);
    json_end_array(writer);
}

void finding_write_json(const struct finding *finding, struct json_writer *writer)
{
    json_begin_object(writer);
    json_field_cstring(writer, "kind", finding_kind_word(finding->kind));
    json_field_text(writer, "service", finding->service);
    json_field_text(writer, "operation", finding->operation);
    json_field_text(writer, "peer", finding->peer);
    json_field_text(writer, "entry", finding->entry);
    json_field_cstring(writer, "state", finding_state_word(finding->state));
    json_field_cstring(writer, "confidence", finding_confidence_word(finding->confidence));
    write_number(writer, "prevalence", finding->prevalence);
    json_field_u64(writer, "support", finding->support);
    write_number(writer, "cost_ms", finding->cost_ms);
    write_number(writer, "saving_ms", finding->saving_ms);
    write_number(writer, "saving_p90_ms", finding->saving_p90_ms);
    json_field_text(writer, "summary", finding->summary);
    write_lists(finding, writer);
    json_end_object(writer);
}
