#include "loadgen/load/load_sample.h"

#include <stddef.h>

#include "loadgen/engine/engine.h"

const char *load_outcome_words(enum load_outcome outcome)
{
    static const char *const words[] = {
#define OUTCOME_WORDS(name, text) text,
        LOAD_OUTCOME_LIST(OUTCOME_WORDS)
#undef OUTCOME_WORDS
    };
    return (unsigned)outcome < LOAD_OUTCOME_COUNT ? words[outcome] : "unknown outcome";
}

bool load_outcome_is_censored(enum load_outcome outcome)
{
    return outcome != LOAD_OK && outcome != LOAD_STATUS && outcome != LOAD_BODY;
}

static uint64_t since(uint64_t later_ns, uint64_t earlier_ns)
{
    return later_ns > earlier_ns ? later_ns - earlier_ns : 0;
}

uint64_t load_sample_lag_ns(const struct load_sample *sample)
{
    return since(sample->sent_ns != 0 ? sample->sent_ns : sample->done_ns, sample->due_ns);
}

uint64_t load_sample_latency_ns(const struct load_sample *sample)
{
    return since(sample->done_ns, sample->due_ns);
}

uint64_t load_sample_service_ns(const struct load_sample *sample)
{
    return sample->sent_ns != 0 ? since(sample->done_ns, sample->sent_ns) : 0;
}

enum load_outcome load_outcome_of(enum status engine_outcome)
{
    static const struct {
        enum status status;
        enum load_outcome outcome;
    } outcomes[] = {
        {STATUS_OK, LOAD_OK},         {STATUS_REFUSED, LOAD_CONNECT},
        {STATUS_CLOSED, LOAD_CLOSED}, {STATUS_TIMEOUT, LOAD_TIMEOUT},
        {STATUS_BUSY, LOAD_DROPPED},  {STATUS_INTERRUPTED, LOAD_UNFINISHED},
    };
    for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++)
        if (outcomes[i].status == engine_outcome)
            return outcomes[i].outcome;
    return LOAD_PROTOCOL;
}

struct load_sample load_sample_of(const struct engine_request *request, uint64_t due_ns,
                                  enum load_outcome outcome)
{
    return (struct load_sample){
        .outcome = outcome,
        .http_status = (uint16_t)request->http_status,
        .censored = load_outcome_is_censored(outcome),
        .due_ns = due_ns,
        .seen_ns = request->submitted_ns,
        .sent_ns = request->sent_ns,
        .connect_ns = request->connect_ns,
        .first_byte_ns = request->first_byte_ns,
        .done_ns = request->done_ns,
        .sent_bytes = request->sent_bytes,
        .received_bytes = request->received_bytes,
    };
}
