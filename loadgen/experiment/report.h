/* What a person and what a script gets to see of experiments and findings. Writes only. */
#ifndef CULPRIT_LOADGEN_EXPERIMENT_REPORT_H
#define CULPRIT_LOADGEN_EXPERIMENT_REPORT_H

#include <stdio.h>

#include "base/json_writer.h"
#include "diagnose/diagnose.h"
#include "loadgen/experiment/experiment.h"

/* A table of findings with the evidence below each; `counted_only` leaves out what does not count
 * for a verdict. */
void report_findings(const struct diagnosis *diagnosis, bool with_baseline, bool counted_only,
                     FILE *out);

/* A line for each threshold, what is broken in red. */
void report_thresholds(const struct threshold_judgement *judgements, size_t count, FILE *out);

/* Windows, findings, verdict of one run, also of one that was cut short. */
void report_experiment(const struct experiment *experiment, FILE *out);

/* Warns where spans were lost while it was measured; writes nothing where none were. */
void report_drops(const struct measurement *measurement, FILE *out);

/* "pricing.sequential_calls, ..." or "nothing". */
void report_list_faults(const struct scenario_step *step, char *out, size_t size);

/* What the window of a step is called: "faulty", "again", "step 2: the mail is sent at once". */
void report_name_window(const struct experiment *experiment, size_t step, char *out, size_t size);

/* The object that `run --json` writes, schema "culprit.run/1". */
void report_write_json(const struct experiment *experiment, struct json_writer *writer);

#endif
