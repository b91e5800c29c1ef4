/* OTLP JSON in, Jaeger's legacy JSON out: how Jaeger's page shows a file that somebody opens in it.
 * Nothing is stored. */
#ifndef CULPRIT_COLLECTOR_QUERY_TRANSFORM_H
#define CULPRIT_COLLECTOR_QUERY_TRANSFORM_H

#include "http/server.h"

enum { QUERY_TRANSFORM_BODY_MAX = 32 * 1024 * 1024 };

server_handler query_transform;

#endif
