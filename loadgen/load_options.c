#include "loadgen/load_options.h"

#include "loadgen/command.h"

static const struct flags_usage usage = {
    .program = "culprit load",
    .operands = "URL|FLOW.json",
    .about = "Loads any HTTP service: one request over and over, or the flows of a file.",
    .more = "Latency counts from when a request was due, so a target that stalls cannot hide it.\n"
            "Every request carries a traceparent. scenarios/schema/load.schema.json describes "
            "flow\nfiles; scenarios/load/shop.json is one.\n"
            "exit status: 0 all thresholds hold, 99 one is broken, 97 the generator was too late\n"
            "             itself to say, 105 interrupted, 2 usage or a wrong file, 1 environment",
};

static bool is_in_range(const struct load_options *options)
{
    return options->rate >= 0 && options->duration_s >= 0 && options->users >= 0 &&
           options->users <= LOAD_USERS_MAX && options->ramp_s >= 0 && options->think_ms >= 0 &&
           options->think_ms <= 3600000 && options->timeout_s >= 0 && options->timeout_s <= 86400;
}

static bool is_complete(const struct load_options *options, struct command_line *line, int argc)
{
    if (line->first_operand + 1 != argc)
        line->exit_status = command_misused(usage.program, "which URL or flow file?");
    else if (!is_in_range(options))
        line->exit_status = command_misused(usage.program, "a number is out of range");
    return line->exit_status == EXIT_AS_EXPECTED;
}

bool load_options_parse(struct load_options *options, int argc, char **argv, int *exit_status)
{
    *options = (struct load_options){.method = "", .error_share = -1};
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
        {"ca-file", 0, FLAG_TEXT, &options->ca_file, "FILE", "certificates to trust"},
        {"json", 'j', FLAG_TEXT, &options->json_path, "FILE", "write the report there"},
        {"html", 0, FLAG_TEXT, &options->outputs.html, "FILE",
         "write the report there as one page that needs nothing beside itself"},
        {"markdown", 0, FLAG_TEXT, &options->outputs.markdown, "FILE", "a short summary of it"},
        {"hgrm", 0, FLAG_TEXT, &options->outputs.hgrm, "FILE",
         "percentiles of all steps in ms, as HdrHistogram's plotters read them"},
        {"quiet", 'q', FLAG_BOOL, &options->quiet, NULL, "show nothing while it runs"},
    };
    struct command_line line = {
        .usage = &usage, .flags = flags, .flag_count = sizeof flags / sizeof flags[0]};
    bool goes_on = command_parse(&line, argc, argv) && is_complete(options, &line, argc);
    if (goes_on)
        options->word = argv[line.first_operand];
    *exit_status = line.exit_status;
    return goes_on;
}
