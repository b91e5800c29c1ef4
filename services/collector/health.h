/* GET /api/culprit/health: can what is seen here be believed? A trace that lost spans looks like a
 * trace of a program that did less.
 *
 *     {"complete": false, "spans_lost": 12, "logs_lost": 0,
 *      "collector": {"spans_refused": 0, "spans_dropped": 0, "logs_lost": 0,
 *                    "requests_refused": 0},
 *      "senders": [{"name": "cart", "spans_lost": 12, "logs_lost": 0}, ...], "silent": ["tax"]}
 *
 * Counts since each process' own start, and what the store kept of earlier ones (losses.h). Senders
 * are those of CULPRIT_ENDPOINTS; what a receiver rejected is counted here alone, as
 * `spans_refused`. A request that was refused as a whole (not OTLP, or over a limit) held spans
 * that nobody counted. `complete` is that none of it happened; who is silent is not held against
 * it, nor are log records: no figure rests on them. */
#ifndef CULPRIT_COLLECTOR_HEALTH_H
#define CULPRIT_COLLECTOR_HEALTH_H

#include "http/server.h"

server_handler health_handle;

#endif
