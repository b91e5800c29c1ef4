#include "loadgen/load/load_files.h"

#include <string.h>

void load_files_release(struct load_files *files)
{
    for (size_t i = 0; i < files->count; i++)
        buffer_release(&files->items[i].content);
    files->count = 0;
}

static struct load_file *find(struct load_files *files, const char *path)
{
    for (size_t i = 0; i < files->count; i++)
        if (strcmp(files->items[i].path, path) == 0)
            return &files->items[i];
    return NULL;
}

static struct load_file *add(struct load_files *files, struct text path, size_t max_bytes)
{
    if (files->count == LOAD_FILES_MAX || path.length >= LOAD_FILE_PATH_MAX)
        return NULL;
    struct load_file *file = &files->items[files->count];
    text_copy(path, file->path, sizeof(file->path));
    buffer_init(&file->content, max_bytes);
    return file;
}

enum status load_files_read(struct load_files *files, const char *path, size_t max_bytes,
                            struct text *content, struct error *error)
{
    struct load_file *file = find(files, path);
    if (file == NULL) {
        if (files->is_sealed)
            return error_set(error, STATUS_NOT_FOUND, "%s: was not sent", path);
        file = add(files, text_of(path), max_bytes);
        if (file == NULL)
            return error_set(error, STATUS_TOO_LARGE, "%s: too many files, or too long a path",
                             path);
        enum status status = buffer_read_file(&file->content, path, error);
        if (status != STATUS_OK) {
            buffer_release(&file->content);
            return status;
        }
        files->count++;
    }
    if (file->content.length_bytes > max_bytes)
        return error_set(error, STATUS_TOO_LARGE, "%s: over %zu bytes", path, max_bytes);
    *content = (struct text){buffer_text(&file->content), file->content.length_bytes};
    return STATUS_OK;
}

enum status load_files_add(struct load_files *files, struct text path, struct text content)
{
    struct load_file *file = add(files, path, content.length + 1);
    if (file == NULL)
        return STATUS_TOO_LARGE;
    enum status status = buffer_append(&file->content, content.data, content.length);
    if (status == STATUS_OK)
        files->count++;
    else
        buffer_release(&file->content);
    return status;
}
