#include "base/clock.h"
#include "otlp/otlp_json.h"
#include "otlp/otlp_proto.h"
#include "services/collector/batch.h"
#include "services/collector/ingest_inner.h"

/* `refused`: what never got into the batch. */
static void take_batch(struct exchange *exchange, const struct batch *batch, uint64_t refused)
{
    struct collector *collector = exchange->collector;
    refused += batch->refused + batch->overfull;
    const uint64_t lost = open_traces_add(collector->open, batch, clock_mono_ns());
    counters_add_latency(&collector->counters, batch, clock_wall_ns());
    counters_add(&collector->counters, COUNTER_RECEIVED, batch->count + refused);
    counters_add(&collector->counters, COUNTER_ACCEPTED, batch->count - lost);
    counters_add(&collector->counters, COUNTER_REFUSED, refused + lost);
    exchange_success(exchange, refused + lost,
                     lost + batch->overfull > 0
                         ? "a limit was passed: too many spans in one request or one trace"
                         : "trace_id must be 16 bytes, span_id 8, parent_span_id 8 or none; "
                           "neither id may be all zero");
}

static void take_spans(struct exchange *exchange, struct text bytes, uint64_t refused)
{
    struct batch batch;
    struct error error = {{0}};
    if (!open_traces_have_room(exchange->collector->open, bytes.length)) {
        exchange_busy(exchange);
        return;
    }
    const enum status status = batch_read(&batch, bytes, &error);
    if (status != STATUS_OK)
        exchange_status(exchange, status, error.text);
    else
        take_batch(exchange, &batch, refused);
    batch_release(&batch);
}

void ingest_spans_proto(struct exchange *exchange, struct text bytes)
{
    take_spans(exchange, bytes, 0);
}

/* By way of the model: what is kept is protobuf. */
void ingest_spans_json(struct exchange *exchange, struct text bytes)
{
    struct spans spans;
    struct buffer proto;
    struct error error = {{0}};
    uint64_t refused = 0;
    if (!exchange_reserve(exchange, bytes.length * INGEST_MODEL_RATIO)) {
        exchange_busy(exchange);
        return;
    }
    spans_init(&spans, BATCH_SPANS_MAX, INGEST_MODEL_MAX);
    buffer_init(&proto, INGEST_PLAIN_MAX * 2);
    enum status status = otlp_json_read(&spans, bytes.data, bytes.length, &refused, &error);
    if (status == STATUS_TOO_LARGE) { /* the rest is refused, not the request */
        refused += spans.rejected;
        status = STATUS_OK;
    }
    if (status == STATUS_OK)
        status = otlp_proto_write(&spans, 0, spans.count, &proto);
    spans_release(&spans);
    if (status != STATUS_OK)
        exchange_status(exchange, status, error.text[0] ? error.text : status_words(status));
    else
        take_spans(exchange, (struct text){buffer_text(&proto), proto.length_bytes}, refused);
    buffer_release(&proto);
}
