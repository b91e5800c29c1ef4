/* Directories for data: made with all above them, for this user alone. Callable from any thread. */
#ifndef CULPRIT_HTTP_DATA_DIRECTORY_H
#define CULPRIT_HTTP_DATA_DIRECTORY_H

#include "base/status.h"

/* One that is there already is fine. STATUS_IO, STATUS_TOO_LARGE with words. */
MUST_CHECK enum status data_directory_make(const char *path, struct error *error);

/* The directory that the file `path` is to lie in. */
MUST_CHECK enum status data_directory_make_above(const char *path, struct error *error);

#endif
