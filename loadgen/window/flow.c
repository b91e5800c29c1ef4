#include "loadgen/window/flow.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json_reader.h"
#include "base/rng.h"

enum { QUANTITY_MAX = 5, TOKEN_MAX = 512, NONCE_MAX = 32 };

/* ---- chance */

/* A stream of its own for every flow, whatever others drew. */
static struct rng rng_of(const struct flow_shape *shape, uint64_t number)
{
    struct rng rng;
    rng_seed(&rng, shape->seed);
    rng_seed(&rng, rng_next(&rng) ^ (number + 1) * 0xd1342543de82ef95u);
    return rng;
}

/* Uniform in [0, span]. */
static unsigned draw(struct rng *rng, unsigned span)
{
    return (unsigned)rng_below(rng, (uint64_t)span + 1);
}

/* Around the median: below and above it are equally likely, and the farther the less likely, by a
 * triangle on either side. */
static unsigned draw_lines(struct rng *rng, const struct flow_shape *shape)
{
    unsigned median = shape->lines_median;
    if (median == 0)
        return shape->lines_min + draw(rng, shape->lines_max - shape->lines_min);
    bool above = draw(rng, 1);
    unsigned side = above ? shape->lines_max - median : median - shape->lines_min;
    unsigned one = draw(rng, side), other = draw(rng, side);
    unsigned distance = one < other ? one : other;
    return above ? median + distance : median - distance;
}

/* ---- bodies */

struct sku_set {
    uint64_t bits[(FLOW_SKUS_MAX + 64) / 64];
};

/* false: it was in it. */
static bool sku_set_add(struct sku_set *set, unsigned sku)
{
    uint64_t bit = 1ull << sku % 64;
    bool is_new = !(set->bits[sku / 64] & bit);
    set->bits[sku / 64] |= bit;
    return is_new;
}

/* Distinct products by Floyd's sampling: one draw a line, whatever the share of the catalogue. */
static void write_cart(const struct flow *flow, const struct flow_shape *shape, struct buffer *out)
{
    struct rng rng = rng_of(shape, flow->number);
    struct sku_set chosen = {0};
    (void)draw_lines(&rng, shape); /* so that what follows was not drawn for the count */
    buffer_append_text(out, "{\"lines\":[");
    for (unsigned i = 0; i < flow->lines; i++) {
        unsigned last = shape->sku_count - flow->lines + i;
        unsigned sku = draw(&rng, last);
        if (!sku_set_add(&chosen, sku)) {
            sku = last;
            (void)sku_set_add(&chosen, sku);
        }
        buffer_printf(out, "%s{\"sku\":\"sku-%04u\",\"quantity\":%u}", i > 0 ? "," : "", sku + 1,
                      1 + draw(&rng, QUANTITY_MAX - 1));
    }
    buffer_append_text(out, "]}");
}

static void write_checkout(const struct flow *flow, const struct flow_shape *shape,
                           struct buffer *out)
{
    buffer_printf(out,
                  "{\"cart_id\":\"%s-%" PRIu64
                  "\",\"currency\":\"EUR\",\"country\":\"DE\",\"coupon\":\"\"}",
                  shape->nonce, flow->number);
}

/* ---- answers */

static bool any_body(struct text body)
{
    (void)body;
    return true;
}

/* A JSON object with an "order_id" of its own that is a number or a text of some length. */
static bool has_order_id(struct text body)
{
    struct json_reader reader;
    bool found = false;
    json_reader_init(&reader, body.data, body.length);
    if (json_reader_next(&reader) != JSON_OBJECT_BEGIN)
        return false;
    while (json_reader_next(&reader) == JSON_KEY) {
        bool is_order_id = json_reader_is(&reader, "order_id");
        enum json_token token = json_reader_next(&reader);
        if (is_order_id)
            found = token == JSON_NUMBER || (token == JSON_STRING && reader.text.length > 0);
        if (!json_reader_skip(&reader))
            return false;
    }
    return reader.token == JSON_OBJECT_END && json_reader_next(&reader) == JSON_END && found;
}

/* ---- the steps in their order */

static const struct step {
    const char *method, *template, *span_name;
    bool path_has_cart; /* behind `path` */
    const char *path;
    bool has_key; /* an Idempotency-Key */
    unsigned expected_status;
    void (*write_body)(const struct flow *flow, const struct flow_shape *shape, struct buffer *out);
    bool (*body_is_right)(struct text body);
} steps[] = {
    [WINDOW_CART] = {"PUT", "/cart/{cart_id}", "PUT /cart/{cart_id}", true, "/cart/", false, 200,
                     write_cart, any_body},
    [WINDOW_CHECKOUT] = {"POST", "/checkout", "POST /checkout", false, "/checkout", true, 201,
                         write_checkout, has_order_id},
};

enum { STEP_COUNT = sizeof(steps) / sizeof(steps[0]) };

void flow_begin(struct flow *flow, const struct flow_shape *shape, uint64_t number)
{
    struct rng rng = rng_of(shape, number);
    *flow = (struct flow){.number = number, .lines = draw_lines(&rng, shape)};
}

const char *flow_method(const struct flow *flow)
{
    return steps[flow->step].method;
}

const char *flow_template(const struct flow *flow)
{
    return steps[flow->step].template;
}

const char *flow_span_name(const struct flow *flow)
{
    return steps[flow->step].span_name;
}

void flow_path(const struct flow *flow, const struct flow_shape *shape, char out[FLOW_PATH_MAX])
{
    const struct step *step = &steps[flow->step];
    if (step->path_has_cart)
        (void)snprintf(out, FLOW_PATH_MAX, "%s%s-%" PRIu64, step->path, shape->nonce, flow->number);
    else
        (void)snprintf(out, FLOW_PATH_MAX, "%s", step->path);
}

void flow_write(const struct flow *flow, const struct flow_shape *shape, const char *headers,
                struct buffer *scratch, struct buffer *out)
{
    const struct step *step = &steps[flow->step];
    char path[FLOW_PATH_MAX];
    flow_path(flow, shape, path);
    buffer_printf(out,
                  "%s %s HTTP/1.1\r\nHost: " FLOW_HOST "\r\nUser-Agent: culprit\r\n"
                  "Authorization: Bearer %s\r\nContent-Type: application/json\r\n",
                  step->method, path, shape->tokens[flow->number % shape->token_count]);
    buffer_append_text(out, headers);
    if (step->has_key)
        buffer_printf(out, "Idempotency-Key: %s-%" PRIu64 "\r\n", shape->nonce, flow->number);
    buffer_clear(scratch);
    step->write_body(flow, shape, scratch);
    buffer_printf(out, "Content-Length: %zu\r\n\r\n", scratch->length_bytes);
    buffer_append(out, buffer_text(scratch), scratch->length_bytes);
    if (scratch->failed != STATUS_OK)
        out->failed = scratch->failed;
}

enum load_outcome flow_judge(const struct flow *flow, unsigned http_status, struct text body)
{
    const struct step *step = &steps[flow->step];
    if (http_status != step->expected_status)
        return LOAD_STATUS;
    return step->body_is_right(body) ? LOAD_OK : LOAD_BODY;
}

bool flow_advance(struct flow *flow)
{
    if (flow->step + 1 >= STEP_COUNT)
        return false;
    flow->step++;
    return true;
}

/* ---- checks */

static bool is_visible(const char *word, size_t length_max)
{
    size_t length = 0;
    for (; word[length] != '\0'; length++)
        if (word[length] <= ' ' || word[length] > '~' || length == length_max)
            return false;
    return length > 0;
}

static bool is_path_word(const char *word, size_t length_max)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    size_t length = strlen(word);
    return length > 0 && length <= length_max && strspn(word, allowed) == length;
}

enum status flow_shape_check(const struct flow_shape *shape, struct error *error)
{
    if (shape->token_count == 0)
        return error_set(error, STATUS_INVALID, "load: no session tokens");
    for (size_t i = 0; i < shape->token_count; i++)
        if (!is_visible(shape->tokens[i], TOKEN_MAX))
            return error_set(error, STATUS_INVALID, "load: session token %zu fits no header", i);
    if (!is_path_word(shape->nonce, NONCE_MAX))
        return error_set(error, STATUS_INVALID, "load: the nonce must be 1 to %d of A-Za-z0-9_-",
                         NONCE_MAX);
    if (shape->sku_count == 0 || shape->sku_count > FLOW_SKUS_MAX)
        return error_set(error, STATUS_INVALID, "load: products must be 1 to %d", FLOW_SKUS_MAX);
    if (shape->lines_min == 0 || shape->lines_min > shape->lines_max ||
        shape->lines_max > FLOW_LINES_MAX || shape->lines_max > shape->sku_count)
        return error_set(
            error, STATUS_INVALID,
            "load: cart lines %u to %u are out of order or over %d or over %u products",
            shape->lines_min, shape->lines_max, FLOW_LINES_MAX, shape->sku_count);
    if (shape->lines_median != 0 &&
        (shape->lines_median < shape->lines_min || shape->lines_median > shape->lines_max))
        return error_set(error, STATUS_INVALID,
                         "load: the median of cart lines is not within them");
    return STATUS_OK;
}
