#include "loadgen/report/load_outputs.h"

#include <stdlib.h>
#include <string.h>

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
