/* Thresholds out of JSON, strictly; the form is "thresholds" of scenarios/schema/. One thread. */
#ifndef CULPRIT_LOADGEN_THRESHOLD_THRESHOLD_READ_H
#define CULPRIT_LOADGEN_THRESHOLD_THRESHOLD_READ_H

#include "loadgen/base/fields.h"
#include "loadgen/threshold/threshold.h"

/* A field reader: `into` is a struct thresholds, which is filled anew. */
enum status threshold_read(struct fields *fields, void *into);

#endif
