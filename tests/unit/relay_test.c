#include "http/relay.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/rows.h"

struct row {
    const char *it;
    enum status result;
    unsigned status;
    const char *reply;
    unsigned answer;
    const char *code, *message;
};

static const struct row rows[] = {
    {"it passes a refusal on with its words", STATUS_OK, 409,
     "{\"error\":{\"code\":\"out_of_stock\",\"message\":\"no more\"}}", 409, "out_of_stock",
     "no more"},
    {"it passes a refusal without words on", STATUS_OK, 404, NULL, 404, "refused", "refused"},
    {"it does not read words into a format", STATUS_OK, 422,
     "{\"error\":{\"code\":\"invalid\",\"message\":\"%s%n\"}}", 422, "invalid", "%s%n"},
    {"it takes a bad request for the system's own trouble", STATUS_OK, 400,
     "{\"error\":{\"code\":\"bad_request\",\"message\":\"secret\"}}", 502, "peer_failed",
     "bank answered 400"},
    {"it turns 500 into 502", STATUS_OK, 500, NULL, 502, "peer_failed", "bank answered 500"},
    {"it passes a peer's time-out on as one", STATUS_OK, 504, NULL, 504, "peer_timeout",
     "bank answered 504"},
    {"it turns a time-out into 504", STATUS_TIMEOUT, 0, NULL, 504, "peer_timeout",
     "bank: deadline passed"},
    {"it turns a refused connection into 502", STATUS_REFUSED, 0, NULL, 502, "peer_failed",
     "bank: refused"},
    {"it turns a redirect into 502", STATUS_OK, 302, NULL, 502, "peer_failed", "bank answered 302"},
};

static void check(void **state)
{
    const struct row *row = *state;
    struct response response = {.status = 200};
    struct call call = {.peer = "bank", .result = row->result, .status = row->status};
    call.reply = row->reply ? json_loads(row->reply, 0, NULL) : NULL;
    relay_reply(&response, &call);
    assert_int_equal(response.status, row->answer);
    json_t *body = json_loadb((const char *)response.body, response.body_bytes, 0, NULL);
    const json_t *error = json_object_get(body, "error");
    assert_string_equal(json_string_value(json_object_get(error, "code")), row->code);
    assert_string_equal(json_string_value(json_object_get(error, "message")), row->message);
    json_decref(body);
    json_decref(call.reply);
    free(response.body);
}

static void check_success(void **state)
{
    (void)state;
    struct response response = {.status = 200};
    struct call call = {.peer = "bank", .result = STATUS_OK, .status = 201};
    call.reply = json_pack("{s:i}", "a", 1);
    relay_reply(&response, &call);
    assert_int_equal(response.status, 201);
    assert_int_equal(response.body_bytes, strlen("{\"a\":1}"));
    assert_memory_equal(response.body, "{\"a\":1}", response.body_bytes);
    assert_null(call.reply);
    free(response.body);
}

int main(void)
{
    static struct rows all;
    ROWS(&all, rows, check);
    rows_one(&all, "it hands a peer's good answer on", check_success);
    return rows_run("relay", &all);
}
