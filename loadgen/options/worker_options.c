#include "loadgen/options/worker_options.h"

#include <string.h>

#include "loadgen/load/worker_roll.h"

void worker_options_flags(struct worker_options *options, struct flag out[WORKER_OPTIONS_FLAGS])
{
    const struct flag flags[WORKER_OPTIONS_FLAGS] = {
        {"coordinator", 0, FLAG_TEXT, &options->coordinator, "ADDRESS",
         "run it on workers that come to HOST:PORT or PORT (loopback)"},
        {"workers", 0, FLAG_U64, &options->workers, "N", "how many, with --coordinator"},
        {"worker", 0, FLAG_TEXT, &options->worker_url, "URL",
         "be a worker of the coordinator at http://HOST:PORT"},
        {"token-file", 0, FLAG_TEXT, &options->token_path, "FILE",
         "what they know each other by; or CULPRIT_TOKEN in the environment"},
        {"wait", 0, FLAG_DOUBLE, &options->wait_s, "S", "until all of them are there (60)"},
        {"silence", 0, FLAG_DOUBLE, &options->silence_s, "S",
         "after which a worker, or its coordinator, counts as lost (10)"},
    };
    memcpy(out, flags, sizeof(flags));
}

static bool is_time(double seconds)
{
    return seconds >= 0 && seconds <= 86400;
}

const char *worker_options_wrong(const struct worker_options *options)
{
    if (options->coordinator != NULL && options->worker_url != NULL)
        return "either --coordinator or --worker";
    if (options->coordinator != NULL &&
        (options->workers < 1 || options->workers > WORKER_SEATS_MAX))
        return "--coordinator wants --workers N, 1 to 256";
    if (options->coordinator == NULL && options->workers > 0)
        return "--workers N goes with --coordinator ADDRESS";
    if (!is_time(options->wait_s) || !is_time(options->silence_s))
        return "--wait and --silence are seconds, at most a day";
    return NULL;
}
