#include "loadgen/workers/coordinator.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "loadgen/base/terminal.h"

enum {
    LEAD_MS = 1000,
    GATHER_S = 60,
    SILENCE_S = 10,
    DRAIN_MS = 2000,
    FAREWELL_MS = 2000,
    RECEIVE_MS = 30000,
    CONNECTIONS_BESIDE = 16,
};

/* ---- opening */

static uint64_t seconds_ns(double given_s, unsigned usual_s)
{
    return given_s > 0 ? (uint64_t)(given_s * (double)NS_PER_S) : usual_s * NS_PER_S;
}

static void init(struct coordinator *coordinator)
{
    const struct coordinator_config *config = &coordinator->config;
    const struct worker_roll_limits limits = {
        .worker_count = config->worker_count,
        .gather_ns = seconds_ns(config->wait_s, GATHER_S),
        .silence_ns = seconds_ns(config->silence_s, SILENCE_S),
        .lead_ns = LEAD_MS * NS_PER_MS,
    };
    pthread_condattr_t attributes;
    coordinator->mono_ns = clock_mono_ns();
    coordinator->wall_ns = clock_wall_ns();
    worker_roll_init(&coordinator->roll, &limits);
    buffer_init(&coordinator->job, WORKER_JOB_BYTES_MAX);
    buffer_init(&coordinator->requests, config->requests_max * sizeof(struct worker_request) + 1);
    pthread_mutex_init(&coordinator->mutex, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&coordinator->changed, &attributes);
    pthread_condattr_destroy(&attributes);
}

static void say_address(const struct coordinator *coordinator, int listen_fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    } address = {.any = {.sa_family = AF_UNSPEC}};
    socklen_t length = sizeof(address);
    char host[INET6_ADDRSTRLEN] = "";
    if (getsockname(listen_fd, &address.any, &length) != 0)
        return;
    bool is_6 = address.any.sa_family == AF_INET6;
    inet_ntop(address.any.sa_family,
              is_6 ? (const void *)&address.in6.sin6_addr : &address.in.sin_addr, host,
              sizeof(host));
    fprintf(stderr, "%s: waiting for %zu workers at http://%s%s%s:%u\n",
            coordinator->config.program, coordinator->config.worker_count, is_6 ? "[" : "", host,
            is_6 ? "]" : "", (unsigned)ntohs(is_6 ? address.in6.sin6_port : address.in.sin_port));
}

static enum status serve(struct coordinator *coordinator, struct error *error)
{
    int listen_fd = -1;
    enum status status = server_listen(coordinator->config.address, &listen_fd, error);
    if (status != STATUS_OK)
        return status;
    say_address(coordinator, listen_fd);
    const struct server_config config = {
        .service = "culprit",
        .listen_fd = listen_fd,
        .routes = coordinator_routes,
        .route_count = coordinator_routes_count,
        .context = coordinator,
        .bearer = coordinator->config.token,
        .connection_limit = (unsigned)coordinator->config.worker_count * 2 + CONNECTIONS_BESIDE,
        .receive_timeout_ms = RECEIVE_MS,
        .allowed_hosts =
            "*", /* workers come by whatever name they were given; all need the token */
    };
    return server_new(&coordinator->server, &config, error);
}

enum status coordinator_open(struct coordinator *coordinator,
                             const struct coordinator_config *config, struct error *error)
{
    memset(coordinator, 0, sizeof(*coordinator));
    coordinator->config = *config;
    init(coordinator);
    return serve(coordinator, error);
}

/* ---- rounds */

/* Under the lock. */
static void forget_reports(struct coordinator *coordinator)
{
    for (size_t i = 0; i < WORKER_SEATS_MAX; i++) {
        if (coordinator->reports[i] != NULL)
            worker_words_report_release(coordinator->reports[i]);
        free(coordinator->reports[i]);
        coordinator->reports[i] = NULL;
        coordinator->taken[i] = 0;
    }
    buffer_clear(&coordinator->requests);
}

enum status coordinator_begin(struct coordinator *coordinator, struct buffer *job, uint64_t run_ns,
                              uint64_t grace_ns, struct error *error)
{
    if (job->failed != STATUS_OK)
        return error_set(error, job->failed, "the job is too long to be sent");
    pthread_mutex_lock(&coordinator->mutex);
    buffer_release(&coordinator->job);
    coordinator->job = *job;
    buffer_init(job, WORKER_JOB_BYTES_MAX);
    forget_reports(coordinator);
    worker_roll_next(&coordinator->roll, run_ns, grace_ns, clock_mono_ns());
    coordinator->job_round = coordinator->roll.round;
    pthread_cond_broadcast(&coordinator->changed);
    pthread_mutex_unlock(&coordinator->mutex);
    return STATUS_OK;
}

/* Under the lock. Of several rounds, who is ready is told of the first alone. */
static void say_changes(struct coordinator *coordinator)
{
    for (size_t i = 0; i < coordinator->roll.limits.worker_count; i++) {
        const struct worker_seat *seat = &coordinator->roll.seats[i];
        if (seat->state == coordinator->told[i])
            continue;
        coordinator->told[i] = seat->state;
        if ((seat->state == WORKER_READY && coordinator->roll.round == 1) ||
            seat->state == WORKER_LOST || seat->state == WORKER_FAILED ||
            seat->state == WORKER_INTERRUPTED)
            terminal_say(stderr, "%s: worker %zu (%s, pid %llu): %s%s%s",
                         coordinator->config.program, i, seat->name.host,
                         (unsigned long long)seat->name.pid, worker_roll_state_words(seat->state),
                         seat->words[0] ? ": " : "", seat->words);
    }
}

bool coordinator_look(struct coordinator *coordinator)
{
    pthread_mutex_lock(&coordinator->mutex);
    worker_roll_tick(&coordinator->roll, clock_mono_ns());
    say_changes(coordinator);
    bool is_over = coordinator->roll.is_over;
    pthread_cond_broadcast(&coordinator->changed);
    pthread_mutex_unlock(&coordinator->mutex);
    return is_over;
}

void coordinator_stop(struct coordinator *coordinator)
{
    pthread_mutex_lock(&coordinator->mutex);
    worker_roll_stop(&coordinator->roll, clock_mono_ns());
    pthread_mutex_unlock(&coordinator->mutex);
}

void coordinator_give_up(struct coordinator *coordinator)
{
    pthread_mutex_lock(&coordinator->mutex);
    worker_roll_give_up(&coordinator->roll, clock_mono_ns());
    pthread_mutex_unlock(&coordinator->mutex);
}

uint64_t coordinator_add_up(struct coordinator *coordinator, struct load_figures *figures,
                            struct load_flow_counts *flows)
{
    pthread_mutex_lock(&coordinator->mutex);
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
    uint64_t start_ns = coordinator->roll.start_ns;
    pthread_mutex_unlock(&coordinator->mutex);
    return start_ns;
}

/* ---- behind a round: all of them are heard, or lost, but a late one may still be speaking */

static const enum worker_state gone[] = {WORKER_FAILED, WORKER_LOST, WORKER_INTERRUPTED};
enum { GONE = sizeof(gone) / sizeof(gone[0]) };

static enum status explain(const struct worker_roll *roll, struct error *error)
{
    const size_t count = roll->limits.worker_count;
    for (size_t g = 0; g < GONE; g++) {
        for (size_t i = 0; i < count; i++) {
            const struct worker_seat *seat = &roll->seats[i];
            if (seat->state != gone[g])
                continue;
            return error_set(error, STATUS_IO, "worker %zu (%s, pid %llu) %s%s%s", i,
                             seat->name.host, (unsigned long long)seat->name.pid,
                             gone[g] == WORKER_FAILED ? "cannot do it"
                                                      : worker_roll_state_words(gone[g]),
                             seat->words[0] ? ": " : "", seat->words);
        }
    }
    if (roll->is_stopped)
        return error_set(error, STATUS_INTERRUPTED, "interrupted before the start");
    return error_set(error, STATUS_TIMEOUT, "%zu of %zu workers were ready within %.0f s",
                     worker_roll_count(roll, WORKER_READY), count,
                     (double)roll->limits.gather_ns / (double)NS_PER_S);
}

enum status coordinator_explain(struct coordinator *coordinator, struct error *error)
{
    pthread_mutex_lock(&coordinator->mutex);
    enum status status = explain(&coordinator->roll, error);
    pthread_mutex_unlock(&coordinator->mutex);
    return status;
}

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
    worker.spans_lost = report->spans_lost;
    worker.is_late = report->is_late;
    free(sum);
    return worker;
}

enum status coordinator_workers(struct coordinator *coordinator, struct load_workers *workers,
                                struct error *error)
{
    const size_t count = coordinator->roll.limits.worker_count;
    workers->items = calloc(count, sizeof(*workers->items));
    if (workers->items == NULL)
        return error_set(error, STATUS_NO_MEMORY, "out of memory");
    workers->count = count;
    pthread_mutex_lock(&coordinator->mutex);
    for (size_t i = 0; i < count; i++)
        workers->items[i] = worker_of(coordinator, i);
    pthread_mutex_unlock(&coordinator->mutex);
    return STATUS_OK;
}

/* A worker tells its figures over time at its end: of one that was lost they are missing, and the
 * report says how many requests. */
static void merge_timelines(const struct coordinator *coordinator, struct load_timeline *timeline)
{
    for (size_t i = 0; i < coordinator->roll.limits.worker_count; i++) {
        const struct worker_report *report = coordinator->reports[i];
        if (report == NULL || report->part.timeline.slot_count == 0)
            continue;
        if (timeline->slots == NULL && !load_timeline_init_as(timeline, &report->part.timeline))
            return;
        load_timeline_merge(timeline, &report->part.timeline);
    }
}

void coordinator_timeline(struct coordinator *coordinator, struct load_timeline *timeline)
{
    pthread_mutex_lock(&coordinator->mutex);
    merge_timelines(coordinator, timeline);
    pthread_mutex_unlock(&coordinator->mutex);
}

double coordinator_elapsed_s(struct coordinator *coordinator)
{
    double longest_s = 0;
    pthread_mutex_lock(&coordinator->mutex);
    for (size_t i = 0; i < coordinator->roll.limits.worker_count; i++)
        if (coordinator->reports[i] != NULL && coordinator->reports[i]->part.elapsed_s > longest_s)
            longest_s = coordinator->reports[i]->part.elapsed_s;
    pthread_mutex_unlock(&coordinator->mutex);
    return longest_s;
}

bool coordinator_all_done(struct coordinator *coordinator)
{
    pthread_mutex_lock(&coordinator->mutex);
    bool all =
        worker_roll_count(&coordinator->roll, WORKER_DONE) == coordinator->roll.limits.worker_count;
    pthread_mutex_unlock(&coordinator->mutex);
    return all;
}

bool coordinator_is_whole(struct coordinator *coordinator)
{
    size_t count = 0;
    pthread_mutex_lock(&coordinator->mutex);
    for (size_t g = 0; g < GONE; g++)
        count += worker_roll_count(&coordinator->roll, gone[g]);
    pthread_mutex_unlock(&coordinator->mutex);
    return count == 0;
}

uint64_t coordinator_take_requests(struct coordinator *coordinator, struct buffer *into)
{
    buffer_clear(into);
    pthread_mutex_lock(&coordinator->mutex);
    const struct buffer told = coordinator->requests;
    coordinator->requests = *into;
    uint64_t start_ns = coordinator->roll.start_ns;
    pthread_mutex_unlock(&coordinator->mutex);
    *into = told;
    return start_ns;
}

/* ---- the end */

/* Under the lock: those that would still ask for a job. */
static bool waits_for_word(const struct coordinator *coordinator)
{
    for (size_t i = 0; i < coordinator->roll.limits.worker_count; i++) {
        enum worker_state state = coordinator->roll.seats[i].state;
        bool is_there = state == WORKER_PREPARING || state == WORKER_READY || state == WORKER_DONE;
        if (is_there && !coordinator->has_left[i])
            return true;
    }
    return false;
}

static void say_farewell(struct coordinator *coordinator)
{
    uint64_t until_ns = clock_mono_ns() + FAREWELL_MS * NS_PER_MS;
    const struct timespec until = {(time_t)(until_ns / NS_PER_S), (long)(until_ns % NS_PER_S)};
    int waited = 0;
    pthread_mutex_lock(&coordinator->mutex);
    coordinator->is_finished = true;
    pthread_cond_broadcast(&coordinator->changed);
    while (coordinator->config.requests_max > 0 && waits_for_word(coordinator) && waited == 0)
        waited = pthread_cond_timedwait(&coordinator->changed, &coordinator->mutex, &until);
    pthread_mutex_unlock(&coordinator->mutex);
}

void coordinator_close(struct coordinator *coordinator)
{
    if (coordinator->config.worker_count == 0)
        return;
    if (coordinator->server != NULL) {
        say_farewell(coordinator);
        (void)server_drain(coordinator->server, clock_mono_ns() + DRAIN_MS * NS_PER_MS);
    }
    server_free(coordinator->server);
    forget_reports(coordinator);
    buffer_release(&coordinator->requests);
    buffer_release(&coordinator->job);
    pthread_cond_destroy(&coordinator->changed);
    pthread_mutex_destroy(&coordinator->mutex);
    memset(coordinator, 0, sizeof(*coordinator));
}
