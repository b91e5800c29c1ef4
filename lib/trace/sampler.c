#include "trace/sampler.h"

#include "trace/trace_state_ot.h"

static const double two_to_56 = 72057594037927936.0;

static struct sampler_ready ready(const struct sampler_rule *rule, enum sampler_kind unset)
{
    return (struct sampler_ready){
        .kind = rule->kind == SAMPLER_UNSET ? unset : rule->kind,
        .threshold = (uint64_t)(two_to_56 * (1.0 - rule->ratio)),
        .custom = rule->custom,
    };
}

struct sampler sampler_of(const struct sampling *sampling)
{
    return (struct sampler){
        .cases =
            {
                [SAMPLER_ROOT] = ready(&sampling->root, SAMPLER_ALWAYS_ON),
                [SAMPLER_REMOTE_SAMPLED] = ready(&sampling->remote_sampled, SAMPLER_ALWAYS_ON),
                [SAMPLER_REMOTE_UNSAMPLED] = ready(&sampling->remote_unsampled, SAMPLER_ALWAYS_OFF),
                [SAMPLER_LOCAL_SAMPLED] = ready(&sampling->local_sampled, SAMPLER_ALWAYS_ON),
                [SAMPLER_LOCAL_UNSAMPLED] = ready(&sampling->local_unsampled, SAMPLER_ALWAYS_OFF),
            },
        .ignores_parent = sampling->ignores_parent,
        .records_dropped = sampling->records_dropped,
    };
}

static uint64_t randomness(const struct trace_id *trace_id)
{
    uint64_t value = 0;
    for (size_t i = 9; i < sizeof trace_id->bytes; i++)
        value = value << 8 | trace_id->bytes[i];
    return value;
}

enum sampling_decision sampler_decide_ratio(const struct sampler *sampler,
                                            const struct sampler_ready *rule,
                                            const struct trace_id *trace_id)
{
    return randomness(trace_id) >= rule->threshold ? SAMPLING_RECORD_AND_SAMPLE
                                                   : sampler_dropped(sampler);
}

/* Consistent probability sampling: those downstream learn with which threshold it was kept. */
static void ask_probability(const struct sampler_ready *rule, const struct sampling_input *input,
                            struct sampling_result *result, struct trace_state *memory)
{
    struct trace_state_ot entry = {0};
    (void)trace_state_ot_read(result->trace_state, &entry);
    uint64_t random = entry.has_randomness ? entry.randomness : randomness(&input->trace_id);
    bool kept = random >= rule->threshold;
    /* Ratio 0 has no threshold below the limit: nothing is kept. */
    entry.has_threshold = kept;
    entry.threshold = kept ? rule->threshold : 0;
    result->decision = kept ? SAMPLING_RECORD_AND_SAMPLE : SAMPLING_DROP;
    if (trace_state_ot_write(result->trace_state, &entry, memory) == STATUS_OK)
        result->trace_state = trace_state_list(memory);
}

static void ask_custom(const struct sampler_ready *rule, const struct sampling_input *input,
                       struct sampling_result *result, struct trace_state *memory)
{
    struct text before = result->trace_state;
    rule->custom->decide(rule->custom->self, input, result);
    if (result->trace_state.length == 0 || result->trace_state.data == before.data)
        return;
    struct trace_state_reader reader;
    trace_state_reader_init(&reader);
    trace_state_reader_add_line(&reader, result->trace_state);
    size_t length = trace_state_reader_write(&reader, memory->text, sizeof memory->text);
    memory->length_bytes = (uint16_t)length;
    result->trace_state = length > 0 ? trace_state_list(memory) : before;
}

void sampler_ask(const struct sampler *sampler, const struct sampler_ready *rule,
                 const struct sampling_input *input, struct sampling_result *result,
                 struct trace_state *memory)
{
    if (rule->kind == SAMPLER_CUSTOM)
        ask_custom(rule, input, result, memory);
    else
        ask_probability(rule, input, result, memory);
    if (result->decision == SAMPLING_DROP)
        result->decision = sampler_dropped(sampler);
}
