#include "services/collector/ingest.h"

#include <strings.h>

#include "otlp/gunzip.h"
#include "services/collector/ingest_inner.h"

enum {
    USUAL_RATIO = 24, /* inflated to deflated */
    USUAL_LEAST = 64 * 1024,
};

static void take_plain(struct exchange *exchange, struct text bytes)
{
    if (exchange->encoding == EXCHANGE_PROTO)
        exchange->signal->take_proto(exchange, bytes);
    else
        exchange->signal->take_json(exchange, bytes);
}

/* Most bodies inflate a little, a few much: the first try has room for the usual ratio, only what
 * passes it gets the whole limit. STATUS_BUSY: no room for now. */
static enum status inflate(struct exchange *exchange, struct text body, struct buffer *plain)
{
    const size_t usual = body.length * USUAL_RATIO + USUAL_LEAST;
    const size_t first = usual < INGEST_PLAIN_MAX ? usual : INGEST_PLAIN_MAX;
    buffer_init(plain, first);
    if (!exchange_reserve(exchange, first))
        return STATUS_BUSY;
    const enum status status = gunzip(body.data, body.length, plain);
    if (status != STATUS_TOO_LARGE || first == INGEST_PLAIN_MAX)
        return status;
    buffer_release(plain);
    buffer_init(plain, INGEST_PLAIN_MAX);
    if (!exchange_reserve(exchange, INGEST_PLAIN_MAX - first))
        return STATUS_BUSY;
    return gunzip(body.data, body.length, plain);
}

static void take_gzip(struct exchange *exchange, struct text body)
{
    struct buffer plain;
    const enum status status = inflate(exchange, body, &plain);
    if (status == STATUS_BUSY)
        exchange_busy(exchange);
    else if (status == STATUS_OK)
        take_plain(exchange, (struct text){buffer_text(&plain), plain.length_bytes});
    else
        exchange_status(exchange, status,
                        status == STATUS_TOO_LARGE ? "over 64 MiB when inflated"
                                                   : "not gzip, or cut short");
    buffer_release(&plain);
}

/* ---- the request */

/* The media type without parameters, in any case. */
static enum exchange_encoding encoding_of(const char *content_type)
{
    struct text rest = text_of(content_type);
    const struct text type = text_trim(text_split(&rest, ';'));
    if (text_equal_ignore_case(type, TEXT_LITERAL("application/x-protobuf")) ||
        text_equal_ignore_case(type, TEXT_LITERAL("application/protobuf")))
        return EXCHANGE_PROTO;
    if (text_equal_ignore_case(type, TEXT_LITERAL("application/json")))
        return EXCHANGE_JSON;
    return EXCHANGE_NONE;
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
        exchange_error(exchange, 415, RPC_UNIMPLEMENTED,
                       "Content-Encoding must be gzip or identity");
}

static void handle(struct request *request, struct response *response,
                   const struct exchange_signal *signal)
{
    struct collector *collector = request->context;
    struct exchange exchange = {
        .collector = collector, .request = request, .response = response, .signal = signal};
    const size_t length = request->body.length;
    exchange.encoding = encoding_of(request_header(request, "Content-Type"));
    counters_add(&collector->counters, signal->requests, 1);
    counters_add(&collector->counters, COUNTER_BYTES, length);
    if (exchange.encoding == EXCHANGE_NONE) {
        exchange_error(&exchange, 415, RPC_UNIMPLEMENTED,
                       "Content-Type must be application/x-protobuf or application/json");
        return;
    }
    if (length > INGEST_BODY_MAX) {
        exchange_status(&exchange, STATUS_TOO_LARGE, "over 20 MiB");
        return;
    }
    if (exchange_reserve(&exchange, length))
        take_body(&exchange);
    else
        exchange_busy(&exchange);
    exchange_release(&exchange);
}

void ingest_traces(struct request *request, struct response *response)
{
    static const struct exchange_signal signal = {
        .rejected_key = "rejectedSpans",
        .requests = COUNTER_REQUESTS,
        .invalid = COUNTER_REQUESTS_INVALID,
        .too_large = COUNTER_REQUESTS_TOO_LARGE,
        .busy = COUNTER_REQUESTS_BUSY,
        .take_proto = ingest_spans_proto,
        .take_json = ingest_spans_json,
    };
    handle(request, response, &signal);
}

void ingest_logs(struct request *request, struct response *response)
{
    static const struct exchange_signal signal = {
        .rejected_key = "rejectedLogRecords",
        .requests = COUNTER_LOG_REQUESTS,
        .invalid = COUNTER_LOG_REQUESTS_INVALID,
        .too_large = COUNTER_LOG_REQUESTS_TOO_LARGE,
        .busy = COUNTER_LOG_REQUESTS_BUSY,
        .take_proto = ingest_logs_proto,
        .take_json = ingest_logs_json,
    };
    handle(request, response, &signal);
}
