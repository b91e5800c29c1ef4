/* What a coordinator and its workers know each other by: from a file or from the environment, never
 * from the command line, which anybody on the machine can read. */
#ifndef CULPRIT_LOADGEN_WORKERS_LOAD_TOKEN_H
#define CULPRIT_LOADGEN_WORKERS_LOAD_TOKEN_H

#include "base/status.h"
#include "loadgen/workers/worker_words.h"

/* The first line of the file, or where `path` is NULL the variable CULPRIT_TOKEN. STATUS_INVALID:
 * there is none, or it is shorter than WORKER_TOKEN_LEAST, longer than WORKER_TOKEN_MAX, or has
 * spaces or control characters in it; STATUS_NOT_FOUND, STATUS_IO. With words, which do not hold
 * it.
 */
MUST_CHECK enum status load_token_read(const char *path, char out[WORKER_TOKEN_MAX + 1],
                                       struct error *error);

#endif
