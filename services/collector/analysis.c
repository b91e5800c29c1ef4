#include "services/collector/analysis.h"

#include <stdatomic.h>

#include "base/clock.h"
#include "diagnose/diagnose.h"
#include "diagnose/graph.h"
#include "services/collector/answer.h"
#include "services/collector/search.h"
#include "services/collector/windows.h"

enum {
    SPANS_MAX = 400000,
    SPANS_BYTES_MAX = 256 * 1024 * 1024,
    FOUND_BYTES_MAX = 1024 * 1024,
    GRAPH_BYTES_MAX = 256 * 1024 * 1024,
    RUNNING_MAX = 4, /* each may take hundreds of megabytes */
};

static atomic_int running;

/* One window as it was read. */
struct sample {
    struct spans spans;
    struct windows_range range;
    size_t traces;
    bool truncated; /* there are, or may be, more traces than were read */
};

struct question {
    struct windows windows;
    struct text service;
    struct sample current, baseline;
};

static void question_init(struct question *question)
{
    spans_init(&question->current.spans, SPANS_MAX, SPANS_BYTES_MAX);
    spans_init(&question->baseline.spans, SPANS_MAX, SPANS_BYTES_MAX);
}

static void question_release(struct question *question)
{
    spans_release(&question->current.spans);
    spans_release(&question->baseline.spans);
}

static enum status read_sample(struct collector *collector, const struct question *question,
                               const struct windows_range *range, struct sample *sample)
{
    struct criteria criteria;
    struct buffer found;
    const uint64_t began_ns = clock_mono_ns();
    criteria_init(&criteria);
    criteria.service = question->service;
    criteria.start_ns = range->start_ns;
    criteria.end_ns = range->end_ns - 1; /* its end counts, ours does not */
    criteria.limit = question->windows.limit;
    buffer_init(&found, FOUND_BYTES_MAX);
    sample->range = *range;
    const enum status status = search_run(collector, &criteria, &sample->spans, &found);
    const uint64_t spent_ns = clock_mono_ns() - began_ns;
    sample->traces = found.length_bytes / sizeof(struct search_found);
    sample->truncated = status == STATUS_TOO_LARGE || sample->traces >= criteria.limit ||
                        spent_ns >= SEARCH_TIME_MS * NS_PER_MS;
    buffer_release(&found);
    return status == STATUS_TOO_LARGE ? STATUS_OK : status; /* what fits is a sample, too */
}

/* Parameters and traces. false: answered already. */
static bool read_question(struct request *request, struct response *response,
                          struct question *question)
{
    const struct windows_words words = {
        .last = request_query(request, "last"),
        .start = request_query(request, "start"),
        .end = request_query(request, "end"),
        .base_start = request_query(request, "baseline_start"),
        .base_end = request_query(request, "baseline_end"),
        .limit = request_query(request, "limit"),
    };
    struct error error = {{0}};
    if (windows_read(&words, clock_wall_ns(), &question->windows, &error) != STATUS_OK) {
        answer_error_v3(response, 400, "%s", error.text);
        return false;
    }
    question->service = text_of(request_query(request, "service"));
    enum status status =
        read_sample(request->context, question, &question->windows.current, &question->current);
    if (status == STATUS_OK && question->windows.has_baseline)
        status = read_sample(request->context, question, &question->windows.baseline,
                             &question->baseline);
    if (status != STATUS_OK)
        answer_error_v3(response, answer_status(status), "%s", status_words(status));
    return status == STATUS_OK;
}

/* ---- answers */

static void write_ms(struct json_writer *writer, const char *key, double value)
{
    json_field_fixed(writer, key, value, 3);
}

/* Leaves the object open. */
static void begin_sample(struct json_writer *writer, const char *key, const struct sample *sample)
{
    json_key(writer, key);
    json_begin_object(writer);
    json_field_u64_string(writer, "start_unix_nano", sample->range.start_ns);
    json_field_u64_string(writer, "end_unix_nano", sample->range.end_ns);
    json_field_u64(writer, "traces", sample->traces);
    json_field_u64(writer, "spans", sample->spans.count);
    json_field_bool(writer, "truncated", sample->truncated);
}

static void begin_answer(struct answer *answer, const char *schema)
{
    answer_begin(answer);
    json_begin_object(&answer->writer);
    json_field_cstring(&answer->writer, "schema", schema);
}

static void write_findings(const struct diagnosis *diagnosis, bool with_baseline,
                           struct json_writer *writer)
{
    json_field_u64(writer, "requests", diagnosis->request_count);
    json_field_u64(writer, "partial_traces", diagnosis->partial_count);
    write_ms(writer, "entry_p50_ms", diagnosis->entry_p50_ms);
    write_ms(writer, "baseline_p50_ms", diagnosis->baseline_p50_ms);
    write_ms(writer, "unexplained_ms", diagnosis->unexplained_ms);
    json_field_bool(writer, "with_baseline", with_baseline);
    json_key(writer, "findings");
    json_begin_array(writer);
    for (size_t i = 0; i < diagnosis->finding_count; i++)
        finding_write_json(&diagnosis->findings[i], writer);
    json_end_array(writer);
}

static enum status diagnose(const struct question *question, struct diagnosis *diagnosis,
                            struct error *error)
{
    const struct diagnose_window now = {.spans = &question->current.spans};
    const struct diagnose_window before = {.spans = &question->baseline.spans};
    *diagnosis = (struct diagnosis){0};
    if (question->current.spans.count == 0)
        return STATUS_OK; /* nothing happened: nothing to blame */
    return diagnose_run(&now, question->baseline.spans.count > 0 ? &before : NULL, diagnosis,
                        error);
}

static void send_findings(const struct question *question, struct response *response)
{
    struct diagnosis diagnosis;
    struct answer answer;
    struct error error = {{0}};
    const enum status status = diagnose(question, &diagnosis, &error);
    if (status != STATUS_OK) {
        answer_error_v3(response, answer_status(status), "%s", error.text);
        return;
    }
    begin_answer(&answer, "culprit.findings/1");
    begin_sample(&answer.writer, "window", &question->current);
    json_end_object(&answer.writer);
    if (question->windows.has_baseline) {
        begin_sample(&answer.writer, "baseline", &question->baseline);
        json_end_object(&answer.writer);
    }
    write_findings(&diagnosis, question->baseline.spans.count > 0, &answer.writer);
    json_end_object(&answer.writer);
    answer_send(&answer, response, 200);
    diagnosis_release(&diagnosis);
}

/* Reads the traces and has them judged, unless too many are at it. */
static void run(struct request *request, struct response *response,
                void (*send)(const struct question *question, struct response *response))
{
    struct question question = {0};
    question_init(&question);
    if (atomic_fetch_add(&running, 1) >= RUNNING_MAX) {
        response_header(response, "Retry-After", "1");
        answer_error_v3(response, 503, "busy with other questions: ask again");
    } else if (read_question(request, response, &question)) {
        send(&question, response);
    }
    atomic_fetch_sub(&running, 1);
    question_release(&question);
}

void analysis_findings(struct request *request, struct response *response)
{
    run(request, response, send_findings);
}

/* ---- graph */

static void write_edge(const struct graph_edge *edge, struct json_writer *writer)
{
    json_begin_object(writer);
    json_field_text(writer, "caller", edge->caller);
    json_field_text(writer, "callee", edge->callee);
    json_field_u64(writer, "calls", edge->calls);
    json_field_u64(writer, "errors", edge->errors);
    write_ms(writer, "mean_ms", edge->mean_ms);
    write_ms(writer, "p50_ms", edge->p50_ms);
    write_ms(writer, "p99_ms", edge->p99_ms);
    json_field_bool(writer, "outside", edge->outside);
    json_end_object(writer);
}

static void write_operation(const struct graph_operation *operation, struct json_writer *writer)
{
    json_begin_object(writer);
    json_field_text(writer, "service", operation->service);
    json_field_text(writer, "operation", operation->operation);
    json_field_u64(writer, "calls", operation->calls);
    json_field_u64(writer, "errors", operation->errors);
    write_ms(writer, "p50_ms", operation->p50_ms);
    write_ms(writer, "p95_ms", operation->p95_ms);
    write_ms(writer, "p99_ms", operation->p99_ms);
    write_ms(writer, "max_ms", operation->max_ms);
    json_end_object(writer);
}

static void write_operations(struct json_writer *writer, const char *key,
                             const struct graph_operation *items, size_t count)
{
    json_key(writer, key);
    json_begin_array(writer);
    for (size_t i = 0; i < count; i++)
        write_operation(&items[i], writer);
    json_end_array(writer);
}

/* The time that the traces cover, for rates: a window may be longer than what is in it. */
static void write_graph(const struct graph *graph, struct json_writer *writer)
{
    write_ms(writer, "covered_ms", (double)(graph->last_ns - graph->first_ns) / NS_PER_MS);
    json_key(writer, "edges");
    json_begin_array(writer);
    for (size_t i = 0; i < graph->edge_count; i++)
        write_edge(&graph->edges[i], writer);
    json_end_array(writer);
    write_operations(writer, "operations", graph->operations, graph->operation_count);
    write_operations(writer, "services", graph->services, graph->service_count);
}

static enum status write_sample(const char *key, const struct sample *sample,
                                struct json_writer *writer)
{
    const uint64_t all_ns[2] = {0, 0};
    struct arena arena;
    struct graph graph;
    arena_init(&arena, GRAPH_BYTES_MAX);
    const enum status status = graph_build(&graph, &sample->spans, all_ns, &arena);
    if (status == STATUS_OK) {
        begin_sample(writer, key, sample);
        write_graph(&graph, writer);
        json_end_object(writer);
    }
    arena_release(&arena);
    return status;
}

static void send_graph(const struct question *question, struct response *response)
{
    struct answer answer;
    begin_answer(&answer, "culprit.graph/1");
    enum status status = write_sample("window", &question->current, &answer.writer);
    if (status == STATUS_OK && question->windows.has_baseline)
        status = write_sample("baseline", &question->baseline, &answer.writer);
    json_end_object(&answer.writer);
    if (status == STATUS_OK) {
        answer_send(&answer, response, 200);
    } else {
        buffer_release(&answer.body);
        answer_error_v3(response, answer_status(status), "%s", status_words(status));
    }
}

void analysis_graph(struct request *request, struct response *response)
{
    run(request, response, send_graph);
}
