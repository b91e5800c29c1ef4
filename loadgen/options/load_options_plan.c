#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "loadgen/engine/engine.h"
#include "loadgen/load/load_plan_read.h"
#include "loadgen/options/load_options.h"

/* ---- how it arrives, what bounds it, what must hold */

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

static enum status apply_arrivals(const struct load_options *options, struct load_plan *plan,
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

static void apply_limits(const struct load_options *options, struct load_plan *plan)
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
static void apply_thresholds(const struct load_options *options, struct load_plan *plan)
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

static enum status read_body(const char *path, struct load_plan *plan, struct buffer *body,
                             struct error *error)
{
    struct text content;
    if (plan->files == NULL)
        return buffer_read_file(body, path, error);
    enum status status = load_files_read(plan->files, path, LOAD_BODY_FILE_MAX, &content, error);
    return status == STATUS_OK ? buffer_append(body, content.data, content.length) : status;
}

static enum status make_from_url(const char *url, const struct load_options *options,
                                 struct buffer *body, struct load_plan *plan, struct error *error)
{
    struct load_request_text text = {.method = text_of(options->method)};
    enum status status = STATUS_OK;
    if (options->body != NULL && options->body[0] == '@')
        status = read_body(options->body + 1, plan, body, error);
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

static enum status make_from_file(const char *path, const struct load_options *options,
                                  struct load_plan *plan, struct error *error)
{
    if (options->method[0] || options->body || options->expect || options->headers.count > 0 ||
        options->no_keep_alive)
        return error_set(error, STATUS_INVALID,
                         "--method, --body, --header, --expect and "
                         "--no-keep-alive are for a URL; a file says its "
                         "own");
    enum status status = load_plan_read(plan, path, error);
    if (status == STATUS_NOT_FOUND && access(path, F_OK) != 0)
        return error_set(error, status,
                         "%s: no such flow file, and no URL: those begin with http:// or https://",
                         path);
    if (status == STATUS_OK && options->target != NULL)
        text_copy(text_of(options->target), plan->target, sizeof(plan->target));
    if (options->no_trace)
        plan->is_traced = false;
    return status;
}

enum status load_options_plan(const struct load_options *options, struct buffer *body,
                              struct load_plan *plan, struct error *error)
{
    const char *word = options->word;
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
