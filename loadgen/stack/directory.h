/* Directories that we make, and remove again when they are ours. */
#ifndef CULPRIT_LOADGEN_STACK_DIRECTORY_H
#define CULPRIT_LOADGEN_STACK_DIRECTORY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

/* Makes it (and its parents) unless it is there. STATUS_IO with words. */
MUST_CHECK enum status directory_make(const char *path, struct error *error);

/* A new one under $TMPDIR or /tmp; *made is set once it exists. STATUS_IO with words. */
MUST_CHECK enum status directory_make_temporary(char *path, size_t size, bool *made,
                                                struct error *error);

/* Removes it with all that is in it; follows no symbolic link, stays on its file system. false:
 * something is left. */
bool directory_remove(const char *path);

/* Moves a file, also to another file system; what stood at `to` is replaced, whole or not at all.
 * STATUS_NOT_FOUND, STATUS_IO with words. */
MUST_CHECK enum status directory_move_file(const char *from, const char *to, struct error *error);

#endif
