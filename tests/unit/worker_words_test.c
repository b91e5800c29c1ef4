#include "loadgen/workers/worker_words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/rng.h"
#include "loadgen/options/load_options_json.h"
#include "loadgen/workers/window_words.h"
#include "tests/unit/rows.h"

enum { BYTES_MAX = 8 * 1024 * 1024, STEPS = 3, WORKERS = 3, SAMPLES = 3000 };

/* ---- what is refused */

enum kind { HELLO, PLACE, COMMAND, KIND, JOB, WINDOW, REPORT };

struct row {
    const char *it;
    enum kind kind;
    const char *json;
    enum status status;
    const char *words; /* part of what is said */
};

#define INSTANCE "\"instance\":\"0123456789abcdef\""
#define HEAD                                                                                       \
    "{" INSTANCE ",\"round\":1,\"number\":1,\"state\":\"running\",\"words\":\"\","                 \
    "\"clock_error_ns\":\"1\",\"cpu_ns\":\"2\",\"peak_rss_kib\":3,\"spans_lost\":0,\"late\":"      \
    "false,"
#define FLOWS    "\"flows\":{\"due\":1,\"ok\":1,\"failed\":0,\"cut\":0,\"turned_away\":0}"
#define JOB_HEAD "{\"protocol\":2,\"kind\":\"load\",\"nonce\":\"0123456789abcdef\",\"word\":\"f\","

#define ID             "\"0af7651916cd43dd8448eb211c80319c\""
#define REQUESTS(list) ",\"request_first\":0,\"requests\":[" list "]}"
#define WINDOW_HEAD                                                                                \
    "{\"protocol\":2,\"kind\":\"window\",\"nonce\":\"0123456789abcdef\","                          \
    "\"frontend\":\"http://a\",\"otlp\":\"http://b\",\"tokens\":[\"t\"],\"poisson\":false,"
#define STAGES "\"stages\":[{\"duration_s\":1,\"from\":5,\"to\":5}],"
#define WINDOW_REST                                                                                \
    "\"seed\":\"1\",\"request_timeout_ms\":0,\"grace_ms\":0,\"lines_min\":1,\"lines_max\":2,"      \
    "\"lines_median\":0,\"sku_count\":9,\"connection_limit\":0}"

static const struct row rows[] = {
    {"it takes a hello", HELLO, "{\"protocol\":2," INSTANCE ",\"host\":\"a\",\"pid\":7}", STATUS_OK,
     ""},
    {"it takes a hello with more in it", HELLO,
     "{\"protocol\":2," INSTANCE ",\"host\":\"a\",\"pid\":7,\"zone\":[1]}", STATUS_OK, ""},
    {"it says which version the other one has", HELLO, "{\"protocol\":1,\"whatever\":1}",
     STATUS_UNSUPPORTED, "version 1"},
    {"it wants a version", HELLO, "{" INSTANCE ",\"host\":\"a\",\"pid\":7}", STATUS_INVALID,
     "protocol"},
    {"it wants an instance", HELLO, "{\"protocol\":2,\"host\":\"a\",\"pid\":7}", STATUS_INVALID,
     "instance"},
    {"it wants hex in an instance", HELLO,
     "{\"protocol\":2,\"instance\":\"0123456789abcdeg\",\"host\":\"a\",\"pid\":7}", STATUS_INVALID,
     "hex"},
    {"it wants all of an instance", HELLO,
     "{\"protocol\":2,\"instance\":\"0123\",\"host\":\"a\",\"pid\":7}", STATUS_INVALID, "hex"},
    {"it prints no control characters of a host", HELLO,
     "{\"protocol\":2," INSTANCE ",\"host\":\"a\\u001b[2J\",\"pid\":7}", STATUS_INVALID, "control"},
    {"it wants nothing behind it", HELLO,
     "{\"protocol\":2," INSTANCE ",\"host\":\"a\",\"pid\":7} x", STATUS_INVALID, ""},
    {"it takes no empty hello", HELLO, "", STATUS_INVALID, ""},
    {"it takes a seat", PLACE, "{\"worker\":2,\"workers\":3,\"silence_ms\":10}", STATUS_OK, ""},
    {"it takes no seat beyond the last", PLACE, "{\"worker\":3,\"workers\":3,\"silence_ms\":10}",
     STATUS_INVALID, "no such seat"},
    {"it takes no more workers than there may be", PLACE,
     "{\"worker\":3,\"workers\":257,\"silence_ms\":10}", STATUS_INVALID, "no such seat"},
    {"it takes an order", COMMAND, "{\"order\":\"go on\",\"taken\":0}", STATUS_OK, ""},
    {"it takes a start", COMMAND, "{\"order\":\"start\",\"start_unix_ns\":\"5\",\"taken\":0}",
     STATUS_OK, ""},
    {"it wants the time of a start", COMMAND, "{\"order\":\"start\",\"taken\":0}", STATUS_INVALID,
     "time"},
    {"it takes no order that it does not know", COMMAND, "{\"order\":\"dance\",\"taken\":0}",
     STATUS_INVALID, "no order"},
    {"it takes a job", JOB, JOB_HEAD "\"options\":{\"rate\":5},\"files\":[]}", STATUS_OK, ""},
    {"it knows the kind of a job", KIND, "{\"protocol\":2,\"kind\":\"window\",\"x\":1}", STATUS_OK,
     ""},
    {"it takes no job of another kind", KIND, "{\"protocol\":2,\"kind\":\"mine\"}", STATUS_INVALID,
     "kind"},
    {"it takes no job of another version", KIND, "{\"protocol\":1,\"kind\":\"load\"}",
     STATUS_UNSUPPORTED, "version 1"},
    {"it wants to know how many requests were taken", COMMAND, "{\"order\":\"go on\"}",
     STATUS_INVALID, "taken"},
    {"it takes a window", WINDOW, WINDOW_HEAD "\"threads\":1," STAGES WINDOW_REST, STATUS_OK, ""},
    {"it wants a thread for a window", WINDOW, WINDOW_HEAD "\"threads\":0," STAGES WINDOW_REST,
     STATUS_INVALID, "threads"},
    {"it takes no more threads than there may be", WINDOW,
     WINDOW_HEAD "\"threads\":65," STAGES WINDOW_REST, STATUS_INVALID, "threads"},
    {"it wants stages of a window", WINDOW, WINDOW_HEAD "\"threads\":1," WINDOW_REST,
     STATUS_INVALID, "stages"},
    {"it takes no rate below zero", WINDOW,
     WINDOW_HEAD "\"threads\":1,\"stages\":[{\"duration_s\":1,\"from\":-1,\"to\":1}]," WINDOW_REST,
     STATUS_INVALID, "from"},
    {"it takes requests", REPORT, HEAD FLOWS REQUESTS("[" ID ",7,1,0,4,\"5\",\"9\"]"), STATUS_OK,
     ""},
    {"it takes a request without a trace", REPORT,
     HEAD FLOWS REQUESTS("[\"\",7,0,0,4,\"5\",\"9\"]"), STATUS_OK, ""},
    {"it takes no list without requests", REPORT, HEAD FLOWS REQUESTS(""), STATUS_INVALID, "none"},
    {"it takes no half trace id", REPORT, HEAD FLOWS REQUESTS("[\"0af7\",7,1,0,4,\"5\",\"9\"]"),
     STATUS_INVALID, "trace id"},
    {"it takes no step that there is not", REPORT,
     HEAD FLOWS REQUESTS("[" ID ",7,2,0,4,\"5\",\"9\"]"), STATUS_INVALID, "out of range"},
    {"it takes no outcome that there is not", REPORT,
     HEAD FLOWS REQUESTS("[" ID ",7,1,9,4,\"5\",\"9\"]"), STATUS_INVALID, "out of range"},
    {"it takes no flow that no schedule has", REPORT,
     HEAD FLOWS REQUESTS("[" ID ",1000000001,1,0,4,\"5\",\"9\"]"), STATUS_INVALID, "out of range"},
    {"it takes no request that ended before it was due", REPORT,
     HEAD FLOWS REQUESTS("[" ID ",7,1,0,4,\"9\",\"5\"]"), STATUS_INVALID, "before"},
    {"it takes no request that is too long", REPORT,
     HEAD FLOWS REQUESTS("[" ID ",7,1,0,4,\"5\",\"9\",1]"), STATUS_INVALID, "too long"},
    {"it takes no request that is too short", REPORT, HEAD FLOWS REQUESTS("[" ID ",7,1,0,4,\"5\"]"),
     STATUS_INVALID, "requests"},
    {"it takes no flag that writes on this machine", JOB,
     JOB_HEAD "\"options\":{\"json\":\"/etc/x\"},\"files\":[]}", STATUS_INVALID, "no flag"},
    {"it takes no flag that reads on this machine", JOB,
     JOB_HEAD "\"options\":{\"ca-file\":\"/etc/x\"},\"files\":[]}", STATUS_INVALID, "no flag"},
    {"it takes no flag twice", JOB, JOB_HEAD "\"options\":{\"rate\":5,\"rate\":6},\"files\":[]}",
     STATUS_INVALID, "twice"},
    {"it takes no number that is out of range", JOB,
     JOB_HEAD "\"options\":{\"users\":1e9},\"files\":[]}", STATUS_INVALID, "--users is 0 to 65536"},
    {"it takes no text where a number is wanted", JOB,
     JOB_HEAD "\"options\":{\"rate\":\"x\"},\"files\":[]}", STATUS_INVALID, "rate"},
    {"it takes no text with a NUL", JOB,
     JOB_HEAD "\"options\":{\"body\":\"a\\u0000b\"},\"files\":[]}", STATUS_INVALID, "NUL"},
    {"it takes no file that is too large", JOB,
     JOB_HEAD "\"options\":{},\"files\":[{\"path\":\"a\",\"bytes\":999999999}]}", STATUS_INVALID,
     "larger"},
    {"it takes no more files than there may be", JOB,
     JOB_HEAD "\"options\":{},\"files\":[{\"path\":\"a\",\"bytes\":1},{\"path\":\"a\",\"bytes\":1},"
              "{\"path\":\"a\",\"bytes\":1},{\"path\":\"a\",\"bytes\":1},{\"path\":\"a\","
              "\"bytes\":1},{\"path\":\"a\",\"bytes\":1},{\"path\":\"a\",\"bytes\":1},{\"path\":"
              "\"a\",\"bytes\":1},{\"path\":\"a\",\"bytes\":1},{\"path\":\"a\",\"bytes\":1},"
              "{\"path\":\"a\",\"bytes\":1}]}",
     STATUS_INVALID, "10"},
    {"it takes a report without figures", REPORT, HEAD FLOWS "}", STATUS_OK, ""},
    {"it wants flows in a report", REPORT, HEAD "\"x\":1}", STATUS_INVALID, "flows"},
    {"it takes no state that is the coordinator's to say", REPORT,
     "{" INSTANCE ",\"number\":1,\"state\":\"lost\"}", STATUS_INVALID, "no state"},
    {"it takes no number below zero", REPORT, "{" INSTANCE ",\"number\":-1,\"state\":\"running\"}",
     STATUS_INVALID, "number"},
    {"it takes no empty steps", REPORT, HEAD FLOWS ",\"steps\":[]}", STATUS_INVALID, "steps"},
    {"it takes no half report", REPORT, HEAD, STATUS_INVALID, ""},
};

static enum status read_row(const struct row *row, struct error *error)
{
    static struct worker_job job;
    static struct worker_report report;
    struct worker_name name;
    struct worker_place place;
    struct worker_command command;
    struct text json = text_of(row->json);
    enum status status = STATUS_OK;
    if (row->kind == HELLO)
        return worker_words_hello_read(json, &name, error);
    if (row->kind == PLACE)
        return worker_words_place_read(json, &place, error);
    if (row->kind == COMMAND)
        return worker_words_command_read(json, &command, error);
    if (row->kind == KIND) {
        enum worker_job_kind kind;
        return worker_words_kind_read(json, &kind, error);
    }
    if (row->kind == WINDOW) {
        static struct window_job window;
        return window_words_job_read(json, &window, error);
    }
    if (row->kind == JOB) {
        status = worker_words_job_read(json, &job, error);
        worker_words_job_release(&job);
    } else {
        status = worker_words_report_read(json, &report, error);
        worker_words_report_release(&report);
    }
    return status;
}

static void check_row(void **state)
{
    const struct row *row = *state;
    struct error error = {0};
    assert_int_equal(read_row(row, &error), row->status);
    if (row->status != STATUS_OK && strstr(error.text, row->words) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", error.text, row->words);
}

/* ---- what is written is read */

static struct text text_in(const struct buffer *buffer)
{
    return (struct text){buffer_text(buffer), buffer->length_bytes};
}

static void check_hello(void **state)
{
    (void)state;
    struct buffer out;
    struct json_writer writer;
    const struct worker_name name = {"0123456789abcdef", "pod-\"1\"", 1u << 20};
    struct worker_name again;
    buffer_init(&out, WORKER_HELLO_BYTES_MAX);
    json_writer_init(&writer, &out, 0);
    worker_words_hello_write(&writer, &name);
    assert_int_equal(worker_words_hello_read(text_in(&out), &again, NULL), STATUS_OK);
    assert_string_equal(again.instance, name.instance);
    assert_string_equal(again.host, name.host);
    assert_int_equal(again.pid, name.pid);
    buffer_release(&out);
}

static void check_orders(void **state)
{
    (void)state;
    for (unsigned i = 0; i < WORKER_ORDER_COUNT; i++) {
        struct buffer out;
        struct json_writer writer;
        const struct worker_command command = {(enum worker_order)i, UINT64_MAX - 1, 12 + i};
        struct worker_command again;
        buffer_init(&out, WORKER_HELLO_BYTES_MAX);
        json_writer_init(&writer, &out, 0);
        worker_words_command_write(&writer, &command);
        assert_int_equal(worker_words_command_read(text_in(&out), &again, NULL), STATUS_OK);
        assert_int_equal(again.order, i);
        assert_int_equal(again.taken, 12 + i);
        assert_true(again.start_unix_ns == (i == WORKER_ORDER_START ? UINT64_MAX - 1 : 0));
        buffer_release(&out);
    }
}

/* Every flag at a value of its own. */
static void set_flags(struct load_options *options)
{
    static char texts[LOAD_OPTIONS_FLAGS_MAX][32];
    struct flag flags[LOAD_OPTIONS_FLAGS_MAX];
    size_t count = load_options_plan_flags(options, flags);
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(texts[i], sizeof(texts[i]), "text \"%zu\"\n", i);
        if (flags[i].type == FLAG_BOOL)
            *(bool *)flags[i].target = true;
        else if (flags[i].type == FLAG_U64)
            *(uint64_t *)flags[i].target = UINT64_MAX - i;
        else if (flags[i].type == FLAG_DOUBLE)
            *(double *)flags[i].target = 0.1 + (double)i / 3;
        else if (flags[i].type == FLAG_TEXT)
            *(const char **)flags[i].target = texts[i];
        else
            *(struct flag_texts *)flags[i].target =
                (struct flag_texts){.items = {texts[i], "second"}, .count = 2};
    }
}

static void expect_same_flags(struct load_options *a, struct load_options *b)
{
    struct flag ours[LOAD_OPTIONS_FLAGS_MAX], theirs[LOAD_OPTIONS_FLAGS_MAX];
    size_t count = load_options_plan_flags(a, ours);
    assert_int_equal(load_options_plan_flags(b, theirs), count);
    for (size_t i = 0; i < count; i++) {
        const void *left = ours[i].target, *right = theirs[i].target;
        if (ours[i].type == FLAG_BOOL)
            assert_int_equal(*(const bool *)left, *(const bool *)right);
        else if (ours[i].type == FLAG_TEXT)
            assert_string_equal(*(const char *const *)left, *(const char *const *)right);
        else if (ours[i].type == FLAG_TEXTS)
            assert_string_equal(((const struct flag_texts *)left)->items[0],
                                ((const struct flag_texts *)right)->items[0]);
        else
            assert_memory_equal(left, right, sizeof(uint64_t));
    }
}

static void check_job(void **state)
{
    (void)state;
    static struct load_options options;
    static struct load_files files;
    static struct worker_job job;
    struct buffer out;
    struct json_writer writer;
    struct error error = {0};
    load_options_init(&options);
    set_flags(&options);
    options.word = "dir/flow.json";
    options.outputs.json = "/stays/here";
    assert_int_equal(load_files_add(&files, text_of("dir/users.csv"), text_of("a\n1\n")),
                     STATUS_OK);
    buffer_init(&out, WORKER_JOB_BYTES_MAX);
    json_writer_init(&writer, &out, 0);
    worker_words_job_write(&writer, "0123456789abcdef", &options, &files);
    assert_null(strstr(buffer_text(&out), "stays"));
    if (worker_words_job_read(text_in(&out), &job, &error) != STATUS_OK)
        fail_msg("%s", error.text);
    assert_string_equal(job.nonce, "0123456789abcdef");
    assert_string_equal(job.sent.options.word, options.word);
    expect_same_flags(&options, &job.sent.options);
    assert_int_equal(job.file_count, 1);
    assert_string_equal(job.files[0].path, "dir/users.csv");
    assert_int_equal(job.files[0].bytes, 4);
    worker_words_job_release(&job);
    load_files_release(&files);
    buffer_release(&out);
}

/* A window as it is sent, and all that decides over its requests. */
static void check_window_job(void **state)
{
    (void)state;
    static struct window_job job;
    static const char *const tokens[] = {"alice", "bob"};
    const struct schedule_plan arrivals = {
        .stages = {{0.1, 1.0 / 3, 400}, {2, 0, 7.7}}, .stage_count = 2, .is_poisson = true};
    const struct window_config config = {.frontend = "http://frontend:8080",
                                         .tokens = tokens,
                                         .token_count = 2,
                                         .arrivals = &arrivals,
                                         .seed = UINT64_MAX - 3,
                                         .nonce = "0123456789abcdef",
                                         .lines_min = 1,
                                         .lines_max = 12,
                                         .lines_median = 4,
                                         .sku_count = 200,
                                         .connection_limit = 30,
                                         .request_timeout_ms = 5,
                                         .grace_ms = 6};
    struct buffer out;
    struct json_writer writer;
    struct error error = {0};
    buffer_init(&out, WORKER_JOB_BYTES_MAX);
    json_writer_init(&writer, &out, 0);
    window_words_job_write(&writer, &config, "http://otlp:4318", 3);
    if (window_words_job_read(text_in(&out), &job, &error) != STATUS_OK)
        fail_msg("%s", error.text);
    assert_string_equal(job.config.frontend, config.frontend);
    assert_string_equal(job.otlp, "http://otlp:4318");
    assert_string_equal(job.config.nonce, config.nonce);
    assert_int_equal(job.config.token_count, 2);
    assert_string_equal(job.config.tokens[1], "bob");
    assert_true(schedule_same(job.config.arrivals, &arrivals));
    assert_int_equal(job.config.seed, config.seed);
    assert_int_equal(job.config.lines_max, 12);
    assert_int_equal(job.config.lines_median, 4);
    assert_int_equal(job.config.sku_count, 200);
    assert_int_equal(job.config.connection_limit, 30);
    assert_int_equal(job.config.request_timeout_ms, 5);
    assert_int_equal(job.config.grace_ms, 6);
    assert_int_equal(job.threads, 3);
    buffer_release(&out);
}

/* One by one: what pads the struct may hold anything. */
static void expect_request(const struct worker_request *got, const struct worker_request *wanted)
{
    assert_memory_equal(got->trace_id, wanted->trace_id, sizeof got->trace_id);
    assert_int_equal(got->number, wanted->number);
    assert_int_equal(got->due_ns, wanted->due_ns);
    assert_int_equal(got->done_ns, wanted->done_ns);
    assert_int_equal(got->step, wanted->step);
    assert_int_equal(got->outcome, wanted->outcome);
    assert_int_equal(got->lines, wanted->lines);
}

static void check_requests(void **state)
{
    (void)state;
    static struct worker_report again;
    struct worker_request requests[] = {
        {{1, 2, 3}, 7, 5, UINT64_MAX / 8, WINDOW_CHECKOUT, LOAD_OK, 12},
        {{0}, 8, 6, 6, WINDOW_CART, LOAD_DROPPED, 1},
    };
    const struct worker_report report = {.instance = "0123456789abcdef",
                                         .round = 4,
                                         .number = 3,
                                         .state = WORKER_RUNNING,
                                         .spans_lost = 9,
                                         .requests = requests,
                                         .request_first = 40,
                                         .request_count = 2};
    struct buffer out;
    struct json_writer writer;
    struct error error = {0};
    buffer_init(&out, BYTES_MAX);
    json_writer_init(&writer, &out, 0);
    worker_words_report_write(&writer, &report, NULL);
    if (worker_words_report_read(text_in(&out), &again, &error) != STATUS_OK)
        fail_msg("%s", error.text);
    assert_int_equal(again.round, 4);
    assert_int_equal(again.spans_lost, 9);
    assert_int_equal(again.request_first, 40);
    assert_int_equal(again.request_count, 2);
    for (size_t i = 0; i < again.request_count; i++)
        expect_request(&again.requests[i], &requests[i]);
    worker_words_report_release(&again);
    buffer_release(&out);
}

static void check_sealed_files(void **state)
{
    (void)state;
    static struct load_files files;
    struct error error = {0};
    struct text content;
    files = (struct load_files){.is_sealed = true};
    assert_int_equal(load_files_add(&files, text_of("sent"), text_of("12345")), STATUS_OK);
    assert_int_equal(load_files_read(&files, "sent", 5, &content, &error), STATUS_OK);
    assert_true(text_is(content, "12345"));
    assert_int_equal(load_files_read(&files, "sent", 4, &content, &error), STATUS_TOO_LARGE);
    assert_int_equal(load_files_read(&files, "/proc/self/status", 1 << 20, &content, &error),
                     STATUS_NOT_FOUND);
    files.is_sealed = false;
    assert_int_equal(load_files_read(&files, "/proc/self/status", 1 << 20, &content, &error),
                     STATUS_OK);
    load_files_release(&files);
}

/* ---- three workers come to what one process does */

struct counted {
    struct load_figures figures;
    struct load_timeline timeline;
};

static void start_counting(struct counted *counted, uint64_t start_ns)
{
    assert_true(load_figures_init(&counted->figures, STEPS));
    assert_true(load_timeline_init(&counted->timeline, STEPS, start_ns, 3 * NS_PER_S));
}

static void stop_counting(struct counted *counted)
{
    load_figures_release(&counted->figures);
    load_timeline_release(&counted->timeline);
}

static struct load_sample draw(struct rng *rng, unsigned number, uint64_t start_ns)
{
    enum load_outcome outcome =
        (enum load_outcome)(rng_below(rng, 3) == 0 ? rng_below(rng, LOAD_OUTCOME_COUNT) : LOAD_OK);
    struct load_sample sample = {
        .number = number,
        .outcome = outcome,
        .step = (uint16_t)(number / WORKERS % STEPS),
        .censored = load_outcome_is_censored(outcome),
        .failed_check = (uint8_t)rng_below(rng, LOAD_JUDGED_MAX),
        .due_ns = start_ns + number * NS_PER_MS,
        .sent_bytes = 1 + number,
        .received_bytes = 3,
        .connect_ns = rng_below(rng, 2) * 1000,
    };
    sample.seen_ns = sample.due_ns + rng_below(rng, 1000);
    sample.sent_ns = sample.seen_ns + rng_below(rng, NS_PER_MS);
    sample.first_byte_ns = sample.sent_ns + rng_below(rng, 900 * NS_PER_MS);
    sample.done_ns = sample.first_byte_ns + rng_below(rng, NS_PER_MS);
    return sample;
}

static void pass_on(const struct counted *counted, struct worker_report *out)
{
    static const char *const names[] = {"a", "b", "c"};
    struct buffer json;
    struct json_writer writer;
    struct error error = {0};
    const struct worker_report report = {.instance = "0123456789abcdef",
                                         .number = 3,
                                         .state = WORKER_DONE,
                                         .flows = {.due = 5, .ok = 4, .failed = 1}};
    struct load_steps steps = {
        .figures = &counted->figures, .timeline = &counted->timeline, .elapsed_s = 3};
    memcpy(steps.names, names, sizeof(names));
    buffer_init(&json, BYTES_MAX);
    json_writer_init(&writer, &json, 0);
    worker_words_report_write(&writer, &report, &steps);
    if (worker_words_report_read(text_in(&json), out, &error) != STATUS_OK)
        fail_msg("%s", error.text);
    assert_int_equal(out->state, WORKER_DONE);
    assert_int_equal(out->flows.ok, 4);
    buffer_release(&json);
}

static void expect_same(const struct counted *a, const struct counted *b)
{
    for (size_t i = 0; i < STEPS; i++)
        assert_memory_equal(&a->figures.steps[i], &b->figures.steps[i],
                            sizeof(a->figures.steps[i]));
    assert_int_equal(a->timeline.slot_count, b->timeline.slot_count);
    assert_int_equal(a->timeline.width_ns, b->timeline.width_ns);
    assert_memory_equal(a->timeline.slots, b->timeline.slots,
                        STEPS * a->timeline.slot_count * sizeof(*a->timeline.slots));
}

static void check_merge(void **state)
{
    (void)state;
    static struct counted one, parts[WORKERS], merged;
    static struct worker_report report;
    struct rng rng;
    rng_seed(&rng, 5);
    start_counting(&one, NS_PER_S);
    start_counting(&merged, NS_PER_S);
    for (unsigned w = 0; w < WORKERS; w++)
        start_counting(&parts[w], NS_PER_S);
    for (unsigned i = 0; i < SAMPLES; i++) {
        struct load_sample sample = draw(&rng, i, NS_PER_S);
        load_figures_add(&one.figures, &sample);
        load_timeline_add(&one.timeline, &sample);
        load_figures_add(&parts[i % WORKERS].figures, &sample);
        load_timeline_add(&parts[i % WORKERS].timeline, &sample);
    }
    for (unsigned w = 0; w < WORKERS; w++) {
        pass_on(&parts[w], &report);
        load_figures_merge(&merged.figures, &report.part.figures);
        load_timeline_merge(&merged.timeline, &report.part.timeline);
        worker_words_report_release(&report);
        stop_counting(&parts[w]);
    }
    uint64_t count = 0;
    for (size_t i = 0; i < STEPS; i++)
        count += load_figures_count(&merged.figures.steps[i]);
    assert_int_equal(count, SAMPLES);
    expect_same(&one, &merged);
    stop_counting(&one);
    stop_counting(&merged);
}

int main(void)
{
    static struct rows all;
    ROWS(&all, rows, check_row);
    rows_one(&all, "it reads back a hello", check_hello);
    rows_one(&all, "it reads back each order", check_orders);
    rows_one(&all, "it reads back a job with every flag, and nothing else", check_job);
    rows_one(&all, "it reads back a window, to the last digit", check_window_job);
    rows_one(&all, "it reads back requests", check_requests);
    rows_one(&all, "it reads no file that was not sent", check_sealed_files);
    rows_one(&all, "it adds three workers up to one process, bucket by bucket", check_merge);
    return rows_run("worker_words", &all);
}
