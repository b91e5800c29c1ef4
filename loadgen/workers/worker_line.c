#include "loadgen/workers/worker_line.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hex.h"
#include "base/rng.h"
#include "loadgen/base/fields.h"
#include "loadgen/base/interrupt.h"

enum {
    ASK_MS = 3000,
    FILE_MS = 60000,
    AGAIN_MS = 300,
    EXCHANGES = 8,
    PATH_BYTES = 128,
    ANSWER_BYTES_MAX = LOAD_FEEDER_BYTES_MAX,
};

/* ---- the line */

enum status worker_line_init(struct worker_line *line, const char *url, const char *token,
                             struct error *error)
{
    uint8_t bytes[WORKER_INSTANCE_LENGTH / 2];
    memset(line, 0, sizeof(*line));
    line->token = token;
    line->name.pid = (uint64_t)getpid();
    buffer_init(&line->out, WORKER_REPORT_BYTES_MAX);
    if (gethostname(line->name.host, sizeof(line->name.host) - 1) != 0 || !line->name.host[0])
        (void)snprintf(line->name.host, sizeof(line->name.host), "unknown");
    if (rng_secret(bytes, sizeof(bytes)) != STATUS_OK)
        return error_set(error, STATUS_IO, "no random bytes");
    hex_encode(bytes, sizeof(bytes), line->name.instance);
    return fetch_init(&line->fetch, url, ANSWER_BYTES_MAX, error);
}

void worker_line_release(struct worker_line *line)
{
    fetch_release(&line->fetch);
    buffer_release(&line->out);
}

uint64_t worker_line_silence_ns(const struct worker_line *line)
{
    return line->place.silence_ms * NS_PER_MS;
}

bool worker_line_is_dead(const struct worker_line *line)
{
    return clock_mono_ns() > line->heard_ns + worker_line_silence_ns(line);
}

/* ---- asking */

static enum status read_message(struct fields *fields, void *into)
{
    return fields_text(fields, into, WORKER_WORDS_MAX);
}

static enum status read_trouble(struct fields *fields, void *into)
{
    static const struct field table[] = {{"message", read_message, 0, true}};
    return fields_object(fields, table, 1, into, NULL);
}

/* An answer that is none of success, with its own words where it has some. */
static enum status refused(const struct fetch_answer *answer, struct error *error)
{
    static const struct field table[] = {{"error", read_trouble, 0, true}};
    char words[WORKER_WORDS_MAX] = "";
    struct fields fields;
    struct error ignored = {0};
    fields_init(&fields, answer->body.data, answer->body.length, "answer", &ignored);
    fields.skips_unknown = true;
    (void)json_reader_next(&fields.reader);
    if (fields_object(&fields, table, 1, words, NULL) != STATUS_OK)
        words[0] = '\0';
    return error_set(error, STATUS_REFUSED, "the coordinator refuses (%u%s%s)", answer->status,
                     words[0] ? ": " : "", words);
}

static enum status ask(struct worker_line *line, const char *method, const char *path,
                       struct text *answer, struct error *error)
{
    bool is_get = strcmp(method, "GET") == 0;
    const struct fetch_request request = {
        .method = method,
        .path = path,
        .bearer = line->token,
        .body = {buffer_text(&line->out), is_get ? 0 : line->out.length_bytes},
    };
    struct fetch_answer got;
    uint64_t most_ms = strstr(path, "/files/") != NULL ? FILE_MS : ASK_MS;
    *answer = (struct text){NULL, 0};
    if (!is_get && line->out.failed != STATUS_OK)
        return error_set(error, line->out.failed, "the report is too large to be sent");
    enum status status =
        fetch_do(&line->fetch, &request, clock_mono_ns() + most_ms * NS_PER_MS, &got, error);
    if (status == STATUS_INVALID || status == STATUS_TOO_LARGE)
        return STATUS_IO; /* whoever that is, it is no coordinator */
    if (status != STATUS_OK)
        return status == STATUS_REFUSED ? STATUS_CLOSED : status;
    line->heard_ns = clock_mono_ns();
    *answer = got.body;
    return got.status == 200 ? STATUS_OK : refused(&got, error);
}

static struct json_writer begin(struct worker_line *line)
{
    struct json_writer writer;
    buffer_clear(&line->out);
    json_writer_init(&writer, &line->out, 0);
    return writer;
}

/* ---- questions */

static bool comes_later(enum status status)
{
    return status == STATUS_NOT_FOUND || status == STATUS_TIMEOUT || status == STATUS_CLOSED ||
           status == STATUS_IO;
}

enum status worker_line_join(struct worker_line *line, uint64_t until_ns, struct error *error)
{
    for (;;) {
        struct text answer;
        uint64_t again_ns = clock_mono_ns() + AGAIN_MS * NS_PER_MS;
        struct json_writer writer = begin(line);
        worker_words_hello_write(&writer, &line->name);
        enum status status = ask(line, "POST", "/-/workers", &answer, error);
        if (status == STATUS_OK)
            return worker_words_place_read(answer, &line->place, error);
        if (!comes_later(status))
            return status;
        if (again_ns >= until_ns)
            return STATUS_TIMEOUT;
        (void)interrupt_wait_until(again_ns);
        if (interrupt_came())
            return error_set(error, STATUS_INTERRUPTED, "interrupted before the start");
    }
}

enum status worker_line_measure(struct worker_line *line, struct error *error)
{
    line->clock = (struct worker_clock){0};
    for (unsigned i = 0; i < EXCHANGES; i++) {
        struct text answer;
        uint64_t theirs_ns = 0, asked_ns = clock_mono_ns();
        enum status status = ask(line, "GET", "/-/workers/clock", &answer, error);
        uint64_t answered_ns = clock_mono_ns();
        if (status == STATUS_OK)
            status = worker_words_clock_read(answer, &theirs_ns, error);
        if (status != STATUS_OK)
            return status;
        worker_clock_add(&line->clock, asked_ns, theirs_ns, answered_ns);
    }
    return STATUS_OK;
}

static enum status get_file(struct worker_line *line, const struct worker_job_file *file,
                            size_t number, struct load_files *files, struct error *error)
{
    char path[PATH_BYTES];
    struct text answer;
    (void)snprintf(path, sizeof(path), "/-/workers/%" PRIu64 "/files/%zu?instance=%s",
                   line->place.worker, number, line->name.instance);
    enum status status = ask(line, "GET", path, &answer, error);
    if (status != STATUS_OK)
        return status;
    if (answer.length != file->bytes)
        return error_set(error, STATUS_INVALID, "%s: came with another length", file->path);
    status = load_files_add(files, text_of(file->path), answer);
    return status == STATUS_OK ? status : error_set(error, status, "%s: no room", file->path);
}

enum status worker_line_files(struct worker_line *line, const struct worker_job *job,
                              struct load_files *files, struct error *error)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < job->file_count && status == STATUS_OK; i++)
        status = get_file(line, &job->files[i], i, files, error);
    files->is_sealed = true;
    return status;
}

/* Once. */
static enum status ask_job(struct worker_line *line, uint64_t round, enum worker_job_kind *kind,
                           struct text *json, struct error *error)
{
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof(path), "/-/workers/%" PRIu64 "/job?instance=%s&round=%" PRIu64,
                   line->place.worker, line->name.instance, round);
    enum status status = ask(line, "GET", path, json, error);
    return status == STATUS_OK ? worker_words_kind_read(*json, kind, error) : status;
}

enum status worker_line_job(struct worker_line *line, enum worker_job_kind *kind, struct text *json,
                            struct error *error)
{
    for (;;) {
        *kind = WORKER_JOB_WAIT;
        enum status status = ask_job(line, line->round + 1, kind, json, error);
        if (status == STATUS_OK && *kind != WORKER_JOB_WAIT) {
            line->round++;
            return STATUS_OK;
        }
        if (interrupt_came())
            return error_set(error, STATUS_INTERRUPTED, "interrupted between two rounds");
        if (status != STATUS_OK && (!comes_later(status) || worker_line_is_dead(line)))
            return comes_later(status) ? error_set(error, STATUS_CLOSED, "the coordinator is gone")
                                       : status;
        if (status != STATUS_OK)
            (void)interrupt_wait_until(clock_mono_ns() + AGAIN_MS * NS_PER_MS);
    }
}

enum status worker_line_report(struct worker_line *line, struct worker_report *report,
                               const struct load_steps *steps, struct worker_command *command,
                               struct error *error)
{
    char path[PATH_BYTES];
    struct text answer;
    memcpy(report->instance, line->name.instance, sizeof(report->instance));
    report->round = line->round;
    report->number = ++line->number;
    report->clock_error_ns = worker_clock_error_ns(&line->clock);
    struct json_writer writer = begin(line);
    worker_words_report_write(&writer, report, steps);
    (void)snprintf(path, sizeof(path), "/-/workers/%" PRIu64, line->place.worker);
    enum status status = ask(line, "POST", path, &answer, error);
    return status == STATUS_OK ? worker_words_command_read(answer, command, error) : status;
}
