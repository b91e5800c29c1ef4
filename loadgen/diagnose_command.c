#include <stdio.h>
#include <string.h>

#include "diagnose/diagnose.h"
#include "loadgen/command.h"
#include "loadgen/report.h"
#include "loadgen/span_source.h"

static const char program[] = "culprit diagnose";

struct options {
    const char *baseline, *service, *last, *json_path;
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
    const struct diagnosis *diagnosis = what;
    json_begin_object(writer);
    json_key(writer, "schema");
    json_cstring(writer, "culprit.diagnose/1");
    json_key(writer, "requests");
    json_u64(writer, diagnosis->request_count);
    json_key(writer, "partial_traces");
    json_u64(writer, diagnosis->partial_count);
    json_key(writer, "spans");
    json_u64(writer, diagnosis->span_count);
    json_key(writer, "entry_p50_ms");
    json_fixed(writer, diagnosis->entry_p50_ms, 3);
    json_key(writer, "unexplained_ms");
    json_fixed(writer, diagnosis->unexplained_ms, 3);
    json_key(writer, "findings");
    json_begin_array(writer);
    for (size_t i = 0; i < diagnosis->finding_count; i++)
        finding_write_json(&diagnosis->findings[i], writer);
    json_end_array(writer);
    json_end_object(writer);
}

static enum status diagnose(const struct spans *current, const struct spans *baseline,
                            const struct options *options, struct error *error)
{
    struct diagnosis diagnosis = {0};
    struct diagnose_window now = {.spans = current}, before = {.spans = baseline};
    enum status status = diagnose_run(&now, baseline ? &before : NULL, &diagnosis, error);
    if (status == STATUS_OK) {
        printf("%zu spans, %llu whole requests, %llu other traces\n\n", current->count,
               (unsigned long long)diagnosis.request_count,
               (unsigned long long)diagnosis.partial_count);
        report_findings(&diagnosis, baseline != NULL, false, stdout);
        fflush(stdout);
    }
    if (status == STATUS_OK && options->json_path)
        status = command_write_json(options->json_path, write_json, &diagnosis, error);
    diagnosis_release(&diagnosis);
    return status;
}

static int run(const char *where, const struct options *options, uint64_t last_ms)
{
    struct error error = {0};
    struct spans current, baseline;
    struct span_source source = {where, options->service, last_ms};
    spans_init(&baseline, 1, 1);
    enum status status = span_source_read(&source, &current, &error);
    if (status == STATUS_OK && options->baseline) {
        source.where = options->baseline;
        status = span_source_read(&source, &baseline, &error);
    }
    if (status == STATUS_OK)
        status = diagnose(&current, options->baseline ? &baseline : NULL, options, &error);
    spans_release(&current);
    spans_release(&baseline);
    return status == STATUS_OK ? EXIT_AS_EXPECTED : command_failed(program, status, &error);
}

int command_diagnose(int argc, char **argv)
{
    struct options options = {.last = "15m"};
    const struct flag flags[] = {
        {"baseline", 'b', FLAG_TEXT, &options.baseline, "SOURCE", "healthy traces to compare with"},
        {"service", 's', FLAG_TEXT, &options.service, "NAME",
         "of an address: traces that it takes part in (all)"},
        {"last", 'l', FLAG_TEXT, &options.last, "TIME", "of an address: 30s, 15m, 2h, 7d"},
        {"json", 'j', FLAG_TEXT, &options.json_path, "FILE", "write the findings there"},
    };
    const struct flags_usage usage = {
        .program = program,
        .operands = "SOURCE",
        .about = "Names the culprits in traces.",
        .more =
            "SOURCE is a file (OTLP JSON, Jaeger JSON, OTLP protobuf, each also gzipped) or the\n"
            "address of a Jaeger query API: http://host:port.",
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
