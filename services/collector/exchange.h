/* One export request and its answer, whatever the signal: the request's own encoding both ways,
 * errors as google.rpc.Status, and a share of the memory for all requests that are at work. */
#ifndef CULPRIT_COLLECTOR_EXCHANGE_H
#define CULPRIT_COLLECTOR_EXCHANGE_H

#include "http/server.h"
#include "services/collector/collector.h"

enum exchange_encoding { EXCHANGE_PROTO, EXCHANGE_JSON, EXCHANGE_NONE };

/* google.rpc.Code */
enum exchange_code {
    RPC_INVALID_ARGUMENT = 3,
    RPC_RESOURCE_EXHAUSTED = 8,
    RPC_UNIMPLEMENTED = 12,
    RPC_UNAVAILABLE = 14,
};

struct exchange;

/* Takes the plain bytes of a request in one encoding, and answers. */
typedef void exchange_take(struct exchange *exchange, struct text bytes);

struct exchange_signal {
    const char *rejected_key; /* of a partial success in JSON */
    enum counter requests, invalid, too_large, busy;
    exchange_take *take_proto, *take_json;
};

struct exchange {
    struct collector *collector;
    const struct request *request;
    struct response *response;
    enum exchange_encoding encoding;
    const struct exchange_signal *signal;
    uint64_t reserved; /* bytes of the budget for requests at work */
};

/* Bodies, inflated bodies and models of all requests at work share one budget; a request that is
 * alone always has room. false: come again later. */
bool exchange_reserve(struct exchange *exchange, uint64_t bytes);
/* Gives back all that was reserved. */
void exchange_release(struct exchange *exchange);

/* 200; partial_success is left out when all was taken: what is set must not be sent again. */
void exchange_success(struct exchange *exchange, uint64_t refused, const char *words);
/* 503 with Retry-After, counted. */
void exchange_busy(struct exchange *exchange);
/* 413, 503 or 400 by the status, counted. */
void exchange_status(struct exchange *exchange, enum status status, const char *words);
void exchange_error(struct exchange *exchange, unsigned status, enum exchange_code code,
                    const char *words);

#endif
