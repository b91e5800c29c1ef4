#include "loadgen/directory.h"

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"

enum { OPEN_DIRECTORIES_MAX = 16 };

enum status directory_make(const char *path, struct error *error)
{
    char partial[PATH_MAX];
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof partial)
        return error_set(error, STATUS_IO, "directory \"%.80s\": bad path", path);
    memcpy(partial, path, length + 1);
    for (size_t i = 1; i <= length; i++) {
        if (partial[i] != '/' && partial[i] != '\0')
            continue;
        char kept = partial[i];
        partial[i] = '\0';
        if (mkdir(partial, 0755) < 0 && errno != EEXIST)
            return error_set(error, STATUS_IO, "directory %s: %s", partial, strerror(errno));
        partial[i] = kept;
    }
    struct stat found;
    if (stat(path, &found) < 0 || !S_ISDIR(found.st_mode))
        return error_set(error, STATUS_IO, "directory %s: not a directory", path);
    return STATUS_OK;
}

enum status directory_make_temporary(char *path, size_t size, bool *made, struct error *error)
{
    const char *base = getenv("TMPDIR");
    int length = snprintf(path, size, "%s/culprit-XXXXXX", base && base[0] ? base : "/tmp");
    if (length < 0 || (size_t)length >= size || !mkdtemp(path))
        return error_set(error, STATUS_IO, "temporary directory %s: %s", path, strerror(errno));
    *made = true;
    return STATUS_OK;
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *walk)
{
    (void)info, (void)type, (void)walk;
    (void)remove(path);
    return 0;
}

bool directory_remove(const char *path)
{
    return nftw(path, remove_one, OPEN_DIRECTORIES_MAX, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) == 0;
}
