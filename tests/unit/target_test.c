#include "loadgen/base/target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/rows.h"

#define ENDPOINTS                                                                                  \
    "\"endpoints\": {\"frontend\": \"http://127.0.0.1:1\", \"otlp\": \"http://127.0.0.1:2\", "     \
    "\"query\": \"http://127.0.0.1:3\"}"

struct row {
    const char *it;
    const char *json;
    const char *words; /* NULL: good */
};

static const struct row rows[] = {
    {"it reads addresses and token", "{" ENDPOINTS ", \"control_token\": \"abc\"}", NULL},
    {"it passes over what it does not know",
     "{\"ready_ms\": 1.5, \"pids\": {\"a\": [1, {}]}, " ENDPOINTS ", \"control_token\": \"abc\"}",
     NULL},
    {"it names what is missing", "{\"endpoints\": {\"frontend\": \"http://x\"}}",
     ":1: key \"endpoints\": no \"otlp\" in it"},
    {"it refuses an address that is no string", "{\n\"endpoints\": {\"frontend\": 7}}",
     ":2: key \"frontend\": must be an address"},
    {"it refuses a name twice", "{\"endpoints\": {\"a\": \"x\", \"a\": \"y\"}}",
     "key \"a\": exists already"},
    {"it refuses a list", "[]", ":1: must be an object"},
    {"it refuses an empty file", "", ":1: must be an object"},
    {"it refuses half a file", "{" ENDPOINTS, ":1: "},
    {"it refuses what follows the end", "{" ENDPOINTS "} {}", ":1: "},
    {"it refuses a token that is no string", "{" ENDPOINTS ", \"control_token\": 1}",
     "key \"control_token\": must be a string"},
};

static void check(void **state)
{
    const struct row *row = *state;
    char path[] = "/tmp/culprit-target-test-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, row->json, strlen(row->json)), strlen(row->json));
    close(fd);
    struct target target;
    struct error error = {0};
    enum status status = target_read(&target, path, &error);
    unlink(path);
    if (row->words) {
        assert_int_equal(status, STATUS_INVALID);
        assert_non_null(strstr(error.text, path));
        if (!strstr(error.text, row->words))
            fail_msg("\"%s\" is not in \"%s\"", row->words, error.text);
        return;
    }
    assert_int_equal(status, STATUS_OK);
    assert_string_equal(target_find(&target, "query"), "http://127.0.0.1:3");
    assert_string_equal(target.control_token, "abc");
    assert_null(target_find(&target, "nobody"));
}

static void check_written(void **state)
{
    (void)state;
    struct target target = {.count = 0};
    struct buffer out;
    struct json_writer writer;
    assert_int_equal(target_add(&target, "frontend", "http://127.0.0.1:9"), STATUS_OK);
    buffer_init(&out, 10000);
    json_writer_init(&writer, &out, 0);
    json_begin_object(&writer);
    target_write(&target, &writer);
    json_end_object(&writer);
    assert_string_equal(
        buffer_text(&out),
        "{\"endpoints\":{\"frontend\":\"http://127.0.0.1:9\"},\"control_token\":\"\"}");
    buffer_release(&out);
}

static void check_absent(void **state)
{
    (void)state;
    struct target target;
    struct error error = {0};
    assert_int_equal(target_read(&target, "/nonexistent/target.json", &error), STATUS_NOT_FOUND);
    assert_non_null(strstr(error.text, "/nonexistent/target.json"));
}

static void check_usual(void **state)
{
    (void)state;
    struct target target;
    struct error error = {0};
    assert_int_equal(setenv("CULPRIT_CONTROL_TOKEN", "secret", 1), 0);
    assert_int_equal(target_usual(&target, &error), STATUS_OK);
    assert_string_equal(target_find(&target, "frontend"), "http://127.0.0.1:8080");
    assert_string_equal(target_find(&target, "otlp"), "http://127.0.0.1:4318");
    assert_string_equal(target_find(&target, "query"), "http://127.0.0.1:16686");
    assert_string_equal(target.control_token, "secret");
    assert_int_equal(unsetenv("CULPRIT_CONTROL_TOKEN"), 0);
}

int main(void)
{
    static struct rows all;
    ROWS(&all, rows, check);
    rows_one(&all, "it writes what it reads", check_written);
    rows_one(&all, "it knows the usual ports", check_usual);
    rows_one(&all, "it names a file that is not there", check_absent);
    return rows_run("target", &all);
}
