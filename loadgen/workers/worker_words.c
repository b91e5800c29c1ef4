#include "loadgen/workers/worker_words.h"

#include <stdlib.h>
#include <string.h>

#include "loadgen/base/fields.h"
#include "loadgen/report/load_steps_read.h"
#include "loadgen/workers/window_words.h"

/* ---- values */

/* 16 digits: instances and nonces. */
enum status worker_words_read_hex(struct fields *fields, void *into)
{
    char *out = into;
    enum status status = fields_text(fields, out, WORKER_INSTANCE_LENGTH + 1);
    if (status == STATUS_OK && strspn(out, "0123456789abcdef") != WORKER_INSTANCE_LENGTH)
        return fields_fail(fields, "must be %d hex digits", WORKER_INSTANCE_LENGTH);
    return status;
}

static enum status read_host(struct fields *fields, void *into)
{
    char *out = into;
    enum status status = fields_text(fields, out, WORKER_HOST_MAX);
    for (const char *at = out; status == STATUS_OK && *at != '\0'; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            return fields_fail(fields, "has a control character in it");
    return status;
}

static enum status read_words(struct fields *fields, void *into)
{
    if (fields->reader.token == JSON_STRING && fields->reader.text.length == 0)
        return STATUS_OK;
    return fields_text(fields, into, WORKER_WORDS_MAX);
}

static enum status read_path(struct fields *fields, void *into)
{
    return fields_text(fields, into, LOAD_FILE_PATH_MAX);
}

enum status worker_words_read(struct text json, const struct field *table, size_t count, void *into,
                              struct error *error)
{
    struct fields fields;
    fields_init(&fields, json.data, json.length, "what was sent", error);
    fields.skips_unknown = true;
    (void)json_reader_next(&fields.reader);
    enum status status = fields_object(&fields, table, count, into, NULL);
    return status == STATUS_OK ? fields_end(&fields) : status;
}

static enum status check_protocol(uint64_t protocol, struct error *error)
{
    if (protocol == WORKER_PROTOCOL)
        return STATUS_OK;
    return error_set(error, STATUS_UNSUPPORTED,
                     "the other side speaks version %llu of the workers' protocol, this is %d: the "
                     "same culprit must run on both sides",
                     (unsigned long long)protocol, WORKER_PROTOCOL);
}

/* ---- hello */

void worker_words_hello_write(struct json_writer *writer, const struct worker_name *name)
{
    json_begin_object(writer);
    json_field_u64(writer, "protocol", WORKER_PROTOCOL);
    json_field_cstring(writer, "instance", name->instance);
    json_field_cstring(writer, "host", name->host);
    json_field_u64(writer, "pid", name->pid);
    json_end_object(writer);
}

/* The version first: of another one nothing else is known. */
static enum status read_protocol(struct text json, struct error *error)
{
    static const struct field table[] = {{"protocol", fields_read_u64, 0, true}};
    uint64_t protocol = 0;
    enum status status = worker_words_read(json, FIELDS_OF(table), &protocol, error);
    return status == STATUS_OK ? check_protocol(protocol, error) : status;
}

enum status worker_words_hello_read(struct text json, struct worker_name *name, struct error *error)
{
    static const struct field table[] = {
        {"instance", worker_words_read_hex, offsetof(struct worker_name, instance), true},
        {"host", read_host, offsetof(struct worker_name, host), true},
        {"pid", fields_read_u64, offsetof(struct worker_name, pid), true},
    };
    *name = (struct worker_name){0};
    enum status status = read_protocol(json, error);
    return status == STATUS_OK ? worker_words_read(json, FIELDS_OF(table), name, error) : status;
}

void worker_words_place_write(struct json_writer *writer, const struct worker_place *place)
{
    json_begin_object(writer);
    json_field_u64(writer, "worker", place->worker);
    json_field_u64(writer, "workers", place->workers);
    json_field_u64(writer, "silence_ms", place->silence_ms);
    json_end_object(writer);
}

enum status worker_words_place_read(struct text json, struct worker_place *place,
                                    struct error *error)
{
    static const struct field table[] = {
        {"worker", fields_read_u64, offsetof(struct worker_place, worker), true},
        {"workers", fields_read_u64, offsetof(struct worker_place, workers), true},
        {"silence_ms", fields_read_u64, offsetof(struct worker_place, silence_ms), true},
    };
    *place = (struct worker_place){0};
    enum status status = worker_words_read(json, FIELDS_OF(table), place, error);
    if (status == STATUS_OK && (place->workers > WORKER_SEATS_MAX ||
                                place->worker >= place->workers || place->silence_ms > 86400000))
        return error_set(error, STATUS_INVALID, "what was sent: there is no such seat");
    return status;
}

/* ---- clock and orders */

void worker_words_clock_write(struct json_writer *writer, uint64_t unix_ns)
{
    json_begin_object(writer);
    json_field_u64_string(writer, "unix_ns", unix_ns);
    json_end_object(writer);
}

enum status worker_words_clock_read(struct text json, uint64_t *unix_ns, struct error *error)
{
    static const struct field table[] = {{"unix_ns", fields_read_u64, 0, true}};
    *unix_ns = 0;
    return worker_words_read(json, FIELDS_OF(table), unix_ns, error);
}

void worker_words_command_write(struct json_writer *writer, const struct worker_command *command)
{
    json_begin_object(writer);
    json_field_cstring(writer, "order", worker_roll_order_words(command->order));
    if (command->order == WORKER_ORDER_START)
        json_field_u64_string(writer, "start_unix_ns", command->start_unix_ns);
    json_field_u64(writer, "taken", command->taken);
    json_end_object(writer);
}

static enum status read_order(struct fields *fields, void *into)
{
    for (unsigned i = 0; i < WORKER_ORDER_COUNT && fields->reader.token == JSON_STRING; i++) {
        if (!json_reader_is(&fields->reader, worker_roll_order_words((enum worker_order)i)))
            continue;
        *(enum worker_order *)into = (enum worker_order)i;
        return STATUS_OK;
    }
    return fields_fail(fields, "is no order that is known");
}

enum status worker_words_command_read(struct text json, struct worker_command *command,
                                      struct error *error)
{
    static const struct field table[] = {
        {"order", read_order, offsetof(struct worker_command, order), true},
        {"start_unix_ns", fields_read_u64, offsetof(struct worker_command, start_unix_ns), false},
        {"taken", fields_read_u64, offsetof(struct worker_command, taken), true},
    };
    *command = (struct worker_command){0};
    enum status status = worker_words_read(json, FIELDS_OF(table), command, error);
    if (status == STATUS_OK && command->order == WORKER_ORDER_START && command->start_unix_ns == 0)
        return error_set(error, STATUS_INVALID, "what was sent: a start without its time");
    return status;
}

/* ---- the job */

static const char *const kinds[] = {[WORKER_JOB_LOAD] = "load",
                                    [WORKER_JOB_WINDOW] = "window",
                                    [WORKER_JOB_WAIT] = "wait",
                                    [WORKER_JOB_OVER] = "over"};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

void worker_words_kind_write(struct json_writer *writer, enum worker_job_kind kind)
{
    json_begin_object(writer);
    json_field_u64(writer, "protocol", WORKER_PROTOCOL);
    json_field_cstring(writer, "kind", kinds[kind]);
}

static enum status read_kind(struct fields *fields, void *into)
{
    for (unsigned i = 0; i < KINDS && fields->reader.token == JSON_STRING; i++) {
        if (!json_reader_is(&fields->reader, kinds[i]))
            continue;
        *(enum worker_job_kind *)into = (enum worker_job_kind)i;
        return STATUS_OK;
    }
    return fields_fail(fields, "is no kind of job that is known");
}

enum status worker_words_kind_read(struct text json, enum worker_job_kind *kind,
                                   struct error *error)
{
    static const struct field table[] = {{"kind", read_kind, 0, true}};
    enum status status = read_protocol(json, error);
    return status == STATUS_OK ? worker_words_read(json, FIELDS_OF(table), kind, error) : status;
}

void worker_words_job_write(struct json_writer *writer, const char *nonce,
                            const struct load_options *options, const struct load_files *files)
{
    worker_words_kind_write(writer, WORKER_JOB_LOAD);
    json_field_cstring(writer, "nonce", nonce);
    json_field_cstring(writer, "word", options->word);
    json_key(writer, "options");
    load_options_json_write(writer, options);
    json_key(writer, "files");
    json_begin_array(writer);
    for (size_t i = 0; i < files->count; i++) {
        json_begin_object(writer);
        json_field_cstring(writer, "path", files->items[i].path);
        json_field_u64(writer, "bytes", files->items[i].content.length_bytes);
        json_end_object(writer);
    }
    json_end_array(writer);
    json_end_object(writer);
}

static enum status read_file(struct fields *fields, void *into)
{
    static const struct field table[] = {
        {"path", read_path, offsetof(struct worker_job_file, path), true},
        {"bytes", fields_read_u64, offsetof(struct worker_job_file, bytes), true},
    };
    struct worker_job_file *file = into;
    enum status status = fields_object(fields, FIELDS_OF(table), file, NULL);
    if (status == STATUS_OK && file->bytes > LOAD_FEEDER_BYTES_MAX)
        return fields_fail(fields, "is larger than a file may be");
    return status;
}

static enum status read_files(struct fields *fields, void *into)
{
    struct worker_job *job = into;
    const struct field_items items = {job->files, sizeof(job->files[0]), LOAD_FILES_MAX,
                                      &job->file_count};
    return fields_array(fields, read_file, &items);
}

enum status worker_words_job_read(struct text json, struct worker_job *job, struct error *error)
{
    static const struct field table[] = {
        {"nonce", worker_words_read_hex, offsetof(struct worker_job, nonce), true},
        {"word", read_path, offsetof(struct worker_job, word), true},
        {"options", load_options_json_read, offsetof(struct worker_job, sent), true},
        {"files", read_files, 0, true},
    };
    memset(job, 0, sizeof(*job));
    arena_init(&job->sent.arena, WORKER_JOB_BYTES_MAX);
    load_options_init(&job->sent.options);
    enum status status = worker_words_read(json, FIELDS_OF(table), job, error);
    const char *wrong = status == STATUS_OK ? load_options_wrong(&job->sent.options) : NULL;
    if (wrong != NULL)
        return error_set(error, STATUS_INVALID, "what was sent: %s", wrong);
    job->sent.options.word = job->word;
    return status;
}

void worker_words_job_release(struct worker_job *job)
{
    arena_release(&job->sent.arena);
}

/* ---- reports */

static const struct field flow_rows[] = {
    {"due", fields_read_u64, offsetof(struct load_flow_counts, due), true},
    {"ok", fields_read_u64, offsetof(struct load_flow_counts, ok), true},
    {"failed", fields_read_u64, offsetof(struct load_flow_counts, failed), true},
    {"cut", fields_read_u64, offsetof(struct load_flow_counts, cut), true},
    {"turned_away", fields_read_u64, offsetof(struct load_flow_counts, turned_away), true},
};

static void write_flows(struct json_writer *writer, const struct load_flow_counts *flows)
{
    json_key(writer, "flows");
    json_begin_object(writer);
    for (size_t i = 0; i < sizeof(flow_rows) / sizeof(flow_rows[0]); i++) {
        uint64_t count;
        memcpy(&count, (const char *)flows + flow_rows[i].offset, sizeof(count));
        json_field_u64(writer, flow_rows[i].key, count);
    }
    json_end_object(writer);
}

void worker_words_report_write(struct json_writer *writer, const struct worker_report *report,
                               const struct load_steps *steps)
{
    json_begin_object(writer);
    json_field_cstring(writer, "instance", report->instance);
    json_field_u64(writer, "round", report->round);
    json_field_u64(writer, "number", report->number);
    json_field_cstring(writer, "state", worker_roll_state_words(report->state));
    json_field_cstring(writer, "words", report->words);
    json_field_u64_string(writer, "clock_error_ns", report->clock_error_ns);
    json_field_u64_string(writer, "cpu_ns", report->cpu_ns);
    json_field_u64(writer, "peak_rss_kib", report->peak_rss_kib);
    json_field_u64(writer, "spans_lost", report->spans_lost);
    json_field_bool(writer, "late", report->is_late);
    write_flows(writer, &report->flows);
    if (report->request_count > 0)
        window_words_requests_write(writer, report);
    if (steps != NULL)
        load_steps_json(writer, steps);
    json_end_object(writer);
}

static enum status read_state(struct fields *fields, void *into)
{
    for (unsigned i = WORKER_PREPARING; i < WORKER_LOST; i++) {
        if (fields->reader.token != JSON_STRING ||
            !json_reader_is(&fields->reader, worker_roll_state_words((enum worker_state)i)))
            continue;
        *(enum worker_state *)into = (enum worker_state)i;
        return STATUS_OK;
    }
    return fields_fail(fields, "is no state of a worker");
}

static enum status read_flows(struct fields *fields, void *into)
{
    return fields_object(fields, FIELDS_OF(flow_rows), into, NULL);
}

enum status worker_words_report_read(struct text json, struct worker_report *report,
                                     struct error *error)
{
    static const struct field table[] = {
        {"instance", worker_words_read_hex, offsetof(struct worker_report, instance), true},
        {"round", fields_read_u64, offsetof(struct worker_report, round), true},
        {"number", fields_read_u64, offsetof(struct worker_report, number), true},
        {"state", read_state, offsetof(struct worker_report, state), true},
        {"words", read_words, offsetof(struct worker_report, words), true},
        {"clock_error_ns", fields_read_u64, offsetof(struct worker_report, clock_error_ns), true},
        {"cpu_ns", fields_read_u64, offsetof(struct worker_report, cpu_ns), true},
        {"peak_rss_kib", fields_read_u64, offsetof(struct worker_report, peak_rss_kib), true},
        {"spans_lost", fields_read_u64, offsetof(struct worker_report, spans_lost), true},
        {"late", fields_read_bool, offsetof(struct worker_report, is_late), true},
        {"flows", read_flows, offsetof(struct worker_report, flows), true},
        {"elapsed_s", load_steps_read_seconds, offsetof(struct worker_report, part.elapsed_s),
         false},
        {"steps", load_steps_read, offsetof(struct worker_report, part), false},
        {"request_first", fields_read_u64, offsetof(struct worker_report, request_first), false},
        {"requests", window_words_requests_read, 0, false},
    };
    memset(report, 0, sizeof(*report));
    return worker_words_read(json, FIELDS_OF(table), report, error);
}

void worker_words_report_release(struct worker_report *report)
{
    load_steps_read_release(&report->part);
    free(report->requests);
    report->requests = NULL;
    report->request_count = 0;
}
