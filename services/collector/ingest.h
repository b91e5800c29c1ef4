/* POST /v1/traces and /v1/logs: OTLP over HTTP, protobuf and JSON, plain and gzip, answered in the
 * request's own encoding; errors are google.rpc.Status. Body limits hold before and after
 * inflating. A request is taken whole or, under memory pressure, turned away whole with
 * Retry-After. */
#ifndef CULPRIT_COLLECTOR_INGEST_H
#define CULPRIT_COLLECTOR_INGEST_H

#include "http/server.h"

enum {
    INGEST_BODY_MAX = 20 * 1024 * 1024,  /* as it comes */
    INGEST_PLAIN_MAX = 64 * 1024 * 1024, /* inflated */
};

/* The request's context is a struct collector. */
server_handler ingest_traces;
server_handler ingest_logs;

#endif
