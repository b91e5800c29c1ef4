/* What Jaeger's clients ask for and this collector does not have: answered 501 in the legacy
 * envelope, by which they know to show that a feature is off rather than broken. */
#ifndef CULPRIT_COLLECTOR_QUERY_ABSENT_H
#define CULPRIT_COLLECTOR_QUERY_ABSENT_H

#include "http/server.h"

server_handler query_absent_metrics;
server_handler query_absent_archive;

#endif
