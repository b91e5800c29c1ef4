#include "loadgen/workers/load_coordinate.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/hex.h"
#include "base/rng.h"
#include "loadgen/base/interrupt.h"
#include "loadgen/base/terminal.h"
#include "loadgen/workers/coordinator.h"

enum {
    LEAD_MS = 1000,
    LOOK_MS = 50,
    COLLECT_MS = 500,
    GATHER_S = 60,
    SILENCE_S = 10,
    DRAIN_MS = 2000,
    RECEIVE_MS = 30000,
    CONNECTIONS_BESIDE = 16,
};

static const char program[] = "culprit load";

/* ---- before */

static uint64_t seconds_ns(double given_s, unsigned usual_s)
{
    return given_s > 0 ? (uint64_t)(given_s * (double)NS_PER_S) : usual_s * NS_PER_S;
}

static void init_roll(struct coordinator *coordinator)
{
    const struct load_options *options = coordinator->config->options;
    const struct load_plan *plan = coordinator->config->plan;
    const struct worker_roll_limits limits = {
        .worker_count = (size_t)options->workers,
        .gather_ns = seconds_ns(options->wait_s, GATHER_S),
        .silence_ns = seconds_ns(options->silence_s, SILENCE_S),
        .lead_ns = LEAD_MS * NS_PER_MS,
        .run_ns = (uint64_t)(load_plan_duration_s(plan) * (double)NS_PER_S),
        .grace_ns = plan->limits.grace_ns,
    };
    worker_roll_init(&coordinator->roll, &limits, coordinator->mono_ns);
}

static void init_lock(struct coordinator *coordinator)
{
    pthread_condattr_t attributes;
    pthread_mutex_init(&coordinator->mutex, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&coordinator->changed, &attributes);
    pthread_condattr_destroy(&attributes);
}

static enum status init(struct coordinator *coordinator, struct load_result *result,
                        struct error *error)
{
    uint8_t bytes[8];
    struct json_writer writer;
    const struct load_plan *plan = coordinator->config->plan;
    coordinator->mono_ns = clock_mono_ns();
    coordinator->wall_ns = clock_wall_ns();
    init_roll(coordinator);
    init_lock(coordinator);
    buffer_init(&coordinator->job, WORKER_JOB_BYTES_MAX);
    if (rng_secret(bytes, sizeof(bytes)) != STATUS_OK)
        return error_set(error, STATUS_IO, "no random bytes");
    hex_encode(bytes, sizeof(bytes), result->nonce);
    json_writer_init(&writer, &coordinator->job, 0);
    worker_words_job_write(&writer, result->nonce, coordinator->config->options, plan->files);
    if (coordinator->job.failed != STATUS_OK)
        return error_set(error, coordinator->job.failed, "the flags are too long to be sent");
    return load_figures_init(&result->figures, plan->step_count)
               ? STATUS_OK
               : error_set(error, STATUS_NO_MEMORY, "out of memory");
}

static void release(struct coordinator *coordinator)
{
    for (size_t i = 0; i < WORKER_SEATS_MAX; i++) {
        if (coordinator->reports[i] != NULL)
            worker_words_report_release(coordinator->reports[i]);
        free(coordinator->reports[i]);
    }
    buffer_release(&coordinator->job);
    pthread_cond_destroy(&coordinator->changed);
    pthread_mutex_destroy(&coordinator->mutex);
}

/* ---- what is said meanwhile */

static void say_address(int listen_fd, const struct worker_roll *roll)
{
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    } address;
    socklen_t size = sizeof(address);
    char host[INET6_ADDRSTRLEN] = "";
    memset(&address, 0, sizeof(address));
    if (getsockname(listen_fd, &address.any, &size) != 0)
        return;
    bool is_6 = address.any.sa_family == AF_INET6;
    inet_ntop(address.any.sa_family,
              is_6 ? (const void *)&address.in6.sin6_addr : &address.in.sin_addr, host,
              sizeof(host));
    fprintf(stderr, "%s: waiting for %zu workers at http://%s%s%s:%u\n", program,
            roll->limits.worker_count, is_6 ? "[" : "", host, is_6 ? "]" : "",
            (unsigned)ntohs(is_6 ? address.in6.sin6_port : address.in.sin_port));
}

/* Under the lock. */
static void say_changes(struct coordinator *coordinator)
{
    for (size_t i = 0; i < coordinator->roll.limits.worker_count; i++) {
        const struct worker_seat *seat = &coordinator->roll.seats[i];
        if (seat->state == coordinator->told[i])
            continue;
        coordinator->told[i] = seat->state;
        if (seat->state == WORKER_READY || seat->state == WORKER_LOST ||
            seat->state == WORKER_FAILED || seat->state == WORKER_INTERRUPTED)
            terminal_say(stderr, "%s: worker %zu (%s, pid %llu): %s%s%s", program, i,
                         seat->name.host, (unsigned long long)seat->name.pid,
                         worker_roll_state_words(seat->state), seat->words[0] ? ": " : "",
                         seat->words);
    }
}

/* ---- while it goes on */

/* Under the lock. */
static void add_up(const struct coordinator *coordinator, struct load_figures *figures,
                   struct load_flow_counts *flows)
{
    for (size_t i = 0; i < coordinator->roll.limits.worker_count; i++) {
        const struct worker_report *report = coordinator->reports[i];
        if (report == NULL)
            continue;
        load_figures_merge(figures, &report->part.figures);
        flows->due += report->flows.due;
        flows->ok += report->flows.ok;
        flows->failed += report->flows.failed;
        flows->cut += report->flows.cut;
        flows->turned_away += report->flows.turned_away;
    }
}

static void collect(struct coordinator *coordinator, struct load_result *result)
{
    const struct load_coordinate_config *config = coordinator->config;
    struct load_figures figures = {0};
    struct load_progress progress = {.figures = &figures};
    uint64_t now_ns = clock_mono_ns();
    if (!load_figures_init(&figures, config->plan->step_count))
        return;
    pthread_mutex_lock(&coordinator->mutex);
    uint64_t start_ns = coordinator->roll.start_ns;
    add_up(coordinator, &figures, &progress.flows);
    pthread_mutex_unlock(&coordinator->mutex);
    if (start_ns == 0 || now_ns <= start_ns) {
        load_figures_release(&figures);
        return;
    }
    progress.elapsed_ms = (now_ns - start_ns) / NS_PER_MS;
    progress.duration_ms = (uint64_t)(load_plan_duration_s(config->plan) * 1000);
    if (!result->is_aborted &&
        load_run_breaks(config->plan, &figures, (double)progress.elapsed_ms / 1000)) {
        result->is_aborted = true;
        pthread_mutex_lock(&coordinator->mutex);
        worker_roll_give_up(&coordinator->roll, now_ns);
        pthread_mutex_unlock(&coordinator->mutex);
    }
    if (config->tell != NULL)
        config->tell(config->context, &progress);
    load_figures_release(&figures);
}

/* true: it is over. */
static bool look(struct coordinator *coordinator, struct load_result *result)
{
    uint64_t now_ns = clock_mono_ns();
    pthread_mutex_lock(&coordinator->mutex);
    if (interrupt_came() && !result->is_interrupted) {
        result->is_interrupted = true;
        worker_roll_stop(&coordinator->roll, now_ns);
    }
    worker_roll_tick(&coordinator->roll, now_ns);
    say_changes(coordinator);
    bool is_over = coordinator->roll.is_over;
    pthread_cond_broadcast(&coordinator->changed);
    pthread_mutex_unlock(&coordinator->mutex);
    return is_over;
}

static void watch(struct coordinator *coordinator, struct load_result *result)
{
    uint64_t collect_ns = 0;
    while (!look(coordinator, result)) {
        uint64_t until_ns = clock_mono_ns() + LOOK_MS * NS_PER_MS;
        if (interrupt_came())
            clock_sleep_until_ns(until_ns); /* no wait is cut short any more */
        else
            (void)interrupt_wait_until(until_ns);
        if (clock_mono_ns() < collect_ns)
            continue;
        collect(coordinator, result);
        collect_ns = clock_mono_ns() + COLLECT_MS * NS_PER_MS;
    }
}

/* ---- behind it */

static struct load_worker worker_of(const struct coordinator *coordinator, size_t i)
{
    const struct worker_seat *seat = &coordinator->roll.seats[i];
    const struct worker_report *report = coordinator->reports[i];
    uint64_t start_ns = coordinator->roll.start_ns;
    struct load_worker worker = {.name = seat->name, .state = seat->state};
    (void)snprintf(worker.words, sizeof(worker.words), "%s", seat->words);
    if (seat->heard_ns > start_ns)
        worker.heard_s = (double)(seat->heard_ns - start_ns) / (double)NS_PER_S;
    struct load_step_figures *sum = report != NULL ? calloc(1, sizeof(*sum)) : NULL;
    if (sum == NULL)
        return worker;
    load_figures_sum(&report->part.figures, sum);
    worker.requests = load_figures_count(sum);
    worker.failed = load_figures_failed(sum);
    worker.lag_p99_ns = histogram_quantile_ns(&sum->lag, 0.99);
    worker.late_p99_ns = histogram_quantile_ns(&sum->late, 0.99);
    worker.cpu_ns = report->cpu_ns;
    worker.peak_rss_kib = report->peak_rss_kib;
    worker.clock_error_ns = report->clock_error_ns;
    worker.is_late = report->is_late;
    free(sum);
    return worker;
}

/* A worker tells its figures over time at its end: of one that was lost they are missing, and the
 * report says how many requests. */
static void merge_timelines(const struct coordinator *coordinator, struct load_result *result)
{
    for (size_t i = 0; i < coordinator->roll.limits.worker_count; i++) {
        const struct worker_report *report = coordinator->reports[i];
        if (report == NULL || report->part.timeline.slot_count == 0)
            continue;
        if (result->timeline.slots == NULL &&
            !load_timeline_init_as(&result->timeline, &report->part.timeline))
            return;
        load_timeline_merge(&result->timeline, &report->part.timeline);
    }
}

/* Every thread but this one is gone. */
static enum status settle(const struct coordinator *coordinator, struct load_result *result,
                          struct error *error)
{
    const struct worker_roll *roll = &coordinator->roll;
    size_t count = roll->limits.worker_count;
    result->workers.items = calloc(count, sizeof(*result->workers.items));
    if (result->workers.items == NULL)
        return error_set(error, STATUS_NO_MEMORY, "out of memory");
    result->workers.count = count;
    add_up(coordinator, &result->figures, &result->flows);
    merge_timelines(coordinator, result);
    for (size_t i = 0; i < count; i++) {
        const struct worker_report *report = coordinator->reports[i];
        struct load_worker *worker = &result->workers.items[i];
        *worker = worker_of(coordinator, i);
        if (report != NULL && report->part.elapsed_s > result->elapsed_s)
            result->elapsed_s = report->part.elapsed_s;
        result->cpu_ns += worker->cpu_ns;
        if (worker->peak_rss_kib > result->peak_rss_kib)
            result->peak_rss_kib = worker->peak_rss_kib;
        result->is_late |= worker->is_late;
    }
    result->start_wall_ns = coordinator_unix_ns(coordinator, roll->start_ns);
    result->end_wall_ns = clock_wall_ns();
    load_run_judge(coordinator->config->plan, result);
    if (worker_roll_count(roll, WORKER_DONE) < count)
        result->verdict = VERDICT_INCONCLUSIVE;
    return STATUS_OK;
}

/* Why there was no start. */
static enum status explain(const struct coordinator *coordinator, struct error *error)
{
    const struct worker_roll *roll = &coordinator->roll;
    size_t count = roll->limits.worker_count;
    for (size_t i = 0; i < count; i++)
        if (roll->seats[i].state == WORKER_FAILED)
            return error_set(error, STATUS_IO, "worker %zu (%s) cannot do it: %s", i,
                             roll->seats[i].name.host, roll->seats[i].words);
    if (roll->is_stopped)
        return error_set(error, STATUS_INTERRUPTED, "interrupted before the start");
    return error_set(error, STATUS_TIMEOUT, "%zu of %zu workers were ready within %.0f s",
                     worker_roll_count(roll, WORKER_READY), count,
                     (double)roll->limits.gather_ns / (double)NS_PER_S);
}

static enum status serve(struct coordinator *coordinator, struct server **server,
                         struct error *error)
{
    int listen_fd = -1;
    const struct worker_roll *roll = &coordinator->roll;
    enum status status =
        server_listen(coordinator->config->options->coordinator, &listen_fd, error);
    if (status != STATUS_OK)
        return status;
    say_address(listen_fd, roll);
    const struct server_config config = {
        .service = "culprit",
        .listen_fd = listen_fd,
        .routes = coordinator_routes,
        .route_count = coordinator_routes_count,
        .context = coordinator,
        .bearer = coordinator->config->token,
        .connection_limit = (unsigned)roll->limits.worker_count * 2 + CONNECTIONS_BESIDE,
        .receive_timeout_ms = RECEIVE_MS,
        .allowed_hosts =
            "*", /* workers come by whatever name they were given; all need the token */
    };
    return server_new(server, &config, error);
}

enum status load_coordinate(const struct load_coordinate_config *config, struct load_result *result,
                            struct error *error)
{
    struct server *server = NULL;
    memset(result, 0, sizeof(*result));
    struct coordinator *coordinator = calloc(1, sizeof(*coordinator));
    if (coordinator == NULL)
        return error_set(error, STATUS_NO_MEMORY, "out of memory");
    coordinator->config = config;
    enum status status = init(coordinator, result, error);
    if (status == STATUS_OK)
        status = serve(coordinator, &server, error);
    if (status == STATUS_OK) {
        watch(coordinator, result);
        (void)server_drain(server, clock_mono_ns() + DRAIN_MS * NS_PER_MS);
    }
    server_free(server);
    if (status == STATUS_OK)
        status = coordinator->roll.start_ns != 0 ? settle(coordinator, result, error)
                                                 : explain(coordinator, error);
    release(coordinator);
    free(coordinator);
    return status;
}
