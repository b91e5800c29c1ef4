#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "loadgen/base/command.h"
#include "loadgen/base/table.h"
#include "loadgen/experiment/catalogue.h"
#include "loadgen/experiment/experiment.h"
#include "loadgen/experiment/lab.h"
#include "loadgen/experiment/links.h"
#include "loadgen/experiment/report.h"

static const char program[] = "culprit demo";

enum { REFERENCES_MAX = 8 };

struct options {
    const char *json_path, *only;
    bool all; /* also those in steps, which take a minute each */
    uint64_t seed;
    struct lab_config lab;
};

struct demo {
    struct lab lab;
    struct catalogue catalogue;
    struct scenario scenarios[CATALOGUE_MAX];
    size_t count;
    struct reference references[REFERENCES_MAX]; /* one for each environment */
    const struct scenario *reference_owners[REFERENCES_MAX];
    size_t reference_count;
    struct experiment experiments[CATALOGUE_MAX];
    size_t done; /* experiments begun */
    double ready_ms;
};

static const struct table_column columns[] = {
    {"scenario", false, false}, {"", false, false},         {"", false, true},
    {"cost", true, false},      {"predicted", true, false}, {"measured", true, false},
    {"verdict", false, false},
};

static const enum terminal_colour colours[] = {
    [VERDICT_PASS] = TERMINAL_GOOD,
    [VERDICT_FAIL] = TERMINAL_BAD,
    [VERDICT_INCONCLUSIVE] = TERMINAL_UNSURE,
};

static bool is_asked_for(const struct options *options, const struct scenario *scenario)
{
    if (options->only)
        return strcmp(scenario->name, options->only) == 0;
    return options->all || !scenario->has_steps;
}

static enum status read_scenarios(struct demo *demo, const struct options *options,
                                  struct error *error)
{
    enum status status = catalogue_list(&demo->catalogue, error);
    for (size_t i = 0; i < demo->catalogue.count && status == STATUS_OK; i++) {
        struct scenario *scenario = &demo->scenarios[demo->count];
        status = scenario_read(scenario, demo->catalogue.paths[i], error);
        if (status == STATUS_OK && is_asked_for(options, scenario))
            demo->count++;
        else if (status == STATUS_OK && !options->only)
            fprintf(stderr, "left out, as it takes its time: %s (--all, or culprit run %s)\n",
                    scenario->name, scenario->name);
    }
    if (status == STATUS_OK && demo->count == 0)
        return error_set(error, STATUS_NOT_FOUND, "no scenario \"%s\"",
                         options->only ? options->only : "");
    return status;
}

/* The healthy window of that environment; measured when it is the first to ask for it. */
static enum status find_reference(struct demo *demo, const struct scenario *scenario, uint64_t seed,
                                  const struct reference **out, struct error *error)
{
    for (size_t i = 0; i < demo->reference_count; i++) {
        *out = &demo->references[i];
        if (demo->references[i].is_there &&
            scenario_same_environment(demo->reference_owners[i], scenario))
            return STATUS_OK;
    }
    if (demo->reference_count == REFERENCES_MAX)
        return error_set(error, STATUS_TOO_LARGE, "more than %d different environments",
                         REFERENCES_MAX);
    struct reference *reference = &demo->references[demo->reference_count];
    demo->reference_owners[demo->reference_count++] = scenario;
    *out = reference;
    return reference_measure(reference, &demo->lab, scenario, seed, error);
}

static enum status run_one(struct demo *demo, const struct scenario *scenario, uint64_t seed,
                           struct error *error)
{
    const struct reference *reference = NULL;
    enum status status = lab_check_scenario(&demo->lab, scenario, error);
    if (status == STATUS_OK)
        status = find_reference(demo, scenario, seed, &reference, error);
    if (status == STATUS_OK)
        status = experiment_run(&demo->experiments[demo->done++], &demo->lab, scenario, reference,
                                seed, error);
    return status;
}

static enum status run_all(struct demo *demo, uint64_t seed, struct error *error)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < demo->count && status == STATUS_OK; i++) {
        fprintf(stderr, "%zu/%zu %s: %s\n", i + 1, demo->count, demo->scenarios[i].name,
                demo->scenarios[i].title);
        status = run_one(demo, &demo->scenarios[i], seed, error);
    }
    return status;
}

/* The finding of a step that matters most: the first that counts. */
static const struct finding *main_finding(const struct experiment_step *step)
{
    for (size_t i = 0; i < step->with_baseline.finding_count; i++)
        if (finding_counts(&step->with_baseline.findings[i], true))
            return &step->with_baseline.findings[i];
    for (size_t i = 0; i < step->without_baseline.finding_count; i++)
        if (finding_counts(&step->without_baseline.findings[i], false))
            return &step->without_baseline.findings[i];
    return NULL;
}

/* A line below the first one of a row. */
PRINTF_LIKE(3, 4)
static void add_line(struct table *table, const char *label, const char *format, ...)
{
    char words[TABLE_CELL_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    table_row(table);
    table_cell(table, TERMINAL_PLAIN, "%s", "");
    table_cell(table, TERMINAL_FAINT, "%s", label);
    table_cell(table, TERMINAL_PLAIN, "%s", words);
}

static void add_link(struct table *table, const char *label, const char *link)
{
    table_row(table);
    table_cell(table, TERMINAL_PLAIN, "%s", "");
    table_cell(table, TERMINAL_FAINT, "%s", label);
    table_wide(table, TERMINAL_PLAIN, "%s", link);
}

static void add_finding(struct table *table, const struct finding *finding, const char *base)
{
    char trace[LINKS_MAX] = "";
    if (!finding) {
        add_line(table, "found", "nothing");
        return;
    }
    add_line(table, "found", "%s", finding_kind_word(finding->kind));
    add_line(table, "where", "%.*s %.*s", TEXT_ARGS(finding->service),
             TEXT_ARGS(finding->operation));
    if (finding->trace_count == 0)
        return;
    if (base)
        links_trace(trace, base, finding->traces[0].trace_id);
    else
        hex_encode(finding->traces[0].trace_id, 16, trace);
    add_link(table, "trace", trace);
}

/* What the page says of the step's window, found or not. */
static void add_window(struct table *table, const struct experiment *experiment,
                       const struct experiment_step *step, const char *base)
{
    char link[LINKS_MAX];
    if (!base)
        return;
    links_findings(link, base, &step->measurement.window,
                   experiment->reference ? &experiment->reference->measurement.window : NULL);
    add_link(table, "page", link);
}

static void add_step(struct table *table, const struct experiment *experiment, size_t index,
                     const char *base)
{
    const struct experiment_step *step = &experiment->steps[index];
    char planted[512];
    const struct finding *finding = main_finding(step);
    enum verdict verdict = step->result.verdict;
    report_list_faults(step->step, planted, sizeof planted);
    table_row(table);
    table_cell(table, TERMINAL_PLAIN, "%s", index == 0 ? experiment->scenario->name : "");
    table_cell(table, TERMINAL_FAINT, "planted");
    table_cell(table, TERMINAL_PLAIN, "%s", planted);
    if (finding) {
        table_cell(table, TERMINAL_PLAIN, "%.0f ms", finding->cost_ms);
        table_cell(table, TERMINAL_PLAIN, "%.0f ms", step->predicted_saving_ms);
        /* + 0.0: no "-0" */
        table_cell(table, TERMINAL_PLAIN, "%.0f ms", round(step->measured_saving_ms) + 0.0);
    } else {
        for (int i = 0; i < 3; i++)
            table_cell(table, TERMINAL_PLAIN, "-");
    }
    table_cell(table, colours[verdict], "%s", verdict_word(verdict));
    add_finding(table, finding, base);
    add_window(table, experiment, step, base);
}

/* `base`: of the page, or NULL where there is none to look at. */
static void print_table(const struct demo *demo, const char *base)
{
    struct table *table = malloc(sizeof *table);
    if (!table)
        return;
    table_init(table, columns, sizeof columns / sizeof columns[0]);
    for (size_t i = 0; i < demo->done; i++)
        for (size_t s = 0; s < demo->experiments[i].step_count; s++)
            if (demo->experiments[i].steps[s].is_done)
                add_step(table, &demo->experiments[i], s, base);
    printf("\n%zu scenario%s; cost, and saving by a fix, of the median request\n\n", demo->done,
           demo->done == 1 ? "" : "s");
    table_print(table, stdout, 0);
    free(table);
}

/* Also of what passed; what did not is told in full, with this in it. */
static void warn_of_drops(const struct demo *demo)
{
    for (size_t i = 0; i < demo->reference_count; i++)
        report_drops(&demo->references[i].measurement, stdout);
    for (size_t i = 0; i < demo->done; i++)
        for (size_t s = 0; s < demo->experiments[i].step_count; s++)
            if (demo->experiments[i].verdict == VERDICT_PASS)
                report_drops(&demo->experiments[i].steps[s].measurement, stdout);
}

/* Whatever did not pass is told in full below the table. */
static void print_reasons(const struct demo *demo)
{
    for (size_t i = 0; i < demo->done; i++) {
        if (demo->experiments[i].verdict == VERDICT_PASS)
            continue;
        fputc('\n', stdout);
        report_experiment(&demo->experiments[i], stdout);
    }
}

static enum verdict worst(const struct demo *demo)
{
    enum verdict verdict = demo->done == demo->count ? VERDICT_PASS : VERDICT_INCONCLUSIVE;
    bool any_fails = false;
    for (size_t i = 0; i < demo->done; i++) {
        any_fails |= demo->experiments[i].verdict == VERDICT_FAIL;
        if (demo->experiments[i].verdict > verdict)
            verdict = demo->experiments[i].verdict;
    }
    return any_fails ? VERDICT_FAIL : verdict;
}

static void write_json(const void *what, struct json_writer *writer)
{
    const struct demo *demo = what;
    json_begin_object(writer);
    json_field_cstring(writer, "schema", "culprit.demo/1");
    json_field_cstring(writer, "verdict", verdict_word(worst(demo)));
    json_field_fixed(writer, "ready_ms", demo->ready_ms, 1);
    json_key(writer, "runs");
    json_begin_array(writer);
    for (size_t i = 0; i < demo->done; i++)
        report_write_json(&demo->experiments[i], writer);
    json_end_array(writer);
    json_end_object(writer);
}

static int report(struct demo *demo, const struct options *options, enum status status,
                  const struct error *error)
{
    struct error writing = {0};
    enum verdict verdict = worst(demo);
    if (demo->done > 0) {
        print_table(demo, links_base(&options->lab, &demo->lab.target));
        warn_of_drops(demo);
        print_reasons(demo);
        fflush(stdout);
    }
    for (size_t i = 0; i < demo->done; i++)
        demo->experiments[i].page = links_base(&options->lab, &demo->lab.target);
    if (options->json_path &&
        command_write_json(options->json_path, write_json, demo, &writing) != STATUS_OK)
        return command_failed(program, STATUS_IO, &writing);
    if (status != STATUS_OK)
        return command_failed(program, status, error);
    /* here only a pass of all is a success */
    return verdict == VERDICT_PASS ? EXIT_AS_EXPECTED : EXIT_UNEXPECTED;
}

static int run_demo(const struct options *options)
{
    struct error error = {0};
    struct demo *demo = calloc(1, sizeof *demo);
    if (!demo)
        return command_failed(program, STATUS_NO_MEMORY, &error);
    int exit_status;
    command_reserve_stdout(options->json_path);
    enum status status = read_scenarios(demo, options, &error);
    if (status == STATUS_OK)
        status = lab_open(&demo->lab, &options->lab, &error);
    if (status == STATUS_OK) {
        demo->ready_ms = demo->lab.stack ? stack_ready_ms(demo->lab.stack) : 0;
        status = run_all(demo, options->seed, &error);
        lab_close(&demo->lab);
        exit_status = report(demo, options, status, &error);
        command_kept(options->lab.keep_path);
    } else {
        exit_status = command_failed(program, status, &error);
    }
    for (size_t i = 0; i < demo->done; i++)
        experiment_release(&demo->experiments[i]);
    for (size_t i = 0; i < demo->reference_count; i++)
        reference_release(&demo->references[i]);
    free(demo);
    return exit_status;
}

int command_demo(int argc, char **argv)
{
    struct options options = {.seed = 1};
    const struct flag flags[] = {
        {"json", 'j', FLAG_TEXT, &options.json_path, "FILE", "write all verdicts there"},
        {"only", 'o', FLAG_TEXT, &options.only, "NAME", "this scenario alone"},
        {"all", 'a', FLAG_BOOL, &options.all, NULL, "also the scenarios in steps"},
        {"seed", 's', FLAG_U64, &options.seed, "N", "of the sequence of requests"},
        {"target", 't', FLAG_TEXT, &options.lab.target_path, "FILE",
         "what `culprit up --json` wrote (default: start a system of its own)"},
        {"keep", 'k', FLAG_TEXT, &options.lab.keep_path, "FILE",
         "move the store of traces there at the end, for `culprit open`"},
        {"bin", 'b', FLAG_TEXT, &options.lab.bin_directory, "DIR",
         "programs (default: beside this one)"},
    };
    const struct flags_usage usage = {
        .program = program,
        .operands = "",
        .about = "Runs every scenario on one system and prints a row for each.",
        .more =
            "exit status: 0 all as expected, 99 not, 105 interrupted, 2 usage or a wrong file,\n"
            "             1 environment",
    };
    struct command_line line = {
        .usage = &usage, .flags = flags, .flag_count = sizeof flags / sizeof flags[0]};
    if (!command_parse(&line, argc, argv))
        return line.exit_status;
    int first = line.first_operand;
    if (first < argc)
        return command_misused(program, "takes no operand: %s", argv[first]);
    return run_demo(&options);
}
