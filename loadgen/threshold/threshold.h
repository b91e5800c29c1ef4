/* What must hold of a window of load or of a set of traces, as data: "at most 3 SELECTs a
 * checkout", "nothing calls the bank but payment". Read from JSON
 * (loadgen/threshold/threshold_read.h), judged on what was measured, with ids of traces that show
 * it. Each kind is a row of the table in threshold.c.
 *
 * Pure but for memory; any thread. A latency that is broken while the generator was late itself,
 * and a threshold that nothing was measured for, are neither kept nor broken. */
#ifndef CULPRIT_LOADGEN_THRESHOLD_THRESHOLD_H
#define CULPRIT_LOADGEN_THRESHOLD_THRESHOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json_writer.h"
#include "base/status.h"
#include "diagnose/diagnose.h"
#include "diagnose/span_path.h"
#include "loadgen/load/load_threshold.h"

enum {
    THRESHOLDS_MAX = 24,
    THRESHOLD_TRACES_MAX = 3,
    THRESHOLD_WORDS_MAX = 400,
    THRESHOLD_WHY_MAX = 160,
    THRESHOLD_LINE_MAX = THRESHOLD_WORDS_MAX + THRESHOLD_WHY_MAX + 160,
};

enum threshold_kind {
    THRESHOLD_LOAD,      /* latencies, errors, rate of the requests that were sent */
    THRESHOLD_COVERAGE,  /* how much of the requests is in their traces */
    THRESHOLD_FINDINGS,  /* what the diagnosis named, beside what is expected */
    THRESHOLD_SPANS,     /* how many spans of an operation a trace has */
    THRESHOLD_DURATIONS, /* time below a path of services and operations */
    THRESHOLD_EDGES,     /* who may call whom, and who must */
    THRESHOLD_KINDS,
};

enum threshold_coverage {
    THRESHOLD_ARRIVED, /* shares of the requests, 0..1 */
    THRESHOLD_CONNECTED,
    THRESHOLD_AS_EXPECTED,
    THRESHOLD_SPANS_DROPPED, /* a count */
    THRESHOLD_COVERAGES,
};

enum threshold_finding_metric {
    THRESHOLD_FINDING_COUNT,
    THRESHOLD_FINDING_COST_MS,
    THRESHOLD_FINDING_SAVING_MS,
};

struct threshold {
    enum threshold_kind kind;
    unsigned line;        /* of its file */
    unsigned limit_count; /* limits that were written: must be one */
    double limit;
    bool is_lower; /* "at_least" */
    union {
        struct load_threshold load; /* metric and step; `step` is an enum window_step */
        enum threshold_coverage coverage;
        struct {
            bool is_of_kind; /* else of any */
            enum finding_kind kind;
            enum threshold_finding_metric metric;
            struct span_pattern place;
        } finding;
        struct {
            struct span_path path; /* of a count: "within", then the span */
            enum load_metric metric;
        } trace;
        struct {
            char from[SPAN_PATTERN_SERVICE_MAX], to[SPAN_PATTERN_SERVICE_MAX];
        } edge;
    };
};

struct thresholds {
    struct threshold items[THRESHOLDS_MAX];
    size_t count;
};

typedef bool threshold_expects(const void *context, const struct finding *finding);

/* What is judged. {0} is of nothing. */
struct threshold_evidence {
    const struct load_figures *figures;   /* by enum window_step; NULL: no load is known of */
    const struct load_examples *examples; /* by enum window_step; NULL: none */
    double elapsed_s;                     /* of the load */
    double coverage[THRESHOLD_COVERAGES]; /* NAN: not known */
    const struct diagnosis *diagnoses[2]; /* of one set of traces; NULL: none */
    threshold_expects *expects; /* a finding that is to be there: not counted; NULL: none */
    const void *context;        /* of expects */
    const struct spans *spans;  /* NULL: none */
    bool has_late_generator;    /* one of several, whatever the figures of all say */
};

enum threshold_outcome { THRESHOLD_HOLDS, THRESHOLD_BROKEN, THRESHOLD_UNSURE };

struct threshold_judgement {
    enum threshold_outcome outcome;
    double value;                                /* NAN: none; INFINITY: above any limit */
    char words[THRESHOLD_WORDS_MAX];             /* "spans: inventory SELECT * at most 3 a trace" */
    char why[THRESHOLD_WHY_MAX];                 /* "it is 12" */
    uint8_t trace_ids[THRESHOLD_TRACES_MAX][16]; /* that show it best, where it does not hold */
    size_t trace_count;
};

/* Judges each; `out` has room for thresholds->count. STATUS_NO_MEMORY with words. */
MUST_CHECK enum status threshold_judge(const struct thresholds *thresholds,
                                       const struct threshold_evidence *evidence,
                                       struct threshold_judgement *out, struct error *error);

/* "BROKEN: spans: inventory SELECT * at most 3 a trace, it is 12 (trace 4bf9...)" */
void threshold_line(const struct threshold_judgement *judgement, char out[THRESHOLD_LINE_MAX]);

/* The key "thresholds" with an array of {"kind", "threshold", "at_most" or "at_least", "value",
 * "outcome", "why", "traces"} in the object that is open. `judgements` NULL: of a window that was
 * not measured, all of them unsure. */
void threshold_write_json(const struct thresholds *thresholds,
                          const struct threshold_judgement *judgements, struct json_writer *writer);

/* One is about errors of the requests: others then say nothing of them. */
bool threshold_is_about_errors(const struct thresholds *thresholds);

/* "holds", "broken", "unsure". */
const char *threshold_outcome_word(enum threshold_outcome outcome);

#endif
