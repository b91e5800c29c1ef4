/* The steps of one load as JSON: what each came to, with whole histograms and its figures over
 * time. Reports of load runs and of experiments write them alike, and
 * loadgen/report/load_steps_read.h reads them back. The form is "step" of
 * scenarios/schema/load-report.schema.json. */
#ifndef CULPRIT_LOADGEN_REPORT_LOAD_STEPS_JSON_H
#define CULPRIT_LOADGEN_REPORT_LOAD_STEPS_JSON_H

#include <stddef.h>

#include "base/json_writer.h"
#include "loadgen/load/load_drive.h"
#include "loadgen/load/load_figures.h"
#include "loadgen/load/load_plan.h"
#include "loadgen/load/load_timeline.h"

struct load_steps {
    const char *names[LOAD_FIGURES_STEPS_MAX];
    const struct load_figures *figures;
    const struct load_timeline *timeline; /* NULL: none was kept */
    const struct load_drive *drive;       /* NULL: not to be said */
    const struct load_step *plan_steps;   /* for words on checks; NULL: none to be had */
    double elapsed_s;                     /* what rates are of */
};

/* Writes how it was driven, "elapsed_s", "all" and "steps" into the object that is open. An
 * experiment's report has an array "windows" of {"name": "healthy", "load": {these members}}. */
void load_steps_json(struct json_writer *writer, const struct load_steps *steps);

/* The key of each of a step's histograms and where it is in struct load_step_figures. */
struct load_steps_histogram {
    const char *key;      /* in "histograms" */
    const char *times_ms; /* the same in a few figures */
    size_t offset;
};
enum { LOAD_STEPS_HISTOGRAMS = 6 };
extern const struct load_steps_histogram load_steps_json_histograms[LOAD_STEPS_HISTOGRAMS];

/* What a check, or a value that is to be taken, asks for. `step` may be NULL. */
void load_steps_json_check_words(const struct load_step *step, size_t check, char *out,
                                 size_t size);

#endif
