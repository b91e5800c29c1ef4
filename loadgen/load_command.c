#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "loadgen/command.h"
#include "loadgen/load_client.h"
#include "loadgen/load_plan_read.h"
#include "loadgen/load_report.h"
#include "loadgen/load_run.h"
#include "loadgen/progress.h"

static const char program[] = "culprit load";

enum { REPORT_BYTES_MAX = 16 * 1024 * 1024, BODY_FILE_MAX = 32 * 1024 };

struct options {
    double rate, duration_s, users, ramp_s, think_ms, timeout_s, p99_ms, error_share;
    uint64_t seed, connections, threads;
    const char *stages, *method, *body, *expect, *engine, *ca_file, *json_path, *target;
    struct flag_texts headers;
    bool poisson, http2, insecure, no_trace, no_keep_alive, aborts, quiet;
};

/* ---- flags into a plan */

/* "30:0-500,60:500": seconds, then a rate or from which to which. */
static bool parse_stage(struct text word, struct schedule_stage *stage)
{
    struct text rates = word, seconds = text_split(&rates, ':');
    struct text to = rates, from = rates.data != NULL ? text_split(&to, '-') : rates;
    if (rates.data == NULL || text_to_double(seconds, &stage->duration_s) != STATUS_OK ||
        text_to_double(from, &stage->from) != STATUS_OK)
        return false;
    stage->to = stage->from;
    return to.data == NULL || text_to_double(to, &stage->to) == STATUS_OK;
}

static enum status parse_stages(const char *words, struct schedule_plan *schedule,
                                struct error *error)
{
    struct text rest = text_of(words);
    schedule->stage_count = 0;
    while (rest.data != NULL) {
        if (schedule->stage_count == SCHEDULE_STAGES_MAX)
            return error_set(error, STATUS_INVALID, "--stages: more than %d", SCHEDULE_STAGES_MAX);
        struct text word = text_split(&rest, ',');
        if (!parse_stage(word, &schedule->stages[schedule->stage_count++]))
            return error_set(error, STATUS_INVALID,
                             "--stages: \"%.*s\" is not SECONDS:RATE or SECONDS:FROM-TO",
                             TEXT_ARGS(word));
    }
    return schedule_check(schedule, error);
}

static enum status apply_arrivals(const struct options *options, struct load_plan *plan,
                                  struct error *error)
{
    bool closes = options->users > 0;
    if (closes && (options->rate > 0 || options->stages != NULL))
        return error_set(error, STATUS_INVALID,
                         "--users waits for answers, --rate and --stages do "
                         "not: one of them");
    if (options->rate > 0 && options->stages != NULL)
        return error_set(error, STATUS_INVALID, "either --rate or --stages");
    if (closes || (plan->is_closed && options->duration_s > 0)) {
        plan->is_closed = true;
        plan->users = closes ? (unsigned)options->users : plan->users;
        plan->users_duration_s =
            options->duration_s > 0 ? options->duration_s : plan->users_duration_s;
        plan->users_ramp_s = options->ramp_s > 0 ? options->ramp_s : plan->users_ramp_s;
    }
    if (options->think_ms > 0)
        plan->think.min_ns = plan->think.max_ns = (uint64_t)(options->think_ms * (double)NS_PER_MS);
    if (options->poisson)
        plan->schedule.is_poisson = true;
    if (options->stages != NULL)
        return parse_stages(options->stages, &plan->schedule, error);
    if (plan->is_closed || (options->rate <= 0 && options->duration_s <= 0))
        return STATUS_OK;
    double rate = options->rate > 0 ? options->rate : plan->schedule.stages[0].from;
    double duration_s =
        options->duration_s > 0 ? options->duration_s : schedule_duration_s(&plan->schedule);
    if (options->rate <= 0 && plan->schedule.stage_count > 1)
        return error_set(error, STATUS_INVALID, "--duration alone does not fit several stages");
    plan->schedule.stages[0] = (struct schedule_stage){duration_s, rate, rate};
    plan->schedule.stage_count = 1;
    return STATUS_OK;
}

static void apply_limits(const struct options *options, struct load_plan *plan)
{
    struct load_limits *limits = &plan->limits;
    if (options->connections > 0)
        limits->connections = options->connections < ENGINE_CONNECTIONS_MAX
                                  ? (unsigned)options->connections
                                  : ENGINE_CONNECTIONS_MAX;
    else if (plan->is_closed && plan->users > limits->connections)
        limits->connections =
            plan->users < ENGINE_CONNECTIONS_MAX ? plan->users : ENGINE_CONNECTIONS_MAX;
    if (options->threads > 0)
        limits->threads = options->threads <= LOAD_THREADS_MAX ? (unsigned)options->threads
                                                               : LOAD_THREADS_MAX + 1;
    if (options->timeout_s > 0)
        limits->request_timeout_ns = (uint64_t)(options->timeout_s * (double)NS_PER_S);
    if (limits->connect_timeout_ns > limits->request_timeout_ns)
        limits->connect_timeout_ns = limits->request_timeout_ns;
    if (options->seed > 0)
        plan->seed = options->seed;
}

static void add_threshold(struct load_plan *plan, enum load_metric metric, double limit,
                          bool aborts)
{
    if (plan->thresholds.count == LOAD_THRESHOLDS_MAX)
        return;
    plan->thresholds.items[plan->thresholds.count++] = (struct load_threshold){
        .metric = metric, .step = LOAD_ALL_STEPS, .limit = limit, .aborts = aborts};
}

/* Where nothing is said about errors, none is right: a run whose requests fail must not pass. */
static void apply_thresholds(const struct options *options, struct load_plan *plan)
{
    bool says_errors = options->error_share >= 0;
    for (size_t i = 0; i < plan->thresholds.count; i++)
        says_errors |= plan->thresholds.items[i].metric == LOAD_METRIC_ERROR_SHARE;
    if (options->p99_ms > 0)
        add_threshold(plan, LOAD_METRIC_P99_MS, options->p99_ms, options->aborts);
    if (options->error_share >= 0 || !says_errors)
        add_threshold(plan, LOAD_METRIC_ERROR_SHARE,
                      options->error_share >= 0 ? options->error_share : 0, options->aborts);
}

/* ---- one URL */

static enum status add_header(struct load_request_text *text, const char *words,
                              struct error *error)
{
    struct text value = text_of(words), name = text_split(&value, ':');
    if (value.data == NULL || name.length == 0)
        return error_set(error, STATUS_INVALID, "--header: \"%s\" is not NAME: VALUE", words);
    text->headers[text->header_count][0] = text_trim(name);
    text->headers[text->header_count++][1] = text_trim(value);
    return STATUS_OK;
}

static enum status add_statuses(const char *words, struct load_checks *checks, struct error *error)
{
    struct text rest = text_of(words);
    while (rest.data != NULL) {
        uint64_t number = 0;
        struct text word = text_split(&rest, ',');
        if (text_to_u64(word, &number) != STATUS_OK || number < 200 || number > 999 ||
            checks->status_count == LOAD_STATUSES_MAX)
            return error_set(error, STATUS_INVALID, "--expect: \"%s\" is not 200 or 200,404",
                             words);
        checks->statuses[checks->status_count++] = (uint16_t)number;
    }
    return STATUS_OK;
}

static enum status make_from_url(const char *url, const struct options *options,
                                 struct buffer *body, struct load_plan *plan, struct error *error)
{
    struct load_request_text text = {.method = text_of(options->method)};
    enum status status = STATUS_OK;
    if (options->body != NULL && options->body[0] == '@')
        status = buffer_read_file(body, options->body + 1, error);
    else if (options->body != NULL)
        status = buffer_append_text(body, options->body);
    if (options->body != NULL)
        text.body = (struct text){buffer_text(body), body->length_bytes};
    if (text.method.length == 0)
        text.method = text_of(options->body != NULL ? "POST" : "GET");
    for (size_t i = 0; i < options->headers.count && status == STATUS_OK; i++)
        status = add_header(&text, options->headers.items[i], error);
    if (options->no_keep_alive && status == STATUS_OK)
        status = add_header(&text, "Connection: close", error);
    if (options->expect != NULL && status == STATUS_OK)
        status = add_statuses(options->expect, &plan->steps[0].checks, error);
    if (status != STATUS_OK)
        return status;
    plan->is_traced = !options->no_trace;
    (void)snprintf(plan->name, sizeof(plan->name), "%.*s", LOAD_TEXT_MAX - 1, url);
    return load_plan_add_url(plan, url, &text, error);
}

static enum status make_from_file(const char *path, const struct options *options,
                                  struct load_plan *plan, struct error *error)
{
    if (options->method[0] || options->body || options->expect || options->headers.count > 0 ||
        options->no_keep_alive)
        return error_set(error, STATUS_INVALID,
                         "--method, --body, --header, --expect and "
                         "--no-keep-alive are for a URL; a file says its "
                         "own");
    enum status status = load_plan_read(plan, path, error);
    if (status == STATUS_OK && options->target != NULL)
        text_copy(text_of(options->target), plan->target, sizeof(plan->target));
    if (options->no_trace)
        plan->is_traced = false;
    return status;
}

static enum status make_plan(const char *word, const struct options *options, struct buffer *body,
                             struct load_plan *plan, struct error *error)
{
    bool is_url = strncmp(word, "http://", 7) == 0 || strncmp(word, "https://", 8) == 0;
    enum status status = is_url ? make_from_url(word, options, body, plan, error)
                                : make_from_file(word, options, plan, error);
    if (status == STATUS_OK)
        status = apply_arrivals(options, plan, error);
    if (status != STATUS_OK)
        return status;
    apply_limits(options, plan);
    apply_thresholds(options, plan);
    return load_plan_check(plan, error);
}

/* ---- the run */

static void tell(void *context, const struct load_progress *so_far)
{
    struct progress *progress = context;
    struct load_step_figures *sum = calloc(1, sizeof(*sum));
    if (sum == NULL)
        return;
    load_figures_sum(so_far->figures, sum);
    uint64_t count = load_figures_count(sum), over = so_far->flows.ok + so_far->flows.failed;
    bool is_open;
    const struct window_progress line = {
        .due = so_far->flows.due,
        .started = so_far->flows.due,
        .done = count,
        .failed = load_figures_failed(sum),
        .in_flight = so_far->flows.due > over ? so_far->flows.due - over : 0,
        .elapsed_ms = so_far->elapsed_ms,
        .duration_ms = so_far->duration_ms,
        .p50_ns = load_figures_quantile_ns(sum, 0.5, &is_open),
        .p99_ns = load_figures_quantile_ns(sum, 0.99, &is_open),
    };
    progress_window(progress, &line, 0);
    free(sum);
}

static enum status write_json(const struct load_plan *plan, const struct load_result *result,
                              const char *path, struct error *error)
{
    struct buffer out;
    struct json_writer writer;
    buffer_init(&out, REPORT_BYTES_MAX);
    json_writer_init(&writer, &out, 2);
    load_report_json(plan, result, &writer);
    buffer_append_byte(&out, '\n');
    enum status status = buffer_write_file(&out, path, error);
    buffer_release(&out);
    return status;
}

static int finish(const struct load_plan *plan, const struct options *options,
                  const struct load_result *result)
{
    struct error error = {0};
    load_report_print(plan, result, stdout);
    fflush(stdout);
    if (options->json_path && write_json(plan, result, options->json_path, &error) != STATUS_OK)
        return command_failed(program, STATUS_IO, &error);
    if (result->is_interrupted)
        return EXIT_INTERRUPTED;
    return command_exit_of_verdict(result->verdict);
}

static int carry_out(const struct load_plan *plan, const struct options *options)
{
    struct error error = {0};
    struct progress progress;
    const struct load_client_kind *client = options->engine
                                                ? load_client_find(options->engine)
                                                : load_client_for(plan->target, options->http2);
    if (client == NULL)
        return command_misused(program, "--engine is epoll or curl");
    bool needs_curl = strncmp(plan->target, "https://", 8) == 0 || options->http2;
    if (needs_curl && !client->speaks_tls)
        return command_misused(program, "https and HTTP/2 need --engine curl");
    struct load_result *result = calloc(1, sizeof(*result));
    if (result == NULL)
        return command_failed(program, STATUS_NO_MEMORY, &error);
    const struct load_run_config config = {
        .plan = plan,
        .client = client,
        .http2 = options->http2,
        .insecure = options->insecure,
        .ca_file = options->ca_file,
        .tell = options->quiet ? NULL : tell,
        .context = &progress,
    };
    progress_begin(&progress, "load", (uint64_t)(load_plan_duration_s(plan) * 1000));
    enum status status = load_run(&config, result, &error);
    if (!options->quiet)
        progress_end(&progress);
    int exit_status = status == STATUS_OK ? finish(plan, options, result)
                                          : command_failed(program, status, &error);
    load_run_release(result);
    free(result);
    return exit_status;
}

static int load(const char *word, const struct options *options)
{
    struct error error = {0};
    struct buffer body;
    struct load_plan *plan = malloc(sizeof(*plan));
    if (plan == NULL)
        return command_failed(program, STATUS_NO_MEMORY, &error);
    load_plan_init(plan);
    buffer_init(&body, BODY_FILE_MAX);
    enum status status = make_plan(word, options, &body, plan, &error);
    int exit_status =
        status == STATUS_OK ? carry_out(plan, options) : command_failed(program, status, &error);
    buffer_release(&body);
    load_plan_release(plan);
    free(plan);
    return exit_status;
}

static const struct flags_usage usage = {
    .program = program,
    .operands = "URL|FLOW.json",
    .about = "Loads any HTTP service: one request over and over, or the flows of a file.",
    .more = "Latency counts from when a request was due, so a target that stalls cannot hide it.\n"
            "Every request carries a traceparent. scenarios/schema/load.schema.json describes "
            "flow\nfiles; scenarios/load/shop.json is one.\n"
            "exit status: 0 all thresholds hold, 99 one is broken, 97 the generator was too late\n"
            "             itself to say, 105 interrupted, 2 usage or a wrong file, 1 environment",
};

static bool is_in_range(const struct options *options)
{
    return options->rate >= 0 && options->duration_s >= 0 && options->users >= 0 &&
           options->users <= LOAD_USERS_MAX && options->ramp_s >= 0 && options->think_ms >= 0 &&
           options->think_ms <= 3600000 && options->timeout_s >= 0 && options->timeout_s <= 86400;
}

int command_load(int argc, char **argv)
{
    struct options options = {.method = "", .error_share = -1};
    const struct flag flags[] = {
        {"rate", 'r', FLAG_DOUBLE, &options.rate, "R", "flows a second, whatever comes back (10)"},
        {"duration", 'd', FLAG_DOUBLE, &options.duration_s, "S", "seconds (10)"},
        {"stages", 0, FLAG_TEXT, &options.stages, "LIST",
         "SECONDS:RATE or SECONDS:FROM-TO, with commas: ramps, steps, spikes"},
        {"poisson", 0, FLAG_BOOL, &options.poisson, NULL, "random arrivals instead of even ones"},
        {"users", 'u', FLAG_DOUBLE, &options.users, "N",
         "users who wait for their answers, instead of a rate"},
        {"ramp", 0, FLAG_DOUBLE, &options.ramp_s, "S", "seconds until all users are there"},
        {"think", 0, FLAG_DOUBLE, &options.think_ms, "MS", "a user's pause between two flows"},
        {"connections", 'c', FLAG_U64, &options.connections, "N", "at most (64, or one a user)"},
        {"threads", 0, FLAG_U64, &options.threads, "N", "event loops, one thread each (1)"},
        {"timeout", 0, FLAG_DOUBLE, &options.timeout_s, "S", "for one answer (30)"},
        {"method", 'X', FLAG_TEXT, &options.method, "WORD", "GET, or POST with a body"},
        {"header", 'H', FLAG_TEXTS, &options.headers, "TEXT", "\"Name: value\"; several times"},
        {"body", 'b', FLAG_TEXT, &options.body, "TEXT", "or @FILE; holes as in flow files"},
        {"expect", 0, FLAG_TEXT, &options.expect, "LIST", "right statuses (200 to 399)"},
        {"no-keep-alive", 0, FLAG_BOOL, &options.no_keep_alive, NULL, "a connection a request"},
        {"no-trace", 0, FLAG_BOOL, &options.no_trace, NULL, "send no traceparent"},
        {"p99-ms", 0, FLAG_DOUBLE, &options.p99_ms, "MS", "the 99th percentile must not be above"},
        {"errors", 0, FLAG_DOUBLE, &options.error_share, "SHARE",
         "share that may fail, 0 to 1 (0, where a file says nothing)"},
        {"abort", 0, FLAG_BOOL, &options.aborts, NULL, "end as soon as one of these is broken"},
        {"seed", 's', FLAG_U64, &options.seed, "N", "of the sequence of requests (1)"},
        {"target", 't', FLAG_TEXT, &options.target, "URL", "instead of a flow file's own"},
        {"engine", 0, FLAG_TEXT, &options.engine, "WORD",
         "epoll, or curl for https and HTTP/2 (what fits)"},
        {"http2", 0, FLAG_BOOL, &options.http2, NULL, "speak HTTP/2"},
        {"insecure", 0, FLAG_BOOL, &options.insecure, NULL, "accept any certificate"},
        {"ca-file", 0, FLAG_TEXT, &options.ca_file, "FILE", "certificates to trust"},
        {"json", 'j', FLAG_TEXT, &options.json_path, "FILE", "write the report there"},
        {"quiet", 'q', FLAG_BOOL, &options.quiet, NULL, "no progress"},
    };
    struct command_line line = {
        .usage = &usage, .flags = flags, .flag_count = sizeof flags / sizeof flags[0]};
    if (!command_parse(&line, argc, argv))
        return line.exit_status;
    if (line.first_operand + 1 != argc)
        return command_misused(program, "which URL or flow file?");
    if (!is_in_range(&options))
        return command_misused(program, "a number is out of range");
    return load(argv[line.first_operand], &options);
}
