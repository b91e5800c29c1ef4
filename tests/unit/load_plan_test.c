#include "loadgen/load/load_plan_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "tests/unit/rows.h"

#define BEGIN       "{\"schema\":\"culprit.load/1\",\"name\":\"n\",\"target\":\"http://h:1\",\n"
#define USERS       "\"users\":{\"count\":2,\"duration_s\":3},\n"
#define STEP        "{\"name\":\"s\",\"path\":\"/\"}"
#define FLOWS       "\"flows\":[{\"name\":\"f\",\"steps\":[" STEP "]}]"
#define FLOW(steps) BEGIN USERS "\"flows\":[{\"name\":\"f\",\"steps\":[\n" steps "]}]}"

struct bad_row {
    const char *it, *json, *words;
};

static const struct bad_row bad_rows[] = {
    {"it refuses a key that nobody knows", BEGIN USERS FLOWS ",\"rps\":1}",
     "p.json:3: key \"rps\": nobody knows it"},
    {"it refuses both ways to arrive",
     BEGIN USERS "\"arrivals\":{\"stages\":[{\"duration_s\":1,\"rate\":1}]}," FLOWS "}",
     "p.json:3: either \"arrivals\" or \"users\""},
    {"it refuses neither", BEGIN FLOWS "}", "p.json:2: either \"arrivals\" or \"users\""},
    {"it refuses a rate below 0",
     BEGIN "\"arrivals\":{\"stages\":[{\"duration_s\":1,\"rate\":-1}]}," FLOWS "}",
     "p.json:2: key \"rate\": must lie in 0 .. 1e+06"},
    {"it refuses stages without an arrival",
     BEGIN "\"arrivals\":{\"stages\":[{\"duration_s\":1,\"rate\":0}]}," FLOWS "}",
     "p.json:2: key \"arrivals\": load: no stage has a rate above 0"},
    {"it refuses a target with a path",
     "{\"schema\":\"culprit.load/1\",\"name\":\"n\",\"target\":\"http://h:1/x\"}",
     "p.json:1: key \"target\": must be http://HOST:PORT or https://HOST:PORT"},
    {"it refuses a value that no step took", FLOW("{\"name\":\"s\",\"path\":\"/${x}\"}"),
     "p.json:4: step \"s\": nobody sets \"${x}\""},
    {"it refuses a value that a later step takes",
     FLOW("{\"name\":\"a\",\"path\":\"/${x}\"},\n{\"name\":\"b\",\"path\":\"/"
          "\",\"take\":{\"x\":{\"header\":\"h\"}}}"),
     "p.json:4: step \"a\": nobody sets \"${x}\""},
    {"it refuses a space in a path", FLOW("{\"name\":\"s\",\"path\":\"/a b\"}"),
     "p.json:4: step \"s\": the path must not be empty, without spaces and control characters"},
    {"it refuses a line end in a header",
     FLOW("{\"name\":\"s\",\"path\":\"/\",\"headers\":{\"a\":\"x\\r\\nb: c\"}}"),
     "p.json:4: step \"s\": header \"a\" fits no line"},
    {"it refuses a length of the caller's",
     FLOW("{\"name\":\"s\",\"path\":\"/\",\"headers\":{\"Content-Length\":\"1\"}}"),
     "p.json:4: step \"s\": header \"content-length\" is made from the body"},
    {"it refuses a traceparent beside its own",
     FLOW("{\"name\":\"s\",\"path\":\"/\",\"headers\":{\"Traceparent\":\"1\"}}"),
     "p.json:4: step \"s\": header \"traceparent\" is sent already (\"trace\": false ends that)"},
    {"it refuses two bodies", FLOW("{\"name\":\"s\",\"path\":\"/\",\"body\":\"\",\"json\":{}}"),
     "p.json:4: key \"steps\": either \"body\" or \"json\""},
    {"it refuses two steps of one name", FLOW(STEP ",\n" STEP),
     "p.json:5: key \"steps\": two steps are called \"s\""},
    {"it refuses two ways to take a value",
     FLOW("{\"name\":\"s\",\"path\":\"/\",\"take\":{\"x\":{\"json\":\"/a\",\"header\":\"b\"}}}"),
     "p.json:4: key \"x\": \"json\" with a JSON pointer, or \"header\", or \"after\" and "
     "\"before\""},
    {"it refuses half a way",
     FLOW("{\"name\":\"s\",\"path\":\"/\",\"take\":{\"x\":{\"after\":\"a\"}}}"),
     "p.json:4: key \"x\": \"json\" with a JSON pointer, or \"header\", or \"after\" and "
     "\"before\""},
    {"it refuses what is no pointer",
     FLOW("{\"name\":\"s\",\"path\":\"/\",\"check\":{\"json\":{\"a\":1}}}"),
     "p.json:4: key \"a\": must be a JSON pointer, as \"/items/0/id\""},
    {"it refuses a threshold of no step",
     BEGIN USERS FLOWS
     ",\n\"thresholds\":[\n{\"metric\":\"p99_ms\",\"step\":\"t\",\"at_most\":1}]}",
     "p.json:5: key \"thresholds\": no step is called \"t\""},
    {"it refuses a threshold without a limit",
     BEGIN USERS FLOWS ",\"thresholds\":[{\"metric\":\"rate\"}]}",
     "p.json:3: key \"thresholds\": either \"at_most\" or \"at_least\""},
    {"it refuses another metric",
     BEGIN USERS FLOWS ",\"thresholds\":[{\"metric\":\"p98\",\"at_most\":1}]}",
     "p.json:3: key \"metric\": must be p50_ms, p90_ms, p95_ms, p99_ms, p999_ms, max_ms, mean_ms, "
     "error_share or rate"},
    {"it refuses a pause that ends before it begins",
     FLOW("{\"name\":\"s\",\"path\":\"/\",\"think_ms\":[5,4]}"),
     "p.json:4: key \"think_ms\": must lie in 5 .. 3.6e+06"},
    {"it names the file of a feeder that is not there",
     BEGIN USERS "\"feeders\":{\"a\":{\"file\":\"/nowhere.csv\"}}," FLOWS "}",
     "p.json:3: key \"a\": /nowhere.csv: No such file or directory"},
};

static struct load_plan plan;

static void check_bad(void **state)
{
    const struct bad_row *row = *state;
    struct error error = {0};
    load_plan_init(&plan);
    assert_int_not_equal(load_plan_read_text(&plan, text_of(row->json), "p.json", &error),
                         STATUS_OK);
    assert_string_equal(error.text, row->words);
    load_plan_release(&plan);
}

static void expect_request(const struct load_step *step, const struct load_scope *given,
                           const char *expected)
{
    struct load_scope scope = *given;
    struct buffer body, out;
    buffer_init(&body, 4096);
    buffer_init(&out, 4096);
    load_template_render(&step->body, &scope, &body);
    scope.body = (struct text){buffer_text(&body), body.length_bytes};
    load_template_render(&step->request, &scope, &out);
    assert_string_equal(buffer_text(&out), expected);
    buffer_release(&body);
    buffer_release(&out);
}

/* The example that is shipped, from the tree's root. */
static void check_example(void **state)
{
    (void)state;
    struct error error = {0};
    load_plan_init(&plan);
    if (load_plan_read(&plan, "scenarios/load/shop.json", &error) != STATUS_OK)
        fail_msg("%s", error.text);
    assert_int_equal(load_plan_check(&plan, &error), STATUS_OK);
    assert_int_equal(plan.flow_count, 2);
    assert_int_equal(plan.step_count, 4);
    assert_int_equal(plan.feeders[0].row_count, 16);
    assert_int_equal(plan.schedule.stage_count, 4);
    assert_true(plan.schedule.is_poisson && !plan.is_closed);
    assert_int_equal(plan.steps[2].think.max_ns, 300 * NS_PER_MS);
    assert_int_equal(plan.thresholds.items[0].step, 2);
    assert_true(plan.thresholds.items[1].aborts);
    const struct load_scope scope = {.number = 5,
                                     .seed = 1,
                                     .nonce = "ab",
                                     .feeders = plan.feeders,
                                     .rows = {2},
                                     .values = {TEXT_CONSTANT("T")},
                                     .traceparent = TEXT_CONSTANT("00-t")};
    expect_request(&plan.steps[0], &scope,
                   "POST /login HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: culprit\r\n"
                   "Content-Type: application/json\r\ntraceparent: 00-t\r\n"
                   "Content-Length: 43\r\n\r\n"
                   "{ \"user\": \"user-3\", \"password\": \"culprit\" }");
    expect_request(&plan.steps[3], &scope,
                   "GET /products HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: culprit\r\n"
                   "traceparent: 00-t\r\n\r\n");
    assert_true(plan.steps[0].wants_head && plan.steps[0].wants_body);
    assert_false(plan.steps[3].wants_head || plan.steps[3].wants_body);
    assert_true(plan.steps[3].has_constant_body);
    load_plan_release(&plan);
}

static void check_weights(void **state)
{
    (void)state;
    unsigned first = 0;
    load_plan_init(&plan);
    plan.flow_count = 2;
    plan.flows[0].weight = 1;
    plan.flows[1].weight = 3;
    for (uint64_t i = 0; i < 4000; i++) {
        first += load_plan_flow(&plan, i) == &plan.flows[0];
        assert_ptr_equal(load_plan_flow(&plan, i), load_plan_flow(&plan, i));
    }
    assert_true(first > 850 && first < 1150);
    load_plan_release(&plan);
}

struct url_row {
    const char *it, *url, *method, *body;
    const char *target, *request; /* NULL: refused */
};

static const struct url_row url_rows[] = {
    {"it takes a URL without a path", "http://h:80", "GET", NULL, "http://h:80",
     "GET / HTTP/1.1\r\nHost: h:80\r\nUser-Agent: culprit\r\n\r\n"},
    {"it takes path and query, not the fragment", "https://h/a?b=c#d", "GET", NULL, "https://h",
     "GET /a?b=c HTTP/1.1\r\nHost: h\r\nUser-Agent: culprit\r\n\r\n"},
    {"it says the length of a body", "http://h/", "POST", "hi", "http://h",
     "POST / HTTP/1.1\r\nHost: h\r\nUser-Agent: culprit\r\nContent-Length: 2\r\n\r\nhi"},
    {"it says that there is no body where one is usual", "http://h/", "POST", NULL, "http://h",
     "POST / HTTP/1.1\r\nHost: h\r\nUser-Agent: culprit\r\nContent-Length: 0\r\n\r\n"},
    {"it fills holes of a URL", "http://h/${number}", "GET", NULL, "http://h",
     "GET /5 HTTP/1.1\r\nHost: h\r\nUser-Agent: culprit\r\n\r\n"},
    {"it fills holes of a body", "http://h/", "POST", "n=${number}", "http://h",
     "POST / HTTP/1.1\r\nHost: h\r\nUser-Agent: culprit\r\nContent-Length: 3\r\n\r\nn=5"},
    {"it refuses another scheme", "ftp://h/", "GET", NULL, NULL, NULL},
    {"it refuses a query without a path", "http://h?a", "GET", NULL, NULL, NULL},
    {"it refuses a method of two words", "http://h/", "GET /x", NULL, NULL, NULL},
};

static void check_url(void **state)
{
    const struct url_row *row = *state;
    struct load_request_text text = {.method = text_of(row->method), .body = text_of(row->body)};
    struct error error = {0};
    load_plan_init(&plan);
    plan.is_traced = false;
    enum status status = load_plan_add_url(&plan, row->url, &text, &error);
    assert_int_equal(status, row->target ? STATUS_OK : STATUS_INVALID);
    if (row->target) {
        const struct load_scope scope = {.number = 5, .seed = 1, .nonce = "ab"};
        assert_string_equal(plan.target, row->target);
        expect_request(&plan.steps[0], &scope, row->request);
        assert_int_equal(load_plan_check(&plan, &error), STATUS_OK);
    } else {
        assert_true(error.text[0] != '\0');
    }
    load_plan_release(&plan);
}

/* Every line of the example can be wrong: cut short, it is never taken and never crashes. */
static void check_cut(void **state)
{
    (void)state;
    struct buffer file;
    struct error error;
    buffer_init(&file, 1 << 20);
    assert_int_equal(buffer_read_file(&file, "scenarios/load/shop.json", &error), STATUS_OK);
    for (size_t length = 0; length + 2 < file.length_bytes; length += 7) {
        char *copy = malloc(length + 1);
        assert_non_null(copy);
        memcpy(copy, file.data, length);
        load_plan_init(&plan);
        assert_int_not_equal(load_plan_read_text(&plan, (struct text){copy, length},
                                                 "scenarios/load/shop.json", &error),
                             STATUS_OK);
        load_plan_release(&plan);
        free(copy);
    }
    buffer_release(&file);
}

int main(void)
{
    static struct rows all;
    ROWS(&all, bad_rows, check_bad);
    ROWS(&all, url_rows, check_url);
    rows_one(&all, "it reads the example", check_example);
    rows_one(&all, "it chooses flows by weight, the same for the same number", check_weights);
    rows_one(&all, "it refuses a file that is cut short", check_cut);
    return rows_run("load_plan", &all);
}
