/* What the query APIs take as parameters: times, durations, ids, and names under several spellings.
 * Pure but for the request's lookup; never allocates. */
#ifndef CULPRIT_COLLECTOR_PARAMS_H
#define CULPRIT_COLLECTOR_PARAMS_H

#include "http/server.h"

/* The first of the names that the query has, or NULL; names end with NULL. */
const char *params_query(const struct request *request, const char *const *names);

/* RFC 3339 with or without fraction, zone Z or an offset; a '+' that came unencoded, and so as a
 * space, passes. false: no such time. */
bool params_time(const char *text, uint64_t *wall_ns);

/* Go's durations: "10ms", "1.5s", "2h45m", "0". false: none, or over 2^63 ns. */
bool params_duration(const char *text, uint64_t *ns);

/* Hex of 1 to 32 digits (leading zeros may be missing), or base64 of 16 bytes. false: neither, or
 * all zero. */
bool params_trace_id(const char *text, uint8_t id[16]);

/* "server" ... in any case, also "SPAN_KIND_SERVER"; 0xff when it is none. */
uint8_t params_kind(const char *text);
/* The word for a kind; "internal" for none, as Jaeger has it. */
const char *params_kind_word(uint8_t kind);

#endif
