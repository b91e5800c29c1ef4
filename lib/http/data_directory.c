#include "http/data_directory.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"

enum { PATH_BYTES = 512 };

static enum status make_one(const char *path, struct error *error)
{
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return error_set(error, STATUS_IO, "%s: %s", path, strerror(errno));
    return STATUS_OK;
}

enum status data_directory_make_above(const char *path, struct error *error)
{
    char copy[PATH_BYTES];
    if (strlen(path) >= sizeof copy)
        return error_set(error, STATUS_TOO_LARGE, "%s: the path is too long", path);
    text_copy(text_of(path), copy, sizeof copy);
    for (char *at = copy; (at = strchr(at + 1, '/')) != NULL;) {
        *at = '\0';
        enum status status = make_one(copy, error);
        if (status != STATUS_OK)
            return status;
        *at = '/';
    }
    return STATUS_OK;
}

enum status data_directory_make(const char *path, struct error *error)
{
    enum status status = data_directory_make_above(path, error);
    return status == STATUS_OK ? make_one(path, error) : status;
}
