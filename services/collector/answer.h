/* JSON answers of the query port, and the two shapes of its errors. */
#ifndef CULPRIT_COLLECTOR_ANSWER_H
#define CULPRIT_COLLECTOR_ANSWER_H

#include "base/json_writer.h"
#include "http/server.h"

enum { ANSWER_BYTES_MAX = 512 * 1024 * 1024 };

/* An answer in the making; release it when it is not sent. */
struct answer {
    struct buffer body;
    struct json_writer writer;
};

void answer_begin(struct answer *answer);
/* Sends what was written; 500 when it did not fit. Releases. */
void answer_send(struct answer *answer, struct response *response, unsigned status);

/* {"error":{"httpCode":404,"message":"..."}} (Jaeger v3) */
void answer_error_v3(struct response *response, unsigned status, const char *format, ...)
    PRINTF_LIKE(3, 4);
/* {"data":null,"total":0,"limit":0,"offset":0,"errors":[{"code":404,"msg":"..."}]} (legacy) */
void answer_error_legacy(struct response *response, unsigned status, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* The legacy envelope around an array: begin writes {"data":[, end writes the rest. On many lines
 * where the request asks for prettyPrint. */
void answer_begin_data(struct answer *answer, const struct request *request);
void answer_end_data(struct answer *answer, size_t total);
/* The same in two parts, for who has errors to tell: then comes null, or an array of them. */
void answer_end_array(struct answer *answer, size_t total);
void answer_end_errors(struct answer *answer);

/* HTTP status of a failure of the query side. */
unsigned answer_status(enum status status);

#endif
