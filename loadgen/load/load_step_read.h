/* The part of a load plan's file that is about flows: their steps, what is taken out of answers and
 * what is right. What holes stand for may come later in the file, so texts are put by and compiled
 * at the end. One thread. */
#ifndef CULPRIT_LOADGEN_LOAD_LOAD_STEP_READ_H
#define CULPRIT_LOADGEN_LOAD_LOAD_STEP_READ_H

#include "loadgen/base/fields.h"
#include "loadgen/load/load_plan.h"

struct load_step_text {
    unsigned line;
    struct load_request_text request;
    bool is_json; /* of the body: a Content-Type is due */
    struct text take_names[LOAD_TAKES_MAX];
};

struct load_step_reader {
    struct fields fields; /* first: field readers get it */
    struct load_plan *plan;
    struct load_step_text common; /* headers of every step */
    struct load_step_text steps[LOAD_STEPS_MAX];
    struct {
        unsigned line;
        char step[LOAD_TEXT_MAX]; /* "": all */
    } thresholds[LOAD_THRESHOLDS_MAX];
};

/* Field readers: `fields` is a reader's first member, `into` the plan (of a pause: the pause). */
enum status load_step_read_headers(struct fields *fields, void *into);
enum status load_step_read_flows(struct fields *fields, void *into);
enum status load_step_read_pause(struct fields *fields, void *into); /* 20 or [10, 30], in ms */

/* When all is read. STATUS_INVALID with file, line and words. */
MUST_CHECK enum status load_step_compile(struct load_step_reader *reader);

#endif
