/* What monitoring looks at: GET /metrics, GET /api/culprit/status. */
#ifndef CULPRIT_COLLECTOR_PAGE_H
#define CULPRIT_COLLECTOR_PAGE_H

#include "http/server.h"

server_handler page_metrics;
server_handler page_status;

#endif
