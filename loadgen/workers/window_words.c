#include "loadgen/workers/window_words.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "loadgen/base/fields.h"
#include "loadgen/window/flow.h"
#include "loadgen/window/window_loops.h"

/* ---- the job */

/* Whole numbers that are a window_config's own; all of them small. */
#define COUNT(member)                                                                              \
    {                                                                                              \
#member, read_count, offsetof(struct window_config, member), true                          \
    }

static enum status read_count(struct fields *fields, void *into)
{
    uint64_t value = 0;
    enum status status = fields_read_u64(fields, &value);
    if (status == STATUS_OK && value > INT_MAX)
        return fields_fail(fields, "is out of range");
    *(unsigned *)into = (unsigned)value;
    return status;
}

static const struct field count_rows[] = {COUNT(lines_min), COUNT(lines_max), COUNT(lines_median),
                                          COUNT(sku_count), COUNT(connection_limit)};
enum { COUNT_ROWS = sizeof(count_rows) / sizeof(count_rows[0]) };

static void write_stages(struct json_writer *writer, const struct schedule_plan *arrivals)
{
    json_key(writer, "stages");
    json_begin_array(writer);
    for (size_t i = 0; i < arrivals->stage_count; i++) {
        json_begin_object(writer);
        json_field_double(writer, "duration_s", arrivals->stages[i].duration_s);
        json_field_double(writer, "from", arrivals->stages[i].from);
        json_field_double(writer, "to", arrivals->stages[i].to);
        json_end_object(writer);
    }
    json_end_array(writer);
    json_field_bool(writer, "poisson", arrivals->is_poisson);
}

void window_words_job_write(struct json_writer *writer, const struct window_config *config,
                            const char *otlp, unsigned threads)
{
    worker_words_kind_write(writer, WORKER_JOB_WINDOW);
    json_field_cstring(writer, "nonce", config->nonce);
    json_field_cstring(writer, "frontend", config->frontend);
    json_field_cstring(writer, "otlp", otlp);
    json_key(writer, "tokens");
    json_begin_array(writer);
    for (size_t i = 0; i < config->token_count; i++)
        json_cstring(writer, config->tokens[i]);
    json_end_array(writer);
    write_stages(writer, config->arrivals);
    json_field_u64_string(writer, "seed", config->seed);
    json_field_u64(writer, "request_timeout_ms", config->request_timeout_ms);
    json_field_u64(writer, "grace_ms", config->grace_ms);
    json_field_u64(writer, "threads", threads);
    for (size_t i = 0; i < COUNT_ROWS; i++) {
        unsigned value;
        memcpy(&value, (const char *)config + count_rows[i].offset, sizeof(value));
        json_field_u64(writer, count_rows[i].key, value);
    }
    json_end_object(writer);
}

static enum status read_url(struct fields *fields, void *into)
{
    return fields_text(fields, into, WINDOW_JOB_URL_MAX);
}

static enum status read_token(struct fields *fields, void *into)
{
    return fields_text(fields, into, WINDOW_JOB_TOKEN_MAX);
}

static enum status read_tokens(struct fields *fields, void *into)
{
    struct window_job *job = into;
    const struct field_items items = {job->tokens, sizeof(job->tokens[0]), WINDOW_JOB_TOKENS_MAX,
                                      &job->config.token_count};
    return fields_array(fields, read_token, &items);
}

static enum status read_amount(struct fields *fields, void *into)
{
    return fields_number(fields, 0, 1e9, into);
}

static enum status read_stage(struct fields *fields, void *into)
{
    static const struct field table[] = {
        {"duration_s", read_amount, offsetof(struct schedule_stage, duration_s), true},
        {"from", read_amount, offsetof(struct schedule_stage, from), true},
        {"to", read_amount, offsetof(struct schedule_stage, to), true},
    };
    return fields_object(fields, FIELDS_OF(table), into, NULL);
}

static enum status read_stages(struct fields *fields, void *into)
{
    struct schedule_plan *arrivals = into;
    const struct field_items items = {arrivals->stages, sizeof(arrivals->stages[0]),
                                      SCHEDULE_STAGES_MAX, &arrivals->stage_count};
    return fields_array(fields, read_stage, &items);
}

enum status window_words_job_read(struct text json, struct window_job *job, struct error *error)
{
    const struct field own[] = {
        {"nonce", worker_words_read_hex, offsetof(struct window_job, config.nonce), true},
        {"frontend", read_url, offsetof(struct window_job, frontend), true},
        {"otlp", read_url, offsetof(struct window_job, otlp), true},
        {"tokens", read_tokens, 0, true},
        {"stages", read_stages, offsetof(struct window_job, arrivals), true},
        {"poisson", fields_read_bool, offsetof(struct window_job, arrivals.is_poisson), true},
        {"seed", fields_read_u64, offsetof(struct window_job, config.seed), true},
        {"request_timeout_ms", fields_read_u64,
         offsetof(struct window_job, config.request_timeout_ms), true},
        {"grace_ms", fields_read_u64, offsetof(struct window_job, config.grace_ms), true},
        {"threads", fields_read_u64, offsetof(struct window_job, threads), true},
    };
    enum { OWN = sizeof(own) / sizeof(own[0]) };
    struct field table[OWN + COUNT_ROWS];
    memset(job, 0, sizeof(*job));
    memcpy(table, own, sizeof(own));
    memcpy(table + OWN, count_rows, sizeof(count_rows)); /* `config` is the first member */
    enum status status = worker_words_read(json, FIELDS_OF(table), job, error);
    if (status == STATUS_OK && (job->threads < 1 || job->threads > WINDOW_LOOPS_MAX))
        return error_set(error, STATUS_INVALID, "what was sent: threads are 1 to %d",
                         WINDOW_LOOPS_MAX);
    for (size_t i = 0; i < job->config.token_count; i++)
        job->token_list[i] = job->tokens[i];
    job->config.tokens = job->token_list;
    job->config.frontend = job->frontend;
    job->config.arrivals = &job->arrivals;
    return status;
}

/* ---- requests */

bool window_words_is_sampled(const struct worker_request *request)
{
    static const uint8_t none[sizeof(request->trace_id)];
    return memcmp(request->trace_id, none, sizeof(none)) != 0;
}

void window_words_requests_write(struct json_writer *writer, const struct worker_report *report)
{
    json_field_u64(writer, "request_first", report->request_first);
    json_key(writer, "requests");
    json_begin_array(writer);
    for (size_t i = 0; i < report->request_count; i++) {
        const struct worker_request *request = &report->requests[i];
        json_begin_array(writer);
        json_hex(writer, request->trace_id,
                 window_words_is_sampled(request) ? sizeof(request->trace_id) : 0);
        json_u64(writer, request->number);
        json_u64(writer, request->step);
        json_u64(writer, request->outcome);
        json_u64(writer, request->lines);
        json_u64_string(writer, request->due_ns);
        json_u64_string(writer, request->done_ns);
        json_end_array(writer);
    }
    json_end_array(writer);
}

static enum status read_trace_id(struct fields *fields, uint8_t out[16])
{
    if (json_reader_next(&fields->reader) != JSON_STRING)
        return fields_fail(fields, "must have a trace id first");
    const struct text text = fields->reader.text;
    if (text.length != 0 && (text.length != 32 || !hex_decode(text.data, 16, false, out)))
        return fields_fail(fields, "has a trace id that is none");
    return STATUS_OK;
}

/* A whole number, at most `highest`. */
static enum status read_member(struct fields *fields, uint64_t highest, uint64_t *out)
{
    (void)json_reader_next(&fields->reader);
    enum status status = fields_read_u64(fields, out);
    if (status == STATUS_OK && *out > highest)
        return fields_fail(fields, "has a number in it that is out of range");
    return status;
}

static enum status read_request(struct fields *fields, void *into)
{
    enum { NUMBER, STEP, OUTCOME, LINES, DUE, DONE, MEMBERS };
    static const uint64_t highest[MEMBERS] = {[NUMBER] = (uint64_t)SCHEDULE_COUNT_MAX,
                                              [STEP] = WINDOW_STEPS - 1,
                                              [OUTCOME] = LOAD_OUTCOME_COUNT - 1,
                                              [LINES] = FLOW_LINES_MAX,
                                              [DUE] = UINT64_MAX / 4,
                                              [DONE] = UINT64_MAX / 4};
    struct worker_request *request = into;
    uint64_t values[MEMBERS] = {0};
    if (fields->reader.token != JSON_ARRAY_BEGIN)
        return fields_fail(fields, "must be an array");
    enum status status = read_trace_id(fields, request->trace_id);
    for (int i = 0; i < MEMBERS && status == STATUS_OK; i++)
        status = read_member(fields, highest[i], &values[i]);
    if (status != STATUS_OK)
        return status;
    if (json_reader_next(&fields->reader) != JSON_ARRAY_END || values[DONE] < values[DUE])
        return fields_fail(fields, "has a request that ends before it is due, or is too long");
    request->number = values[NUMBER];
    request->step = (uint16_t)values[STEP];
    request->outcome = (uint16_t)values[OUTCOME];
    request->lines = (uint16_t)values[LINES];
    request->due_ns = values[DUE];
    request->done_ns = values[DONE];
    return STATUS_OK;
}

/* Of an array that the reader stands at; it stays there. */
static size_t count_items(struct json_reader ahead)
{
    size_t count = 0;
    while (ahead.token != JSON_ERROR && json_reader_next(&ahead) != JSON_ARRAY_END &&
           count <= WORKER_REQUESTS_MAX && json_reader_skip(&ahead))
        count++;
    return count;
}

enum status window_words_requests_read(struct fields *fields, void *into)
{
    struct worker_report *report = into;
    if (fields->reader.token != JSON_ARRAY_BEGIN)
        return fields_fail(fields, "must be an array");
    size_t count = count_items(fields->reader);
    if (count == 0 || count > WORKER_REQUESTS_MAX)
        return fields_fail(fields, "are none, or more than %d", WORKER_REQUESTS_MAX);
    report->requests = calloc(count, sizeof(*report->requests));
    if (report->requests == NULL)
        return error_set(fields->error, STATUS_NO_MEMORY, "out of memory");
    const struct field_items items = {report->requests, sizeof(*report->requests), count,
                                      &report->request_count};
    return fields_array(fields, read_request, &items);
}
