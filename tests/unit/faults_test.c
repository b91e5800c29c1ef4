#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/faults.h"
#include "tests/unit/rows.h"

enum { FLAG, NUMBER, WORD, LATENCY, ROUND_TRIP };

static const struct fault_row table[] = {
    [FLAG] = {.name = "flag", .type = FAULT_FLAG},
    [NUMBER] = {.name = "number", .type = FAULT_NUMBER, .lowest = 1, .highest = 50, .when_on = 40},
    [WORD] = {.name = "word", .type = FAULT_WORD, .word_when_on = "usual"},
    [LATENCY] =
        {.name = "latency", .type = FAULT_NUMBER, .environment = true, .highest = 100, .usual = 7},
};

/* "flag number word latency round_trip" of a snapshot; a dash is what is off. */
static void summarize(struct faults *faults, char *out, size_t size)
{
    struct fault_values now;
    char number[24] = "-";
    faults_snapshot(faults, &now);
    if (fault_is_on(&now, NUMBER))
        snprintf(number, sizeof number, "%lld", (long long)fault_number(&now, NUMBER));
    snprintf(out, size, "%s %s %s %lld %u", fault_is_on(&now, FLAG) ? "on" : "-", number,
             fault_is_on(&now, WORD) ? now.rows[WORD].word : "-",
             (long long)fault_number(&now, LATENCY), now.database_round_trip_us);
}

/* ---- from the environment */

struct start_row {
    const char *it;
    const char *faults, *environment;
    const char *values; /* NULL: refused */
    const char *words;
};

static const struct start_row start_rows[] = {
    {"it starts with all off", NULL, NULL, "- - - 7 0", NULL},
    {"it takes empty variables for none", "", "", "- - - 7 0", NULL},
    {"it switches a flag on by its name", "s.flag", NULL, "on - - 7 0", NULL},
    {"it gives a number its usual value", "s.number", NULL, "- 40 - 7 0", NULL},
    {"it gives a word its usual value", "s.word", NULL, "- - usual 7 0", NULL},
    {"it takes values", "s.number=3, s.word=other ,s.flag=true", NULL, "on 3 other 7 0", NULL},
    {"it takes false for off", "s.flag=false", NULL, "- - - 7 0", NULL},
    {"it passes over other services", "t.nothing=1,s.flag", NULL, "on - - 7 0", NULL},
    {"it sets the environment", NULL, "s.latency=9,s.database_round_trip_us=250", "- - - 9 250",
     NULL},
    {"it refuses a fault that it does not know", "s.nothing", NULL, NULL, "no fault \"nothing\""},
    {"it refuses an environment row as a fault", "s.latency=9", NULL, NULL, "no fault"},
    {"it refuses a fault as environment", NULL, "s.flag", NULL, "no environment setting"},
    {"it refuses a number above its highest", "s.number=51", NULL, NULL, "from 1 to 50"},
    {"it refuses a number below its lowest", "s.number=0", NULL, NULL, "from 1 to 50"},
    {"it refuses words in place of numbers", "s.number=many", NULL, NULL, "from 1 to 50"},
    {"it refuses numbers in place of flags", "s.flag=3", NULL, NULL, "true or false"},
    {"it refuses an empty word", "s.word=", NULL, NULL, "a word"},
    {"it refuses a word that is too long",
     "s.word=0123456789012345678901234567890123456789012345678", NULL, NULL, "1 to 47"},
    {"it refuses an entry without a service", "flag", NULL, NULL, "SERVICE.NAME"},
    {"it refuses an environment without a value", NULL, "s.latency", NULL, "from 0 to 100"},
};

static void set_or_unset(const char *name, const char *value)
{
    if (value)
        setenv(name, value, 1);
    else
        unsetenv(name);
}

static void check_start(void **state)
{
    const struct start_row *row = *state;
    struct faults *faults = NULL;
    struct error error = {""};
    char values[256];
    set_or_unset("CULPRIT_FAULTS", row->faults);
    set_or_unset("CULPRIT_ENVIRONMENT", row->environment);
    enum status status =
        faults_new(&faults, "s", table, sizeof table / sizeof table[0], true, &error);
    unsetenv("CULPRIT_FAULTS");
    unsetenv("CULPRIT_ENVIRONMENT");
    assert_int_equal(status, row->values ? STATUS_OK : STATUS_INVALID);
    if (row->values) {
        summarize(faults, values, sizeof values);
        assert_string_equal(values, row->values);
    } else {
        assert_null(faults);
        if (strstr(error.text, row->words) == NULL)
            fail_msg("\"%s\" is not in \"%s\"", row->words, error.text);
    }
    faults_free(faults);
}

/* ---- while it runs: from flag on, number 2, latency 8 */

struct replace_row {
    const char *it;
    const char *document;
    const char *values;
    const char *words; /* NULL: taken */
};

#define AS_BEFORE "on 2 - 8 0"

static const struct replace_row replace_rows[] = {
    {"it changes nothing for an empty document", "{}", AS_BEFORE, NULL},
    {"it resets what a class does not name", "{\"faults\":{\"word\":\"w\"}}", "- - w 8 0", NULL},
    {"it leaves the other class alone", "{\"environment\":{}}", "on 2 - 7 0", NULL},
    {"it replaces both classes", "{\"faults\":{},\"environment\":{\"latency\":1}}", "- - - 1 0",
     NULL},
    {"it resets by null", "{\"faults\":{\"flag\":null,\"number\":3}}", "- 3 - 8 0", NULL},
    {"it switches on by true", "{\"faults\":{\"number\":true,\"word\":true}}", "- 40 usual 8 0",
     NULL},
    {"it switches off by false", "{\"faults\":{\"number\":false}}", "- - - 8 0", NULL},
    {"it sets the round trip", "{\"environment\":{\"database_round_trip_us\":900}}", "on 2 - 7 900",
     NULL},
    {"it refuses an unknown class", "{\"fault\":{}}", AS_BEFORE, "unknown key \"fault\""},
    {"it refuses an unknown fault", "{\"faults\":{\"nix\":1}}", AS_BEFORE, "no fault \"nix\""},
    {"it changes nothing when a later value is bad",
     "{\"environment\":{\"latency\":5},\"faults\":{\"number\":99}}", AS_BEFORE, "from 1 to 50"},
    {"it refuses a fraction", "{\"faults\":{\"number\":2.5}}", AS_BEFORE, "whole number"},
    {"it refuses a text for a number", "{\"faults\":{\"number\":\"2\"}}", AS_BEFORE,
     "whole number"},
    {"it refuses a number for a flag", "{\"faults\":{\"flag\":1}}", AS_BEFORE, "true or false"},
    {"it refuses true for an environment", "{\"environment\":{\"latency\":true}}", AS_BEFORE,
     "from 0 to 100"},
    {"it refuses false for an environment", "{\"environment\":{\"latency\":false}}", AS_BEFORE,
     "from 0 to 100"},
    {"it refuses control characters in a word", "{\"faults\":{\"word\":\"a\\nb\"}}", AS_BEFORE,
     "a word"},
    {"it refuses NUL in a word", "{\"faults\":{\"word\":\"a\\u0000b\"}}", AS_BEFORE, "a word"},
    {"it refuses a class that is no object", "{\"faults\":[]}", AS_BEFORE, "must be an object"},
    {"it refuses an array", "[]", AS_BEFORE, "object"},
};

static void check_replace(void **state)
{
    const struct replace_row *row = *state;
    struct faults *faults = NULL;
    struct error error = {""};
    char values[256];
    setenv("CULPRIT_FAULTS", "s.flag,s.number=2", 1);
    setenv("CULPRIT_ENVIRONMENT", "s.latency=8", 1);
    assert_int_equal(faults_new(&faults, "s", table, sizeof table / sizeof table[0], true, &error),
                     STATUS_OK);
    unsetenv("CULPRIT_FAULTS");
    unsetenv("CULPRIT_ENVIRONMENT");
    json_t *document = json_loads(row->document, JSON_ALLOW_NUL, NULL);
    assert_non_null(document);
    assert_int_equal(faults_replace(faults, document, &error),
                     row->words ? STATUS_INVALID : STATUS_OK);
    json_decref(document);
    summarize(faults, values, sizeof values);
    assert_string_equal(values, row->values);
    if (row->words && strstr(error.text, row->words) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", row->words, error.text);
    faults_free(faults);
}

static void describes_the_table(void **state)
{
    struct faults *faults = NULL;
    (void)state;
    assert_int_equal(faults_new(&faults, "s", table, sizeof table / sizeof table[0], true, NULL),
                     STATUS_OK);
    json_t *all = faults_describe(faults);
    json_t *rows = json_object_get(all, "rows");
    assert_string_equal(json_string_value(json_object_get(all, "service")), "s");
    assert_int_equal(json_array_size(rows), 5);
    json_t *number = json_array_get(rows, NUMBER), *round_trip = json_array_get(rows, ROUND_TRIP);
    assert_true(json_is_false(json_object_get(number, "value")));
    assert_int_equal(json_integer_value(json_object_get(number, "highest")), 50);
    assert_string_equal(json_string_value(json_object_get(number, "type")), "number");
    assert_true(json_is_true(json_object_get(round_trip, "environment")));
    assert_int_equal(json_integer_value(json_object_get(round_trip, "value")), 0);
    json_decref(all);
    faults_free(faults);
}

static void has_no_round_trip_without_a_database(void **state)
{
    struct faults *faults = NULL;
    struct fault_values now;
    (void)state;
    assert_int_equal(faults_new(&faults, "s", NULL, 0, false, NULL), STATUS_OK);
    json_t *all = faults_describe(faults);
    assert_int_equal(json_array_size(json_object_get(all, "rows")), 0);
    faults_snapshot(faults, &now);
    assert_int_equal(now.database_round_trip_us, 0);
    assert_false(fault_word_is(&now, 0, ""));
    json_decref(all);
    faults_free(faults);
}

int main(void)
{
    struct rows all = {.count = 0};
    ROWS(&all, start_rows, check_start);
    ROWS(&all, replace_rows, check_replace);
    rows_one(&all, "it describes the table", describes_the_table);
    rows_one(&all, "it has no round trip without a database", has_no_round_trip_without_a_database);
    return rows_run("faults", &all);
}
