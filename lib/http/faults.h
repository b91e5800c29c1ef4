/* The faults of a service: a table of rows, their values while the process runs, and one snapshot a
 * request. Environment rows (a partner's latency, a database's round trip) live in the same table
 * and are set apart from faults. Switching is never logged, counted or traced.
 *
 * Thread rules: rows are static; values sit behind one mutex inside; a snapshot is a plain value.
 */
#ifndef CULPRIT_HTTP_FAULTS_H
#define CULPRIT_HTTP_FAULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/status.h"

enum fault_type { FAULT_FLAG, FAULT_NUMBER, FAULT_WORD };

enum { FAULT_ROWS_MAX = 24, FAULT_WORD_MAX = 47 };

struct fault_row {
    const char *name;
    enum fault_type type;
    bool environment;        /* part of the environment, not a fault */
    int64_t lowest, highest; /* of FAULT_NUMBER */
    int64_t when_on;         /* FAULT_NUMBER: value of a fault that is switched on without one */
    int64_t usual;           /* environment rows: the value when nobody set one */
    const char *word_when_on;
    const char *stands_for;  /* what trouble it is, for people */
    const char *trace_shows; /* what it looks like in a trace, for people */
};

struct fault_value {
    bool on;
    int64_t number;
    char word[FAULT_WORD_MAX + 1];
};

/* What one unit of work sees, from its start to its end. */
struct fault_values {
    struct fault_value rows[FAULT_ROWS_MAX];
    uint32_t database_round_trip_us; /* of the row with that name, present wherever there is a
                                        database */
};

struct faults;

/* Rows must outlive it; `has_database` adds the environment row database_round_trip_us. Values
 * start from CULPRIT_FAULTS and CULPRIT_ENVIRONMENT
 * ("pricing.sequential_calls,inventory.n_plus_one=40"): entries of other services are passed over;
 * an unknown name or a bad value of this service is STATUS_INVALID with words. */
MUST_CHECK enum status faults_new(struct faults **out, const char *service,
                                  const struct fault_row *rows, size_t count, bool has_database,
                                  struct error *error);
void faults_free(struct faults *faults);

void faults_snapshot(struct faults *faults, struct fault_values *out);

/* {"faults":{...},"environment":{...}}: each of the two keys, where present, replaces all values of
 * its class (a name that is absent is reset). Values: true/false, number, string; null resets.
 * STATUS_INVALID with words, nothing changed then. */
MUST_CHECK enum status faults_replace(struct faults *faults, const json_t *document,
                                      struct error *error);

/* The table for people and tools: new reference.
 * {"service":..,"rows":[{name,type,environment,value, lowest,highest,stands_for,trace_shows}]} */
json_t *faults_describe(struct faults *faults);

/* In handlers: index is the row's place in the service's own table. */
static inline bool fault_is_on(const struct fault_values *values, size_t index)
{
    return values->rows[index].on;
}

static inline int64_t fault_number(const struct fault_values *values, size_t index)
{
    return values->rows[index].number;
}

/* On, and its word is `word`. */
bool fault_word_is(const struct fault_values *values, size_t index, const char *word);

#endif
