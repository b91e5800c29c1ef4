#include "loadgen/window/flow.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_reader.h"
#include "tests/unit/rows.h"

static const char *const tokens[] = {"alice", "bob", "carol"};

static struct flow_shape shape_of(unsigned min, unsigned max, unsigned median)
{
    return (struct flow_shape){.tokens = tokens,
                               .token_count = 3,
                               .seed = 42,
                               .nonce = "0123456789abcdef",
                               .lines_min = min,
                               .lines_max = max,
                               .lines_median = median,
                               .sku_count = 500};
}

static char *request_of(const struct flow *flow, const struct flow_shape *shape,
                        const char *headers)
{
    struct buffer out, scratch;
    size_t length;
    buffer_init(&out, 65536);
    buffer_init(&scratch, 65536);
    flow_write(flow, shape, headers, &scratch, &out);
    assert_int_equal(out.failed, STATUS_OK);
    buffer_release(&scratch);
    return (char *)buffer_take(&out, &length);
}

static void check_cart_request(void **state)
{
    (void)state;
    struct flow_shape shape = shape_of(1, 1, 0);
    struct flow flow;
    flow_begin(&flow, &shape, 7);
    char *request = request_of(&flow, &shape, "traceparent: 1\r\nother: 2\r\n");
    static const char head[] = "PUT /cart/0123456789abcdef-7 HTTP/1.1\r\n"
                               "Host: frontend\r\n"
                               "User-Agent: culprit\r\n"
                               "Authorization: Bearer bob\r\n"
                               "Content-Type: application/json\r\n"
                               "traceparent: 1\r\nother: 2\r\n"
                               "Content-Length: 43\r\n\r\n";
    assert_memory_equal(request, head, sizeof(head) - 1);
    const char *body = request + sizeof(head) - 1;
    assert_int_equal(strlen(body), 43);
    unsigned sku, quantity;
    int end = 0;
    assert_int_equal(sscanf(body, "{\"lines\":[{\"sku\":\"sku-%4u\",\"quantity\":%1u}]}%n", &sku,
                            &quantity, &end),
                     2);
    assert_int_equal(end, 43);
    assert_in_range(sku, 1, 500);
    assert_in_range(quantity, 1, 5);
    assert_string_equal(flow_span_name(&flow), "PUT /cart/{cart_id}");
    assert_string_equal(flow_method(&flow), "PUT");
    assert_string_equal(flow_template(&flow), "/cart/{cart_id}");
    free(request);
}

static void check_checkout_request(void **state)
{
    (void)state;
    struct flow_shape shape = shape_of(1, 1, 0);
    struct flow flow;
    flow_begin(&flow, &shape, 9);
    assert_true(flow_advance(&flow));
    char *request = request_of(&flow, &shape, "");
    assert_string_equal(
        request, "POST /checkout HTTP/1.1\r\n"
                 "Host: frontend\r\n"
                 "User-Agent: culprit\r\n"
                 "Authorization: Bearer alice\r\n"
                 "Content-Type: application/json\r\n"
                 "Idempotency-Key: 0123456789abcdef-9\r\n"
                 "Content-Length: 76\r\n\r\n"
                 "{\"cart_id\":\"0123456789abcdef-9\",\"currency\":\"EUR\",\"country\":\"DE\","
                 "\"coupon\":\"\"}");
    assert_string_equal(flow_span_name(&flow), "POST /checkout");
    assert_false(flow_advance(&flow));
    free(request);
}

/* The skus of a cart, each at most once; returns how many. */
static unsigned read_cart(const char *request, const struct flow_shape *shape)
{
    bool seen[FLOW_SKUS_MAX + 1] = {false};
    unsigned count = 0;
    for (const char *at = strstr(request, "\"sku-"); at; at = strstr(at + 1, "\"sku-")) {
        unsigned long sku = strtoul(at + 5, NULL, 10);
        assert_in_range(sku, 1, shape->sku_count);
        assert_false(seen[sku]);
        seen[sku] = true;
        count++;
    }
    return count;
}

struct lines_row {
    const char *it;
    unsigned min, max, median, skus;
};

static const struct lines_row lines_rows[] = {
    {"it fills carts of one line", 1, 1, 0, 500},
    {"it spreads lines evenly where no median is set", 1, 10, 0, 500},
    {"it spreads lines around a median", 1, 50, 8, 500},
    {"it spreads lines around a median at the low end", 2, 20, 2, 500},
    {"it spreads lines around a median at the high end", 2, 20, 20, 500},
    {"it fills a cart with all products", 10, 10, 0, 10},
    {"it fills the largest cart", 500, 500, 500, 500},
    {"it chooses from the largest catalogue", 100, 100, 0, 9999},
};

static void check_lines(void **state)
{
    enum { FLOWS = 400 };
    const struct lines_row *row = *state;
    struct flow_shape shape = shape_of(row->min, row->max, row->median);
    shape.sku_count = row->skus;
    assert_int_equal(flow_shape_check(&shape, NULL), STATUS_OK);
    unsigned near = 0, at_most_median = 0, at_least_median = 0, lowest = row->max, highest = 0;
    unsigned middle = row->median ? row->median : (row->min + row->max) / 2;
    for (uint64_t number = 0; number < FLOWS; number++) {
        struct flow flow;
        flow_begin(&flow, &shape, number);
        assert_in_range(flow.lines, row->min, row->max);
        at_most_median += flow.lines <= middle;
        at_least_median += flow.lines >= middle;
        unsigned side = flow.lines < middle ? middle - row->min : row->max - middle;
        unsigned distance = flow.lines < middle ? middle - flow.lines : flow.lines - middle;
        near += 2 * distance <= side;
        lowest = flow.lines < lowest ? flow.lines : lowest;
        highest = flow.lines > highest ? flow.lines : highest;
        if (number % 40 == 0) {
            char *request = request_of(&flow, &shape, "");
            assert_int_equal(read_cart(request, &shape), flow.lines);
            free(request);
        }
    }
    /* The seed is fixed: these are facts of the stream, with room of three standard deviations. */
    assert_true(at_most_median >= FLOWS / 2 - 30);
    assert_true(at_least_median >= FLOWS / 2 - 30);
    if (row->median != 0) /* three quarters of a triangle, and half of what is even */
        assert_true(near >= FLOWS * 2 / 3);
    if (row->median == 0) {
        assert_int_equal(lowest, row->min);
        assert_int_equal(highest, row->max);
    }
}

struct repeat_row {
    const char *it;
    uint64_t seed, number;
    const char *nonce;
    bool same_cart;
};

static const struct repeat_row repeat_rows[] = {
    {"it repeats a cart from its seed and number", 42, 5, "0123456789abcdef", true},
    {"it repeats the cart under another nonce", 42, 5, "fedcba9876543210", true},
    {"it fills another cart with another number", 42, 6, "0123456789abcdef", false},
    {"it fills another cart with another seed", 43, 5, "0123456789abcdef", false},
};

static void check_repeat(void **state)
{
    const struct repeat_row *row = *state;
    struct flow_shape shape = shape_of(8, 8, 0), other = shape;
    struct flow flow;
    flow_begin(&flow, &shape, 5);
    char *one = request_of(&flow, &shape, "");
    other.seed = row->seed;
    other.nonce = row->nonce;
    flow_begin(&flow, &other, row->number);
    char *two = request_of(&flow, &other, "");
    const char *cart_one = strstr(one, "\r\n\r\n"), *cart_two = strstr(two, "\r\n\r\n");
    assert_true((strcmp(cart_one, cart_two) == 0) == row->same_cart);
    assert_true((strstr(two, row->nonce) != NULL));
    free(one);
    free(two);
}

struct judge_row {
    const char *it;
    enum window_step step;
    unsigned http_status;
    const char *body;
    enum load_outcome outcome;
};

static const struct judge_row judge_rows[] = {
    {"it takes 200 for a cart", WINDOW_CART, 200, "", LOAD_OK},
    {"it wants 200 for a cart", WINDOW_CART, 201, "", LOAD_STATUS},
    {"it takes an order", WINDOW_CHECKOUT, 201, "{\"order_id\":\"o-1\"}", LOAD_OK},
    {"it takes an order with a number", WINDOW_CHECKOUT, 201, "{\"a\":{\"b\":[1]},\"order_id\":17}",
     LOAD_OK},
    {"it wants 201 for an order", WINDOW_CHECKOUT, 200, "{\"order_id\":\"o-1\"}", LOAD_STATUS},
    {"it sees an error first by its status", WINDOW_CHECKOUT, 503, "busy", LOAD_STATUS},
    {"it wants an order's id", WINDOW_CHECKOUT, 201, "{}", LOAD_BODY},
    {"it wants an order's id that says something", WINDOW_CHECKOUT, 201, "{\"order_id\":\"\"}",
     LOAD_BODY},
    {"it wants an order's id that is not null", WINDOW_CHECKOUT, 201, "{\"order_id\":null}",
     LOAD_BODY},
    {"it wants the id of this order, not of something in it", WINDOW_CHECKOUT, 201,
     "{\"a\":{\"order_id\":\"o-1\"}}", LOAD_BODY},
    {"it wants an object", WINDOW_CHECKOUT, 201, "[\"order_id\"]", LOAD_BODY},
    {"it wants whole JSON", WINDOW_CHECKOUT, 201, "{\"order_id\":\"o-1\"", LOAD_BODY},
    {"it wants nothing behind the JSON", WINDOW_CHECKOUT, 201, "{\"order_id\":\"o-1\"}}",
     LOAD_BODY},
    {"it wants a body", WINDOW_CHECKOUT, 201, "", LOAD_BODY},
};

static void check_judge(void **state)
{
    const struct judge_row *row = *state;
    struct flow flow = {.step = row->step};
    assert_int_equal(flow_judge(&flow, row->http_status, text_of(row->body)), row->outcome);
}

struct shape_row {
    const char *it;
    const char *token;
    const char *nonce;
    unsigned min, max, median, skus;
    enum status status;
};

static const struct shape_row shape_rows[] = {
    {"it takes a plain shape", "t", "n", 1, 5, 2, 500, STATUS_OK},
    {"it refuses a token with a line end", "t\r\nX: y", "n", 1, 5, 2, 500, STATUS_INVALID},
    {"it refuses an empty token", "", "n", 1, 5, 2, 500, STATUS_INVALID},
    {"it refuses an empty nonce", "t", "", 1, 5, 2, 500, STATUS_INVALID},
    {"it refuses a nonce with a slash", "t", "a/b", 1, 5, 2, 500, STATUS_INVALID},
    {"it refuses carts of no line", "t", "n", 0, 5, 2, 500, STATUS_INVALID},
    {"it refuses limits out of order", "t", "n", 6, 5, 0, 500, STATUS_INVALID},
    {"it refuses carts over the limit", "t", "n", 1, 501, 0, 1000, STATUS_INVALID},
    {"it refuses carts over the catalogue", "t", "n", 1, 6, 0, 5, STATUS_INVALID},
    {"it refuses a median below the limits", "t", "n", 3, 5, 2, 500, STATUS_INVALID},
    {"it refuses a median above the limits", "t", "n", 3, 5, 6, 500, STATUS_INVALID},
    {"it refuses an empty catalogue", "t", "n", 1, 5, 2, 0, STATUS_INVALID},
    {"it refuses a catalogue over four digits", "t", "n", 1, 5, 2, 10000, STATUS_INVALID},
};

static void check_shape(void **state)
{
    const struct shape_row *row = *state;
    struct flow_shape shape = shape_of(row->min, row->max, row->median);
    struct error error = {0};
    shape.tokens = &row->token;
    shape.token_count = 1;
    shape.nonce = row->nonce;
    shape.sku_count = row->skus;
    assert_int_equal(flow_shape_check(&shape, &error), row->status);
    assert_int_equal(error.text[0] != '\0', row->status != STATUS_OK);
}

static void check_users(void **state)
{
    (void)state;
    struct flow_shape shape = shape_of(1, 1, 0);
    for (uint64_t number = 0; number < 6; number++) {
        struct flow flow;
        char expected[64];
        flow_begin(&flow, &shape, number);
        snprintf(expected, sizeof(expected), "Authorization: Bearer %s\r\n", tokens[number % 3]);
        char *request = request_of(&flow, &shape, "");
        assert_non_null(strstr(request, expected));
        free(request);
    }
}

static void check_small_buffer(void **state)
{
    (void)state;
    struct flow_shape shape = shape_of(100, 100, 0);
    struct flow flow;
    struct buffer out, scratch;
    flow_begin(&flow, &shape, 1);
    buffer_init(&out, 65536);
    buffer_init(&scratch, 1000);
    flow_write(&flow, &shape, "", &scratch, &out);
    assert_int_equal(out.failed, STATUS_TOO_LARGE);
    buffer_release(&scratch);
    buffer_release(&out);
}

int main(void)
{
    struct rows all = {0};
    rows_one(&all, "it asks for a cart to be filled", check_cart_request);
    rows_one(&all, "it asks for the cart to be bought, with a key", check_checkout_request);
    rows_one(&all, "it takes users in turn", check_users);
    rows_one(&all, "it says so when a body is over the limit", check_small_buffer);
    ROWS(&all, lines_rows, check_lines);
    ROWS(&all, repeat_rows, check_repeat);
    ROWS(&all, judge_rows, check_judge);
    ROWS(&all, shape_rows, check_shape);
    return rows_run("flow", &all);
}
