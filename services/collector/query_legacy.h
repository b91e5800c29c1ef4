/* Jaeger's older query API, /api/...: its own JSON, as Grafana and older clients use it. */
#ifndef CULPRIT_COLLECTOR_QUERY_LEGACY_H
#define CULPRIT_COLLECTOR_QUERY_LEGACY_H

#include "http/server.h"

server_handler query_legacy_services;
server_handler query_legacy_service_operations;
server_handler query_legacy_operations;
server_handler query_legacy_trace;
server_handler query_legacy_traces;
server_handler query_legacy_dependencies;

#endif
