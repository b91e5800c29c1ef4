/* A report of a run, read back from its JSON: culprit.load-report/1 of `culprit load`, and the
 * report of `culprit run`, whose windows are the parts. What pages, summaries and comparisons are
 * made from, so that all of them can be made later and elsewhere. Opaque but for what is here; read
 * only once it is made. */
#ifndef CULPRIT_LOADGEN_REPORT_LOAD_DOCUMENT_H
#define CULPRIT_LOADGEN_REPORT_LOAD_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/text.h"
#include "loadgen/base/verdict.h"
#include "loadgen/load/load_drive.h"
#include "loadgen/load/load_figures.h"
#include "loadgen/load/load_threshold.h"
#include "loadgen/load/load_timeline.h"

enum {
    LOAD_DOCUMENT_PARTS_MAX = 32,
    LOAD_DOCUMENT_BYTES_MAX = 64 * 1024 * 1024,
    LOAD_DOCUMENT_TEXT_MAX = 160,
    LOAD_DOCUMENT_FINDINGS_MAX = 512,
    LOAD_DOCUMENT_DEMANDS_MAX = 256,
};

/* One load under one condition: all of a load run, one window of an experiment (culprit.run/1 has
 * them in "windows": {"name": ..., "load": {"elapsed_s": ..., "steps": [...]}}). */
struct load_part {
    char name[LOAD_DOCUMENT_TEXT_MAX]; /* "" of a load run; "healthy", "step 1: ..." */
    struct load_drive drive;
    double elapsed_s;
    struct load_figures figures;
    struct load_timeline timeline;              /* slot_count 0: the report has none */
    char (*step_names)[LOAD_DOCUMENT_TEXT_MAX]; /* figures.step_count of them */
};

/* What had to hold, as it was judged. */
struct load_document_threshold {
    char metric[32], step[LOAD_DOCUMENT_TEXT_MAX]; /* step "": all together */
    bool is_lower;                                 /* "at_least" */
    bool is_known; /* false: above every limit, as requests were not answered */
    bool holds;
    double limit, value;
};

/* What an experiment asked of its last window; texts may be cut. */
struct load_document_demand {
    char words[LOAD_DOCUMENT_TEXT_MAX], why[LOAD_DOCUMENT_TEXT_MAX];
    char outcome[LOAD_DOCUMENT_TEXT_MAX]; /* "holds", or why not */
};

/* What an experiment's traces say, of what counts; texts may be cut. */
struct load_document_finding {
    char kind[64], service[LOAD_DOCUMENT_TEXT_MAX], operation[LOAD_DOCUMENT_TEXT_MAX];
    char peer[LOAD_DOCUMENT_TEXT_MAX];
    double cost_ms, saving_ms;
};

struct load_document {
    char schema[64], name[LOAD_DOCUMENT_TEXT_MAX], target[512];
    uint64_t seed;
    enum verdict verdict;
    bool is_interrupted, is_trustworthy;
    bool is_aborted; /* a broken threshold ended it early */
    bool is_partial; /* some worker did not come to its end */
    struct load_part parts[LOAD_DOCUMENT_PARTS_MAX];
    size_t part_count;
    struct load_document_threshold thresholds[LOAD_THRESHOLDS_MAX];
    size_t threshold_count;
    struct load_document_finding findings[LOAD_DOCUMENT_FINDINGS_MAX];
    size_t finding_count;
    struct load_document_demand demands[LOAD_DOCUMENT_DEMANDS_MAX];
    size_t demand_count;
};

/* STATUS_INVALID with "file:line: words" (no such report, or of a version that is not known),
 * STATUS_NOT_FOUND, STATUS_TOO_LARGE, STATUS_IO, STATUS_NO_MEMORY. Release in any case. */
MUST_CHECK enum status load_document_read(struct load_document *document, const char *path,
                                          struct error *error);

/* The same of text that is there already; `file` is what errors call it. */
MUST_CHECK enum status load_document_parse(struct load_document *document, struct text json,
                                           const char *file, struct error *error);
void load_document_release(struct load_document *document);

#endif
