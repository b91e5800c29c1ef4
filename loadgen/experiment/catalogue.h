/* Where scenarios lie: $CULPRIT_SCENARIOS, ./scenarios, the source tree that the program was built
 * in, and share/culprit/scenarios beside its bin directory; the first directory that exists. */
#ifndef CULPRIT_LOADGEN_EXPERIMENT_CATALOGUE_H
#define CULPRIT_LOADGEN_EXPERIMENT_CATALOGUE_H

#include <limits.h>
#include <stddef.h>

#include "base/status.h"

enum { CATALOGUE_MAX = 64 };

struct catalogue {
    char paths[CATALOGUE_MAX][PATH_MAX]; /* by name, "baseline" first */
    size_t count;
};

/* A word with a '/' or ending in ".json" is a path already; else the name of a scenario. STATUS_OK
 * says nothing about whether the file is right; STATUS_NOT_FOUND with words that list the names. */
MUST_CHECK enum status catalogue_find(const char *word, char path[PATH_MAX], struct error *error);

/* STATUS_NOT_FOUND: no directory, or nothing in it. */
MUST_CHECK enum status catalogue_list(struct catalogue *catalogue, struct error *error);

#endif
