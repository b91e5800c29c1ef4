/* Questions about many traces at once, over the newest ones of a window of time:
 *
 * GET /api/culprit/findings: who is to blame (lib/diagnose), alone or against a baseline.
 * GET /api/culprit/graph: who calls whom, and how each operation fares.
 *
 * Both take last, start, end, baseline_start, baseline_end, service and limit (windows.h). The
 * number of traces and the time for reading them are bounded; `truncated` says when that told. */
#ifndef CULPRIT_COLLECTOR_ANALYSIS_H
#define CULPRIT_COLLECTOR_ANALYSIS_H

#include "http/server.h"

server_handler analysis_findings;
server_handler analysis_graph;

#endif
