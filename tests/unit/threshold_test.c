#include "loadgen/threshold/threshold.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/hex.h"
#include "loadgen/load/load_examples.h"
#include "loadgen/load/load_figures.h"
#include "loadgen/threshold/threshold_file.h"
#include "loadgen/threshold/threshold_read.h"
#include "loadgen/window/window.h"
#include "tests/unit/rows.h"
#include "tests/unit/span_builder.h"

/* ---- reading */

static enum status read_text(const char *json, struct thresholds *thresholds, struct error *error)
{
    struct fields fields;
    fields_init(&fields, json, strlen(json), "f.json", error);
    (void)json_reader_next(&fields.reader);
    enum status status = threshold_read(&fields, thresholds);
    return status == STATUS_OK ? fields_end(&fields) : status;
}

struct wrong_row {
    const char *it;
    const char *json;
    const char *words; /* part of the error */
};

static const struct wrong_row wrong_rows[] = {
    {"it refuses what is no object", "[]", "f.json:1: must be an object"},
    {"it refuses a kind that nobody knows", "{\"latency\": []}",
     "key \"latency\": nobody knows it"},
    {"it refuses a section that is written twice", "{\"load\": [],\n\"load\": []}",
     "f.json:2: key \"load\": written twice"},
    {"it refuses what is cut", "{\"load\": []", "f.json:1:"},
    {"it refuses a section that is no array", "{\"load\": {}}", "key \"load\": must be an array"},
    {"it names the line of a wrong metric",
     "{\"load\": [\n{\"metric\": \"p98_ms\", \"at_most\": 1}]}",
     "f.json:2: key \"metric\": must be p50_ms, "},
    {"it refuses a step that nobody sends",
     "{\"load\": [{\"metric\": \"p50_ms\", \"step\": \"pay\", \"at_most\": 1}]}",
     "key \"step\": must be \"fill the cart\" or \"check out\""},
    {"it refuses a threshold without a limit", "{\"load\": [{\"metric\": \"p50_ms\"}]}",
     "either \"at_most\" or \"at_least\""},
    {"it refuses two limits",
     "{\"load\": [{\"metric\": \"rate\", \"at_most\": 2, \"at_least\": 1}]}",
     "either \"at_most\" or \"at_least\""},
    {"it refuses a negative limit", "{\"load\": [{\"metric\": \"rate\", \"at_least\": -1}]}",
     "key \"at_least\": must "},
    {"it refuses to abort",
     "{\"load\": [{\"metric\": \"rate\", \"at_least\": 1, \"abort\": true}]}",
     "key \"abort\": nobody knows it"},
    {"it refuses a coverage that is none",
     "{\"coverage\": [{\"metric\": \"lost\", \"at_most\": 1}]}",
     "must be arrived, connected, as_expected or spans_dropped"},
    {"it refuses a kind of finding that is none",
     "{\"findings\": [{\"kind\": \"gremlins\", \"at_most\": 0}]}", "must be a kind of finding"},
    {"it refuses a measure of findings that is none",
     "{\"findings\": [{\"metric\": \"ms\", \"at_most\": 0}]}",
     "must be count, cost_ms or saving_ms"},
    {"it refuses spans of no place", "{\"spans\": [{\"at_most\": 1}]}",
     "key \"spans\": a \"service\", an \"operation\" or both"},
    {"it refuses to look within no place",
     "{\"spans\": [{\"service\": \"a\", \"within\": {}, \"at_most\": 1}]}",
     "key \"within\": a \"service\", an \"operation\" or both"},
    {"it refuses an empty path",
     "{\"durations\": [{\"path\": [], \"metric\": \"p50_ms\", \"at_most\": 1}]}",
     "key \"path\": must not be empty"},
    {"it refuses a path that is too long",
     "{\"durations\": [{\"path\": [{\"service\":\"a\"},{\"service\":\"a\"},{\"service\":\"a\"},"
     "{\"service\":\"a\"},{\"service\":\"a\"}], \"metric\": \"p50_ms\", \"at_most\": 1}]}",
     "key \"path\": more than 4 items"},
    {"it refuses a duration that is a rate",
     "{\"durations\": [{\"path\": [{\"service\":\"a\"}], \"metric\": \"rate\", \"at_most\": 1}]}",
     "key \"metric\": must be p50_ms, p90_ms, p95_ms, p99_ms, p999_ms, max_ms or mean_ms"},
    {"it refuses an edge with one end", "{\"edges\": [{\"from\": \"a\", \"present\": true}]}",
     "\"to\" is missing in it"},
    {"it refuses an edge of which nothing is said",
     "{\"edges\": [{\"from\": \"a\", \"to\": \"b\"}]}", "\"present\" is missing in it"},
    {"it refuses half an edge", "{\"edges\": [{\"from\": \"a\", \"to\": \"b\", \"present\": 0.5}]}",
     "key \"present\": must be true or false"},
};

static void check_wrong(void **state)
{
    const struct wrong_row *row = *state;
    static struct thresholds thresholds;
    struct error error = {0};
    assert_int_equal(read_text(row->json, &thresholds, &error), STATUS_INVALID);
    if (!strstr(error.text, row->words))
        fail_msg("\"%s\" is not in \"%s\"", row->words, error.text);
}

static void check_too_many(void **state)
{
    (void)state;
    static struct thresholds thresholds;
    struct error error = {0};
    char json[4096] = "{\"coverage\": [";
    for (int i = 0; i < THRESHOLDS_MAX; i++)
        strcat(json, "{\"metric\":\"arrived\",\"at_least\":1},");
    json[strlen(json) - 1] = '\0';
    strcat(json, "]");
    char more[5000];
    snprintf(more, sizeof(more), "%s}", json);
    assert_int_equal(read_text(more, &thresholds, &error), STATUS_OK);
    assert_int_equal(thresholds.count, THRESHOLDS_MAX);
    snprintf(more, sizeof(more), "%s, \"load\": [{\"metric\":\"rate\",\"at_least\":1}]}", json);
    assert_int_equal(read_text(more, &thresholds, &error), STATUS_INVALID);
    assert_non_null(strstr(error.text, "key \"load\": more than 24 items"));
}

#define FILE_OF(items) "{\"schema\": \"culprit.thresholds/1\",\n\"thresholds\": {" items "}}"

static const struct wrong_row file_rows[] = {
    {"it takes a file about traces",
     FILE_OF("\"spans\": [{\"service\": \"a\", \"at_most\": 1}], \"coverage\": [{\"metric\": "
             "\"connected\", \"at_least\": 1}]"),
     ""},
    {"it refuses a file about load",
     FILE_OF("\n\"load\": [{\"metric\": \"rate\", \"at_least\": 1}]"),
     "f.json:3: key \"load\": traces alone do not tell that"},
    {"it refuses a file about what was sent",
     FILE_OF("\"coverage\": [{\"metric\": \"arrived\", \"at_least\": 1}]"),
     "f.json:2: key \"coverage\": traces alone do not tell that"},
    {"it refuses a file of another kind",
     "{\"schema\": \"culprit.scenario/1\", \"thresholds\": {}}",
     "f.json:1: key \"schema\": must be \"culprit.thresholds/1\""},
    {"it refuses a file without thresholds", "{\"schema\": \"culprit.thresholds/1\"}",
     "\"thresholds\" is missing"},
    {"it refuses what follows a file", FILE_OF("") " 1", "f.json:2:19: something follows"},
};

static void check_file(void **state)
{
    const struct wrong_row *row = *state;
    static struct thresholds thresholds;
    struct error error = {0};
    enum status status = threshold_file_parse(&thresholds, text_of(row->json), "f.json", &error);
    assert_int_equal(status, row->words[0] ? STATUS_INVALID : STATUS_OK);
    if (!strstr(error.text, row->words))
        fail_msg("\"%s\" is not in \"%s\"", row->words, error.text);
}

/* ---- what is judged */

/* A checkout: inventory asks its database so many times, one after another, each 2 ms; payment
 * calls the bank. */
static void build_checkout(struct builder *builder, uint64_t trace, unsigned queries)
{
    const double start_us = (double)trace * 1e6;
    builder->trace = trace;
    uint64_t root = builder_call(builder, 0, "culprit", OTLP_KIND_CLIENT, "POST /checkout",
                                 start_us, start_us + 100e3);
    uint64_t edge = builder_call(builder, root, "frontend", OTLP_KIND_SERVER, "POST /checkout",
                                 start_us + 1e3, start_us + 99e3);
    uint64_t inventory = builder_call(builder, edge, "inventory", OTLP_KIND_SERVER, "POST /reserve",
                                      start_us + 10e3, start_us + 12e3 + queries * 2e3);
    for (unsigned i = 0; i < queries; i++)
        builder_call(builder, inventory, "inventory", OTLP_KIND_CLIENT, "SELECT stock",
                     start_us + 11e3 + i * 2e3, start_us + 13e3 + i * 2e3);
    uint64_t payment = builder_call(builder, edge, "payment", OTLP_KIND_SERVER, "POST /payments",
                                    start_us + 60e3, start_us + 90e3);
    builder_call(builder, payment, "payment", OTLP_KIND_CLIENT, "POST /charges", start_us + 61e3,
                 start_us + 89e3);
    builder_attribute(builder, "server.address", "bank");
}

/* Trace 1 and 2 ask once, 3 five times, 4 three times; 5 fills a cart; 6 has lost what lies between
 * its client and the payment, and its queries. */
static void build(struct builder *builder)
{
    static const unsigned queries[] = {1, 1, 5, 3};
    builder_init(builder);
    for (size_t i = 0; i < 4; i++)
        build_checkout(builder, i + 1, queries[i]);
    builder->trace = 5;
    uint64_t root =
        builder_call(builder, 0, "culprit", OTLP_KIND_CLIENT, "PUT /cart/{id}", 9e6, 9e6 + 5e3);
    builder_call(builder, root, "frontend", OTLP_KIND_SERVER, "PUT /cart/{id}", 9e6 + 1e3,
                 9e6 + 4e3);
    builder_call(builder, builder->last_id, "cart", OTLP_KIND_SERVER, "PUT /cart/{id}", 9e6 + 2e3,
                 9e6 + 3e3);
    builder->trace = 6;
    root =
        builder_call(builder, 0, "culprit", OTLP_KIND_CLIENT, "POST /checkout", 10e6, 10e6 + 9e3);
    builder_call(builder, root, "frontend", OTLP_KIND_SERVER, "POST /checkout", 10e6 + 1e3,
                 10e6 + 8e3);
    builder_call(builder, 9999, "payment", OTLP_KIND_SERVER, "POST /payments", 10e6 + 2e3,
                 10e6 + 3e3);
}

static const struct finding findings[] = {
    {.kind = FINDING_N_PLUS_ONE_QUERIES,
     .service = TEXT_CONSTANT("inventory"),
     .operation = TEXT_CONSTANT("SELECT stock"),
     .confidence = FINDING_PROVED,
     .cost_ms = 40,
     .saving_ms = 30,
     .traces = {{.trace_id = {[15] = 3}}, {.trace_id = {[15] = 4}}},
     .trace_count = 2},
    {.kind = FINDING_SLOW_DEPENDENCY,
     .service = TEXT_CONSTANT("payment"),
     .operation = TEXT_CONSTANT("POST /charges"),
     .confidence = FINDING_STRONG,
     .cost_ms = 25,
     .saving_ms = 26,
     .traces = {{.trace_id = {[15] = 1}}},
     .trace_count = 1},
    {.kind = FINDING_MISSING_INDEX, /* a hint alone */
     .service = TEXT_CONSTANT("orders"),
     .operation = TEXT_CONSTANT("SELECT history"),
     .confidence = FINDING_HINT,
     .cost_ms = 500},
};
static const struct diagnosis diagnosis = {.findings = findings, .finding_count = 3};
/* Says the first two again. */
static const struct diagnosis alone = {.findings = findings, .finding_count = 2};

/* The slow dependency was planted. */
static bool expects(const void *context, const struct finding *finding)
{
    (void)context;
    return finding->kind == FINDING_SLOW_DEPENDENCY;
}

/* 100 checkouts of 1 .. 100 ms, of which the last 5 fail; 100 carts of 10 ms. */
static void count_load(struct load_figures *figures, uint64_t late_ms)
{
    assert_true(load_figures_init(figures, WINDOW_STEPS));
    for (unsigned i = 0; i < 200; i++) {
        bool is_cart = i >= 100;
        load_figures_add(figures, &(struct load_sample){
                                      .step = is_cart ? WINDOW_CART : WINDOW_CHECKOUT,
                                      .outcome = !is_cart && i >= 95 ? LOAD_STATUS : LOAD_OK,
                                      .due_ns = NS_PER_S,
                                      .seen_ns = NS_PER_S + late_ms * NS_PER_MS,
                                      .sent_ns = NS_PER_S + late_ms * NS_PER_MS,
                                      .done_ns = NS_PER_S + (is_cart ? 10 : i + 1) * NS_PER_MS});
    }
}

/* Trace 7 is the slowest checkout, 8 the slowest cart, and 9 a cart that failed. */
static const struct load_examples examples[WINDOW_STEPS] = {
    [WINDOW_CHECKOUT] = {.slowest = {{.latency_ns = 100, .trace_id = {[15] = 7}}}, .slow_count = 1},
    [WINDOW_CART] = {.slowest = {{.latency_ns = 10, .trace_id = {[15] = 8}}},
                     .slow_count = 1,
                     .failed = {{.latency_ns = 1, .trace_id = {[15] = 9}}},
                     .failed_count = 1},
};

struct judge_row {
    const char *it;
    const char *json;
    enum threshold_outcome outcome;
    double value;
    const char *line;   /* part of what people are told */
    const char *traces; /* the last digits of the evidence, in their order */
    unsigned late_ms;   /* the generator, at every request */
    bool is_empty;
    bool has_late_generator; /* one of several */
};

#define CHECKOUT "{\"service\": \"frontend\", \"operation\": \"POST /checkout\"}"
#define SELECTS  "\"service\": \"inventory\", \"operation\": \"SELECT *\""
#define H        THRESHOLD_HOLDS
#define B        THRESHOLD_BROKEN
#define U        THRESHOLD_UNSURE

static const struct judge_row judge_rows[] = {
    {"it keeps a latency",
     "{\"load\": [{\"metric\": \"p50_ms\", \"step\": \"check out\", \"at_most\": 51}]}", H, 50,
     "holds: load: p50_ms of check out at most 51, it is 50", "", 0, false, false},
    {"it breaks a latency",
     "{\"load\": [{\"metric\": \"p50_ms\", \"step\": \"check out\", \"at_most\": 49}]}", B, 50,
     "BROKEN: load: p50_ms of check out at most 49, it is 50", "7", 0, false, false},
    {"it shows the slowest requests of all steps",
     "{\"load\": [{\"metric\": \"max_ms\", \"at_most\": 1}]}", B, 100, "(trace 0000", "78", 0,
     false, false},
    {"it is not sure of a broken latency of a late generator",
     "{\"load\": [{\"metric\": \"p50_ms\", \"step\": \"check out\", \"at_most\": 49}]}", U, 50,
     "unsure: load: p50_ms of check out at most 49, it is 50.004, but the generator was late "
     "itself",
     "7", 20, false, false},
    {"it is sure of a step that is slow beside the lateness",
     "{\"load\": [{\"metric\": \"p50_ms\", \"step\": \"check out\", \"at_most\": 49}]}", B, 50, "",
     "7", 3, false, false},
    {"it is not sure of all steps where one is quick beside the lateness",
     "{\"load\": [{\"metric\": \"p50_ms\", \"at_most\": 1}]}", U, 10, "", "78", 3, false, false},
    {"it is not sure of a broken latency where one of several generators was late",
     "{\"load\": [{\"metric\": \"p50_ms\", \"step\": \"check out\", \"at_most\": 49}]}", U, 50,
     "the generator was late itself", "7", 0, false, true},
    {"it breaks errors where one of several generators was late",
     "{\"load\": [{\"metric\": \"error_share\", \"at_most\": 0}]}", B, 0.025, "", "9", 0, false,
     true},
    {"it keeps a latency of a late generator",
     "{\"load\": [{\"metric\": \"p50_ms\", \"step\": \"check out\", \"at_most\": 51}]}", H, 50,
     "holds", "", 20, false, false},
    {"it breaks errors of a late generator",
     "{\"load\": [{\"metric\": \"error_share\", \"at_most\": 0}]}", B, 0.025,
     "load: error_share at most 0, it is 0.025", "9", 20, false, false},
    {"it judges all steps as one", "{\"load\": [{\"metric\": \"error_share\", \"at_most\": 0.03}]}",
     H, 0.025, "", "", 0, false, false},
    {"it judges a step by itself",
     "{\"load\": [{\"metric\": \"error_share\", \"step\": \"check out\", \"at_most\": 0.03}]}", B,
     0.05, "", "", 0, false, false},
    {"it breaks a rate that is too low", "{\"load\": [{\"metric\": \"rate\", \"at_least\": 20}]}",
     B, 19.5, "load: rate at least 20, it is 19.5", "", 0, false, false},
    {"it is not sure of a load that was none",
     "{\"load\": [{\"metric\": \"p50_ms\", \"at_most\": 1}]}", U, NAN, "there was no such request",
     "", 0, true, false},

    {"it keeps a coverage", "{\"coverage\": [{\"metric\": \"arrived\", \"at_least\": 0.99}]}", H,
     0.99, "", "", 0, false, false},
    {"it breaks a coverage", "{\"coverage\": [{\"metric\": \"arrived\", \"at_least\": 0.991}]}", B,
     0.99, "coverage: arrived at least 0.991, it is 0.99", "", 0, false, false},
    {"it shows traces that are not connected",
     "{\"coverage\": [{\"metric\": \"connected\", \"at_least\": 1}]}", B, 0.9, "", "6", 0, false,
     false},
    {"it judges what is as expected",
     "{\"coverage\": [{\"metric\": \"as_expected\", \"at_least\": 0.8}]}", H, 0.8, "", "", 0, false,
     false},
    {"it breaks dropped spans", "{\"coverage\": [{\"metric\": \"spans_dropped\", \"at_most\": 0}]}",
     B, 7, "coverage: spans_dropped at most 0, it is 7", "", 0, false, false},
    {"it is not sure of a coverage of nothing",
     "{\"coverage\": [{\"metric\": \"arrived\", \"at_least\": 0}]}", U, NAN, "nobody knows", "",
     false, true, false},

    {"it counts findings beside the expected ones", "{\"findings\": [{\"at_most\": 0}]}", B, 1,
     "findings: any kind at most 0, it is 1", "34", 0, false, false},
    {"it allows some findings", "{\"findings\": [{\"at_most\": 1}]}", H, 1, "", "", 0, false,
     false},
    {"it forbids a kind", "{\"findings\": [{\"kind\": \"n_plus_one_queries\", \"at_most\": 0}]}", B,
     1, "findings: n_plus_one_queries at most 0", "34", 0, false, false},
    {"it lets another kind pass",
     "{\"findings\": [{\"kind\": \"broken_propagation\", \"at_most\": 0}]}", H, 0, "", "", 0, false,
     false},
    {"it lets a hint pass", "{\"findings\": [{\"kind\": \"missing_index\", \"at_most\": 0}]}", H, 0,
     "", "", 0, false, false},
    {"it forbids findings at a service",
     "{\"findings\": [{\"service\": \"inv*\", \"at_most\": 0}]}", B, 1,
     "findings: any kind at inv* at most 0, it is 1", "34", 0, false, false},
    {"it lets findings at other services pass",
     "{\"findings\": [{\"service\": \"orders\", \"at_most\": 0}]}", H, 0, "", "", 0, false, false},
    {"it forbids findings at an operation",
     "{\"findings\": [{\"operation\": \"SELECT stock\", \"at_most\": 0}]}", B, 1,
     "findings: any kind at * SELECT stock at most 0", "34", 0, false, false},
    {"it caps what a finding costs, an expected one too",
     "{\"findings\": [{\"kind\": \"slow_dependency\", \"metric\": \"cost_ms\", \"at_most\": 20}]}",
     B, 25, "findings: cost_ms of slow_dependency at most 20, it is 25", "1", 0, false, false},
    {"it caps what the worst finding costs",
     "{\"findings\": [{\"metric\": \"cost_ms\", \"at_most\": 30}]}", B, 40, "", "34", 0, false,
     false},
    {"it caps what a fix would save",
     "{\"findings\": [{\"metric\": \"saving_ms\", \"at_most\": 30}]}", H, 30, "", "", 0, false,
     false},

    {"it is not sure that nothing is to be found without traces",
     "{\"findings\": [{\"at_most\": 0}]}", U, NAN, "there is no trace", "", 0, true, false},

    {"it breaks where one trace has too many spans", "{\"spans\": [{" SELECTS ", \"at_most\": 3}]}",
     B, 5,
     "BROKEN: spans: inventory SELECT * at most 3 a trace, it is 5 (trace "
     "00000000000000000000000000000003)",
     "3", 0, false, false},
    {"it shows the worst traces first", "{\"spans\": [{" SELECTS ", \"at_most\": 0}]}", B, 5, "",
     "341", 0, false, false},
    {"it keeps what no trace exceeds", "{\"spans\": [{" SELECTS ", \"at_most\": 5}]}", H, 5, "", "",
     false, false, false},
    {"it keeps what no trace has", "{\"spans\": [{\"service\": \"nobody\", \"at_most\": 0}]}", H, 0,
     "", "", 0, false, false},
    {"it breaks where a trace has too few spans",
     "{\"spans\": [{" SELECTS ", \"within\": " CHECKOUT ", \"at_least\": 2}]}", B, 1,
     "spans: frontend POST /checkout > inventory SELECT * at least 2 a trace, it is 1", "21", 0,
     false, false},
    {"it does not blame a trace that lost spans for having too few",
     "{\"spans\": [{" SELECTS ", \"within\": " CHECKOUT ", \"at_least\": 1}]}", H, 1, "", "", 0,
     false, false},
    {"it blames a trace without any where it looks at all",
     "{\"spans\": [{" SELECTS ", \"at_least\": 1}]}", B, 0, "", "5", 0, false, false},
    {"it is not sure where no trace is meant",
     "{\"spans\": [{" SELECTS ", \"within\": {\"service\": \"nobody\"}, \"at_most\": 9}]}", U, NAN,
     "no trace leads there", "", 0, false, false},
    {"it is not sure of spans without traces", "{\"spans\": [{" SELECTS ", \"at_most\": 3}]}", U,
     NAN, "there is no trace", "", 0, true, false},

    {"it keeps a time",
     "{\"durations\": [{\"path\": [" CHECKOUT
     ", {\"service\": \"inventory\"}], \"metric\": \"p50_ms\", "
     "\"at_most\": 4}]}",
     H, 4, "", "", 0, false, false},
    {"it breaks a time, the longest first",
     "{\"durations\": [{\"path\": [" CHECKOUT
     ", {\"service\": \"inventory\"}], \"metric\": \"p90_ms\", "
     "\"at_most\": 4}]}",
     B, 12,
     "durations: p90_ms of frontend POST /checkout > inventory at most 4, it is 12 (trace "
     "00000000000000000000000000000003, ",
     "341", 0, false, false},
    {"it gives the mean of times",
     "{\"durations\": [{\"path\": [{" SELECTS "}], \"metric\": \"mean_ms\", \"at_most\": 5}]}", H,
     5, "", "", 0, false, false},
    {"it breaks a time that is too short",
     "{\"durations\": [{\"path\": [{" SELECTS "}], \"metric\": \"max_ms\", \"at_least\": 11}]}", B,
     10, "", "214", 0, false, false},
    {"it is not sure of the time of nothing",
     "{\"durations\": [{\"path\": [{\"service\": \"nobody\"}], \"metric\": \"p50_ms\", "
     "\"at_most\": 4}]}",
     U, NAN, "no trace has such a span", "", 0, false, false},

    {"it keeps a call that is there",
     "{\"edges\": [{\"from\": \"frontend\", \"to\": \"payment\", \"present\": true}]}", H, 4,
     "edges: frontend -> payment must be there, 4 calls in 6 traces", "", 0, false, false},
    {"it breaks a call that is not there",
     "{\"edges\": [{\"from\": \"payment\", \"to\": \"frontend\", \"present\": true}]}", B, 0,
     "edges: payment -> frontend must be there, no call in 6 traces", "", 0, false, false},
    {"it keeps a call that must not be",
     "{\"edges\": [{\"from\": \"bank\", \"to\": \"*\", \"present\": false}]}", H, 0, "", "", 0,
     false, false},
    {"it breaks a call that must not be",
     "{\"edges\": [{\"from\": \"*\", \"to\": \"bank\", \"present\": false}]}", B, 4,
     "edges: * -> bank must not be there, 4 calls in 6 traces (trace ", "4", 0, false, false},
    {"it breaks a single call that must not be",
     "{\"edges\": [{\"from\": \"frontend\", \"to\": \"cart\", \"present\": false}]}", B, 1,
     "edges: frontend -> cart must not be there, 1 call in 6 traces", "5", 0, false, false},
    {"it keeps a single call",
     "{\"edges\": [{\"from\": \"frontend\", \"to\": \"cart\", \"present\": true}]}", H, 1, "", "",
     false, false, false},
    {"it is not sure of calls without traces",
     "{\"edges\": [{\"from\": \"*\", \"to\": \"bank\", \"present\": false}]}", U, NAN,
     "there is no trace", "", 0, true, false},
};

static void expect_traces(const struct threshold_judgement *judgement, const char *traces)
{
    char shown[THRESHOLD_TRACES_MAX + 1] = "";
    for (size_t i = 0; i < judgement->trace_count; i++)
        shown[i] = (char)('0' + judgement->trace_ids[i][15]);
    assert_string_equal(shown, traces);
}

static void check_judge(void **state)
{
    const struct judge_row *row = *state;
    static struct thresholds thresholds;
    static struct threshold_judgement judgement;
    struct error error = {0};
    struct builder builder;
    struct load_figures figures;
    build(&builder);
    count_load(&figures, row->late_ms);
    struct threshold_evidence evidence = {
        .figures = &figures,
        .examples = examples,
        .elapsed_s = 10,
        .coverage = {0.99, 0.9, 0.8, 7},
        .diagnoses = {&diagnosis, &alone},
        .expects = expects,
        .spans = &builder.spans,
        .has_late_generator = row->has_late_generator,
    };
    if (row->is_empty)
        evidence = (struct threshold_evidence){.coverage = {NAN, NAN, NAN, NAN}};
    if (read_text(row->json, &thresholds, &error) != STATUS_OK)
        fail_msg("%s", error.text);
    assert_int_equal(thresholds.count, 1);
    assert_int_equal(threshold_judge(&thresholds, &evidence, &judgement, &error), STATUS_OK);
    char line[THRESHOLD_LINE_MAX];
    threshold_line(&judgement, line);
    if (!strstr(line, row->line))
        fail_msg("\"%s\" is not in \"%s\"", row->line, line);
    assert_int_equal(judgement.outcome, row->outcome);
    assert_true(isnan(row->value) ? isnan(judgement.value)
                                  : fabs(judgement.value - row->value) <= 0.002 * row->value);
    expect_traces(&judgement, row->traces);
    load_figures_release(&figures);
    builder_release(&builder);
}

static void check_unanswered(void **state)
{
    (void)state;
    static struct thresholds thresholds;
    struct threshold_judgement judgement;
    struct load_figures figures;
    assert_true(load_figures_init(&figures, WINDOW_STEPS));
    load_figures_add(&figures, &(struct load_sample){.step = WINDOW_CHECKOUT,
                                                     .outcome = LOAD_TIMEOUT,
                                                     .censored = true,
                                                     .due_ns = 1,
                                                     .done_ns = 2});
    assert_int_equal(
        read_text("{\"load\": [{\"metric\": \"max_ms\", \"at_most\": 1e9}]}", &thresholds, NULL),
        STATUS_OK);
    assert_int_equal(threshold_judge(&thresholds, &(struct threshold_evidence){.figures = &figures},
                                     &judgement, NULL),
                     STATUS_OK);
    assert_int_equal(judgement.outcome, THRESHOLD_BROKEN);
    assert_string_equal(judgement.why, "requests were not answered");
    load_figures_release(&figures);
}

static void check_about_errors(void **state)
{
    (void)state;
    static struct thresholds thresholds;
    assert_int_equal(
        read_text("{\"load\": [{\"metric\": \"max_ms\", \"at_most\": 1}]}", &thresholds, NULL),
        STATUS_OK);
    assert_false(threshold_is_about_errors(&thresholds));
    assert_int_equal(read_text("{\"load\": [{\"metric\": \"max_ms\", \"at_most\": 1}, {\"metric\": "
                               "\"error_share\", \"at_most\": 1}]}",
                               &thresholds, NULL),
                     STATUS_OK);
    assert_true(threshold_is_about_errors(&thresholds));
}

/* ---- JSON */

static void check_json(void **state)
{
    (void)state;
    static struct thresholds thresholds;
    static struct threshold_judgement judgements[2];
    struct builder builder;
    struct buffer out;
    struct json_writer writer;
    build(&builder);
    buffer_init(&out, 64 * 1024);
    assert_int_equal(read_text("{\"spans\": [{" SELECTS
                               ", \"at_most\": 4}], \"edges\": [{\"from\": "
                               "\"a\", \"to\": \"b\", \"present\": true}]}",
                               &thresholds, NULL),
                     STATUS_OK);
    assert_int_equal(threshold_judge(&thresholds,
                                     &(struct threshold_evidence){.spans = &builder.spans},
                                     judgements, NULL),
                     STATUS_OK);
    json_writer_init(&writer, &out, 0);
    json_begin_object(&writer);
    threshold_write_json(&thresholds, judgements, &writer);
    json_end_object(&writer);
    assert_string_equal(
        buffer_text(&out),
        "{\"thresholds\":[{\"kind\":\"spans\",\"threshold\":\"spans: inventory SELECT * at most 4 "
        "a "
        "trace\",\"at_most\":4,\"value\":5,\"outcome\":\"broken\",\"why\":\"it is 5\",\"traces\":["
        "\"00000000000000000000000000000003\"]},{\"kind\":\"edges\",\"threshold\":\"edges: a -> b "
        "must be there\",\"at_least\":1,\"value\":0,\"outcome\":\"broken\",\"why\":\"no call in 6 "
        "traces\",\"traces\":[]}]}");
    buffer_clear(&out);
    thresholds.count = 1;
    json_writer_init(&writer, &out, 0);
    json_begin_object(&writer);
    threshold_write_json(&thresholds, NULL, &writer);
    json_end_object(&writer);
    assert_string_equal(
        buffer_text(&out),
        "{\"thresholds\":[{\"kind\":\"spans\",\"threshold\":\"spans: inventory SELECT * at most 4 "
        "a "
        "trace\",\"at_most\":4,\"value\":null,\"outcome\":\"unsure\",\"why\":\"not measured\","
        "\"traces\":[]}]}");
    buffer_release(&out);
    builder_release(&builder);
}

int main(void)
{
    static struct rows all;
    ROWS(&all, wrong_rows, check_wrong);
    rows_one(&all, "it refuses more than it can hold, of all kinds together", check_too_many);
    ROWS(&all, file_rows, check_file);
    ROWS(&all, judge_rows, check_judge);
    rows_one(&all, "it breaks a latency that nobody knows", check_unanswered);
    rows_one(&all, "it knows whether errors are judged", check_about_errors);
    rows_one(&all, "it writes what it judged, and what it could not", check_json);
    return rows_run("threshold", &all);
}
