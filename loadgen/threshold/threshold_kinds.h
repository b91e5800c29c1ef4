/* One kind of threshold: how it is read, judged and told. For threshold.c and the files of the
 * kinds alone; to add one, write a row of the table in threshold.c. */
#ifndef CULPRIT_LOADGEN_THRESHOLD_THRESHOLD_KINDS_H
#define CULPRIT_LOADGEN_THRESHOLD_THRESHOLD_KINDS_H

#include "diagnose/graph.h"
#include "loadgen/base/fields.h"
#include "loadgen/threshold/threshold.h"

/* The evidence, and what is worked out from it when the first threshold asks. */
struct threshold_facts {
    const struct threshold_evidence *evidence;
    struct arena arena;
    bool has_forest, has_graph;
    struct forest forest;
    struct graph graph;
};

/* Sets the value, and the traces that show it best, the worst first. STATUS_NOT_FOUND: nothing was
 * measured that it could be judged on, and `why` says what is missing; STATUS_NO_MEMORY. */
typedef enum status threshold_judge_one(const struct threshold *threshold,
                                        struct threshold_facts *facts,
                                        struct threshold_judgement *out);

struct threshold_row {
    const char *section; /* its key in the file */
    field_reader *read;  /* one item, into a struct threshold */
    threshold_judge_one *judge;
    /* What it is about: "inventory SELECT *". */
    void (*describe)(const struct threshold *threshold, char *out, size_t size);
    const char *unit; /* behind the limit; NULL: the description says all of it */
    bool needs_load;  /* cannot be judged on traces alone */
};

const struct threshold_row *threshold_row(enum threshold_kind kind);

/* Field readers: the two limits. `into` is the struct threshold. */
enum status threshold_read_at_most(struct fields *fields, void *into);
enum status threshold_read_at_least(struct fields *fields, void *into);
/* Texts of a struct span_pattern. */
enum status threshold_read_service(struct fields *fields, void *into);
enum status threshold_read_operation(struct fields *fields, void *into);

/* The facts, when they are asked for the first time. STATUS_NOT_FOUND: no span; STATUS_NO_MEMORY.
 */
enum status threshold_facts_forest(struct threshold_facts *facts, struct threshold_judgement *out);
enum status threshold_facts_graph(struct threshold_facts *facts, struct threshold_judgement *out);

/* A trace that shows it; those beyond the maximum are left out. */
void threshold_note_trace(struct threshold_judgement *out, const uint8_t trace_id[16]);
/* "inventory SELECT *" of a pattern. */
void threshold_describe_place(const struct span_pattern *place, char *out, size_t size);

enum status threshold_load_read(struct fields *fields, void *into);
threshold_judge_one threshold_load_judge;
void threshold_load_describe(const struct threshold *threshold, char *out, size_t size);

enum status threshold_coverage_read(struct fields *fields, void *into);
threshold_judge_one threshold_coverage_judge;
void threshold_coverage_describe(const struct threshold *threshold, char *out, size_t size);

enum status threshold_findings_read(struct fields *fields, void *into);
threshold_judge_one threshold_findings_judge;
void threshold_findings_describe(const struct threshold *threshold, char *out, size_t size);

/* What kinds about a path share: one place of it; all of it in words; what the traces have there
 * (STATUS_NOT_FOUND: none leads there), and an order for qsort where readings are equal. */
enum status threshold_path_read_place(struct fields *fields, void *into);
void threshold_path_describe(const struct span_path *path, char *out, size_t size);
enum status threshold_path_measure(const struct threshold *threshold, struct threshold_facts *facts,
                                   struct span_path_readings *readings,
                                   struct threshold_judgement *out);
int threshold_path_order(const struct span_path_reading *a, const struct span_path_reading *b);

enum status threshold_spans_read(struct fields *fields, void *into);
threshold_judge_one threshold_spans_judge;
enum status threshold_durations_read(struct fields *fields, void *into);
threshold_judge_one threshold_durations_judge;
void threshold_spans_describe(const struct threshold *threshold, char *out, size_t size);
void threshold_durations_describe(const struct threshold *threshold, char *out, size_t size);

enum status threshold_edges_read(struct fields *fields, void *into);
threshold_judge_one threshold_edges_judge;
void threshold_edges_describe(const struct threshold *threshold, char *out, size_t size);

#endif
