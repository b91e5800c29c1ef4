#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loadgen/base/command.h"
#include "loadgen/live/load_view.h"
#include "loadgen/load/load_client.h"
#include "loadgen/load/load_run.h"
#include "loadgen/options/load_options.h"
#include "loadgen/report/load_report.h"
#include "loadgen/workers/load_coordinate.h"
#include "loadgen/workers/load_token.h"
#include "loadgen/workers/load_work.h"

static const char program[] = "culprit load";

struct told {
    const struct load_plan *plan;
    const struct load_result *result;
};

static void write_json(const void *what, struct json_writer *writer)
{
    const struct told *told = what;
    load_report_json(told->plan, told->result, writer);
}

static int finish(const struct load_plan *plan, const struct load_options *options,
                  const struct load_result *result)
{
    const struct told told = {plan, result};
    struct error error = {0};
    load_report_print(plan, result, stdout);
    fflush(stdout);
    if (load_outputs_make(&options->outputs, write_json, &told, &error) != STATUS_OK)
        return command_failed(program, STATUS_IO, &error);
    if (result->is_interrupted)
        return EXIT_INTERRUPTED;
    return command_exit_of_verdict(result->verdict);
}

/* The same by workers elsewhere. */
static enum status coordinate(const struct load_options *options,
                              const struct load_run_config *config, struct load_result *result,
                              struct error *error)
{
    char token[WORKER_TOKEN_MAX + 1];
    const struct load_coordinate_config shared = {.options = options,
                                                  .plan = config->plan,
                                                  .token = token,
                                                  .tell = config->tell,
                                                  .context = config->context};
    enum status status = load_token_read(options->many.token_path, token, error);
    return status == STATUS_OK ? load_coordinate(&shared, result, error) : status;
}

static int work(const struct load_options *options)
{
    char token[WORKER_TOKEN_MAX + 1];
    struct error error = {0};
    const struct load_work_config config = {.url = options->many.worker_url,
                                            .token = token,
                                            .ca_file = options->ca_file,
                                            .wait_s = options->many.wait_s,
                                            .is_quiet = options->quiet};
    enum status status = load_token_read(options->many.token_path, token, &error);
    if (status == STATUS_OK)
        status = load_work(&config, &error);
    return status == STATUS_OK ? EXIT_AS_EXPECTED : command_failed(program, status, &error);
}

static int carry_out(const struct load_plan *plan, const struct load_options *options)
{
    struct error error = {0};
    const struct load_client_kind *client = NULL;
    if (load_options_client(options, plan, &client, &error) != STATUS_OK)
        return command_misused(program, "%s", error.text);
    enum status status = load_outputs_prepare(&options->outputs, &error);
    if (status != STATUS_OK)
        return command_failed(program, status, &error);
    struct load_result *result = calloc(1, sizeof(*result));
    struct load_view *view = options->quiet ? NULL : malloc(sizeof(*view));
    if (result == NULL || (view == NULL && !options->quiet)) {
        free(result);
        free(view);
        return command_failed(program, STATUS_NO_MEMORY, &error);
    }
    const struct load_run_config config = {
        .plan = plan,
        .client = client,
        .http2 = options->http2,
        .insecure = options->insecure,
        .ca_file = options->ca_file,
        .tell = view != NULL ? load_view_tell : NULL,
        .context = view,
    };
    if (view != NULL)
        load_view_begin(view, plan);
    status = options->many.coordinator != NULL ? coordinate(options, &config, result, &error)
                                               : load_run(&config, result, &error);
    if (view != NULL)
        load_view_end(view, result);
    int exit_status = status == STATUS_OK ? finish(plan, options, result)
                                          : command_failed(program, status, &error);
    load_run_release(result);
    free(result);
    free(view);
    return exit_status;
}

static int load(const struct load_options *options)
{
    struct error error = {0};
    struct buffer body;
    struct load_plan *plan = malloc(sizeof(*plan));
    if (plan == NULL)
        return command_failed(program, STATUS_NO_MEMORY, &error);
    struct load_files *files = calloc(1, sizeof(*files));
    load_plan_init(plan);
    plan->files = files; /* kept, as workers need them too */
    buffer_init(&body, LOAD_BODY_FILE_MAX);
    enum status status = load_options_plan(options, &body, plan, &error);
    int exit_status =
        status == STATUS_OK ? carry_out(plan, options) : command_failed(program, status, &error);
    buffer_release(&body);
    load_plan_release(plan);
    free(plan);
    if (files != NULL)
        load_files_release(files);
    free(files);
    return exit_status;
}

int command_load(int argc, char **argv)
{
    struct load_options options;
    int exit_status;
    if (!load_options_parse(&options, argc, argv, &exit_status))
        return exit_status;
    return options.many.worker_url != NULL ? work(&options) : load(&options);
}
