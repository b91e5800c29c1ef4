#include "loadgen/report/load_document.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "loadgen/base/fields.h"
#include "loadgen/load/worker_roll.h"
#include "loadgen/report/load_drive_json.h"
#include "loadgen/report/load_steps_read.h"

/* ---- values */

static enum status read_verdict(struct fields *fields, void *into)
{
    for (int i = VERDICT_PASS; i <= VERDICT_INCONCLUSIVE; i++) {
        if (fields->reader.token != JSON_STRING ||
            !json_reader_is(&fields->reader, verdict_word((enum verdict)i)))
            continue;
        *(enum verdict *)into = (enum verdict)i;
        return STATUS_OK;
    }
    return fields_fail(fields, "must be \"pass\", \"fail\" or \"inconclusive\"");
}

static enum status read_schema(struct fields *fields, void *into)
{
    return fields_text(fields, into, sizeof(((struct load_document *)NULL)->schema));
}

static enum status read_target(struct fields *fields, void *into)
{
    return fields_text(fields, into, sizeof(((struct load_document *)NULL)->target));
}

/* Words on why a run was cut short, "" of one that was not. */
static enum status read_cut_short(struct fields *fields, void *into)
{
    if (fields->reader.token != JSON_STRING)
        return fields_fail(fields, "must be a string");
    *(bool *)into = fields->reader.text.length > 0;
    return STATUS_OK;
}

/* ---- culprit.load-report/1 */

enum { SEEN_AT_LEAST = 1u << 3 };

static enum status read_metric(struct fields *fields, void *into)
{
    return fields_text(fields, into, sizeof(((struct load_document_threshold *)NULL)->metric));
}

static enum status read_limit(struct fields *fields, void *into)
{
    return fields_number(fields, -1e18, 1e18, into);
}

/* null where it is not known. */
static enum status read_value(struct fields *fields, void *into)
{
    struct load_document_threshold *threshold = into;
    threshold->is_known = fields->reader.token != JSON_NULL;
    return threshold->is_known ? read_limit(fields, &threshold->value) : STATUS_OK;
}

static enum status read_threshold(struct fields *fields, void *into)
{
    static const struct field table[] = {
        {"metric", read_metric, offsetof(struct load_document_threshold, metric), true},
        {"step", load_steps_read_name, offsetof(struct load_document_threshold, step), false},
        {"at_most", read_limit, offsetof(struct load_document_threshold, limit), false},
        {"at_least", read_limit, offsetof(struct load_document_threshold, limit), false},
        {"value", read_value, 0, true},
        {"holds", fields_read_bool, offsetof(struct load_document_threshold, holds), true},
    };
    uint32_t seen = 0;
    enum status status = fields_object(fields, FIELDS_OF(table), into, &seen);
    if (status == STATUS_OK && (seen >> 2 & 3u) != 1 && (seen >> 2 & 3u) != 2)
        return fields_fail(fields, "a threshold has either \"at_most\" or \"at_least\"");
    ((struct load_document_threshold *)into)->is_lower = seen & SEEN_AT_LEAST;
    return status;
}

static enum status read_thresholds(struct fields *fields, void *into)
{
    struct load_document *document = into;
    const struct field_items items = {document->thresholds, sizeof(document->thresholds[0]),
                                      LOAD_THRESHOLDS_MAX, &document->threshold_count};
    return fields_array(fields, read_threshold, &items);
}

static enum status read_worker_state(struct fields *fields, void *into)
{
    if (fields->reader.token != JSON_STRING)
        return fields_fail(fields, "must be a string");
    *(bool *)into |= !json_reader_is(&fields->reader, worker_roll_state_words(WORKER_DONE));
    return STATUS_OK;
}

static enum status read_worker(struct fields *fields, void *into)
{
    static const struct field table[] = {{"state", read_worker_state, 0, true}};
    return fields_object(fields, FIELDS_OF(table), into, NULL);
}

static enum status read_workers(struct fields *fields, void *into)
{
    size_t count = 0;
    const struct field_items items = {into, 0, WORKER_SEATS_MAX, &count};
    return fields_array(fields, read_worker, &items);
}

static enum status read_load_report(struct fields *fields, struct load_document *document)
{
    static const struct field table[] = {
        {"schema", read_schema, offsetof(struct load_document, schema), true},
        {"name", load_steps_read_name, offsetof(struct load_document, name), true},
        {"target", read_target, offsetof(struct load_document, target), true},
        {"seed", fields_read_u64, offsetof(struct load_document, seed), true},
        {"verdict", read_verdict, offsetof(struct load_document, verdict), true},
        {"interrupted", fields_read_bool, offsetof(struct load_document, is_interrupted), true},
        {"aborted", fields_read_bool, offsetof(struct load_document, is_aborted), false},
        {"trustworthy", fields_read_bool, offsetof(struct load_document, is_trustworthy), true},
        {"arrivals", load_drive_json_read_arrivals, offsetof(struct load_document, parts[0].drive),
         false},
        {"users", load_drive_json_read_users, offsetof(struct load_document, parts[0].drive),
         false},
        {"elapsed_s", load_steps_read_seconds, offsetof(struct load_document, parts[0].elapsed_s),
         true},
        {"steps", load_steps_read, offsetof(struct load_document, parts[0]), true},
        {"thresholds", read_thresholds, 0, true},
        {"workers", read_workers, offsetof(struct load_document, is_partial), false},
    };
    document->part_count = 1;
    return fields_object(fields, FIELDS_OF(table), document, NULL);
}

/* ---- culprit.run/1 */

/* Text of a trace, as much of it as there is room for. */
static enum status read_cut(struct fields *fields, void *into, size_t size)
{
    if (fields->reader.token != JSON_STRING)
        return fields_fail(fields, "must be a string");
    if (fields->reader.text.length >= size) {
        text_copy((struct text){fields->reader.text.data, text_utf8_prefix((struct text){
                                                              fields->reader.text.data, size - 1})},
                  into, size);
        return STATUS_OK;
    }
    size_t length = json_reader_unescape(&fields->reader, into);
    ((char *)into)[length] = '\0';
    return STATUS_OK;
}

static enum status read_kind(struct fields *fields, void *into)
{
    return read_cut(fields, into, sizeof(((struct load_document_finding *)NULL)->kind));
}

static enum status read_traced_name(struct fields *fields, void *into)
{
    return read_cut(fields, into, LOAD_DOCUMENT_TEXT_MAX);
}

static enum status read_finding(struct fields *fields, void *into)
{
    static const struct field table[] = {
        {"kind", read_kind, offsetof(struct load_document_finding, kind), true},
        {"service", read_traced_name, offsetof(struct load_document_finding, service), true},
        {"operation", read_traced_name, offsetof(struct load_document_finding, operation), true},
        {"peer", read_traced_name, offsetof(struct load_document_finding, peer), false},
        {"cost_ms", read_limit, offsetof(struct load_document_finding, cost_ms), true},
        {"saving_ms", read_limit, offsetof(struct load_document_finding, saving_ms), true},
    };
    return fields_object(fields, FIELDS_OF(table), into, NULL);
}

static enum status read_demand(struct fields *fields, void *into)
{
    static const struct field table[] = {
        {"threshold", read_traced_name, offsetof(struct load_document_demand, words), true},
        {"outcome", read_traced_name, offsetof(struct load_document_demand, outcome), true},
        {"why", read_traced_name, offsetof(struct load_document_demand, why), true},
    };
    return fields_object(fields, FIELDS_OF(table), into, NULL);
}

static enum status read_demands(struct fields *fields, void *into)
{
    struct load_document *document = into;
    const struct field_items items = {document->demands, sizeof(document->demands[0]),
                                      LOAD_DOCUMENT_DEMANDS_MAX, &document->demand_count};
    return fields_array(fields, read_demand, &items);
}

static enum status read_findings(struct fields *fields, void *into)
{
    struct load_document *document = into;
    const struct field_items items = {document->findings, sizeof(document->findings[0]),
                                      LOAD_DOCUMENT_FINDINGS_MAX, &document->finding_count};
    return fields_array(fields, read_finding, &items);
}

static enum status read_load(struct fields *fields, void *into)
{
    static const struct field table[] = {
        {"arrivals", load_drive_json_read_arrivals, offsetof(struct load_part, drive), false},
        {"users", load_drive_json_read_users, offsetof(struct load_part, drive), false},
        {"elapsed_s", load_steps_read_seconds, offsetof(struct load_part, elapsed_s), true},
        {"steps", load_steps_read, 0, true},
    };
    return fields_object(fields, FIELDS_OF(table), into, NULL);
}

static enum status read_window(struct fields *fields, void *into)
{
    static const struct field table[] = {
        {"name", load_steps_read_name, offsetof(struct load_part, name), true},
        {"load", read_load, 0, true},
    };
    return fields_object(fields, FIELDS_OF(table), into, NULL);
}

static enum status read_windows(struct fields *fields, void *into)
{
    struct load_document *document = into;
    const struct field_items items = {document->parts, sizeof(document->parts[0]),
                                      LOAD_DOCUMENT_PARTS_MAX, &document->part_count};
    return fields_array(fields, read_window, &items);
}

static enum status read_run_report(struct fields *fields, struct load_document *document)
{
    static const struct field table[] = {
        {"schema", read_schema, offsetof(struct load_document, schema), true},
        {"scenario", load_steps_read_name, offsetof(struct load_document, name), true},
        {"seed", fields_read_u64, offsetof(struct load_document, seed), true},
        {"verdict", read_verdict, offsetof(struct load_document, verdict), true},
        {"cut_short", read_cut_short, offsetof(struct load_document, is_interrupted), true},
        {"windows", read_windows, 0, true},
        {"findings", read_findings, 0, false},
        {"thresholds", read_demands, 0, false},
    };
    enum status status = fields_object(fields, FIELDS_OF(table), document, NULL);
    document->is_trustworthy = true;
    for (size_t i = 0; i < document->part_count && status == STATUS_OK; i++)
        document->is_trustworthy &= !load_figures_any_is_late(&document->parts[i].figures);
    return status;
}

/* ---- either */

static const struct kind {
    const char *schema;
    enum status (*read)(struct fields *fields, struct load_document *document);
} kinds[] = {
    {"culprit.load-report/1", read_load_report},
    {"culprit.run/1", read_run_report},
};

/* What a key means is said by "schema", wherever it stands: a look ahead. */
static const struct kind *find_kind(struct json_reader ahead)
{
    while (json_reader_next(&ahead) == JSON_KEY) {
        bool is_schema = json_reader_is(&ahead, "schema");
        (void)json_reader_next(&ahead);
        for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]) && is_schema; i++)
            if (ahead.token == JSON_STRING && json_reader_is(&ahead, kinds[i].schema))
                return &kinds[i];
        if (is_schema || !json_reader_skip(&ahead))
            break;
    }
    return NULL;
}

enum status load_document_parse(struct load_document *document, struct text json, const char *file,
                                struct error *error)
{
    struct fields fields;
    memset(document, 0, sizeof(*document));
    fields_init(&fields, json.data, json.length, file, error);
    fields.skips_unknown = true;
    if (json_reader_next(&fields.reader) != JSON_OBJECT_BEGIN)
        return fields_fail(&fields, "must be the JSON report of a run, an object");
    const struct kind *kind = find_kind(fields.reader);
    if (kind == NULL)
        return fields_fail(&fields, "\"schema\" is neither \"%s\" nor \"%s\"", kinds[0].schema,
                           kinds[1].schema);
    enum status status = kind->read(&fields, document);
    return status == STATUS_OK ? fields_end(&fields) : status;
}

enum status load_document_read(struct load_document *document, const char *path,
                               struct error *error)
{
    struct buffer text;
    memset(document, 0, sizeof(*document));
    buffer_init(&text, LOAD_DOCUMENT_BYTES_MAX);
    enum status status = buffer_read_file(&text, path, error);
    if (status == STATUS_OK) {
        const struct text json = {buffer_text(&text), text.length_bytes};
        status = load_document_parse(document, json, path, error);
    }
    buffer_release(&text);
    return status;
}

void load_document_release(struct load_document *document)
{
    for (size_t i = 0; i < LOAD_DOCUMENT_PARTS_MAX; i++)
        load_steps_read_release(&document->parts[i]);
    document->part_count = 0;
}
