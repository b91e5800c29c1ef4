/* Jaeger's query API v3, /api/v3/...: OTLP JSON. Parameters in camelCase and in snake_case. */
#ifndef CULPRIT_COLLECTOR_QUERY_V3_H
#define CULPRIT_COLLECTOR_QUERY_V3_H

#include "http/server.h"

server_handler query_v3_services;
server_handler query_v3_operations;
server_handler query_v3_trace;
server_handler query_v3_traces;
server_handler query_v3_summaries;
server_handler query_v3_dependencies;

#endif
