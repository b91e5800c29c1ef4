/* The flags of `culprit load`, and the plan that they make of a URL or a flow file. Texts are
 * borrowed from the command line. */
#ifndef CULPRIT_LOADGEN_OPTIONS_LOAD_OPTIONS_H
#define CULPRIT_LOADGEN_OPTIONS_LOAD_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/flags.h"
#include "base/status.h"
#include "loadgen/load/load_client.h"
#include "loadgen/load/load_plan.h"
#include "loadgen/options/worker_options.h"
#include "loadgen/report/load_outputs.h"

enum { LOAD_BODY_FILE_MAX = 32 * 1024, LOAD_OPTIONS_FLAGS_MAX = 40 };

struct load_options {
    const char *word; /* the URL or the flow file; NULL of a worker */
    double rate, duration_s, users, ramp_s, think_ms, timeout_s, p99_ms, error_share;
    uint64_t seed, connections, threads;
    const char *stages, *method, *body, *expect, *engine, *ca_file, *target;
    struct load_outputs outputs;
    struct flag_texts headers;
    struct worker_options many;
    bool poisson, http2, insecure, no_trace, no_keep_alive, aborts, quiet;
};

void load_options_init(struct load_options *options);

/* What is wrong with the numbers of those flags: words for people. NULL: nothing. */
const char *load_options_wrong(const struct load_options *options);

/* The flags that say what is to be done, with their places in `options`. */
size_t load_options_plan_flags(struct load_options *options,
                               struct flag out[LOAD_OPTIONS_FLAGS_MAX]);

/* false: the command is over with *exit_status (help was printed, or the words were wrong). */
bool load_options_parse(struct load_options *options, int argc, char **argv, int *exit_status);

/* Makes the plan, which is initialised; `body` (of LOAD_BODY_FILE_MAX) must live as long as it.
 * STATUS_INVALID with words (a flag's name, or file:line), STATUS_IO, STATUS_NO_MEMORY. */
MUST_CHECK enum status load_options_plan(const struct load_options *options, struct buffer *body,
                                         struct load_plan *plan, struct error *error);

/* Who sends the plan's requests. STATUS_INVALID with words. */
MUST_CHECK enum status load_options_client(const struct load_options *options,
                                           const struct load_plan *plan,
                                           const struct load_client_kind **out,
                                           struct error *error);

#endif
