#include "loadgen/experiment/scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/rows.h"

/* A good scenario with holes; a row fills one of them in its own way. */
struct parts {
    const char *name, *environment, *what, *lesson, *end;
};

#define GOOD_NAME "\"name\": \"x\""
#define GOOD_ENVIRONMENT                                                                           \
    "{\"rate\": 20, \"duration_s\": 2.5,\n  \"cart_lines\": {\"min\": 1, \"max\": 8},\n"           \
    "  \"settings\": {\"tax.latency_ms\": 40}}"
#define GOOD_WHAT                                                                                  \
    "\"faults\": [\"pricing.sequential_calls\"],\n"                                                \
    "\"expect\": {\"findings\": [{\"kind\": \"sequential_calls\", \"service\": \"pricing\","       \
    " \"operation\": \"POST /quotes\"}]}"
#define GOOD_LESSON                                                                                \
    "{\"symptom\": \"a\", \"where_to_look\": \"b\", \"what_the_trace_shows\": \"c\","              \
    " \"fix\": \"d\"}"

static char *compose(const struct parts *parts)
{
    char *json = NULL;
    int length =
        asprintf(&json,
                 "{\"schema\": \"culprit.scenario/1\",\n%s,\n\"title\": \"t\",\n"
                 "\"environment\": %s,\n%s,\n\"lesson\": %s\n}%s",
                 parts->name ? parts->name : GOOD_NAME,
                 parts->environment ? parts->environment : GOOD_ENVIRONMENT,
                 parts->what ? parts->what : GOOD_WHAT, parts->lesson ? parts->lesson : GOOD_LESSON,
                 parts->end ? parts->end : "");
    assert_true(length > 0);
    return json;
}

struct wrong_row {
    const char *it;
    struct parts parts;
    const char *words; /* part of the error */
};

#define ARRIVALS(before, stages)                                                                   \
    "{" before "\"arrivals\": {\"spacing\": \"poisson\", \"stages\": [" stages "]}, "              \
    "\"cart_lines\": {\"min\": 1, \"max\": 8}, \"settings\": {\"tax.latency_ms\": 40}}"

#define FINDING(text) .what = "\"faults\": [],\n\"expect\": {\"findings\": [" text "]}"

static const struct wrong_row wrong_rows[] = {
    {"it names line and key of an unknown key",
     {.name = "\"name\": \"x\", \"colour\": 1"},
     "f.json:2: key \"colour\": nobody knows it"},
    {"it refuses a key written twice",
     {.name = "\"name\": \"x\",\n\"name\": \"y\""},
     "f.json:3: key \"name\": written twice"},
    {"it refuses a name that is no string",
     {.name = "\"name\": 7"},
     "key \"name\": must be a string"},
    {"it refuses an empty name", {.name = "\"name\": \"\""}, "key \"name\": must not be empty"},
    {"it refuses a name that is too long",
     {.name =
          "\"name\": \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\""},
     "longer than 63 bytes"},
    {"it refuses a rate beside arrivals",
     {.environment = ARRIVALS("\"rate\": 1, ", "{\"duration_s\": 1, \"rate\": 1}")},
     "f.json:4: key \"environment\": either \"rate\" and \"duration_s\", or \"arrivals\""},
    {"it refuses a rate without a duration",
     {.environment = "{\"rate\": 1, \"cart_lines\": {\"min\":1,\"max\":1}, \"settings\": {}}"},
     "either \"rate\" and \"duration_s\", or \"arrivals\""},
    {"it refuses stages that are none",
     {.environment = ARRIVALS("", "{\"duration_s\": 1, \"rate\": 0}")},
     "f.json:4: key \"arrivals\": load: no stage has a rate above 0"},
    {"it refuses an unknown key of a stage",
     {.environment = ARRIVALS("", "{\"duration_s\": 1, \"rate\": 1, \"from\": 0}")},
     "f.json:4: key \"from\": nobody knows it"},
    {"it refuses two hours in stages",
     {.environment = ARRIVALS("", "{\"duration_s\": 7200, \"rate\": 1}")},
     "all stages together must last 0.5 .. 3600 s"},
    {"it refuses a peak over the highest rate",
     {.environment = ARRIVALS("", "{\"duration_s\": 1, \"rate\": 1, \"to\": 200000}")},
     "the highest rate must lie in 0.1 .. 100000"},
    {"it refuses a rate of 0",
     {.environment = "{\"rate\": 0, \"duration_s\": 1, \"cart_lines\": {\"min\":1,\"max\":1}, "
                     "\"settings\": {}}"},
     "f.json:4: key \"rate\": must lie in 0.1 .. 100000"},
    {"it names the place of a missing key",
     {.environment = "{\"rate\": 1, \"duration_s\": 1, \"settings\": {}}"},
     "key \"environment\": \"cart_lines\" is missing in it"},
    {"it refuses fewer lines at most than at least",
     {.environment = "{\"rate\": 1, \"duration_s\": 1, \"cart_lines\": {\"min\":3,\"max\":2}, "
                     "\"settings\": {}}"},
     "key \"cart_lines\": \"min\" is above \"max\""},
    {"it refuses half a cart line",
     {.environment = "{\"rate\": 1, \"duration_s\": 1, \"cart_lines\": {\"min\":1.5,\"max\":2}, "
                     "\"settings\": {}}"},
     "key \"min\": must be a whole number"},
    {"it refuses a median outside",
     {.environment = "{\"rate\": 1, \"duration_s\": 1, \"cart_lines\": "
                     "{\"min\":1,\"max\":2,\"median\":3}, \"settings\": {}}"},
     "\"median\" is not between"},
    {"it refuses a setting without a service",
     {.environment = "{\"rate\": 1, \"duration_s\": 1, \"cart_lines\": {\"min\":1,\"max\":1}, "
                     "\"settings\": {\"latency\": 1}}"},
     "key \"latency\": \"latency=1\": not SERVICE.NAME"},
    {"it refuses a setting that is a list",
     {.environment = "{\"rate\": 1, \"duration_s\": 1, \"cart_lines\": {\"min\":1,\"max\":1}, "
                     "\"settings\": {\"tax.latency_ms\": []}}"},
     "key \"tax.latency_ms\": must be a number, a string, true or false"},
    {"it refuses a fault that is no string",
     {.what = "\"faults\": [1], \"expect\": {\"findings\": []}"},
     "key \"faults\": must hold"},
    {"it refuses a fault twice",
     {.what = "\"faults\": [\"a.b\", \"a.b=2\"], \"expect\": {\"findings\": []}"},
     "written twice"},
    {"it refuses faults without an expectation",
     {.what = "\"faults\": []"},
     "either \"steps\", or \"faults\" and \"expect\""},
    {"it refuses steps beside faults",
     {.what = GOOD_WHAT ", \"steps\": [{\"title\": \"s\", \"faults\": [], "
                        "\"expect\": {\"findings\": []}}]"},
     "either \"steps\", or"},
    {"it refuses no steps at all", {.what = "\"steps\": []"}, "key \"steps\": must not be empty"},
    {"it refuses an unknown kind",
     {FINDING("{\"kind\": \"gremlins\", \"service\": \"s\", \"operation\": \"o\"}")},
     "f.json:8: key \"kind\": must be a kind of finding"},
    {"it refuses a finding without a service",
     {FINDING("{\"kind\": \"missing_index\", \"operation\": \"o\"}")},
     "\"service\" is missing in it"},
    {"it names the line of a wrong threshold",
     {.what = "\"faults\": [], \"expect\": {\"findings\": [],\n\"thresholds\": {\n\"load\": "
              "[{\"metric\": \"p98_ms\", \"at_most\": 1}]}}"},
     "f.json:9: key \"metric\": must be p50_ms"},
    {"it refuses thresholds without expected findings",
     {.what = "\"faults\": [], \"expect\": {\"thresholds\": {}}"},
     "key \"expect\": \"findings\" is missing in it"},
    {"it refuses expected findings of the healthy window",
     {.what = GOOD_WHAT ", \"healthy\": {\"findings\": []}"},
     "key \"findings\": nobody knows it"},
    {"it refuses an unknown key of a lesson",
     {.lesson = "{\"moral\": \"m\"}"},
     "key \"moral\": nobody knows it"},
    {"it refuses what follows the end", {.end = " []"}, "f.json:"},
};

static void check_wrong(void **state)
{
    const struct wrong_row *row = *state;
    struct scenario *scenario = calloc(1, sizeof *scenario);
    struct error error = {0};
    char *json = compose(&row->parts);
    assert_int_equal(scenario_parse(scenario, json, strlen(json), "f.json", &error),
                     STATUS_INVALID);
    if (!strstr(error.text, row->words))
        fail_msg("\"%s\" is not in \"%s\"", row->words, error.text);
    free(json);
    free(scenario);
}

static void check_good(void **state)
{
    (void)state;
    struct scenario *scenario = calloc(1, sizeof *scenario);
    struct error error = {0};
    char *json = compose(&(struct parts){0});
    assert_int_equal(scenario_parse(scenario, json, strlen(json), "f.json", &error), STATUS_OK);
    assert_string_equal(scenario->name, "x");
    assert_int_equal(scenario->environment.arrivals.stage_count, 1);
    assert_true(schedule_peak(&scenario->environment.arrivals) == 20);
    assert_true(schedule_duration_s(&scenario->environment.arrivals) == 2.5);
    assert_false(scenario->environment.arrivals.is_poisson);
    assert_int_equal(scenario->environment.lines_max, 8);
    assert_string_equal(scenario->environment.settings.items[0].row, "latency_ms");
    assert_string_equal(scenario->environment.settings.items[0].value, "40");
    assert_int_equal(scenario->step_count, 1);
    assert_false(scenario->has_steps);
    assert_int_equal(scenario->steps[0].faults.count, 1);
    assert_int_equal(scenario->steps[0].expected[0].kind, FINDING_SEQUENTIAL_CALLS);
    assert_string_equal(scenario->steps[0].expected[0].operation, "POST /quotes");
    assert_string_equal(scenario->lesson.fix, "d");
    free(json);
    free(scenario);
}

static void check_arrivals(void **state)
{
    (void)state;
    struct scenario *scenario = calloc(1, sizeof *scenario);
    struct error error = {0};
    char *json = compose(
        &(struct parts){.environment = ARRIVALS("", "{\"duration_s\": 2, \"rate\": 5, \"to\": 50},"
                                                    "{\"duration_s\": 3, \"rate\": 10}")});
    assert_int_equal(scenario_parse(scenario, json, strlen(json), "f.json", &error), STATUS_OK);
    assert_true(schedule_same(&scenario->environment.arrivals,
                              &(struct schedule_plan){{{2, 5, 50}, {3, 10, 10}}, 2, true}));
    assert_int_equal(scenario->environment.lines_max, 8);
    assert_int_equal(scenario->environment.settings.count, 1);
    free(json);
    free(scenario);
}

static void check_thresholds(void **state)
{
    (void)state;
    struct scenario *scenario = calloc(1, sizeof *scenario);
    struct error error = {0};
    char *json = compose(&(struct parts){
        .what = "\"faults\": [], \"expect\": {\"findings\": [], \"thresholds\": {\"load\": "
                "[{\"metric\": \"rate\", \"at_least\": 7}], \"coverage\": [{\"metric\": "
                "\"arrived\", \"at_least\": 1}]}}, \"healthy\": {\"thresholds\": {\"edges\": "
                "[{\"from\": \"a\", \"to\": \"b\", \"present\": false}]}}"});
    if (scenario_parse(scenario, json, strlen(json), "f.json", &error) != STATUS_OK)
        fail_msg("%s", error.text);
    const struct thresholds *step = &scenario->steps[0].thresholds, *healthy = &scenario->healthy;
    assert_int_equal(step->count, 2);
    assert_int_equal(step->items[0].kind, THRESHOLD_LOAD);
    assert_int_equal(step->items[0].load.metric, LOAD_METRIC_RATE);
    assert_true(step->items[0].limit == 7 && step->items[0].is_lower);
    assert_int_equal(step->items[1].kind, THRESHOLD_COVERAGE);
    assert_int_equal(step->items[1].line, 7);
    assert_int_equal(healthy->count, 1);
    assert_string_equal(healthy->items[0].edge.to, "b");
    free(json);
    free(scenario);
}

static void check_steps(void **state)
{
    (void)state;
    struct scenario *scenario = calloc(1, sizeof *scenario);
    struct error error = {0};
    char *json = compose(&(struct parts){
        .what = "\"steps\": [{\"title\": \"one\", \"faults\": [\"a.b\"], \"expect\": "
                "{\"findings\": []}}, {\"title\": \"two\", \"faults\": [], \"expect\": "
                "{\"findings\": []}}]"});
    assert_int_equal(scenario_parse(scenario, json, strlen(json), "f.json", &error), STATUS_OK);
    assert_true(scenario->has_steps);
    assert_int_equal(scenario->step_count, 2);
    assert_string_equal(scenario->steps[1].title, "two");
    assert_int_equal(scenario->steps[0].faults.count, 1);
    free(json);
    free(scenario);
}

/* Every prefix of a good file is an error, never a crash and never accepted. */
static void check_prefixes(void **state)
{
    (void)state;
    struct scenario *scenario = calloc(1, sizeof *scenario);
    char *json = compose(&(struct parts){0});
    size_t length = strlen(json);
    for (size_t i = 0; i < length; i++) {
        char *cut = malloc(i ? i : 1);
        memcpy(cut, json, i);
        assert_int_equal(scenario_parse(scenario, cut, i, "f.json", NULL), STATUS_INVALID);
        free(cut);
    }
    free(json);
    free(scenario);
}

struct same_row {
    const char *it;
    const char *other;
    bool same;
};

#define ENVIRONMENT(rate, max, settings)                                                           \
    "{\"rate\": " rate ", \"duration_s\": 2.5, \"cart_lines\": {\"min\": 1, \"max\": " max "}, "   \
    "\"settings\": {" settings "}}"

static const struct same_row same_rows[] = {
    {"it calls equal environments equal", ENVIRONMENT("20", "8", "\"tax.latency_ms\": 40"), true},
    {"it tells rates apart", ENVIRONMENT("21", "8", "\"tax.latency_ms\": 40"), false},
    {"it tells chance from even spacing", ARRIVALS("", "{\"duration_s\": 2.5, \"rate\": 20}"),
     false},
    {"it tells cart sizes apart", ENVIRONMENT("20", "9", "\"tax.latency_ms\": 40"), false},
    {"it tells values apart", ENVIRONMENT("20", "8", "\"tax.latency_ms\": 41"), false},
    {"it tells names apart", ENVIRONMENT("20", "8", "\"fx.latency_ms\": 40"), false},
    {"it tells more settings from fewer",
     ENVIRONMENT("20", "8", "\"tax.latency_ms\": 40, \"fx.latency_ms\": 1"), false},
};

static void check_same(void **state)
{
    const struct same_row *row = *state;
    struct scenario *two = calloc(2, sizeof *two);
    char *one = compose(&(struct parts){0});
    char *other = compose(&(struct parts){.environment = row->other});
    assert_int_equal(scenario_parse(&two[0], one, strlen(one), "a", NULL), STATUS_OK);
    assert_int_equal(scenario_parse(&two[1], other, strlen(other), "b", NULL), STATUS_OK);
    assert_int_equal(scenario_same_environment(&two[0], &two[1]), row->same);
    assert_int_equal(scenario_same_environment(&two[1], &two[0]), row->same);
    free(one);
    free(other);
    free(two);
}

int main(void)
{
    static struct rows all;
    rows_one(&all, "it reads a whole scenario", check_good);
    rows_one(&all, "it reads arrivals in stages", check_arrivals);
    rows_one(&all, "it reads thresholds of each window", check_thresholds);
    rows_one(&all, "it reads steps", check_steps);
    rows_one(&all, "it refuses every file that was cut", check_prefixes);
    ROWS(&all, wrong_rows, check_wrong);
    ROWS(&all, same_rows, check_same);
    return rows_run("scenario", &all);
}
