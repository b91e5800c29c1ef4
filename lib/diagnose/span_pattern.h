/* Names of services and operations as a person writes them: * stands for any run of characters, an
 * empty one for any name. Pure; never allocates. */
#ifndef CULPRIT_DIAGNOSE_SPAN_PATTERN_H
#define CULPRIT_DIAGNOSE_SPAN_PATTERN_H

#include <stdbool.h>

#include "base/text.h"

enum { SPAN_PATTERN_SERVICE_MAX = 48, SPAN_PATTERN_OPERATION_MAX = 96 };

struct span_pattern {
    char service[SPAN_PATTERN_SERVICE_MAX];
    char operation[SPAN_PATTERN_OPERATION_MAX]; /* the span's name */
};

/* Whether `text` is what `pattern` says. */
bool span_pattern_has(const char *pattern, struct text text);
bool span_pattern_matches(const struct span_pattern *pattern, struct text service,
                          struct text operation);

#endif
