/* What a cart costs in the customer's currency, in whole minor units. Six outside quotes are needed
 * and none of them needs another, so they are asked for side by side. */
#include <stdio.h>

#include "http/relay.h"
#include "http/service.h"
#include "http/validate.h"
#include "services/shop.h"

enum { ROW_SEQUENTIAL_CALLS };

static const struct fault_row rows[] = {
    [ROW_SEQUENTIAL_CALLS] = {.name = "sequential_calls",
                              .type = FAULT_FLAG,
                              .stands_for = "calls that do not need each other are made one after "
                                            "another, as a plain loop does it",
                              .trace_shows = "the partners' client spans form a staircase; the "
                                             "parent takes as long as all of them together"},
};

enum { QUOTE_TIMEOUT_MS = 5000, QUERY_VALUE_MAX = 3 * SHOP_TEXT_MAX };

struct cart_line {
    int64_t quantity, unit_price_minor, weight_g;
};

static const struct validate_field line_fields[] = {
    VALIDATE_FIELD(struct cart_line, quantity, VALIDATE_I64, 1, SHOP_QUANTITY_MAX),
    VALIDATE_FIELD(struct cart_line, unit_price_minor, VALIDATE_I64, 1, SHOP_PRICE_MAX),
    VALIDATE_FIELD(struct cart_line, weight_g, VALIDATE_I64, 1, SHOP_WEIGHT_MAX_G),
};

struct quote_body {
    const char *user_id, *currency, *country, *coupon;
    json_t *lines;
};

static const struct validate_field quote_fields[] = {
    VALIDATE_FIELD(struct quote_body, user_id, VALIDATE_NAME, 1, SHOP_ID_MAX),
    VALIDATE_FIELD(struct quote_body, currency, VALIDATE_UPPER, 3, 3),
    VALIDATE_FIELD(struct quote_body, country, VALIDATE_UPPER, 2, 2),
    VALIDATE_OPTIONAL(struct quote_body, coupon, VALIDATE_TEXT, 0, SHOP_ID_MAX),
    VALIDATE_FIELD(struct quote_body, lines, VALIDATE_ARRAY, 1, SHOP_LINES_MAX),
};

struct sums {
    int64_t subtotal_minor, weight_g;
};

/* ---- the six quotes */

enum quote { QUOTE_VAT, QUOTE_DUTY, QUOTE_RATE, QUOTE_FEE, QUOTE_COUPON, QUOTE_LOYALTY, QUOTES };

struct quotes {
    struct call calls[QUOTES];
    char paths[QUOTES][QUERY_VALUE_MAX + 64];
    int64_t values[QUOTES];
};

static const struct quote_row {
    const char *peer, *path_template;
    const char *field; /* of the answer */
    int64_t highest;   /* what an answer may say */
} quote_rows[QUOTES] = {
    [QUOTE_VAT] = {"tax", "/vat", "rate_ppm", 1000000},
    [QUOTE_DUTY] = {"tax", "/duty", "duty_minor", SHOP_TOTAL_MAX / 1000},
    [QUOTE_RATE] = {"fx", "/rate", "rate_ppm", 100000000},
    [QUOTE_FEE] = {"fx", "/fee", "fee_ppm", 1000000},
    [QUOTE_COUPON] = {"promo", "/coupon", "discount_ppm", 500000},
    [QUOTE_LOYALTY] = {"promo", "/loyalty", "discount_ppm", 500000},
};

static void write_paths(struct quotes *quotes, const struct quote_body *body,
                        const struct sums *sums)
{
    const size_t size = sizeof quotes->paths[0];
    char coupon[QUERY_VALUE_MAX + 1] = "";
    char user[QUERY_VALUE_MAX + 1] = "";
    /* Both were checked to be short enough for their escaped forms. */
    (void)client_escape(body->coupon, coupon, sizeof coupon);
    (void)client_escape(body->user_id, user, sizeof user);
    snprintf(quotes->paths[QUOTE_VAT], size, "/vat?country=%s", body->country);
    snprintf(quotes->paths[QUOTE_DUTY], size, "/duty?country=%s&weight_g=%lld", body->country,
             (long long)sums->weight_g);
    snprintf(quotes->paths[QUOTE_RATE], size, "/rate?from=EUR&to=%s", body->currency);
    snprintf(quotes->paths[QUOTE_FEE], size, "/fee?currency=%s", body->currency);
    snprintf(quotes->paths[QUOTE_COUPON], size, "/coupon?code=%s", coupon);
    snprintf(quotes->paths[QUOTE_LOYALTY], size, "/loyalty?user_id=%s", user);
}

static void prepare(struct quotes *quotes, const struct quote_body *body, const struct sums *sums)
{
    write_paths(quotes, body, sums);
    for (size_t i = 0; i < QUOTES; i++) {
        quotes->calls[i] = (struct call){.peer = quote_rows[i].peer,
                                         .method = "GET",
                                         .path_template = quote_rows[i].path_template,
                                         .path = quotes->paths[i],
                                         .timeout_ms = QUOTE_TIMEOUT_MS};
    }
}

/* The good way. */
static void ask_side_by_side(const struct work *work, struct quotes *quotes)
{
    client_call_all(work, quotes->calls, QUOTES);
}

/* The bad way: no call needs what the one before it brought. */
static void ask_one_after_another(const struct work *work, struct quotes *quotes)
{
    for (size_t i = 0; i < QUOTES; i++) {
        client_call(work, &quotes->calls[i]);
    }
}

/* A partner's "unknown country" is the customer's mistake, whatever the partner calls it. */
static void answer_unquoted(struct response *response, struct call *call)
{
    if (call->result == STATUS_OK && call->status == 404) {
        call->status = 422;
    }
    relay_failure(response, call);
}

static bool read_quotes(struct quotes *quotes, struct response *response)
{
    for (size_t i = 0; i < QUOTES; i++) {
        struct call *call = &quotes->calls[i];
        const struct quote_row *row = &quote_rows[i];
        const json_t *value = json_object_get(call->reply, row->field);
        if (!call_succeeded(call)) {
            answer_unquoted(response, call);
            return false;
        }
        quotes->values[i] = json_integer_value(value);
        if (!json_is_integer(value) || quotes->values[i] < 0 || quotes->values[i] > row->highest) {
            response_error(response, 502, "peer_failed", "%s: no usable \"%s\"", row->peer,
                           row->field);
            return false;
        }
    }
    return true;
}

/* ---- arithmetic */

enum { MILLION = 1000000 };

/* amount * ppm / 1,000,000, rounded half up; no overflow for amounts up to SHOP_TOTAL_MAX. */
static int64_t share(int64_t amount, int64_t ppm)
{
    return amount / MILLION * ppm + (amount % MILLION * ppm + MILLION / 2) / MILLION;
}

static bool add_lines(const json_t *array, struct sums *sums, struct response *response)
{
    struct cart_line lines[SHOP_LINES_MAX];
    struct error error = {0};
    if (validate_items(array, line_fields, COUNT_OF(line_fields), lines, sizeof lines[0], &error) !=
        STATUS_OK) {
        response_error(response, 422, "invalid", "\"lines\": %s", error.text);
        return false;
    }
    *sums = (struct sums){0};
    for (size_t i = 0; i < json_array_size(array); i++) {
        sums->subtotal_minor += lines[i].quantity * lines[i].unit_price_minor;
        sums->weight_g += lines[i].quantity * lines[i].weight_g;
    }
    return true;
}

/* Discounts come off first, then value-added tax on what is left, then duty; all of it is changed
 * into the customer's currency at the end, with the dealer's fee on top. */
static json_t *total(const struct sums *sums, const int64_t values[QUOTES], const char *currency)
{
    int64_t discount = share(sums->subtotal_minor, values[QUOTE_COUPON] + values[QUOTE_LOYALTY]);
    int64_t net = sums->subtotal_minor - discount;
    int64_t vat = share(net, values[QUOTE_VAT]);
    int64_t euros = net + vat + values[QUOTE_DUTY];
    int64_t changed = share(euros, values[QUOTE_RATE]);
    int64_t fee = share(changed, values[QUOTE_FEE]);
    json_int_t sum = changed + fee;
    return json_pack("{s:I, s:s, s:I, s:I, s:I, s:I, s:I, s:I}", "total_minor", sum, "currency",
                     currency, "subtotal_minor", (json_int_t)sums->subtotal_minor, "discount_minor",
                     (json_int_t)discount, "vat_minor", (json_int_t)vat, "duty_minor",
                     (json_int_t)values[QUOTE_DUTY], "fee_minor", (json_int_t)fee, "weight_g",
                     (json_int_t)sums->weight_g);
}

/* ---- route */

static void post_quote(struct request *request, struct response *response)
{
    struct quote_body body = {.coupon = ""};
    struct quotes quotes;
    struct sums sums;
    if (!validate_body(request, response, quote_fields, COUNT_OF(quote_fields), &body) ||
        !add_lines(body.lines, &sums, response)) {
        return;
    }
    prepare(&quotes, &body, &sums);
    if (fault_is_on(&request->work.faults, ROW_SEQUENTIAL_CALLS)) {
        ask_one_after_another(&request->work, &quotes);
    } else {
        ask_side_by_side(&request->work, &quotes);
    }
    if (read_quotes(&quotes, response)) {
        response_json(response, 200, total(&sums, quotes.values, body.currency));
    }
    call_release_all(quotes.calls, QUOTES);
}

static const struct server_route routes[] = {
    {.method = "POST", .path = "/quotes", .handle = post_quote},
};

int main(int argc, char **argv)
{
    return service_main(&(struct service){.name = "pricing",
                                          .routes = routes,
                                          .route_count = COUNT_OF(routes),
                                          .faults = rows,
                                          .fault_count = COUNT_OF(rows)},
                        argc, argv);
}
