#include "loadgen/base/command.h"
#include "loadgen/report/load_document.h"
#include "loadgen/report/load_outputs.h"

#include "base/buffer.h"

static const char program[] = "culprit report";

static int make(const char *path, const struct load_outputs *outputs)
{
    struct error error = {0};
    struct buffer text;
    buffer_init(&text, LOAD_DOCUMENT_BYTES_MAX);
    enum status status = buffer_read_file(&text, path, &error);
    if (status == STATUS_OK) {
        const struct text json = {buffer_text(&text), text.length_bytes};
        status = load_outputs_write(outputs, json, path, &error);
    }
    buffer_release(&text);
    return status == STATUS_OK ? EXIT_AS_EXPECTED : command_failed(program, status, &error);
}

int command_report(int argc, char **argv)
{
    struct load_outputs outputs = {0};
    const struct flag flags[] = {
        {"html", 0, FLAG_TEXT, &outputs.html, "FILE", "one page that needs nothing beside itself"},
        {"markdown", 0, FLAG_TEXT, &outputs.markdown, "FILE",
         "a short summary (where nothing else is asked for: on standard output)"},
        {"hgrm", 0, FLAG_TEXT, &outputs.hgrm, "FILE",
         "percentiles in ms as HdrHistogram's plotters read them"},
        {"step", 0, FLAG_TEXT, &outputs.step, "NAME", "of the percentiles (all together)"},
        {"window", 0, FLAG_TEXT, &outputs.window, "NAME",
         "of the percentiles, in the report of an experiment (the last)"},
    };
    const struct flags_usage usage = {
        .program = program,
        .operands = "REPORT.json",
        .about = "Makes a page or a summary of what --json of `culprit load` or `run` wrote.",
        .more = "FILE may be - for standard output.\n"
                "exit status: 0 made, 2 usage or a wrong file, 1 environment",
    };
    struct command_line line = {
        .usage = &usage, .flags = flags, .flag_count = sizeof flags / sizeof flags[0]};
    if (!command_parse(&line, argc, argv))
        return line.exit_status;
    if (line.first_operand + 1 != argc)
        return command_misused(program, "which report?");
    if (!load_outputs_any(&outputs))
        outputs.markdown = "-";
    return make(argv[line.first_operand], &outputs);
}
