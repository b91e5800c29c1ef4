/* libFuzzer: any bytes as what a coordinator or a worker says. What is accepted is within its
 * bounds, and a report that is written again is read again, the same. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "loadgen/workers/window_words.h"
#include "loadgen/workers/worker_words.h"

static void expect(bool holds)
{
    if (!holds)
        abort();
}

/* Up to what pads the struct. */
static bool same_request(const struct worker_request *a, const struct worker_request *b)
{
    return memcmp(a, b, offsetof(struct worker_request, lines) + sizeof a->lines) == 0;
}

static void try_report(struct text json)
{
    static struct worker_report report, again;
    struct json_writer writer;
    struct buffer out;
    enum status status = worker_words_report_read(json, &report, NULL);
    if (status == STATUS_OK) {
        struct load_steps steps = {.figures = &report.part.figures,
                                   .timeline = &report.part.timeline,
                                   .elapsed_s = report.part.elapsed_s};
        size_t count = report.part.figures.step_count;
        expect(report.state > WORKER_FREE && report.state < WORKER_LOST);
        for (size_t i = 0; i < count; i++)
            steps.names[i] = report.part.step_names[i];
        buffer_init(&out, WORKER_REPORT_BYTES_MAX);
        json_writer_init(&writer, &out, 0);
        worker_words_report_write(&writer, &report, count > 0 ? &steps : NULL);
        struct text written = {buffer_text(&out), out.length_bytes};
        expect(worker_words_report_read(written, &again, NULL) == STATUS_OK);
        expect(again.request_count == report.request_count &&
               report.request_count <= WORKER_REQUESTS_MAX);
        for (size_t i = 0; i < report.request_count; i++)
            expect(same_request(&again.requests[i], &report.requests[i]) &&
                   report.requests[i].done_ns >= report.requests[i].due_ns);
        expect(again.number == report.number && again.part.figures.step_count == count);
        for (size_t i = 0; i < count; i++)
            expect(memcmp(&again.part.figures.steps[i], &report.part.figures.steps[i],
                          sizeof(report.part.figures.steps[i])) == 0);
        worker_words_report_release(&again);
        buffer_release(&out);
    }
    worker_words_report_release(&report);
}

static void try_job(struct text json)
{
    static struct worker_job job;
    if (worker_words_job_read(json, &job, NULL) == STATUS_OK) {
        expect(job.file_count <= LOAD_FILES_MAX && strlen(job.nonce) == 16);
        expect(load_options_wrong(&job.sent.options) == NULL);
        expect(job.sent.options.outputs.json == NULL && job.sent.options.ca_file == NULL);
    }
    worker_words_job_release(&job);
}

/* What is written again is read again, the same. */
static void try_window(struct text json)
{
    static struct window_job job, again;
    struct json_writer writer;
    struct buffer out;
    if (window_words_job_read(json, &job, NULL) != STATUS_OK)
        return;
    expect(job.threads >= 1 && job.config.token_count <= WINDOW_JOB_TOKENS_MAX);
    expect(job.arrivals.stage_count <= SCHEDULE_STAGES_MAX && strlen(job.config.nonce) == 16);
    buffer_init(&out, WORKER_JOB_BYTES_MAX);
    json_writer_init(&writer, &out, 0);
    window_words_job_write(&writer, &job.config, job.otlp, (unsigned)job.threads);
    struct text written = {buffer_text(&out), out.length_bytes};
    expect(window_words_job_read(written, &again, NULL) == STATUS_OK);
    expect(again.config.token_count == job.config.token_count && again.threads == job.threads);
    expect(schedule_same(&again.arrivals, &job.arrivals));
    buffer_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct worker_name name;
    struct worker_place place;
    struct worker_command command;
    enum worker_job_kind kind;
    char *copy = malloc(size + 1); /* of its own size, so that ASan sees its end */
    if (copy == NULL)
        return 0;
    if (size > 0)
        memcpy(copy, data, size);
    struct text json = {copy, size};
    if (worker_words_hello_read(json, &name, NULL) == STATUS_OK)
        expect(strlen(name.instance) == WORKER_INSTANCE_LENGTH && name.host[0] != '\0');
    if (worker_words_place_read(json, &place, NULL) == STATUS_OK)
        expect(place.worker < place.workers && place.workers <= WORKER_SEATS_MAX);
    if (worker_words_command_read(json, &command, NULL) == STATUS_OK)
        expect(command.order < WORKER_ORDER_COUNT);
    if (worker_words_kind_read(json, &kind, NULL) == STATUS_OK)
        expect(kind <= WORKER_JOB_OVER);
    try_job(json);
    try_window(json);
    try_report(json);
    free(copy);
    return 0;
}
