#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loadgen/command.h"
#include "loadgen/load_client.h"
#include "loadgen/load_options.h"
#include "loadgen/load_report.h"
#include "loadgen/load_run.h"
#include "loadgen/load_view.h"

static const char program[] = "culprit load";

enum { REPORT_BYTES_MAX = 64 * 1024 * 1024 };

/* The JSON, and what is made of it. */
static enum status write_report(const struct load_plan *plan, const struct load_options *options,
                                const struct load_result *result, struct error *error)
{
    struct buffer out;
    struct json_writer writer;
    buffer_init(&out, REPORT_BYTES_MAX);
    json_writer_init(&writer, &out, 2);
    load_report_json(plan, result, &writer);
    buffer_append_byte(&out, '\n');
    enum status status = out.failed;
    if (status != STATUS_OK)
        (void)error_set(error, status, "the report: %s", status_words(status));
    if (status == STATUS_OK && options->json_path != NULL)
        status = buffer_write_file(&out, options->json_path, error);
    const struct text json = {buffer_text(&out), out.length_bytes};
    if (status == STATUS_OK && load_outputs_any(&options->outputs))
        status = load_outputs_write(&options->outputs, json, "the report", error);
    buffer_release(&out);
    return status;
}

static int finish(const struct load_plan *plan, const struct load_options *options,
                  const struct load_result *result)
{
    struct error error = {0};
    load_report_print(plan, result, stdout);
    fflush(stdout);
    if (write_report(plan, options, result, &error) != STATUS_OK)
        return command_failed(program, STATUS_IO, &error);
    if (result->is_interrupted)
        return EXIT_INTERRUPTED;
    return command_exit_of_verdict(result->verdict);
}

static int carry_out(const struct load_plan *plan, const struct load_options *options)
{
    struct error error = {0};
    const struct load_client_kind *client = options->engine
                                                ? load_client_find(options->engine)
                                                : load_client_for(plan->target, options->http2);
    if (client == NULL)
        return command_misused(program, "--engine is epoll or curl");
    bool needs_curl = strncmp(plan->target, "https://", 8) == 0 || options->http2;
    if (needs_curl && !client->speaks_tls)
        return command_misused(program, "https and HTTP/2 need --engine curl");
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
    enum status status = load_run(&config, result, &error);
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
    load_plan_init(plan);
    buffer_init(&body, LOAD_BODY_FILE_MAX);
    enum status status = load_options_plan(options, &body, plan, &error);
    int exit_status =
        status == STATUS_OK ? carry_out(plan, options) : command_failed(program, status, &error);
    buffer_release(&body);
    load_plan_release(plan);
    free(plan);
    return exit_status;
}

int command_load(int argc, char **argv)
{
    struct load_options options;
    int exit_status;
    if (!load_options_parse(&options, argc, argv, &exit_status))
        return exit_status;
    return load(&options);
}
