#include "loadgen/load/load_run.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/hex.h"
#include "base/rng.h"
#include "loadgen/base/interrupt.h"
#include "loadgen/base/memory.h"

enum {
    TICK_MS = 250,
    TICK_ALONE_MS = 1000, /* where nobody looks: a signal ends the wait */
    HEAD_START_MS = 20,   /* for the threads to be there when the first request is due */
    IDLE_MAX_MS = 10000,
    FILES_BESIDE = 32,
};

struct run {
    const struct load_run_config *config;
    const struct load_plan *plan;
    struct load_result *result;
    struct load_shared shared;
    struct load_loop *loops[LOAD_THREADS_MAX];
    unsigned started;
    struct load_figures so_far; /* as of the last tick */
};

/* ---- before */

static enum status draw_ids(struct run *run, struct error *error)
{
    uint8_t bytes[8];
    if (rng_secret(bytes, sizeof(bytes)) != STATUS_OK ||
        rng_secret(run->shared.trace_words, sizeof(run->shared.trace_words)) != STATUS_OK)
        return error_set(error, STATUS_IO, "load: no random bytes");
    hex_encode(bytes, sizeof(bytes), run->shared.nonce);
    if (run->config->nonce != NULL)
        text_copy(text_of(run->config->nonce), run->shared.nonce, sizeof(run->shared.nonce));
    memcpy(run->result->nonce, run->shared.nonce, sizeof(run->shared.nonce));
    return STATUS_OK;
}

/* Of this process: a worker has its part of the plan's, and at least one a thread. */
static unsigned connections_of(const struct run *run)
{
    const struct load_limits *limits = &run->plan->limits;
    unsigned parts = run->config->parts > 0 ? run->config->parts : 1;
    unsigned own = (limits->connections + parts - 1) / parts;
    return own > limits->threads ? own : limits->threads;
}

/* Every connection is an open file, and the usual soft limit is 1,024. */
static enum status allow_files(const struct run *run, struct error *error)
{
    struct rlimit files;
    rlim_t needed = connections_of(run) + FILES_BESIDE + run->plan->limits.threads;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur >= needed)
        return STATUS_OK;
    if (files.rlim_max < needed)
        return error_set(error, STATUS_INVALID,
                         "load: %u connections are more files than this process may open (%llu)",
                         connections_of(run), (unsigned long long)files.rlim_max);
    files.rlim_cur = needed;
    return setrlimit(RLIMIT_NOFILE, &files) == 0
               ? STATUS_OK
               : error_set(error, STATUS_IO, "load: the limit of open files cannot be raised");
}

static enum status prepare(struct run *run, struct error *error)
{
    const struct load_plan *plan = run->plan;
    const struct load_limits *limits = &plan->limits;
    struct load_client_config *client = &run->shared.client_config;
    *client = (struct load_client_config){
        .engine = {.connection_limit = connections_of(run) / limits->threads,
                   .queue_max = LOAD_USERS_MAX,
                   .request_timeout_ns = limits->request_timeout_ns,
                   .connect_timeout_ns = limits->connect_timeout_ns,
                   .idle_max_ns = IDLE_MAX_MS * NS_PER_MS,
                   .body_max_bytes = limits->body_max_bytes},
        .target = plan->target,
        .http2 = run->config->http2,
        .insecure = run->config->insecure,
        .ca_file = run->config->ca_file,
    };
    run->shared.plan = plan;
    run->shared.client = run->config->client;
    run->shared.loops = limits->threads;
    run->shared.first_loop = run->config->part * limits->threads;
    run->shared.all_loops = (run->config->parts > 0 ? run->config->parts : 1) * limits->threads;
    run->shared.observe = run->config->observe;
    run->shared.context = run->config->context;
    enum status status = allow_files(run, error);
    if (status == STATUS_OK && !run->config->client->speaks_tls)
        status = origin_parse(&client->engine.origin, plan->target, error);
    if (status != STATUS_OK)
        return status;
    if (!load_figures_init(&run->result->figures, plan->step_count))
        return error_set(error, STATUS_NO_MEMORY, "load: out of memory");
    return draw_ids(run, error);
}

/* ---- while it goes on */

static struct load_judgement judge(const struct load_threshold *threshold,
                                   const struct load_figures *figures, double elapsed_s)
{
    struct load_judgement judgement = {0};
    if (threshold->step != LOAD_ALL_STEPS) {
        judgement.value =
            load_threshold_value(threshold->metric, &figures->steps[threshold->step], elapsed_s);
    } else {
        struct load_step_figures *sum = calloc(1, sizeof(*sum));
        if (sum == NULL)
            return judgement;
        load_figures_sum(figures, sum);
        judgement.value = load_threshold_value(threshold->metric, sum, elapsed_s);
        free(sum);
    }
    judgement.holds = load_threshold_holds(threshold, judgement.value);
    return judgement;
}

bool load_run_breaks(const struct load_plan *plan, const struct load_figures *figures,
                     double elapsed_s)
{
    const struct load_thresholds *thresholds = &plan->thresholds;
    for (size_t i = 0; i < thresholds->count && elapsed_s >= thresholds->abort_after_s; i++)
        if (thresholds->items[i].aborts && !judge(&thresholds->items[i], figures, elapsed_s).holds)
            return true;
    return false;
}

static void look_at_thresholds(struct run *run, const struct load_figures *figures,
                               double elapsed_s)
{
    if (!load_run_breaks(run->plan, figures, elapsed_s))
        return;
    run->result->is_aborted = true;
    atomic_store(&run->shared.stop, true);
    atomic_store(&run->shared.give_up, true);
}

/* What somebody else wants of it. */
static void look_at_order(struct run *run)
{
    int order = run->config->order != NULL ? atomic_load(run->config->order) : LOAD_GO_ON;
    if (order != LOAD_GO_ON)
        atomic_store(&run->shared.stop, true);
    if (order == LOAD_GIVE_UP)
        atomic_store(&run->shared.give_up, true);
}

static bool is_watched(const struct run *run)
{
    bool aborts = false;
    for (size_t i = 0; i < run->plan->thresholds.count; i++)
        aborts |= run->plan->thresholds.items[i].aborts;
    return aborts || run->config->tell != NULL;
}

static void tick(struct run *run)
{
    struct load_figures *figures = &run->so_far;
    struct load_progress progress = {.figures = figures};
    uint64_t now_ns = clock_mono_ns(), start_ns = run->shared.start_ns;
    if (interrupt_came() && !run->result->is_interrupted) {
        run->result->is_interrupted = true;
        atomic_store(&run->shared.stop, true);
    }
    look_at_order(run);
    if (now_ns <= start_ns || !is_watched(run))
        return;
    if (figures->steps == NULL && !load_figures_init(figures, run->plan->step_count))
        return;
    load_figures_clear(figures);
    for (unsigned i = 0; i < run->started; i++)
        load_loop_collect(run->loops[i], figures, &progress.flows);
    progress.elapsed_ms = (now_ns - start_ns) / NS_PER_MS;
    progress.duration_ms = (uint64_t)(load_plan_duration_s(run->plan) * 1000);
    look_at_thresholds(run, figures, (double)progress.elapsed_ms / 1000);
    if (run->config->tell != NULL)
        run->config->tell(run->config->context, &progress);
}

static enum status start(struct run *run, struct error *error)
{
    uint64_t now_ns = clock_mono_ns(), wanted_ns = run->config->start_ns;
    run->shared.start_ns = wanted_ns != 0 ? wanted_ns : now_ns + HEAD_START_MS * NS_PER_MS;
    run->result->start_wall_ns = clock_wall_ns() + run->shared.start_ns - now_ns;
    if (!load_crew_timeline(&run->shared, &run->result->timeline))
        return error_set(error, STATUS_NO_MEMORY, "load: out of memory");
    for (; run->started < run->shared.loops; run->started++) {
        enum status status =
            load_loop_start(&run->shared, run->started, &run->loops[run->started], error);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

/* A signal and the end of a loop cut the wait short; after SIGINT nothing does. */
static void wait_until(const struct run *run, uint64_t until_ns)
{
    uint64_t look_ns = clock_mono_ns();
    if (!interrupt_came() && interrupt_wait_until(until_ns))
        return;
    while (interrupt_came() && atomic_load(&run->shared.running) > 0 && look_ns < until_ns)
        clock_sleep_until_ns(look_ns += TICK_MS / 10 * NS_PER_MS);
}

/* Until the last loop has ended. */
static void watch(struct run *run)
{
    bool has_watchers = is_watched(run) || run->config->order != NULL;
    uint64_t tick_ns = (has_watchers ? TICK_MS : TICK_ALONE_MS) * NS_PER_MS;
    while (atomic_load(&run->shared.running) > 0) {
        wait_until(run, clock_mono_ns() + tick_ns);
        tick(run);
    }
}

/* ---- behind it */

static enum status join(struct run *run, struct error *error)
{
    enum status status = STATUS_OK;
    for (unsigned i = 0; i < run->started; i++) {
        struct error words = {0};
        uint64_t cpu_ns = 0;
        enum status own = load_loop_join(run->loops[i], &cpu_ns, &words);
        if (own != STATUS_OK && status == STATUS_OK)
            status = error_set(error, own, "%s", words.text);
        run->result->cpu_ns += cpu_ns;
        load_loop_collect(run->loops[i], &run->result->figures, &run->result->flows);
        load_loop_collect_timeline(run->loops[i], &run->result->timeline);
        load_loop_free(run->loops[i]);
    }
    return status;
}

/* A limit on latency that is broken while the generator was late itself says nothing. */
static void judge_all(const struct load_plan *plan, struct load_result *result,
                      bool is_all_doubtful)
{
    const struct load_thresholds *thresholds = &plan->thresholds;
    for (size_t i = 0; i < thresholds->count; i++) {
        result->judgements[i] = judge(&thresholds->items[i], &result->figures, result->elapsed_s);
        if (result->judgements[i].holds)
            continue;
        const struct load_threshold *threshold = &thresholds->items[i];
        bool is_doubtful = load_threshold_is_doubtful(threshold, &result->figures) ||
                           (is_all_doubtful && load_threshold_is_latency(threshold->metric));
        if (!is_doubtful)
            result->verdict = VERDICT_FAIL;
        else if (result->verdict == VERDICT_PASS)
            result->verdict = VERDICT_INCONCLUSIVE;
    }
}

void load_run_judge(const struct load_plan *plan, struct load_result *result)
{
    bool was_late = result->is_late; /* one of many workers, whatever their sum says */
    result->is_late |= load_figures_any_is_late(&result->figures);
    result->verdict = VERDICT_PASS;
    judge_all(plan, result, was_late);
}

static void settle(struct run *run)
{
    struct load_result *result = run->result;
    uint64_t now_ns = clock_mono_ns();
    result->end_wall_ns = clock_wall_ns();
    if (now_ns > run->shared.start_ns)
        result->elapsed_s = (double)(now_ns - run->shared.start_ns) / (double)NS_PER_S;
    result->peak_rss_kib = memory_peak_kib();
    load_run_judge(run->plan, result);
}

enum status load_run(const struct load_run_config *config, struct load_result *result,
                     struct error *error)
{
    memset(result, 0, sizeof(*result));
    struct run *run = calloc(1, sizeof(*run));
    if (run == NULL)
        return error_set(error, STATUS_NO_MEMORY, "load: out of memory");
    run->config = config;
    run->plan = config->plan;
    run->result = result;
    enum status status = prepare(run, error);
    if (status == STATUS_OK) {
        status = start(run, error);
        if (status != STATUS_OK)
            atomic_store(&run->shared.give_up, true);
        watch(run);
        struct error words = {0};
        enum status joined = join(run, &words);
        if (status == STATUS_OK && joined != STATUS_OK)
            status = error_set(error, joined, "%s", words.text);
        settle(run);
    }
    load_figures_release(&run->so_far);
    free(run);
    return status;
}

void load_run_release(struct load_result *result)
{
    load_figures_release(&result->figures);
    load_timeline_release(&result->timeline);
    load_workers_release(&result->workers);
}
