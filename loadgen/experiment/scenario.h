/* One experiment: the load and the environment, what is broken, what the traces must show, and the
 * lesson for a person who looks for it. Read from a JSON file (scenarios/schema/), strictly: a key
 * that nobody knows, a wrong type or a number out of range is an error with file, line and key.
 * Plain values. */
#ifndef CULPRIT_LOADGEN_EXPERIMENT_SCENARIO_H
#define CULPRIT_LOADGEN_EXPERIMENT_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "diagnose/diagnose.h"
#include "loadgen/base/setting.h"
#include "loadgen/load/schedule.h"
#include "loadgen/threshold/threshold.h"

enum {
    SCENARIO_STEPS_MAX = 16,
    SCENARIO_EXPECTED_MAX = 16,
    SCENARIO_TEXT_MAX = 1600,
    SCENARIO_TITLE_MAX = 128,
};

/* A finding that must be there. */
struct expectation {
    enum finding_kind kind;
    char service[32];
    char operation[128];
    char peer[64]; /* "": any */
};

/* A full list of faults, and what they must lead to. */
struct scenario_step {
    char title[SCENARIO_TITLE_MAX];
    struct settings faults;
    struct expectation expected[SCENARIO_EXPECTED_MAX];
    size_t expected_count;
    struct thresholds thresholds; /* of its window */
};

struct scenario_environment {
    struct schedule_plan arrivals;               /* of checkouts */
    unsigned lines_min, lines_max, lines_median; /* median 0: uniform */
    struct settings settings;
};

struct scenario_lesson {
    char symptom[SCENARIO_TEXT_MAX];
    char where_to_look[SCENARIO_TEXT_MAX];
    char what_the_trace_shows[SCENARIO_TEXT_MAX];
    char fix[SCENARIO_TEXT_MAX];
};

struct scenario {
    char name[64];
    char title[128];
    struct scenario_environment environment;
    struct thresholds healthy; /* of the healthy window */
    struct scenario_step steps[SCENARIO_STEPS_MAX];
    size_t step_count; /* 1 for a scenario without "steps" */
    bool has_steps;
    struct scenario_lesson lesson;
};

/* STATUS_INVALID with "name:line: key "x": words". */
MUST_CHECK enum status scenario_parse(struct scenario *scenario, const char *json, size_t length,
                                      const char *name, struct error *error);

/* The same from a file; STATUS_NOT_FOUND, STATUS_IO besides. */
MUST_CHECK enum status scenario_read(struct scenario *scenario, const char *path,
                                     struct error *error);

/* Both ask for the same load and settings, so that they may share a healthy window. */
bool scenario_same_environment(const struct scenario *a, const struct scenario *b);

#endif
