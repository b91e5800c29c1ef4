#include "loadgen/report/load_outputs.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "loadgen/base/command.h"
#include "loadgen/report/load_document.h"
#include "loadgen/report/load_hgrm.h"
#include "loadgen/report/load_markdown.h"
#include "loadgen/report/load_page.h"

enum { OUTPUT_BYTES_MAX = 2 * LOAD_DOCUMENT_BYTES_MAX };

struct source {
    const struct load_outputs *outputs;
    struct text json;
    const char *file;
    const struct load_document *document;
};

static enum status write_page(const struct source *source, struct buffer *out, struct error *error)
{
    (void)error;
    load_page_write(source->json, out);
    return STATUS_OK;
}

static enum status write_markdown(const struct source *source, struct buffer *out,
                                  struct error *error)
{
    (void)error;
    load_markdown_write(source->document, out);
    return STATUS_OK;
}

/* ---- percentiles */

static const struct load_part *find_part(const struct source *source, struct error *error)
{
    const struct load_document *document = source->document;
    const char *name = source->outputs->window;
    for (size_t i = document->part_count; i-- > 0;)
        if (name == NULL || strcmp(document->parts[i].name, name) == 0)
            return &document->parts[i];
    (void)error_set(error, STATUS_INVALID, "%s: there is no window \"%s\"", source->file,
                    name ? name : "");
    return NULL;
}

static enum status write_hgrm(const struct source *source, struct buffer *out, struct error *error)
{
    const struct load_part *part = find_part(source, error);
    const char *name = source->outputs->step;
    size_t i = 0;
    if (part == NULL)
        return STATUS_INVALID;
    while (name != NULL && i < part->figures.step_count && strcmp(part->step_names[i], name) != 0)
        i++;
    if (i == part->figures.step_count)
        return error_set(error, STATUS_INVALID, "%s: there is no step \"%s\"", source->file, name);
    if (name != NULL) {
        load_hgrm_write(&part->figures.steps[i], out);
        return STATUS_OK;
    }
    struct load_step_figures *sum = calloc(1, sizeof(*sum));
    if (sum == NULL)
        return error_set(error, STATUS_NO_MEMORY, "%s: out of memory", source->file);
    load_figures_sum(&part->figures, sum);
    load_hgrm_write(sum, out);
    free(sum);
    return STATUS_OK;
}

/* ---- all of them */

static enum status write_all(const struct source *source, struct error *error)
{
    const struct {
        const char *path;
        enum status (*write)(const struct source *source, struct buffer *out, struct error *error);
    } rows[] = {{source->outputs->html, write_page},
                {source->outputs->markdown, write_markdown},
                {source->outputs->hgrm, write_hgrm}};
    enum status status = STATUS_OK;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && status == STATUS_OK; i++) {
        struct buffer out;
        if (rows[i].path == NULL)
            continue;
        buffer_init(&out, OUTPUT_BYTES_MAX);
        status = rows[i].write(source, &out, error);
        if (status == STATUS_OK)
            status = command_write(rows[i].path, &out, error);
        buffer_release(&out);
    }
    return status;
}

/* A file is written beside itself and renamed: its directory is what matters. */
static enum status check_path(const char *path, struct error *error)
{
    char directory[PATH_MAX] = ".";
    struct stat found;
    const char *slash = strrchr(path, '/');
    const bool exists = stat(path, &found) == 0;
    if (exists && S_ISDIR(found.st_mode))
        return error_set(error, STATUS_INVALID, "%s: is a directory", path);
    if (slash != NULL)
        (void)snprintf(directory, sizeof(directory), "%.*s", (int)(slash - path + 1), path);
    if (access(exists && !S_ISREG(found.st_mode) ? path : directory, W_OK) == 0)
        return STATUS_OK;
    const int code = errno;
    return error_set(error, code == ENOENT ? STATUS_NOT_FOUND : STATUS_IO,
                     "%s: cannot be written: %s", path, strerror(code));
}

enum status load_outputs_prepare(const struct load_outputs *outputs, struct error *error)
{
    const char *paths[] = {outputs->json, outputs->html, outputs->markdown, outputs->hgrm};
    enum status status = STATUS_OK;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]) && status == STATUS_OK; i++) {
        command_reserve_stdout(paths[i]);
        if (paths[i] != NULL && strcmp(paths[i], "-") != 0)
            status = check_path(paths[i], error);
    }
    return status;
}

bool load_outputs_any(const struct load_outputs *outputs)
{
    return outputs->html != NULL || outputs->markdown != NULL || outputs->hgrm != NULL;
}

enum status load_outputs_write(const struct load_outputs *outputs, struct text json,
                               const char *file, struct error *error)
{
    struct load_document *document = calloc(1, sizeof(*document));
    if (document == NULL)
        return error_set(error, STATUS_NO_MEMORY, "%s: out of memory", file);
    const struct source source = {outputs, json, file, document};
    enum status status = load_document_parse(document, json, file, error);
    if (status == STATUS_OK)
        status = write_all(&source, error);
    load_document_release(document);
    free(document);
    return status;
}

enum status load_outputs_make(const struct load_outputs *outputs, command_json *write,
                              const void *what, struct error *error)
{
    struct buffer out;
    struct json_writer writer;
    if (outputs->json == NULL && !load_outputs_any(outputs))
        return STATUS_OK;
    buffer_init(&out, LOAD_DOCUMENT_BYTES_MAX);
    json_writer_init(&writer, &out, 2);
    write(what, &writer);
    buffer_append_byte(&out, '\n');
    enum status status = out.failed;
    if (status != STATUS_OK)
        (void)error_set(error, status, "the report: %s", status_words(status));
    if (status == STATUS_OK && outputs->json != NULL)
        status = command_write(outputs->json, &out, error);
    const struct text json = {buffer_text(&out), out.length_bytes};
    if (status == STATUS_OK && load_outputs_any(outputs))
        status = load_outputs_write(outputs, json, "the report", error);
    buffer_release(&out);
    return status;
}
