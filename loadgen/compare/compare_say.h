/* A comparison in sentences, without their full stops. Pure. */
#ifndef CULPRIT_LOADGEN_COMPARE_COMPARE_SAY_H
#define CULPRIT_LOADGEN_COMPARE_COMPARE_SAY_H

#include "loadgen/compare/compare_report.h"

enum { COMPARE_SAY_MAX = 640 };

/* What became of a step, with figures. */
void compare_say_step(const struct compare_step *step, char *out, size_t size);

/* What became of all of it, with what could have been seen. */
/* 1.1: 10. */
double compare_say_percent(double ratio);

void compare_say_all(const struct compare_report *report, char *out, size_t size);

#endif
