#include "services/collector/ingest.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "otlp/gunzip.h"
#include "otlp/otlp_json.h"
#include "otlp/otlp_proto.h"
#include "otlp/proto_out.h"
#include "services/collector/batch.h"
#include "services/collector/collector.h"

enum {
    ANSWER_MAX = 4096,
    MODEL_BYTES_MAX = 512 * 1024 * 1024,
    IN_FLIGHT_MAX = 256 * 1024 * 1024,
    USUAL_RATIO = 24, /* inflated to deflated */
    USUAL_LEAST = 64 * 1024,
    MODEL_RATIO = 4, /* the model of spans to their JSON */
};

/* google.rpc.Code */
enum rpc_code {
    RPC_INVALID_ARGUMENT = 3,
    RPC_RESOURCE_EXHAUSTED = 8,
    RPC_UNIMPLEMENTED = 12,
    RPC_UNAVAILABLE = 14,
};

enum encoding { ENCODING_PROTO, ENCODING_JSON, ENCODING_NONE };

static const char *const content_types[] = {
    [ENCODING_PROTO] = "application/x-protobuf",
    [ENCODING_JSON] = "application/json",
    [ENCODING_NONE] = "application/json",
};

struct exchange {
    struct collector *collector;
    const struct request *request;
    struct response *response;
    enum encoding encoding;
    uint64_t refused;  /* that never got into the batch */
    uint64_t reserved; /* bytes of the budget for requests at work */
};

/* Bodies, inflated bodies and models of all requests at work share one budget; a request that is
 * alone always has room. false: come again later. */
static bool reserve(struct exchange *exchange, uint64_t bytes)
{
    struct collector *collector = exchange->collector;
    const uint64_t before = atomic_fetch_add(&collector->in_flight_bytes, bytes);
    exchange->reserved += bytes;
    return before + bytes <= IN_FLIGHT_MAX || before + bytes == exchange->reserved;
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

static void answer_error(struct exchange *exchange, unsigned status, enum rpc_code code,
                         const char *words)
{
    struct buffer body;
    buffer_init(&body, ANSWER_MAX);
    if (exchange->encoding == ENCODING_PROTO) {
        proto_out_u64(&body, RPC_STATUS_CODE, code);
        proto_out_text(&body, RPC_STATUS_MESSAGE, text_of(words));
    } else {
        struct json_writer writer;
        json_writer_init(&writer, &body, 0);
        json_begin_object(&writer);
        json_key(&writer, "code");
        json_u64(&writer, code);
        json_key(&writer, "message");
        json_cstring(&writer, words);
        json_end_object(&writer);
    }
    answer_bytes(exchange, status, &body);
    buffer_release(&body);
}

/* partial_success is left out when all was taken: what is set must not be sent again. */
static void answer_success(struct exchange *exchange, uint64_t refused, const char *words)
{
    struct buffer body;
    buffer_init(&body, ANSWER_MAX);
    if (exchange->encoding == ENCODING_PROTO && refused > 0) {
        const size_t mark = proto_out_begin(&body, OTLP_RESPONSE_PARTIAL_SUCCESS);
        proto_out_u64(&body, OTLP_PARTIAL_REJECTED_SPANS, refused);
        proto_out_text(&body, OTLP_PARTIAL_ERROR_MESSAGE, text_of(words));
        proto_out_end(&body, mark);
    } else if (exchange->encoding == ENCODING_JSON) {
        struct json_writer writer;
        json_writer_init(&writer, &body, 0);
        json_begin_object(&writer);
        if (refused > 0) {
            json_key(&writer, "partialSuccess");
            json_begin_object(&writer);
            json_key(&writer, "rejectedSpans");
            json_u64_string(&writer, refused);
            json_key(&writer, "errorMessage");
            json_cstring(&writer, words);
            json_end_object(&writer);
        }
        json_end_object(&writer);
    }
    answer_bytes(exchange, 200, &body);
    buffer_release(&body);
}

static void answer_busy(struct exchange *exchange)
{
    counters_add(&exchange->collector->counters, COUNTER_REQUESTS_BUSY, 1);
    response_header(exchange->response, "Retry-After", "1");
    answer_error(exchange, 503, RPC_UNAVAILABLE, "short of memory: try again later");
}

static void answer_status(struct exchange *exchange, enum status status, const char *words)
{
    struct counters *counters = &exchange->collector->counters;
    if (status == STATUS_TOO_LARGE) {
        counters_add(counters, COUNTER_REQUESTS_TOO_LARGE, 1);
        answer_error(exchange, 413, RPC_RESOURCE_EXHAUSTED, words);
    } else if (status == STATUS_NO_MEMORY) {
        answer_busy(exchange);
    } else {
        counters_add(counters, COUNTER_REQUESTS_INVALID, 1);
        answer_error(exchange, 400, RPC_INVALID_ARGUMENT, words);
    }
}

/* ---- spans */

static void take_batch(struct exchange *exchange, const struct batch *batch)
{
    struct collector *collector = exchange->collector;
    const uint64_t refused = exchange->refused + batch->refused + batch->overfull;
    const uint64_t lost = open_traces_add(collector->open, batch, clock_mono_ns());
    counters_add_latency(&collector->counters, batch, clock_wall_ns());
    counters_add(&collector->counters, COUNTER_RECEIVED, batch->count + refused);
    counters_add(&collector->counters, COUNTER_ACCEPTED, batch->count - lost);
    counters_add(&collector->counters, COUNTER_REFUSED, refused + lost);
    answer_success(exchange, refused + lost,
                   lost + batch->overfull > 0
                       ? "a limit was passed: too many spans in one request or one trace"
                       : "trace_id must be 16 bytes, span_id 8, parent_span_id 8 or none; "
                         "neither id may be all zero");
}

static void take_proto(struct exchange *exchange, struct text bytes)
{
    struct batch batch;
    struct error error = {{0}};
    if (!open_traces_have_room(exchange->collector->open, bytes.length)) {
        answer_busy(exchange);
        return;
    }
    const enum status status = batch_read(&batch, bytes, &error);
    if (status != STATUS_OK)
        answer_status(exchange, status, error.text);
    else
        take_batch(exchange, &batch);
    batch_release(&batch);
}

/* By way of the model: what is kept is protobuf. */
static void take_json(struct exchange *exchange, struct text bytes)
{
    struct spans spans;
    struct buffer proto;
    struct error error = {{0}};
    if (!reserve(exchange, bytes.length * MODEL_RATIO)) {
        answer_busy(exchange);
        return;
    }
    spans_init(&spans, BATCH_SPANS_MAX, MODEL_BYTES_MAX);
    buffer_init(&proto, INGEST_PLAIN_MAX * 2);
    enum status status =
        otlp_json_read(&spans, bytes.data, bytes.length, &exchange->refused, &error);
    if (status == STATUS_TOO_LARGE) { /* the rest is refused, not the request */
        exchange->refused += spans.rejected;
        status = STATUS_OK;
    }
    if (status == STATUS_OK)
        status = otlp_proto_write(&spans, 0, spans.count, &proto);
    spans_release(&spans);
    if (status != STATUS_OK)
        answer_status(exchange, status, error.text[0] ? error.text : status_words(status));
    else
        take_proto(exchange, (struct text){buffer_text(&proto), proto.length_bytes});
    buffer_release(&proto);
}

static void take_plain(struct exchange *exchange, struct text bytes)
{
    if (exchange->encoding == ENCODING_PROTO)
        take_proto(exchange, bytes);
    else
        take_json(exchange, bytes);
}

/* Most bodies inflate a little, a few much: the first try has room for the usual ratio, only what
 * passes it gets the whole limit. STATUS_BUSY: no room for now. */
static enum status inflate(struct exchange *exchange, struct text body, struct buffer *plain)
{
    const size_t usual = body.length * USUAL_RATIO + USUAL_LEAST;
    const size_t first = usual < INGEST_PLAIN_MAX ? usual : INGEST_PLAIN_MAX;
    buffer_init(plain, first);
    if (!reserve(exchange, first))
        return STATUS_BUSY;
    const enum status status = gunzip(body.data, body.length, plain);
    if (status != STATUS_TOO_LARGE || first == INGEST_PLAIN_MAX)
        return status;
    buffer_release(plain);
    buffer_init(plain, INGEST_PLAIN_MAX);
    if (!reserve(exchange, INGEST_PLAIN_MAX - first))
        return STATUS_BUSY;
    return gunzip(body.data, body.length, plain);
}

static void take_gzip(struct exchange *exchange, struct text body)
{
    struct buffer plain;
    const enum status status = inflate(exchange, body, &plain);
    if (status == STATUS_BUSY)
        answer_busy(exchange);
    else if (status == STATUS_OK)
        take_plain(exchange, (struct text){buffer_text(&plain), plain.length_bytes});
    else
        answer_status(exchange, status,
                      status == STATUS_TOO_LARGE ? "over 64 MiB when inflated"
                                                 : "not gzip, or cut short");
    buffer_release(&plain);
}

/* ---- the request */

/* The media type without parameters, in any case. */
static enum encoding encoding_of(const char *content_type)
{
    struct text rest = text_of(content_type);
    const struct text type = text_trim(text_split(&rest, ';'));
    if (text_equal_ignore_case(type, TEXT_LITERAL("application/x-protobuf")) ||
        text_equal_ignore_case(type, TEXT_LITERAL("application/protobuf")))
        return ENCODING_PROTO;
    if (text_equal_ignore_case(type, TEXT_LITERAL("application/json")))
        return ENCODING_JSON;
    return ENCODING_NONE;
}

static void take_body(struct exchange *exchange)
{
    const char *coding = request_header(exchange->request, "Content-Encoding");
    const struct text body = exchange->request->body;
    if (!coding || strcasecmp(coding, "identity") == 0 || coding[0] == '\0')
        take_plain(exchange, body);
    else if (strcasecmp(coding, "gzip") == 0)
        take_gzip(exchange, body);
    else
        answer_error(exchange, 415, RPC_UNIMPLEMENTED, "Content-Encoding must be gzip or identity");
}

void ingest_handle(struct request *request, struct response *response)
{
    struct collector *collector = request->context;
    struct exchange exchange = {.collector = collector, .request = request, .response = response};
    const size_t length = request->body.length;
    exchange.encoding = encoding_of(request_header(request, "Content-Type"));
    counters_add(&collector->counters, COUNTER_REQUESTS, 1);
    counters_add(&collector->counters, COUNTER_BYTES, length);
    if (exchange.encoding == ENCODING_NONE) {
        answer_error(&exchange, 415, RPC_UNIMPLEMENTED,
                     "Content-Type must be application/x-protobuf or application/json");
        return;
    }
    if (length > INGEST_BODY_MAX) {
        answer_status(&exchange, STATUS_TOO_LARGE, "over 20 MiB");
        return;
    }
    if (reserve(&exchange, length))
        take_body(&exchange);
    else
        answer_busy(&exchange);
    atomic_fetch_sub(&collector->in_flight_bytes, exchange.reserved);
}
