#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "diagnose/diagnose.h"
#include "loadgen/base/command.h"
#include "loadgen/experiment/report.h"
#include "loadgen/threshold/threshold_file.h"
#include "loadgen/window/span_source.h"

static const char program[] = "culprit diagnose";

struct options {
    const char *baseline, *service, *last, *json_path, *thresholds_path;
};

/* What came of it: large, so it lives on the heap. */
struct told {
    struct diagnosis diagnosis;
    struct thresholds thresholds;
    struct threshold_judgement judgements[THRESHOLDS_MAX];
    struct judge_result result; /* of the thresholds */
};

/* "30s", "15m", "2h", "7d". */
static bool parse_last(const char *word, uint64_t *out_ms)
{
    static const struct {
        char unit;
        uint64_t ms;
    } units[] = {{'s', 1000}, {'m', 60 * 1000}, {'h', 3600 * 1000}, {'d', 24 * 3600 * 1000}};
    size_t length = strlen(word);
    uint64_t number;
    if (length < 2 || text_to_u64((struct text){word, length - 1}, &number) != STATUS_OK ||
        number == 0 || number > 10000)
        return false;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (word[length - 1] != units[i].unit)
            continue;
        *out_ms = number * units[i].ms;
        return true;
    }
    return false;
}

static void write_json(const void *what, struct json_writer *writer)
{
    const struct told *told = what;
    const struct diagnosis *diagnosis = &told->diagnosis;
    json_begin_object(writer);
    json_field_cstring(writer, "schema", "culprit.diagnose/1");
    json_field_u64(writer, "requests", diagnosis->request_count);
    json_field_u64(writer, "partial_traces", diagnosis->partial_count);
    json_field_u64(writer, "spans", diagnosis->span_count);
    json_field_fixed(writer, "entry_p50_ms", diagnosis->entry_p50_ms, 3);
    json_field_fixed(writer, "unexplained_ms", diagnosis->unexplained_ms, 3);
    json_key(writer, "findings");
    json_begin_array(writer);
    for (size_t i = 0; i < diagnosis->finding_count; i++)
        finding_write_json(&diagnosis->findings[i], writer);
    json_end_array(writer);
    json_field_cstring(writer, "verdict", verdict_word(told->result.verdict));
    threshold_write_json(&told->thresholds, told->judgements, writer);
    json_end_object(writer);
}

static enum status judge(struct told *told, const struct spans *spans, struct error *error)
{
    const struct diagnosis *diagnosis = &told->diagnosis;
    double traces = (double)(diagnosis->request_count + diagnosis->partial_count);
    const struct threshold_evidence evidence = {
        .coverage = {[THRESHOLD_ARRIVED] = NAN,
                     [THRESHOLD_CONNECTED] = (double)diagnosis->request_count / traces,
                     [THRESHOLD_AS_EXPECTED] = NAN,
                     [THRESHOLD_SPANS_DROPPED] = NAN},
        .diagnoses = {diagnosis},
        .spans = spans,
    };
    enum status status = threshold_judge(&told->thresholds, &evidence, told->judgements, error);
    if (status == STATUS_OK)
        judge_add_thresholds(told->judgements, told->thresholds.count, &told->result);
    return status;
}

static enum status diagnose(const struct spans *current, const struct spans *baseline,
                            struct told *told, struct error *error)
{
    struct diagnosis *diagnosis = &told->diagnosis;
    struct diagnose_window now = {.spans = current}, before = {.spans = baseline};
    enum status status = diagnose_run(&now, baseline ? &before : NULL, diagnosis, error);
    if (status == STATUS_OK)
        status = judge(told, current, error);
    if (status != STATUS_OK)
        return status;
    printf("%zu spans, %llu whole requests, %llu other traces\n\n", current->count,
           (unsigned long long)diagnosis->request_count,
           (unsigned long long)diagnosis->partial_count);
    report_findings(diagnosis, baseline != NULL, false, stdout);
    report_thresholds(told->judgements, told->thresholds.count, stdout);
    fflush(stdout);
    return STATUS_OK;
}

static enum status read_and_diagnose(const char *where, const struct options *options,
                                     uint64_t last_ms, struct told *told, struct error *error)
{
    struct spans current, baseline;
    struct span_source source = {where, options->service, last_ms};
    spans_init(&baseline, 1, 1);
    enum status status = span_source_read(&source, &current, error);
    if (status == STATUS_OK && options->baseline) {
        source.where = options->baseline;
        status = span_source_read(&source, &baseline, error);
    }
    if (status == STATUS_OK)
        status = diagnose(&current, options->baseline ? &baseline : NULL, told, error);
    spans_release(&current);
    spans_release(&baseline);
    return status;
}

static int run(const char *where, const struct options *options, uint64_t last_ms)
{
    struct error error = {0};
    enum status status = STATUS_OK;
    struct told *told = calloc(1, sizeof *told);
    if (!told)
        return command_failed(program, STATUS_NO_MEMORY, &error);
    command_reserve_stdout(options->json_path);
    if (options->thresholds_path)
        status = threshold_file_read(&told->thresholds, options->thresholds_path, &error);
    if (status == STATUS_OK)
        status = read_and_diagnose(where, options, last_ms, told, &error);
    if (status == STATUS_OK && options->json_path)
        status = command_write_json(options->json_path, write_json, told, &error);
    int exit_status = status == STATUS_OK ? command_exit_of_verdict(told->result.verdict)
                                          : command_failed(program, status, &error);
    diagnosis_release(&told->diagnosis);
    free(told);
    return exit_status;
}

int command_diagnose(int argc, char **argv)
{
    struct options options = {.last = "15m"};
    const struct flag flags[] = {
        {"baseline", 'b', FLAG_TEXT, &options.baseline, "SOURCE", "healthy traces to compare with"},
        {"service", 's', FLAG_TEXT, &options.service, "NAME",
         "of an address: traces that it takes part in (all)"},
        {"last", 'l', FLAG_TEXT, &options.last, "TIME", "of an address: 30s, 15m, 2h, 7d"},
        {"thresholds", 'T', FLAG_TEXT, &options.thresholds_path, "FILE",
         "what must hold of the traces (scenarios/schema/thresholds.schema.json)"},
        {"json", 'j', FLAG_TEXT, &options.json_path, "FILE",
         "write the findings and thresholds there"},
    };
    const struct flags_usage usage = {
        .program = program,
        .operands = "SOURCE",
        .about = "Names the culprits in traces.",
        .more =
            "SOURCE is a file (OTLP JSON, Jaeger JSON, OTLP protobuf, each also gzipped) or the\n"
            "address of a Jaeger query API: http://host:port.\n"
            "exit status: 0 read, and all thresholds hold; 99 one is broken, 97 one could not be\n"
            "             judged, 2 usage or a wrong file, 1 environment",
    };
    uint64_t last_ms = 0;
    struct command_line line = {
        .usage = &usage, .flags = flags, .flag_count = sizeof flags / sizeof flags[0]};
    if (!command_parse(&line, argc, argv))
        return line.exit_status;
    int first = line.first_operand;
    if (first + 1 != argc)
        return command_misused(program, "which traces?");
    if (!parse_last(options.last, &last_ms))
        return command_misused(program, "--last: \"%s\" is no time such as 30s, 15m, 2h",
                               options.last);
    return run(argv[first], &options, last_ms);
}
