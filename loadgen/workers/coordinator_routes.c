/* The coordinator's side of worker_words.h. The server lets nobody through without the token. Each
 * handler runs on a thread of its connection. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "loadgen/workers/coordinator.h"

enum { ANSWER_BYTES_MAX = 4096 };

/* ---- answers */

static void begin_answer(struct buffer *out, struct json_writer *writer)
{
    buffer_init(out, ANSWER_BYTES_MAX);
    json_writer_init(writer, out, 0);
}

static void send_answer(struct response *response, struct buffer *out)
{
    size_t length = 0;
    if (out->failed != STATUS_OK) {
        buffer_release(out);
        response_error(response, 500, "internal", "no memory for the answer");
        return;
    }
    uint8_t *bytes = buffer_take(out, &length);
    response_bytes(response, 200, "application/json", bytes, length);
}

static void send_copy(struct response *response, const char *type, const struct buffer *content)
{
    uint8_t *bytes = malloc(content->length_bytes + 1);
    if (bytes == NULL) {
        response_error(response, 500, "internal", "no memory for the answer");
        return;
    }
    if (content->length_bytes > 0)
        memcpy(bytes, content->data, content->length_bytes);
    response_bytes(response, 200, type, bytes, content->length_bytes);
}

static size_t seat_of(const struct request *request)
{
    uint64_t seat = 0;
    const char *word = request_parameter(request, "worker");
    return word != NULL && text_to_u64(text_of(word), &seat) == STATUS_OK && seat < WORKER_SEATS_MAX
               ? (size_t)seat
               : WORKER_SEATS_MAX;
}

/* A sign of life of the seat's own worker. false: answered. */
static bool has_seat(struct request *request, struct response *response)
{
    struct coordinator *coordinator = request->context;
    const char *instance = request_query(request, "instance");
    pthread_mutex_lock(&coordinator->mutex);
    bool is_its_own = worker_roll_hear(&coordinator->roll, seat_of(request),
                                       instance != NULL ? instance : "", clock_mono_ns());
    pthread_mutex_unlock(&coordinator->mutex);
    if (!is_its_own)
        response_error(response, 410, "gone", "this seat is not yours (any more)");
    return is_its_own;
}

/* ---- joining */

static void take_in(struct coordinator *coordinator, const struct worker_name *name,
                    struct response *response)
{
    size_t seat = 0;
    struct buffer out;
    struct json_writer writer;
    pthread_mutex_lock(&coordinator->mutex);
    enum status status = worker_roll_join(&coordinator->roll, name, clock_mono_ns(), &seat);
    const struct worker_place place = {
        .worker = seat,
        .workers = coordinator->roll.limits.worker_count,
        .silence_ms = coordinator->roll.limits.silence_ns / NS_PER_MS,
    };
    pthread_mutex_unlock(&coordinator->mutex);
    if (status != STATUS_OK) {
        response_error(response, 409, status == STATUS_EXISTS ? "full" : "started",
                       status == STATUS_EXISTS ? "all workers that were asked for are there already"
                                               : "the run was started without you");
        return;
    }
    begin_answer(&out, &writer);
    worker_words_place_write(&writer, &place);
    send_answer(response, &out);
}

static void handle_hello(struct request *request, struct response *response)
{
    struct worker_name name;
    struct error error = {0};
    enum status status = worker_words_hello_read(request->body, &name, &error);
    if (status == STATUS_UNSUPPORTED)
        response_error(response, 426, "protocol", "%s", error.text);
    else if (status != STATUS_OK)
        response_error(response, 400, "invalid", "%s", error.text);
    else
        take_in(request->context, &name, response);
}

static void handle_clock(struct request *request, struct response *response)
{
    struct buffer out;
    struct json_writer writer;
    begin_answer(&out, &writer);
    worker_words_clock_write(&writer, coordinator_unix_ns(request->context, clock_mono_ns()));
    send_answer(response, &out);
}

/* ---- the job */

/* Under the lock: until `until_ns` at the latest. false: it is past. */
static bool wait_for_change(struct coordinator *coordinator, uint64_t until_ns)
{
    const struct timespec until = {(time_t)(until_ns / NS_PER_S), (long)(until_ns % NS_PER_S)};
    return pthread_cond_timedwait(&coordinator->changed, &coordinator->mutex, &until) == 0;
}

static void send_kind(struct response *response, enum worker_job_kind kind)
{
    struct buffer out;
    struct json_writer writer;
    begin_answer(&out, &writer);
    worker_words_kind_write(&writer, kind);
    json_end_object(&writer);
    send_answer(response, &out);
}

/* Of a round that is to come, once it is there: a worker that waits is answered after a while in
 * any case, and asks again. */
static void handle_job(struct request *request, struct response *response)
{
    struct coordinator *coordinator = request->context;
    uint64_t round = 0, until_ns = clock_mono_ns() + WORKER_HOLD_MS * NS_PER_MS;
    const char *word = request_query(request, "round");
    if (!has_seat(request, response))
        return;
    if (word == NULL || text_to_u64(text_of(word), &round) != STATUS_OK) {
        response_error(response, 400, "invalid", "which round?");
        return;
    }
    pthread_mutex_lock(&coordinator->mutex);
    while (!coordinator->is_finished && round > coordinator->job_round &&
           wait_for_change(coordinator, until_ns)) {
    }
    bool is_over = coordinator->is_finished, is_there = round <= coordinator->job_round;
    if (is_over)
        coordinator->has_left[seat_of(request)] = true;
    else if (is_there)
        send_copy(response, "application/json", &coordinator->job);
    if (is_over)
        pthread_cond_broadcast(&coordinator->changed);
    pthread_mutex_unlock(&coordinator->mutex);
    if (is_over || !is_there)
        send_kind(response, is_over ? WORKER_JOB_OVER : WORKER_JOB_WAIT);
}

static void handle_file(struct request *request, struct response *response)
{
    const struct coordinator *coordinator = request->context;
    const struct load_files *files = coordinator->config.files;
    const char *word = request_parameter(request, "number");
    uint64_t number = 0;
    if (!has_seat(request, response))
        return;
    if (files == NULL || text_to_u64(text_of(word), &number) != STATUS_OK || number >= files->count)
        response_error(response, 404, "not_found", "there is no such file");
    else
        send_copy(response, "application/octet-stream", &files->items[number].content);
}

/* ---- reports */

static bool fits(const struct coordinator *coordinator, const struct worker_report *report)
{
    size_t steps = report->part.figures.step_count;
    return steps == 0 || steps == coordinator->config.step_count;
}

/* Under the lock. What is new of its requests, as far as there is room; the worker is told how many
 * are here, and tells the rest again. */
static void take_requests(struct coordinator *coordinator, size_t seat,
                          const struct worker_report *report)
{
    uint64_t here = coordinator->taken[seat], end = report->request_first + report->request_count;
    size_t room = coordinator->requests.max_bytes - coordinator->requests.length_bytes;
    if (report->request_first > here || end <= here)
        return;
    size_t count = (size_t)(end - here), most = room / sizeof(report->requests[0]);
    if (count > most)
        count = most;
    if (buffer_append(&coordinator->requests, &report->requests[here - report->request_first],
                      count * sizeof(report->requests[0])) == STATUS_OK)
        coordinator->taken[seat] += count;
}

/* Under the lock. The report is the coordinator's, where it keeps it: *report is then NULL. */
static void take_report(struct coordinator *coordinator, size_t seat, struct worker_report **report)
{
    struct worker_report *one = *report;
    if (one->round != coordinator->roll.round ||
        !worker_roll_report(&coordinator->roll, seat, one->number, one->state, one->words))
        return;
    take_requests(coordinator, seat, one);
    if (one->part.figures.step_count == 0)
        return;
    *report = coordinator->reports[seat];
    coordinator->reports[seat] = one;
}

/* Under the lock: while there is nothing to do but to wait, for a while. */
static enum worker_order hold(struct coordinator *coordinator, size_t seat, bool is_ready)
{
    uint64_t until_ns = clock_mono_ns() + WORKER_HOLD_MS * NS_PER_MS;
    enum worker_order order = worker_roll_order(&coordinator->roll, seat);
    while (is_ready && order == WORKER_ORDER_WAIT && wait_for_change(coordinator, until_ns))
        order = worker_roll_order(&coordinator->roll, seat);
    return order;
}

static void answer_report(struct coordinator *coordinator, size_t seat,
                          struct worker_report **report, struct response *response)
{
    struct worker_command command = {.order = WORKER_ORDER_LEAVE};
    bool is_ready = (*report)->state == WORKER_READY;
    struct buffer out;
    struct json_writer writer;
    pthread_mutex_lock(&coordinator->mutex);
    bool is_its_own =
        worker_roll_hear(&coordinator->roll, seat, (*report)->instance, clock_mono_ns());
    if (is_its_own) {
        take_report(coordinator, seat, report);
        worker_roll_tick(&coordinator->roll, clock_mono_ns());
        pthread_cond_broadcast(&coordinator->changed);
        command.order = hold(coordinator, seat, is_ready);
        command.taken = coordinator->taken[seat];
        command.start_unix_ns = coordinator_unix_ns(coordinator, coordinator->roll.start_ns);
    }
    pthread_mutex_unlock(&coordinator->mutex);
    if (!is_its_own) {
        response_error(response, 410, "gone", "this seat is not yours (any more)");
        return;
    }
    begin_answer(&out, &writer);
    worker_words_command_write(&writer, &command);
    send_answer(response, &out);
}

static void handle_report(struct request *request, struct response *response)
{
    struct coordinator *coordinator = request->context;
    struct error error = {0};
    struct worker_report *report = calloc(1, sizeof(*report));
    if (report == NULL) {
        response_error(response, 500, "internal", "no memory for the report");
        return;
    }
    enum status status = worker_words_report_read(request->body, report, &error);
    if (status == STATUS_OK && !fits(coordinator, report))
        status = error_set(&error, STATUS_INVALID, "these are steps of another plan");
    if (status == STATUS_OK)
        answer_report(coordinator, seat_of(request), &report, response);
    else
        response_error(response, status == STATUS_INVALID ? 400 : 500, "invalid", "%s", error.text);
    if (report != NULL)
        worker_words_report_release(report);
    free(report);
}

const struct server_route coordinator_routes[] = {
    {"POST", "/-/workers", handle_hello, WORKER_HELLO_BYTES_MAX, true, true},
    {"GET", "/-/workers/clock", handle_clock, 0, true, false},
    {"GET", "/-/workers/{worker}/job", handle_job, 0, true, false},
    {"GET", "/-/workers/{worker}/files/{number}", handle_file, 0, true, false},
    {"POST", "/-/workers/{worker}", handle_report, WORKER_REPORT_BYTES_MAX, true, true},
};
const size_t coordinator_routes_count = sizeof(coordinator_routes) / sizeof(coordinator_routes[0]);
