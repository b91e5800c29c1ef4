/* What one signal does with the plain bytes of an export request. Between the files of ingest.h. */
#ifndef CULPRIT_COLLECTOR_INGEST_INNER_H
#define CULPRIT_COLLECTOR_INGEST_INNER_H

#include "services/collector/exchange.h"
#include "services/collector/ingest.h"

enum {
    INGEST_MODEL_MAX = 512 * 1024 * 1024,
    INGEST_MODEL_RATIO = 4, /* a model to what it was read from */
};

/* Each answers the exchange. */
exchange_take ingest_spans_proto;
exchange_take ingest_spans_json;
exchange_take ingest_logs_proto;
exchange_take ingest_logs_json;

#endif
