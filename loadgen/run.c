#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loadgen/base/command.h"
#include "loadgen/experiment/catalogue.h"
#include "loadgen/experiment/experiment.h"
#include "loadgen/experiment/lab.h"
#include "loadgen/experiment/links.h"
#include "loadgen/experiment/report.h"
#include "loadgen/options/worker_options.h"
#include "loadgen/report/load_outputs.h"
#include "loadgen/window/window_loops.h"
#include "loadgen/workers/load_token.h"
#include "loadgen/workers/run_coordinate.h"
#include "loadgen/workers/run_work.h"

static const char program[] = "culprit run";

struct options {
    double rate, duration_s; /* 0: the scenario's own */
    uint64_t seed, threads;
    struct load_outputs outputs;
    struct lab_config lab;
    struct worker_options many;
};

/* What is worked with: large, so it lives on the heap. */
struct run {
    struct lab lab;
    struct scenario scenario;
    struct reference reference;
    struct experiment experiment;
    bool has_lost_worker;
};

static enum status read_scenario(const char *word, const struct options *options,
                                 struct scenario *scenario, struct error *error)
{
    char path[PATH_MAX];
    enum status status = catalogue_find(word, path, error);
    if (status == STATUS_OK)
        status = scenario_read(scenario, path, error);
    if (status == STATUS_OK && options->rate > 0)
        schedule_scale_rate(&scenario->environment.arrivals, options->rate);
    if (status == STATUS_OK && options->duration_s > 0)
        schedule_scale_duration(&scenario->environment.arrivals, options->duration_s);
    return status;
}

static void write_json(const void *experiment, struct json_writer *writer)
{
    report_write_json(experiment, writer);
}

static enum status measure_all(struct run *run, const struct options *options, struct error *error)
{
    enum status status = lab_check_scenario(&run->lab, &run->scenario, error);
    if (status == STATUS_OK)
        status =
            reference_measure(&run->reference, &run->lab, &run->scenario, options->seed, error);
    if (status == STATUS_OK)
        status = experiment_run(&run->experiment, &run->lab, &run->scenario, &run->reference,
                                options->seed, error);
    return status;
}

/* The same by workers elsewhere. */
static enum status coordinate(struct run *run, const struct options *options, struct error *error)
{
    char token[WORKER_TOKEN_MAX + 1];
    struct run_coordinate *others = NULL;
    const struct run_coordinate_config config = {.options = &options->many,
                                                 .token = token,
                                                 .otlp = target_find(&run->lab.target, "otlp"),
                                                 .threads = (unsigned)options->threads};
    enum status status = load_token_read(options->many.token_path, token, error);
    if (status == STATUS_OK)
        status = run_coordinate_open(&others, &config, error);
    run->lab.drive = run_coordinate_window;
    run->lab.drive_context = others;
    if (status == STATUS_OK)
        status = measure_all(run, options, error);
    run->has_lost_worker = others != NULL && run_coordinate_lost_one(others);
    run_coordinate_close(others);
    run->lab.drive = NULL;
    return status;
}

static enum status carry_out(struct run *run, const struct options *options, struct error *error)
{
    return options->many.coordinator != NULL ? coordinate(run, options, error)
                                             : measure_all(run, options, error);
}

static int report(struct run *run, const struct options *options, enum status status,
                  const struct error *error)
{
    struct error writing = {0};
    if (run->reference.measurement.readback) {
        /* of what was cut short, too */
        run->experiment.scenario = &run->scenario;
        run->experiment.reference = &run->reference;
        run->experiment.seed = options->seed;
        if (status != STATUS_OK) {
            run->experiment.verdict = VERDICT_INCONCLUSIVE;
            run->experiment.cut_short = *error;
        }
        run->experiment.page = links_base(&options->lab, &run->lab.target);
        report_experiment(&run->experiment, stdout);
        fflush(stdout);
        if (load_outputs_make(&options->outputs, write_json, &run->experiment, &writing) !=
            STATUS_OK)
            return command_failed(program, STATUS_IO, &writing);
    }
    if (status == STATUS_OK)
        return command_exit_of_verdict(run->experiment.verdict);
    int exit_status = command_failed(program, status, error);
    return run->has_lost_worker && exit_status != EXIT_INTERRUPTED ? EXIT_INCONCLUSIVE
                                                                   : exit_status;
}

/* A line for each window with faults, where there is a page to look at. */
static void print_links(const struct run *run, const struct options *options)
{
    const char *base = links_base(&options->lab, &run->lab.target);
    char link[LINKS_MAX];
    bool is_first = true;
    for (size_t i = 0; base && i < run->experiment.step_count; i++) {
        if (!run->experiment.steps[i].is_done)
            continue;
        links_findings(link, base, &run->experiment.steps[i].measurement.window,
                       &run->reference.measurement.window);
        printf("%s  %s\n", is_first ? "\nOn the page:\n" : "", link);
        is_first = false;
    }
}

static int run_scenario(const char *word, const struct options *options)
{
    struct error error = {0};
    struct run *run = calloc(1, sizeof *run);
    if (!run)
        return command_failed(program, STATUS_NO_MEMORY, &error);
    int exit_status;
    enum status status = load_outputs_prepare(&options->outputs, &error);
    if (status == STATUS_OK)
        status = read_scenario(word, options, &run->scenario, &error);
    if (status == STATUS_OK)
        status = lab_open(&run->lab, &options->lab, &error);
    if (status == STATUS_OK) {
        status = carry_out(run, options, &error);
        lab_close(&run->lab);
        exit_status = report(run, options, status, &error);
        print_links(run, options);
        command_kept(options->lab.keep_path);
    } else {
        exit_status = command_failed(program, status, &error);
    }
    experiment_release(&run->experiment);
    reference_release(&run->reference);
    free(run);
    return exit_status;
}

static int work(const struct options *options)
{
    char token[WORKER_TOKEN_MAX + 1];
    struct error error = {0};
    enum status status = load_token_read(options->many.token_path, token, &error);
    if (status == STATUS_OK)
        status = run_work(&options->many, token, &error);
    return status == STATUS_OK ? EXIT_AS_EXPECTED : command_failed(program, status, &error);
}

/* What only whoever judges it can be told. */
static bool has_orders(const struct options *options)
{
    const struct lab_config *lab = &options->lab;
    return options->rate != 0 || options->duration_s != 0 || options->seed != 1 ||
           options->threads != 1 || options->outputs.json || load_outputs_any(&options->outputs) ||
           lab->target_path || lab->data_directory || lab->keep_path || lab->bin_directory;
}

/* NULL: nothing is wrong. */
static const char *wrong(const struct options *options, int operands)
{
    const char *words = worker_options_wrong(&options->many);
    if (words != NULL)
        return words;
    if (options->many.worker_url != NULL)
        return operands > 0 || has_orders(options) ? "a worker gets its load from the coordinator"
                                                   : NULL;
    if (operands != 1)
        return "which scenario?";
    if (options->threads < 1 || options->threads > WINDOW_LOOPS_MAX)
        return "--threads is 1 to 64";
    if (options->rate < 0 || options->duration_s < 0 || options->duration_s > 3600 ||
        options->rate > 100000)
        return "--rate or --duration is out of range";
    return NULL;
}

int command_run(int argc, char **argv)
{
    struct options options = {.seed = 1, .threads = 1};
    const struct flag here[] = {
        {"rate", 'r', FLAG_DOUBLE, &options.rate, "R",
         "checkouts a second, at the highest (the scenario's)"},
        {"duration", 'd', FLAG_DOUBLE, &options.duration_s, "S",
         "seconds of each window, stages stretched (the scenario's)"},
        {"seed", 's', FLAG_U64, &options.seed, "N", "of the sequence of requests"},
        {"threads", 0, FLAG_U64, &options.threads, "N",
         "event loops that send it, one thread each (1)"},
        {"target", 't', FLAG_TEXT, &options.lab.target_path, "FILE",
         "what `culprit up --json` wrote (default: start a system of its own)"},
        {"json", 'j', FLAG_TEXT, &options.outputs.json, "FILE", "write the verdict there"},
        {"html", 0, FLAG_TEXT, &options.outputs.html, "FILE",
         "write it there as one page that needs nothing beside itself"},
        {"markdown", 0, FLAG_TEXT, &options.outputs.markdown, "FILE", "a short summary of it"},
        {"hgrm", 0, FLAG_TEXT, &options.outputs.hgrm, "FILE",
         "percentiles in ms of the last window, for HdrHistogram's plotters"},
        {"data", 0, FLAG_TEXT, &options.lab.data_directory, "DIR",
         "keep databases and logs there (a temporary directory)"},
        {"keep", 'k', FLAG_TEXT, &options.lab.keep_path, "FILE",
         "move the store of traces there at the end, for `culprit open`"},
        {"bin", 'b', FLAG_TEXT, &options.lab.bin_directory, "DIR",
         "programs (default: beside this one)"},
    };
    const struct flags_usage usage = {
        .program = program,
        .operands = "SCENARIO",
        .about =
            "Runs one scenario: healthy load, faults, the same load again, diagnosis, verdict.",
        .more =
            "SCENARIO is a name (see scenarios/) or a path.\n"
            "exit status: 0 as expected, 99 not as expected, 97 inconclusive, 105 interrupted,\n"
            "             2 usage or a wrong file, 1 environment",
    };
    enum { HERE_COUNT = sizeof here / sizeof here[0] };
    struct flag flags[HERE_COUNT + WORKER_OPTIONS_FLAGS];
    memcpy(flags, here, sizeof here);
    worker_options_flags(&options.many, flags + HERE_COUNT);
    struct command_line line = {
        .usage = &usage, .flags = flags, .flag_count = HERE_COUNT + WORKER_OPTIONS_FLAGS};
    if (!command_parse(&line, argc, argv))
        return line.exit_status;
    const char *words = wrong(&options, argc - line.first_operand);
    if (words != NULL)
        return command_misused(program, "%s", words);
    options.lab.threads = (unsigned)options.threads;
    return options.many.worker_url != NULL ? work(&options)
                                           : run_scenario(argv[line.first_operand], &options);
}
