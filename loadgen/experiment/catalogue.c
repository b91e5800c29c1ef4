#include "loadgen/experiment/catalogue.h"

#include <dirent.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"

static const char suffix[] = ".json";

static bool is_directory(const char *path)
{
    struct stat found;
    return stat(path, &found) == 0 && S_ISDIR(found.st_mode);
}

static bool ends_in_suffix(const char *word)
{
    size_t length = strlen(word);
    return length > strlen(suffix) && strcmp(word + length - strlen(suffix), suffix) == 0;
}

/* The n-th place to look at; false: there is no such. */
static bool place(unsigned n, char path[PATH_MAX])
{
    static const char *const beside[] = {"../../../scenarios", "../share/culprit/scenarios"};
    const char *given = getenv("CULPRIT_SCENARIOS");
    char self[PATH_MAX];
    int length = -1;
    if (n == 0)
        length = snprintf(path, PATH_MAX, "%s", given ? given : "");
    else if (n == 1)
        length = snprintf(path, PATH_MAX, "scenarios");
    else if (n - 2 < sizeof beside / sizeof beside[0]) {
        ssize_t bytes = readlink("/proc/self/exe", self, sizeof self - 1);
        self[bytes > 0 ? bytes : 0] = '\0';
        length = snprintf(path, PATH_MAX, "%s/%s", dirname(self), beside[n - 2]);
    }
    return length >= 0 && length < PATH_MAX;
}

static enum status find_directory(char path[PATH_MAX], struct error *error)
{
    for (unsigned n = 0; place(n, path); n++)
        if (is_directory(path))
            return STATUS_OK;
    return error_set(error, STATUS_NOT_FOUND,
                     "no directory of scenarios: set CULPRIT_SCENARIOS, or give a path");
}

static int by_name(const void *left, const void *right)
{
    const char *a = strrchr(left, '/'), *b = strrchr(right, '/');
    bool a_first = strcmp(a, "/baseline.json") == 0, b_first = strcmp(b, "/baseline.json") == 0;
    if (a_first != b_first)
        return a_first ? -1 : 1;
    return strcmp(a, b);
}

enum status catalogue_list(struct catalogue *catalogue, struct error *error)
{
    char directory[PATH_MAX];
    catalogue->count = 0;
    enum status status = find_directory(directory, error);
    if (status != STATUS_OK)
        return status;
    DIR *stream = opendir(directory);
    const struct dirent *entry;
    while (stream && (entry = readdir(stream)) && catalogue->count < CATALOGUE_MAX) {
        char *path = catalogue->paths[catalogue->count];
        if (entry->d_name[0] == '.' || !ends_in_suffix(entry->d_name))
            continue;
        int length = snprintf(path, PATH_MAX, "%s/%s", directory, entry->d_name);
        catalogue->count += length > 0 && length < PATH_MAX;
    }
    if (stream)
        closedir(stream);
    if (catalogue->count == 0)
        return error_set(error, STATUS_NOT_FOUND, "%s: no scenario in it", directory);
    qsort(catalogue->paths, catalogue->count, sizeof catalogue->paths[0], by_name);
    return STATUS_OK;
}

static void list_names(const struct catalogue *catalogue, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < catalogue->count && used + 80 < size; i++) {
        const char *name = strrchr(catalogue->paths[i], '/') + 1;
        used += (size_t)snprintf(out + used, size - used, "%s%.*s", i ? ", " : "",
                                 (int)(strlen(name) - strlen(suffix)), name);
    }
}

enum status catalogue_find(const char *word, char path[PATH_MAX], struct error *error)
{
    if (strlen(word) + 64 > PATH_MAX)
        return error_set(error, STATUS_NOT_FOUND, "scenario: the name is too long");
    if (strchr(word, '/') || ends_in_suffix(word)) {
        text_copy(text_of(word), path, PATH_MAX);
        return STATUS_OK;
    }
    struct catalogue *catalogue = malloc(sizeof *catalogue);
    if (!catalogue)
        return error_set(error, STATUS_NO_MEMORY, "no memory");
    enum status status = catalogue_list(catalogue, error);
    if (status == STATUS_OK) {
        char names[400];
        char wanted[PATH_MAX];
        snprintf(wanted, sizeof wanted, "/%s%s", word, suffix);
        list_names(catalogue, names, sizeof names);
        status =
            error_set(error, STATUS_NOT_FOUND, "no scenario \"%s\"; there are %s", word, names);
        for (size_t i = 0; i < catalogue->count; i++) {
            if (strcmp(strrchr(catalogue->paths[i], '/'), wanted) != 0)
                continue;
            memcpy(path, catalogue->paths[i], PATH_MAX);
            status = STATUS_OK;
        }
    }
    free(catalogue);
    return status;
}
