#include "services/collector/health.h"

#include "services/collector/answer.h"
#include "services/collector/collector.h"

static void put_own(struct json_writer *writer, const struct losses *losses)
{
    json_key(writer, "collector");
    json_begin_object(writer);
    json_field_u64(writer, "spans_refused", losses->spans_refused);
    json_field_u64(writer, "spans_dropped", losses->spans_dropped);
    json_field_u64(writer, "logs_lost", losses->logs);
    json_field_u64(writer, "requests_refused", losses->requests_refused);
    json_end_object(writer);
}

static void put_senders(struct json_writer *writer, const struct losses *losses)
{
    json_key(writer, "senders");
    json_begin_array(writer);
    for (size_t i = 0; i < losses->count; i++) {
        json_begin_object(writer);
        json_field_cstring(writer, "name", losses->senders[i].name);
        json_field_u64(writer, "spans_lost", losses->senders[i].spans);
        json_field_u64(writer, "logs_lost", losses->senders[i].logs);
        json_end_object(writer);
    }
    json_end_array(writer);
    json_key(writer, "silent");
    json_begin_array(writer);
    for (size_t i = 0; i < losses->count; i++)
        if (losses->senders[i].is_silent)
            json_cstring(writer, losses->senders[i].name);
    json_end_array(writer);
}

void health_handle(struct request *request, struct response *response)
{
    struct collector *collector = request->context;
    struct answer answer;
    struct losses losses;
    losses_gather(&losses, &collector->earlier, &collector->counters, collector->senders, true);
    answer_begin(&answer);
    json_begin_object(&answer.writer);
    put_own(&answer.writer, &losses);
    put_senders(&answer.writer, &losses);
    const uint64_t spans = losses_spans(&losses);
    json_field_u64(&answer.writer, "spans_lost", spans);
    json_field_u64(&answer.writer, "logs_lost", losses_logs(&losses));
    json_field_bool(&answer.writer, "complete", spans == 0 && losses.requests_refused == 0);
    json_end_object(&answer.writer);
    answer_send(&answer, response, 200);
}
