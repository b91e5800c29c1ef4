#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/text.h"
#include "loadgen/base/command.h"
#include "loadgen/compare/compare_markdown.h"
#include "loadgen/compare/compare_report.h"
#include "loadgen/report/load_document.h"

static const char program[] = "culprit compare";

enum { MARKDOWN_BYTES_MAX = 4 * 1024 * 1024, PATH_BYTES_MAX = 4096 };

struct options {
    double least_percent, resolve_percent;
    struct flag_texts before, after;
    const char *json_path, *markdown_path;
};

/* Everything read, and what it came to. */
struct work {
    char paths[2][PATH_BYTES_MAX]; /* cut at the commas */
    struct load_document *documents[2][COMPARE_REPORTS_MAX];
    bool is_trusted;
    struct compare_report report;
};

/* ---- reading */

static enum status read_one(struct work *work, int side, const char *path, struct error *error)
{
    struct compare_report *report = &work->report;
    if (report->file_counts[side] == COMPARE_REPORTS_MAX)
        return error_set(error, STATUS_INVALID, "more than %d reports on a side",
                         COMPARE_REPORTS_MAX);
    struct load_document *document = calloc(1, sizeof(*document));
    if (document == NULL)
        return STATUS_NO_MEMORY;
    const size_t at = report->file_counts[side]++;
    work->documents[side][at] = document;
    report->files[side][at] = path;
    return load_document_read(document, path, error);
}

/* "a.json,b.json". A comma may also be part of a name. */
static enum status read_list(struct work *work, int side, const char *words, struct error *error)
{
    const size_t length = strlen(words);
    enum status status = STATUS_OK;
    if (strchr(words, ',') == NULL || length >= PATH_BYTES_MAX)
        return read_one(work, side, words, error);
    memcpy(work->paths[side], words, length + 1);
    char *rest = work->paths[side], *path = strsep(&rest, ",");
    if (access(words, F_OK) == 0)
        return access(path, F_OK) != 0
                   ? read_one(work, side, words, error)
                   : error_set(error, STATUS_INVALID,
                               "\"%s\" is a file, and so is \"%s\": say which with --before FILE "
                               "and --after FILE",
                               words, path);
    for (; path != NULL && status == STATUS_OK; path = strsep(&rest, ","))
        status = path[0] != '\0'
                     ? read_one(work, side, path, error)
                     : error_set(error, STATUS_INVALID, "\"%s\" is no list of reports", words);
    return status;
}

/* Of the flags, or of the two words. */
static enum status read_sides(struct work *work, char **words, const struct options *options,
                              struct error *error)
{
    const struct flag_texts *const given[2] = {&options->before, &options->after};
    enum status status = STATUS_OK;
    for (int side = 0; side < 2; side++) {
        for (size_t i = 0; i < given[side]->count && status == STATUS_OK; i++)
            status = read_one(work, side, given[side]->items[i], error);
        if (given[side]->count == 0 && status == STATUS_OK)
            status = read_list(work, side, words[side], error);
    }
    return status;
}

static void release(struct work *work)
{
    for (int side = 0; side < 2; side++)
        for (size_t i = 0; i < work->report.file_counts[side]; i++) {
            load_document_release(work->documents[side][i]);
            free(work->documents[side][i]);
        }
    free(work->report.parts);
    free(work);
}

/* ---- judging */

static void doubt(struct compare_report *report, const char *format, const char *file)
{
    if (report->why[0] == '\0')
        (void)snprintf(report->why, sizeof(report->why), format, file);
}

/* Says what keeps these reports from being compared. */
static void look_over(struct work *work)
{
    struct compare_report *report = &work->report;
    const struct load_document *first = work->documents[0][0];
    work->is_trusted = true;
    for (int side = 0; side < 2; side++)
        for (size_t i = 0; i < report->file_counts[side]; i++) {
            const struct load_document *document = work->documents[side][i];
            work->is_trusted &= document->is_trustworthy;
            if (document->is_interrupted)
                doubt(report, "%s is of a run that was cut short", report->files[side][i]);
            if (document->is_aborted)
                doubt(report, "%s is of a run that a threshold ended early",
                      report->files[side][i]);
            if (document->is_partial)
                doubt(report, "%s is of a run that lost a worker", report->files[side][i]);
            if (document->seed != first->seed)
                doubt(report, "%s is of another sequence of requests (--seed)",
                      report->files[side][i]);
            if (strcmp(document->schema, first->schema) != 0)
                doubt(report, "%s is another kind of report", report->files[side][i]);
        }
}

static const struct load_part *find_part(const struct load_document *document, const char *name)
{
    for (size_t i = 0; i < document->part_count; i++)
        if (strcmp(document->parts[i].name, name) == 0)
            return &document->parts[i];
    return NULL;
}

static bool gather(struct work *work, const char *name, struct compare_side sides[2])
{
    for (int side = 0; side < 2; side++) {
        sides[side].count = work->report.file_counts[side];
        for (size_t i = 0; i < sides[side].count; i++) {
            sides[side].parts[i] = find_part(work->documents[side][i], name);
            if (sides[side].parts[i] == NULL) {
                doubt(&work->report, "not all reports have the window \"%s\"", name);
                return false;
            }
        }
    }
    return true;
}

static enum status compare_part(struct work *work, const struct load_part *part)
{
    struct compare_report *report = &work->report;
    struct compare_side sides[2];
    if (!gather(work, part->name, sides))
        return STATUS_OK;
    struct compare_part *out = &report->parts[report->part_count++];
    out->name = part->name;
    enum status status = compare_sides(sides, work->is_trusted, &report->settings, &out->result);
    if (status == STATUS_OK && out->result.step_count == 0)
        doubt(report, "%s", out->result.why);
    if (out->result.verdict == VERDICT_FAIL)
        report->verdict = VERDICT_FAIL;
    else if (out->result.verdict == VERDICT_INCONCLUSIVE && report->verdict == VERDICT_PASS)
        report->verdict = VERDICT_INCONCLUSIVE;
    return status;
}

static enum status compare_all(struct work *work)
{
    struct compare_report *report = &work->report;
    const struct load_document *first = work->documents[0][0];
    enum status status = STATUS_OK;
    assert(first != NULL); /* a side without a report was not read well */
    report->parts = calloc(LOAD_DOCUMENT_PARTS_MAX, sizeof(*report->parts));
    if (report->parts == NULL)
        return STATUS_NO_MEMORY;
    look_over(work);
    for (size_t i = 0; i < first->part_count && status == STATUS_OK; i++)
        status = compare_part(work, &first->parts[i]);
    if (report->part_count == 0)
        doubt(report, "%s has nothing to compare", report->files[0][0]);
    if (report->why[0] != '\0')
        report->verdict = VERDICT_INCONCLUSIVE;
    return status;
}

/* ---- the command */

static enum status write_markdown(const struct compare_report *report, const char *path,
                                  struct error *error)
{
    struct buffer out;
    buffer_init(&out, MARKDOWN_BYTES_MAX);
    compare_markdown_write(report, &out);
    enum status status = command_write(path, &out, error);
    buffer_release(&out);
    return status;
}

static int tell(const struct compare_report *report, const struct options *options)
{
    struct error error = {0};
    compare_report_print(report, stdout);
    fflush(stdout);
    if (options->json_path != NULL &&
        command_write_json(options->json_path, compare_report_json, report, &error) != STATUS_OK)
        return command_failed(program, STATUS_IO, &error);
    if (options->markdown_path != NULL &&
        write_markdown(report, options->markdown_path, &error) != STATUS_OK)
        return command_failed(program, STATUS_IO, &error);
    return command_exit_of_verdict(report->verdict);
}

static int compare(char **words, const struct options *options)
{
    struct error error = {0};
    struct work *work = calloc(1, sizeof(*work));
    if (work == NULL)
        return command_failed(program, STATUS_NO_MEMORY, &error);
    work->report.settings =
        (struct compare_settings){options->least_percent / 100, options->resolve_percent / 100};
    command_reserve_stdout(options->json_path);
    command_reserve_stdout(options->markdown_path);
    enum status status = read_sides(work, words, options, &error);
    if (status == STATUS_OK)
        status = compare_all(work);
    int exit_status = status == STATUS_OK ? tell(&work->report, options)
                                          : command_failed(program, status, &error);
    release(work);
    return exit_status;
}

static const struct flags_usage usage = {
    .program = program,
    .operands = "BEFORE.json[,...] AFTER.json[,...]",
    .about = "Says step by step whether load got slower, faster, or fails more.",
    .more =
        "Reports of `culprit load --json` or `culprit run --json`, of one sequence of requests.\n"
        "With several a side, of runs that took turns, the spread from run to run is measured:\n"
        "  culprit compare a1.json,a2.json,a3.json b1.json,b2.json,b3.json\n"
        "  culprit compare --before a1.json --before a2.json --after b1.json --after b2.json\n"
        "\"sees\" is the change of the median that would have been found in 19 of 20 runs.\n"
        "exit status: 0 no regression, 99 a regression, 97 it cannot be said: too noisy, too\n"
        "             few requests, a generator that was late, another plan; 2 usage or a\n"
        "             wrong file, 1 environment",
};

int command_compare(int argc, char **argv)
{
    struct options options = {.least_percent = 5, .resolve_percent = 25};
    const struct flag flags[] = {
        {"before", 0, FLAG_TEXTS, &options.before, "FILE",
         "a report, whatever its name; several times, in place of the two words"},
        {"after", 0, FLAG_TEXTS, &options.after, "FILE", "the same of the other side"},
        {"min-change", 'm', FLAG_DOUBLE, &options.least_percent, "PERCENT",
         "smaller changes of median or p99 do not count"},
        {"resolve", 0, FLAG_DOUBLE, &options.resolve_percent, "PERCENT",
         "a step is unsure where a larger change could be missed"},
        {"json", 'j', FLAG_TEXT, &options.json_path, "FILE", "write the comparison there"},
        {"markdown", 0, FLAG_TEXT, &options.markdown_path, "FILE",
         "write it as Markdown, for the summary of a CI job"},
    };
    struct command_line line = {
        .usage = &usage, .flags = flags, .flag_count = sizeof flags / sizeof flags[0]};
    if (!command_parse(&line, argc, argv))
        return line.exit_status;
    const bool has_sides = options.before.count > 0 && options.after.count > 0;
    const bool has_none = options.before.count == 0 && options.after.count == 0;
    if (!(has_sides && line.first_operand == argc) && !(has_none && line.first_operand + 2 == argc))
        return command_misused(program, "which report before, which after?");
    if (!(options.least_percent >= 0 && options.least_percent <= 1000 &&
          options.resolve_percent > 0 && options.resolve_percent <= 10000))
        return command_misused(program, "a number is out of range");
    return compare(argv + line.first_operand, &options);
}
