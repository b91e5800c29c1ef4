#include "loadgen/threshold/threshold_file.h"

#include "base/buffer.h"
#include "loadgen/threshold/threshold_kinds.h"
#include "loadgen/threshold/threshold_read.h"

enum { FILE_BYTES_MAX = 256 * 1024 };

static const char schema_word[] = "culprit.thresholds/1";

static enum status read_schema(struct fields *fields, void *into)
{
    (void)into;
    return fields_word(fields, schema_word);
}

/* Traces do not tell what was asked for and never came. */
static bool needs_load(const struct threshold *threshold)
{
    return threshold_row(threshold->kind)->needs_load ||
           (threshold->kind == THRESHOLD_COVERAGE && threshold->coverage != THRESHOLD_CONNECTED);
}

static enum status refuse_load(const struct fields *fields, const struct thresholds *thresholds)
{
    for (size_t i = 0; i < thresholds->count; i++)
        if (needs_load(&thresholds->items[i]))
            return error_set(fields->error, STATUS_INVALID,
                             "%s:%u: key \"%s\": traces alone do not tell that; a scenario of "
                             "`culprit run` may ask for it",
                             fields->file, thresholds->items[i].line,
                             threshold_row(thresholds->items[i].kind)->section);
    return STATUS_OK;
}

enum status threshold_file_parse(struct thresholds *thresholds, struct text json, const char *path,
                                 struct error *error)
{
    static const struct field table[] = {
        {"$schema", fields_editor_hint, 0, false},
        {"schema", read_schema, 0, true},
        {"thresholds", threshold_read, 0, true},
    };
    struct fields fields;
    fields_init(&fields, json.data, json.length, path, error);
    (void)json_reader_next(&fields.reader);
    enum status status = fields_object(&fields, FIELDS_OF(table), thresholds, NULL);
    if (status == STATUS_OK)
        status = fields_end(&fields);
    return status == STATUS_OK ? refuse_load(&fields, thresholds) : status;
}

enum status threshold_file_read(struct thresholds *thresholds, const char *path,
                                struct error *error)
{
    struct buffer file;
    buffer_init(&file, FILE_BYTES_MAX);
    enum status status = buffer_read_file(&file, path, error);
    if (status == STATUS_OK)
        status = threshold_file_parse(
            thresholds, (struct text){buffer_text(&file), file.length_bytes}, path, error);
    buffer_release(&file);
    return status;
}
