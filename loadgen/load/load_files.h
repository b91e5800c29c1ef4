/* The files that a load plan is made of: read once from disk and kept, so that the same plan can be
 * made again elsewhere, from what was sent. One thread. */
#ifndef CULPRIT_LOADGEN_LOAD_LOAD_FILES_H
#define CULPRIT_LOADGEN_LOAD_LOAD_FILES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/status.h"
#include "base/text.h"
#include "loadgen/load/load_template.h"

enum {
    LOAD_FILES_MAX = LOAD_FEEDERS_MAX + 2, /* the flow file, a body */
    LOAD_FILE_PATH_MAX = 4096,
};

struct load_file {
    char path[LOAD_FILE_PATH_MAX];
    struct buffer content;
};

/* `{0}` is an empty one, which reads from disk. */
struct load_files {
    struct load_file items[LOAD_FILES_MAX];
    size_t count;
    bool is_sealed; /* what is not in it is not there: the disk is left alone */
};

void load_files_release(struct load_files *files);

/* The content of a file of at most `max_bytes`, from here or from disk. STATUS_NOT_FOUND,
 * STATUS_IO, STATUS_TOO_LARGE, STATUS_NO_MEMORY with words. Lives as long as `files`. */
MUST_CHECK enum status load_files_read(struct load_files *files, const char *path, size_t max_bytes,
                                       struct text *content, struct error *error);

/* Adds one that came from elsewhere; the bytes are copied. STATUS_TOO_LARGE: one too many, or the
 * path is too long; STATUS_NO_MEMORY. */
MUST_CHECK enum status load_files_add(struct load_files *files, struct text path,
                                      struct text content);

#endif
