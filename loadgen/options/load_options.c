#include "loadgen/options/load_options.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "loadgen/base/command.h"

static const struct flags_usage usage = {
    .program = "culprit load",
    .operands = "URL|FLOW.json",
    .about = "Loads any HTTP service: one request over and over, or the flows of a file.",
    .more = "FILE may be - for standard output, which then has nothing else in it.\n"
            "Latency counts from when a request was due, so a target that stalls cannot hide it.\n"
            "Every request carries a traceparent. scenarios/schema/load.schema.json describes "
            "flow\nfiles; scenarios/load/shop.json is one.\n"
            "exit status: 0 all thresholds hold, 99 one is broken, 97 the generator was too late\n"
            "             itself to say, 105 interrupted, 2 usage or a wrong file, 1 environment",
};

const char *load_options_wrong(const struct load_options *options)
{
    const struct {
        double given, most;
        const char *words;
    } rows[] = {
        {options->rate, HUGE_VAL, "--rate is flows a second, not negative"},
        {options->duration_s, HUGE_VAL, "--duration is seconds, not negative"},
        {options->users, LOAD_USERS_MAX, "--users is 0 to 65536"},
        {options->ramp_s, HUGE_VAL, "--ramp is seconds, not negative"},
        {options->think_ms, 3600000, "--think is milliseconds, at most an hour"},
        {options->timeout_s, 86400, "--timeout is seconds, at most a day"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (!(rows[i].given >= 0 && rows[i].given <= rows[i].most)) /* a NaN is wrong, too */
            return rows[i].words;
    return NULL;
}

/* Some flag that says what is to be done was given. */
static bool has_plan_flags(const struct load_options *options)
{
    struct load_options given = *options, none;
    struct flag ours[LOAD_OPTIONS_FLAGS_MAX], empty[LOAD_OPTIONS_FLAGS_MAX];
    load_options_init(&none);
    size_t count = load_options_plan_flags(&given, ours);
    (void)load_options_plan_flags(&none, empty);
    static const size_t bytes[] = {[FLAG_BOOL] = sizeof(bool),
                                   [FLAG_TEXT] = sizeof(const char *),
                                   [FLAG_TEXTS] = sizeof(struct flag_texts),
                                   [FLAG_U64] = sizeof(uint64_t),
                                   [FLAG_DOUBLE] = sizeof(double)};
    for (size_t i = 0; i < count; i++)
        if (memcmp(ours[i].target, empty[i].target, bytes[ours[i].type]) != 0)
            return true;
    return false;
}

static bool is_complete(const struct load_options *options, struct command_line *line, int argc)
{
    const char *wrong = worker_options_wrong(&options->many);
    if (wrong == NULL)
        wrong = load_options_wrong(options);
    bool has_load = line->first_operand != argc || has_plan_flags(options) ||
                    options->outputs.json != NULL || load_outputs_any(&options->outputs);
    if (wrong != NULL)
        line->exit_status = command_misused(usage.program, "%s", wrong);
    else if (options->many.worker_url != NULL && has_load)
        line->exit_status =
            command_misused(usage.program, "a worker gets its load from the coordinator");
    else if (options->many.worker_url == NULL && line->first_operand + 1 != argc)
        line->exit_status = command_misused(usage.program, "which URL or flow file?");
    return line->exit_status == EXIT_AS_EXPECTED;
}

void load_options_init(struct load_options *options)
{
    *options = (struct load_options){.method = "", .error_share = -1};
}

/* What is to be done: a worker gets it as it is. What only this process looks at (its files, its
 * screen, its addresses) stands in load_options_parse. */
size_t load_options_plan_flags(struct load_options *options,
                               struct flag out[LOAD_OPTIONS_FLAGS_MAX])
{
    const struct flag flags[] = {
        {"rate", 'r', FLAG_DOUBLE, &options->rate, "R", "flows a second, whatever comes back (10)"},
        {"duration", 'd', FLAG_DOUBLE, &options->duration_s, "S", "seconds (10)"},
        {"stages", 0, FLAG_TEXT, &options->stages, "LIST",
         "SECONDS:RATE or SECONDS:FROM-TO, with commas: ramps, steps, spikes"},
        {"poisson", 0, FLAG_BOOL, &options->poisson, NULL, "random arrivals instead of even ones"},
        {"users", 'u', FLAG_DOUBLE, &options->users, "N",
         "users who wait for their answers, instead of a rate"},
        {"ramp", 0, FLAG_DOUBLE, &options->ramp_s, "S", "seconds until all users are there"},
        {"think", 0, FLAG_DOUBLE, &options->think_ms, "MS", "a user's pause between two flows"},
        {"connections", 'c', FLAG_U64, &options->connections, "N", "at most (64, or one a user)"},
        {"threads", 0, FLAG_U64, &options->threads, "N", "event loops, one thread each (1)"},
        {"timeout", 0, FLAG_DOUBLE, &options->timeout_s, "S", "for one answer (30)"},
        {"method", 'X', FLAG_TEXT, &options->method, "WORD", "GET, or POST with a body"},
        {"header", 'H', FLAG_TEXTS, &options->headers, "TEXT", "\"Name: value\"; several times"},
        {"body", 'b', FLAG_TEXT, &options->body, "TEXT", "or @FILE; holes as in flow files"},
        {"expect", 0, FLAG_TEXT, &options->expect, "LIST", "right statuses (200 to 399)"},
        {"no-keep-alive", 0, FLAG_BOOL, &options->no_keep_alive, NULL, "a connection a request"},
        {"no-trace", 0, FLAG_BOOL, &options->no_trace, NULL, "send no traceparent"},
        {"p99-ms", 0, FLAG_DOUBLE, &options->p99_ms, "MS", "the 99th percentile must not be above"},
        {"errors", 0, FLAG_DOUBLE, &options->error_share, "SHARE",
         "share that may fail, 0 to 1 (0, where a file says nothing)"},
        {"abort", 0, FLAG_BOOL, &options->aborts, NULL, "end as soon as one of these is broken"},
        {"seed", 's', FLAG_U64, &options->seed, "N", "of the sequence of requests (1)"},
        {"target", 't', FLAG_TEXT, &options->target, "URL", "instead of a flow file's own"},
        {"engine", 0, FLAG_TEXT, &options->engine, "WORD",
         "epoll, or curl for https and HTTP/2 (what fits)"},
        {"http2", 0, FLAG_BOOL, &options->http2, NULL, "speak HTTP/2"},
        {"insecure", 0, FLAG_BOOL, &options->insecure, NULL, "accept any certificate"},
    };
    static_assert(sizeof(flags) / sizeof(flags[0]) <= LOAD_OPTIONS_FLAGS_MAX, "all of them fit");
    memcpy(out, flags, sizeof(flags));
    return sizeof(flags) / sizeof(flags[0]);
}

bool load_options_parse(struct load_options *options, int argc, char **argv, int *exit_status)
{
    load_options_init(options);
    const struct flag here[] = {
        {"ca-file", 0, FLAG_TEXT, &options->ca_file, "FILE", "certificates to trust"},
        {"json", 'j', FLAG_TEXT, &options->outputs.json, "FILE", "write the report there"},
        {"html", 0, FLAG_TEXT, &options->outputs.html, "FILE",
         "write the report there as one page that needs nothing beside itself"},
        {"markdown", 0, FLAG_TEXT, &options->outputs.markdown, "FILE", "a short summary of it"},
        {"hgrm", 0, FLAG_TEXT, &options->outputs.hgrm, "FILE",
         "percentiles of all steps in ms, as HdrHistogram's plotters read them"},
        {"quiet", 'q', FLAG_BOOL, &options->quiet, NULL, "show nothing while it runs"},
    };
    enum { HERE_COUNT = sizeof(here) / sizeof(here[0]) };
    struct flag flags[LOAD_OPTIONS_FLAGS_MAX + HERE_COUNT + WORKER_OPTIONS_FLAGS];
    size_t count = load_options_plan_flags(options, flags);
    memcpy(flags + count, here, sizeof(here));
    worker_options_flags(&options->many, flags + count + HERE_COUNT);
    struct command_line line = {
        .usage = &usage, .flags = flags, .flag_count = count + HERE_COUNT + WORKER_OPTIONS_FLAGS};
    bool goes_on = command_parse(&line, argc, argv) && is_complete(options, &line, argc);
    if (goes_on)
        options->word = argv[line.first_operand];
    *exit_status = line.exit_status;
    return goes_on;
}

enum status load_options_client(const struct load_options *options, const struct load_plan *plan,
                                const struct load_client_kind **out, struct error *error)
{
    const char *engine = options->engine;
    *out =
        engine != NULL ? load_client_find(engine) : load_client_for(plan->target, options->http2);
    if (*out == NULL)
        return error_set(error, STATUS_INVALID, "--engine is epoll or curl");
    bool needs_curl = strncmp(plan->target, "https://", 8) == 0 || options->http2;
    if (needs_curl && !(*out)->speaks_tls)
        return error_set(error, STATUS_INVALID, "https and HTTP/2 need --engine curl");
    return STATUS_OK;
}
