#include "services/collector/health.h"

#include "services/collector/answer.h"
#include "services/collector/collector.h"

enum { SILENT_MAX = 64 };

struct health {
    struct json_writer *writer;
    uint64_t lost, logs_lost;
    const char *silent[SILENT_MAX];
    size_t silent_count;
};

static void put_number(struct json_writer *writer, const char *key, uint64_t value)
{
    json_key(writer, key);
    json_u64(writer, value);
}

static void put_sender(void *context, const struct sender *sender)
{
    struct health *health = context;
    if (sender->is_silent && health->silent_count < SILENT_MAX)
        health->silent[health->silent_count++] = sender->name;
    health->lost += sender->lost.dropped;
    health->logs_lost += sender->lost.logs;
    json_begin_object(health->writer);
    json_key(health->writer, "name");
    json_cstring(health->writer, sender->name);
    put_number(health->writer, "spans_lost", sender->lost.dropped);
    put_number(health->writer, "logs_lost", sender->lost.logs);
    json_end_object(health->writer);
}

/* Returns the requests that were refused as a whole. */
static uint64_t put_own(struct health *health, const struct counters *counters)
{
    struct json_writer *writer = health->writer;
    const uint64_t refused = counters_get(counters, COUNTER_REFUSED);
    const uint64_t dropped = counters_get(counters, COUNTER_DROPPED_STORE) +
                             counters_get(counters, COUNTER_DROPPED_MEMORY);
    const uint64_t requests = counters_get(counters, COUNTER_REQUESTS_INVALID) +
                              counters_get(counters, COUNTER_REQUESTS_TOO_LARGE);
    json_key(writer, "collector");
    json_begin_object(writer);
    put_number(writer, "spans_refused", refused);
    put_number(writer, "spans_dropped", dropped);
    put_number(writer, "requests_refused", requests);
    json_end_object(writer);
    health->lost += refused + dropped;
    health->logs_lost +=
        counters_get(counters, COUNTER_LOGS_REFUSED) + counters_get(counters, COUNTER_LOGS_DROPPED);
    return requests;
}

void health_handle(struct request *request, struct response *response)
{
    struct collector *collector = request->context;
    struct answer answer;
    struct health health = {.writer = &answer.writer};
    answer_begin(&answer);
    json_begin_object(&answer.writer);
    const uint64_t requests = put_own(&health, &collector->counters);
    json_key(&answer.writer, "senders");
    json_begin_array(&answer.writer);
    senders_visit(collector->senders, put_sender, &health);
    json_end_array(&answer.writer);
    json_key(&answer.writer, "silent");
    json_begin_array(&answer.writer);
    for (size_t i = 0; i < health.silent_count; i++)
        json_cstring(&answer.writer, health.silent[i]);
    json_end_array(&answer.writer);
    put_number(&answer.writer, "spans_lost", health.lost);
    put_number(&answer.writer, "logs_lost", health.logs_lost);
    json_key(&answer.writer, "complete");
    json_bool(&answer.writer, health.lost == 0 && requests == 0);
    json_end_object(&answer.writer);
    answer_send(&answer, response, 200);
}
