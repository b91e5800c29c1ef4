#include "loadgen/stack/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

static bool copy_bytes(int from, int to)
{
    char block[64 * 1024];
    ssize_t length;
    while ((length = read(from, block, sizeof block)) > 0)
        for (ssize_t at = 0; at < length;) {
            ssize_t written = write(to, block + at, (size_t)(length - at));
            if (written <= 0)
                return false;
            at += written;
        }
    return length == 0;
}

/* To a file beside `to`, which then takes its name. */
static bool copy_over(const char *from, const char *to)
{
    char beside[PATH_MAX];
    int length = snprintf(beside, sizeof beside, "%s.part", to);
    if (length < 0 || (size_t)length >= sizeof beside)
        return false;
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = in < 0 ? -1 : open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool well = out >= 0 && copy_bytes(in, out);
    if (in >= 0)
        close(in);
    if (out >= 0)
        well &= close(out) == 0;
    well = well && rename(beside, to) == 0;
    if (out >= 0 && !well)
        (void)unlink(beside);
    return well && unlink(from) == 0;
}

enum status directory_move_file(const char *from, const char *to, struct error *error)
{
    if (rename(from, to) == 0)
        return STATUS_OK;
    if (errno == EXDEV && copy_over(from, to))
        return STATUS_OK;
    enum status status = errno == ENOENT ? STATUS_NOT_FOUND : STATUS_IO;
    return error_set(error, status, "%s to %s: %s", from, to, strerror(errno));
}
