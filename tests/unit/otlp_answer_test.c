/* What a receiver says of a batch. */
#include "rows.h"

#include <string.h>

#include "trace/otlp_answer.h"

struct row {
    const char *it;
    bool json, failure;
    struct text body;
    uint64_t rejected;
    const char *message;
};

#define BODY(literal) TEXT_CONSTANT(literal)

static const struct row rows[] = {
    {"it takes nothing as success", false, false, BODY(""), 0, ""},
    {"it takes nothing as success, in JSON too", true, false, BODY(""), 0, ""},
    {"it takes an empty object as success", true, false, BODY("{}"), 0, ""},
    {"it reads what was rejected", false, false, BODY("\x0a\x08\x08\x04\x12\x04some"), 4, "some"},
    {"it reads a warning", false, false, BODY("\x0a\x06\x12\x04some"), 0, "some"},
    {"it takes a negative count as none", false, false,
     BODY("\x0a\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), 0, ""},
    {"it reads JSON with text", true, false,
     BODY("{\"partialSuccess\":{\"rejectedSpans\":\"4\",\"errorMessage\":\"so\\u006de\"}}"), 4,
     "some"},
    {"it reads JSON with a number", true, false,
     BODY("{\"partialSuccess\":{\"errorMessage\":\"a\",\"rejectedSpans\":4}}"), 4, "a"},
    {"it reads JSON of logs", true, false,
     BODY("{\"partialSuccess\":{\"rejectedLogRecords\":\"2\"}}"), 2, ""},
    {"it reads over what it does not know", true, false,
     BODY("{\"a\":[{}],\"partialSuccess\":{\"b\":{\"rejectedSpans\":1},\"rejectedSpans\":\"4\"}}"),
     4, ""},
    {"it is not misled by another object", true, false, BODY("{\"a\":{\"rejectedSpans\":\"4\"}}"),
     0, ""},
    {"it bears another type", true, false,
     BODY("{\"partialSuccess\":{\"rejectedSpans\":{},\"errorMessage\":[1]}}"), 0, ""},
    {"it bears a list", true, false, BODY("{\"partialSuccess\":[4]}"), 0, ""},
    {"it bears what is no JSON", true, false, BODY("<html>"), 0, ""},
    {"it bears what is cut", true, false, BODY("{\"partialSuccess\":{\"rejectedSpans\":\"4\""), 4,
     ""},
    {"it bears what is no protobuf", false, false, BODY("<html>"), 0, ""},
    {"it leaves bad UTF-8 out", false, false, BODY("\x0a\x05\x12\x03so\xff"), 0, "so"},
    {"it reads why a batch failed", false, true, BODY("\x08\x03\x12\x03why"), 0, "why"},
    {"it reads why a batch failed, in JSON", true, true, BODY("{\"code\":3,\"message\":\"why\"}"),
     0, "why"},
    {"it reads no web page", false, true, BODY("<html>Bad gateway</html>"), 0, ""},
};

static void reads(void **state)
{
    const struct row *row = *state;
    struct otlp_answer answer = row->failure ? otlp_answer_of_failure(row->body, row->json)
                                             : otlp_answer_of_success(row->body, row->json);
    assert_int_equal(answer.rejected, row->rejected);
    assert_string_equal(answer.message, row->message);
}

static void cuts(void **state)
{
    (void)state;
    char body[1024] = "\x12\xb0\x02"; /* 304 bytes */
    for (size_t i = 3; i < 307; i += 2)
        memcpy(body + i, "\xc3\xa4", 2);
    struct otlp_answer answer = otlp_answer_of_failure((struct text){body, 307}, false);
    assert_int_equal(strlen(answer.message), 254); /* whole characters alone */
}

int main(void)
{
    static struct rows all;
    ROWS(&all, rows, reads);
    rows_one(&all, "it cuts long words between characters", cuts);
    return rows_run("otlp_answer", &all);
}
