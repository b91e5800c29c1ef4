/* From spans to findings: which fault, where, what it costs and what a fix would save.
 *
 * Pure: the input is spans and time ranges, nothing else; no I/O, no clock, no chance, no system
 * call but memory. It never reads attributes that name a fault, and works from times, tree shape
 * and the standard attributes; helper attributes (sqlite.*) only raise confidence. The same input
 * gives the same output, whatever the order of the spans. One call at a time a `struct diagnosis`;
 * several may run on several threads. */
#ifndef CULPRIT_DIAGNOSE_DIAGNOSE_H
#define CULPRIT_DIAGNOSE_DIAGNOSE_H

#include <stdint.h>

#include "base/arena.h"
#include "base/json_writer.h"
#include "base/status.h"
#include "otlp/spans.h"

/* Spans whose trace began within [start_ns, end_ns) by the wall clock; 0, 0: all. */
struct diagnose_window {
    const struct spans *spans;
    uint64_t start_ns, end_ns;
};

#define FINDING_KIND_LIST(X)                                                                       \
    X(SEQUENTIAL_CALLS, "sequential_calls")                                                        \
    X(N_PLUS_ONE_QUERIES, "n_plus_one_queries")                                                    \
    X(N_PLUS_ONE_CALLS, "n_plus_one_calls")                                                        \
    X(MISSING_INDEX, "missing_index")                                                              \
    X(SLOW_DEPENDENCY, "slow_dependency")                                                          \
    X(SYNCHRONOUS_SIDE_WORK, "synchronous_side_work")                                              \
    X(BROKEN_PROPAGATION, "broken_propagation")

enum finding_kind {
#define FINDING_KIND_ENUM(name, word) FINDING_##name,
    FINDING_KIND_LIST(FINDING_KIND_ENUM)
#undef FINDING_KIND_ENUM
        FINDING_KIND_COUNT,
};

enum finding_state { FINDING_STANDING, FINDING_REGRESSION };
enum finding_confidence { FINDING_HINT, FINDING_STRONG, FINDING_PROVED };

enum { FINDING_TRACES_MAX = 3, FINDING_NOTES_MAX = 8 };

/* A number behind a gate: "saving as a share of the request" 0.41, at least 0.05. */
struct finding_gate {
    const char *name;
    double value;
    double threshold;
};

/* An exemplar: median, 95th percentile and best saving, where they differ. */
struct finding_trace {
    uint8_t trace_id[16];
    uint8_t span_id[8];         /* the span that carries the trouble */
    double before_ms, after_ms; /* the request as it was, and replayed with the fix */
};

/* All text is owned by the diagnosis. */
struct finding {
    enum finding_kind kind;
    struct text service;   /* whose code must change */
    struct text operation; /* span name */
    struct text peer;      /* "" where there is none */
    struct text entry;     /* "service operation" of the requests that suffer */
    enum finding_state state;
    enum finding_confidence confidence;
    double prevalence; /* share of the entry's requests, 0..1 */
    uint64_t support;  /* requests that show it */
    double cost_ms;    /* median time the trouble takes in an affected request */
    double saving_ms;  /* median end-to-end saving by replay, per affected request */
    double saving_p90_ms;
    struct finding_trace traces[FINDING_TRACES_MAX];
    size_t trace_count;
    struct finding_gate gates[FINDING_NOTES_MAX];
    size_t gate_count;
    struct text ruled_out[FINDING_NOTES_MAX]; /* what else it could have been, and why it is not */
    size_t ruled_out_count;
    struct text summary; /* one or two sentences for people */
};

struct diagnosis {
    struct arena arena;
    const struct finding *findings; /* by saving, then cost, largest first */
    size_t finding_count;
    uint64_t request_count; /* traces with one root and no orphan */
    uint64_t partial_count; /* other traces (orphans, several roots, cycles) */
    uint64_t span_count;
    double entry_p50_ms;    /* of the entry with the most time in it, current window */
    double baseline_p50_ms; /* the same in the baseline; 0 without one */
    double unexplained_ms;  /* growth of that entry's median over the baseline that no
                               counted finding accounts for; 0 without a baseline */
};

/* `baseline` may be NULL. STATUS_NO_MEMORY (the arena's maximum, 512 MiB), STATUS_INVALID (no spans
 * in the window). */
MUST_CHECK enum status diagnose_run(const struct diagnose_window *current,
                                    const struct diagnose_window *baseline,
                                    struct diagnosis *diagnosis, struct error *error);
void diagnosis_release(struct diagnosis *diagnosis);

const char *finding_kind_word(enum finding_kind kind);
const char *finding_state_word(enum finding_state state);
const char *finding_confidence_word(enum finding_confidence confidence);
/* false when no kind has that name. */
bool finding_kind_of(struct text word, enum finding_kind *kind);

/* It counts for a verdict: regression (with a baseline) or standing (without), strong or proved. */
bool finding_counts(const struct finding *finding, bool with_baseline);

/* One JSON object with the fields that scripts rely on: kind, service, operation, peer, state,
 * confidence, prevalence, cost_ms, saving_ms, traces (hex ids), summary; and entry, support,
 * evidence (gates, spans, before and after), ruled_out. */
void finding_write_json(const struct finding *finding, struct json_writer *writer);

#endif
