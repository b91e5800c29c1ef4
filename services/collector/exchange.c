#include "services/collector/exchange.h"

#include <stdlib.h>

#include "otlp/proto_out.h"

enum {
    ANSWER_MAX = 4096,
    IN_FLIGHT_MAX = 256 * 1024 * 1024,
};

static const char *const content_types[] = {
    [EXCHANGE_PROTO] = "application/x-protobuf",
    [EXCHANGE_JSON] = "application/json",
    [EXCHANGE_NONE] = "application/json",
};

bool exchange_reserve(struct exchange *exchange, uint64_t bytes)
{
    struct collector *collector = exchange->collector;
    const uint64_t before = atomic_fetch_add(&collector->in_flight_bytes, bytes);
    exchange->reserved += bytes;
    return before + bytes <= IN_FLIGHT_MAX || before + bytes == exchange->reserved;
}

void exchange_release(struct exchange *exchange)
{
    atomic_fetch_sub(&exchange->collector->in_flight_bytes, exchange->reserved);
    exchange->reserved = 0;
}

/* ---- answers */

static void answer_bytes(struct exchange *exchange, unsigned status, struct buffer *body)
{
    size_t length_bytes;
    uint8_t *bytes = buffer_take(body, &length_bytes);
    if (!bytes) /* an empty message: some servers want an address all the same */
        bytes = calloc(1, 1);
    response_bytes(exchange->response, status, content_types[exchange->encoding], bytes,
                   length_bytes);
}

void exchange_error(struct exchange *exchange, unsigned status, enum exchange_code code,
                    const char *words)
{
    struct buffer body;
    buffer_init(&body, ANSWER_MAX);
    if (exchange->encoding == EXCHANGE_PROTO) {
        proto_out_u64(&body, RPC_STATUS_CODE, code);
        proto_out_text(&body, RPC_STATUS_MESSAGE, text_of(words));
    } else {
        struct json_writer writer;
        json_writer_init(&writer, &body, 0);
        json_begin_object(&writer);
        json_field_u64(&writer, "code", code);
        json_field_cstring(&writer, "message", words);
        json_end_object(&writer);
    }
    answer_bytes(exchange, status, &body);
    buffer_release(&body);
}

void exchange_success(struct exchange *exchange, uint64_t refused, const char *words)
{
    struct buffer body;
    buffer_init(&body, ANSWER_MAX);
    if (exchange->encoding == EXCHANGE_PROTO && refused > 0) {
        const size_t mark = proto_out_begin(&body, OTLP_RESPONSE_PARTIAL_SUCCESS);
        proto_out_u64(&body, OTLP_PARTIAL_REJECTED_SPANS, refused);
        proto_out_text(&body, OTLP_PARTIAL_ERROR_MESSAGE, text_of(words));
        proto_out_end(&body, mark);
    } else if (exchange->encoding == EXCHANGE_JSON) {
        struct json_writer writer;
        json_writer_init(&writer, &body, 0);
        json_begin_object(&writer);
        if (refused > 0) {
            json_key(&writer, "partialSuccess");
            json_begin_object(&writer);
            json_field_u64_string(&writer, exchange->signal->rejected_key, refused);
            json_field_cstring(&writer, "errorMessage", words);
            json_end_object(&writer);
        }
        json_end_object(&writer);
    }
    answer_bytes(exchange, 200, &body);
    buffer_release(&body);
}

void exchange_busy(struct exchange *exchange)
{
    counters_add(&exchange->collector->counters, exchange->signal->busy, 1);
    response_header(exchange->response, "Retry-After", "1");
    exchange_error(exchange, 503, RPC_UNAVAILABLE, "short of memory: try again later");
}

void exchange_status(struct exchange *exchange, enum status status, const char *words)
{
    struct counters *counters = &exchange->collector->counters;
    if (status == STATUS_TOO_LARGE) {
        counters_add(counters, exchange->signal->too_large, 1);
        exchange_error(exchange, 413, RPC_RESOURCE_EXHAUSTED, words);
    } else if (status == STATUS_NO_MEMORY) {
        exchange_busy(exchange);
    } else {
        counters_add(counters, exchange->signal->invalid, 1);
        exchange_error(exchange, 400, RPC_INVALID_ARGUMENT, words);
    }
}
