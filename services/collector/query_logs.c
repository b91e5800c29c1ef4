#include "services/collector/query_logs.h"

#include "base/clock.h"
#include "services/collector/answer.h"
#include "services/collector/collector.h"
#include "services/collector/params.h"
#include "services/collector/windows.h"

enum {
    LIMIT = 1000,
    LIMIT_MAX = 10000,
    LOGS_BYTES_MAX = 64 * 1024 * 1024,
    SEVERITY_MAX = 24,
};

/* ---- what is asked */

static const struct {
    const char *word;
    uint32_t number;
} severities[] = {{"trace", 1}, {"debug", 5},  {"info", 9},
                  {"warn", 13}, {"error", 17}, {"fatal", 21}};

static bool read_severity(const char *word, uint32_t *out)
{
    uint64_t number;
    if (!word || !*word)
        return true;
    for (size_t i = 0; i < sizeof(severities) / sizeof(severities[0]); i++) {
        if (text_equal_ignore_case(text_of(word), text_of(severities[i].word))) {
            *out = severities[i].number;
            return true;
        }
    }
    if (text_to_u64(text_of(word), &number) != STATUS_OK || number > SEVERITY_MAX)
        return false;
    *out = (uint32_t)number;
    return true;
}

static bool read_limit(const char *word, size_t *out)
{
    uint64_t number = LIMIT;
    if (word && *word && (text_to_u64(text_of(word), &number) != STATUS_OK || number == 0))
        return false;
    *out = number < LIMIT_MAX ? (size_t)number : LIMIT_MAX;
    return true;
}

static enum status read_window(const struct request *request, struct log_read_query *query,
                               struct error *error)
{
    const struct windows_words words = {
        .last = request_query(request, "last"),
        .start = request_query(request, "start"),
        .end = request_query(request, "end"),
    };
    struct windows windows;
    const enum status status = windows_read(&words, clock_wall_ns(), &windows, error);
    query->start_ns = windows.current.start_ns;
    query->end_ns = windows.current.end_ns;
    return status;
}

/* *none: what is asked for is nowhere in the store. */
static enum status read_query(const struct request *request, struct log_read_query *query,
                              uint8_t id[16], bool *none, struct error *error)
{
    struct collector *collector = request->context;
    const char *trace_id = request_query(request, "trace_id");
    const char *service = request_query(request, "service");
    *none = false;
    if (!read_limit(request_query(request, "limit"), &query->limit))
        return error_set(error, STATUS_INVALID, "limit must be a whole number above 0");
    if (!read_severity(request_query(request, "severity"), &query->severity))
        return error_set(error, STATUS_INVALID,
                         "severity must be trace, debug, info, warn, error, fatal, or 0 to 24");
    if (service && *service) {
        query->service = names_find(store_names(collector->store), text_of(service));
        *none = query->service == NAMES_OTHER;
    }
    if (!trace_id || !*trace_id)
        return read_window(request, query, error);
    query->trace_id = id;
    return params_trace_id(trace_id, id)
               ? STATUS_OK
               : error_set(error, STATUS_INVALID, "trace_id must be 32 hex digits, not all 0");
}

/* ---- what is answered */

static void send(const struct logs *logs, bool truncated, struct response *response)
{
    struct answer answer;
    answer_begin(&answer);
    json_begin_object(&answer.writer);
    json_field_cstring(&answer.writer, "schema", "culprit.logs/1");
    json_field_bool(&answer.writer, "truncated", truncated);
    json_key(&answer.writer, "logs");
    json_begin_array(&answer.writer);
    for (size_t i = 0; i < logs->count; i++)
        logs_json_write_one(&logs->items[i], &answer.writer);
    json_end_array(&answer.writer);
    json_end_object(&answer.writer);
    answer_send(&answer, response, 200);
}

void query_logs(struct request *request, struct response *response)
{
    struct collector *collector = request->context;
    struct log_read_query query = {.service = NAMES_OTHER};
    struct error error = {{0}};
    struct logs logs;
    uint8_t id[16];
    bool none, truncated = false;
    enum status status = read_query(request, &query, id, &none, &error);
    if (status != STATUS_OK) {
        answer_error_v3(response, 400, "%s", error.text);
        return;
    }
    logs_init(&logs, LIMIT_MAX, LOGS_BYTES_MAX);
    if (!none)
        status = log_read_run(collector->log_reader, store_names(collector->store), &query, &logs,
                              &truncated);
    if (status == STATUS_OK || status == STATUS_TOO_LARGE)
        send(&logs, truncated, response);
    else
        answer_error_v3(response, answer_status(status), "%s", status_words(status));
    logs_release(&logs);
}
