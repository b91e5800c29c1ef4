/* GET /api/culprit/logs: log records of a trace (`trace_id`), or of a service and a window of time
 * (`service`, `last` or `start` and `end`); `severity` is the least, `limit` how many. */
#ifndef CULPRIT_COLLECTOR_QUERY_LOGS_H
#define CULPRIT_COLLECTOR_QUERY_LOGS_H

#include "http/server.h"

server_handler query_logs;

#endif
