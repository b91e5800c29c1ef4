/* Turns a cart into an order: a table of steps, each of which needs what the ones before it
 * brought. Every service behind it knows the operation by one id, "{user}.{key}", and does its part
 * once. When a step fails, what the others did is taken back, unless it is an order already. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "http/keylock.h"
#include "http/relay.h"
#include "http/service.h"
#include "http/validate.h"
#include "services/checkout/lines.h"
#include "services/shop.h"

enum { ROW_LOST_CONTEXT };

static const struct fault_row rows[] = {
    [ROW_LOST_CONTEXT] = {.name = "lost_context",
                          .type = FAULT_WORD,
                          .word_when_on = "payment",
                          .stands_for = "calls to one peer are made by a client that does not pass "
                                        "the trace's context on",
                          .trace_shows = "the peer's spans make a trace of their own; the client "
                                         "span that called it has nothing below it"},
};

enum {
    CHECKOUTS_AT_ONCE = 512,
    UNDO_TIME_MS = 3000, /* of a request's time: kept for taking back */
};

struct checkout_body {
    const char *user_id, *cart_id, *currency, *country, *coupon;
};

static const struct validate_field checkout_fields[] = {
    VALIDATE_FIELD(struct checkout_body, user_id, VALIDATE_NAME, 1, SHOP_ID_MAX),
    VALIDATE_FIELD(struct checkout_body, cart_id, VALIDATE_NAME, 1, SHOP_ID_MAX),
    VALIDATE_FIELD(struct checkout_body, currency, VALIDATE_UPPER, 3, 3),
    VALIDATE_FIELD(struct checkout_body, country, VALIDATE_UPPER, 2, 2),
    VALIDATE_OPTIONAL(struct checkout_body, coupon, VALIDATE_TEXT, 0, SHOP_ID_MAX),
};

/* One checkout under way. */
struct flow {
    struct work work; /* its deadline leaves time for taking back */
    struct response *response;
    struct checkout_body body;
    char operation_id[SHOP_OPERATION_MAX + 1];
    json_t *cart_lines; /* sku, quantity, name, unit_price_minor, weight_g */
    json_t *lines;      /* what is reserved: sku, quantity, unit_price_minor, weight_g */
    int64_t total_minor, weight_g;
    char tracking[SHOP_ID_MAX + 1];
    /* What may have happened elsewhere. */
    bool reserved, reserved_before, charged, ordered;
};

/* ---- calls */

static void call_all(const struct work *work, struct call *calls, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        calls[i].drop_context = fault_word_is(&work->faults, ROW_LOST_CONTEXT, calls[i].peer);
    }
    client_call_all(work, calls, count);
}

/* Does the call; false: the answer to the customer is set. */
static bool ask(struct flow *flow, struct call *call)
{
    call_all(&flow->work, call, 1);
    if (!call_succeeded(call)) {
        relay_failure(flow->response, call);
    }
    return call_succeeded(call);
}

/* The peer may have done its part, even if its answer is bad or never came. */
static bool may_have_happened(const struct call *call)
{
    return call->sent && !relay_is_refusal(call);
}

/* Fields of an answer that the flow needs; false: the answer to the customer is set. */
static bool take_reply(struct flow *flow, const struct call *call,
                       const struct validate_field *fields, size_t count, void *out)
{
    struct error error = {0};
    if (validate_object(call->reply, fields, count, out, &error) != STATUS_OK) {
        response_error(flow->response, 502, "peer_failed", "%s: %s", call->peer, error.text);
        return false;
    }
    return true;
}

/* Every peer knows the operation by its key and does its part once. Takes the body over: finish()
 * frees it. */
static struct call post(const struct flow *flow, const char *peer, const char *path, json_t *body)
{
    return (struct call){.peer = peer,
                         .method = "POST",
                         .path_template = path,
                         .idempotency_key = flow->operation_id,
                         .body = body};
}

static void finish(struct call *call)
{
    json_decref(call->body);
    call_release(call);
}

/* ---- steps */

struct lines_reply {
    json_t *lines;
};

static const struct validate_field lines_fields[] = {
    VALIDATE_FIELD(struct lines_reply, lines, VALIDATE_ARRAY, 0, SHOP_LINES_MAX),
};

static bool fetch_cart(struct flow *flow)
{
    char path[3 * SHOP_ID_MAX];
    struct lines_reply reply = {0};
    snprintf(path, sizeof path, "/carts/%s?user_id=%s", flow->body.cart_id, flow->body.user_id);
    struct call call = {
        .peer = "cart", .method = "GET", .path_template = "/carts/{cart_id}", .path = path};
    bool good =
        ask(flow, &call) && take_reply(flow, &call, lines_fields, COUNT_OF(lines_fields), &reply);
    if (good && json_array_size(reply.lines) == 0) {
        response_error(flow->response, 422, "empty_cart", "there is nothing in this cart");
        good = false;
    }
    flow->cart_lines = good ? json_incref(reply.lines) : NULL;
    call_release(&call);
    return good;
}

static bool reserve(struct flow *flow)
{
    struct lines_reply reply = {0};
    struct call call = post(
        flow, "inventory", "/reservations",
        json_pack("{s:s, s:O}", "reservation_id", flow->operation_id, "lines", flow->cart_lines));
    bool good = ask(flow, &call);
    flow->reserved = may_have_happened(&call);
    flow->reserved_before = good && call.status == 200;
    good = good && take_reply(flow, &call, lines_fields, COUNT_OF(lines_fields), &reply);
    if (good) {
        flow->lines = lines_price(reply.lines, flow->cart_lines);
        good = flow->lines != NULL;
    }
    if (!good && call_succeeded(&call)) {
        response_error(flow->response, 502, "peer_failed", "inventory reserved something else");
    }
    finish(&call);
    return good;
}

static const struct validate_field quote_fields[] = {
    VALIDATE_FIELD(struct flow, total_minor, VALIDATE_I64, 0, SHOP_TOTAL_MAX),
    VALIDATE_FIELD(struct flow, weight_g, VALIDATE_I64, 1, SHOP_CART_WEIGHT_MAX_G),
};

static bool price(struct flow *flow)
{
    struct call call =
        post(flow, "pricing", "/quotes",
             json_pack("{s:s, s:s, s:s, s:s, s:O}", "user_id", flow->body.user_id, "currency",
                       flow->body.currency, "country", flow->body.country, "coupon",
                       flow->body.coupon, "lines", flow->lines));
    bool good =
        ask(flow, &call) && take_reply(flow, &call, quote_fields, COUNT_OF(quote_fields), flow);
    finish(&call);
    return good;
}

static struct call score_call(const struct flow *flow)
{
    return post(flow, "fraud", "/scores",
                json_pack("{s:s, s:s, s:I}", "operation_id", flow->operation_id, "user_id",
                          flow->body.user_id, "total_minor", (json_int_t)flow->total_minor));
}

static struct call shipment_call(const struct flow *flow)
{
    return post(flow, "shipping", "/shipments",
                json_pack("{s:s, s:s, s:s, s:I, s:I}", "operation_id", flow->operation_id,
                          "country", flow->body.country, "currency", flow->body.currency,
                          "weight_g", (json_int_t)flow->weight_g, "total_minor",
                          (json_int_t)flow->total_minor));
}

static bool take_score(struct flow *flow, const struct call *call)
{
    if (!json_is_true(json_object_get(call->reply, "accepted"))) {
        response_error(flow->response, 402, "declined", "the order was declined");
        return false;
    }
    return true;
}

static bool take_label(struct flow *flow, const struct call *call)
{
    const char *tracking = json_string_value(json_object_get(call->reply, "tracking"));
    if (!tracking || strlen(tracking) > SHOP_ID_MAX) {
        response_error(flow->response, 502, "peer_failed", "shipping gave no label");
        return false;
    }
    text_copy(text_of(tracking), flow->tracking, sizeof flow->tracking);
    return true;
}

/* Both need the total and neither needs the other. */
static bool assess_and_ship(struct flow *flow)
{
    struct call calls[] = {score_call(flow), shipment_call(flow)};
    bool good = true;
    call_all(&flow->work, calls, COUNT_OF(calls));
    for (size_t i = 0; i < COUNT_OF(calls) && good; i++) {
        good = call_succeeded(&calls[i]);
        if (!good) {
            relay_failure(flow->response, &calls[i]);
        }
    }
    good = good && take_score(flow, &calls[0]) && take_label(flow, &calls[1]);
    for (size_t i = 0; i < COUNT_OF(calls); i++) {
        finish(&calls[i]);
    }
    return good;
}

static bool pay(struct flow *flow)
{
    struct call call =
        post(flow, "payment", "/payments",
             json_pack("{s:s, s:I, s:s}", "operation_id", flow->operation_id, "amount_minor",
                       (json_int_t)flow->total_minor, "currency", flow->body.currency));
    bool good = ask(flow, &call);
    flow->charged = may_have_happened(&call);
    finish(&call);
    return good;
}

static void answer_order(struct flow *flow, unsigned code, const json_t *order)
{
    response_json(flow->response, code,
                  json_pack("{s:O?, s:O?, s:O?, s:O?}", "order_id",
                            json_object_get(order, "order_id"), "total_minor",
                            json_object_get(order, "total_minor"), "currency",
                            json_object_get(order, "currency"), "tracking",
                            json_object_get(order, "tracking")));
}

static bool place_order(struct flow *flow)
{
    struct call call =
        post(flow, "orders", "/orders",
             json_pack("{s:s, s:s, s:I, s:s, s:s, s:s, s:O}", "operation_id", flow->operation_id,
                       "user_id", flow->body.user_id, "total_minor", (json_int_t)flow->total_minor,
                       "currency", flow->body.currency, "country", flow->body.country, "tracking",
                       flow->tracking, "lines", flow->lines));
    bool good = ask(flow, &call);
    flow->ordered = may_have_happened(&call);
    if (good) {
        answer_order(flow, call.status, call.reply);
    }
    finish(&call);
    return good;
}

static bool (*const steps[])(struct flow *flow) = {
    fetch_cart, reserve, price, assess_and_ship, pay, place_order,
};

/* ---- taking back */

/* What stays as it is until the customer calls again under the same key. */
static void log_left(const struct flow *flow, const char *message, const char *peer)
{
    const struct span *span = context_current().span;
    struct span_context context = span ? span_context_of(span) : (struct span_context){0};
    struct log_ids ids = {context.trace_id.bytes, context.span_id.bytes, context.flags};
    log_event(LOG_WARN, span ? ids : LOG_NO_IDS, message,
              LOG_TEXT("operation_id", flow->operation_id), LOG_TEXT("peer", peer));
}

/* Settles with orders whether the operation has an order. true: it has none and never will; false:
 * it has one, which is then the answer, or nobody knows, and then nothing may be taken back. */
static bool withdraw(const struct work *work, struct flow *flow)
{
    struct call call = post(flow, "orders", "/withdrawals",
                            json_pack("{s:s}", "operation_id", flow->operation_id));
    call_all(work, &call, 1);
    const json_t *order = json_object_get(call.reply, "order");
    bool withdrawn = json_is_true(json_object_get(call.reply, "withdrawn"));
    if (call_succeeded(&call) && order) {
        answer_order(flow, 200, order);
    } else if (!call_succeeded(&call)) {
        log_left(flow, "an operation was left half done", call.peer);
    }
    bool settled = call_succeeded(&call) && withdrawn;
    finish(&call);
    return settled;
}

/* Gives money and stock back, side by side. */
static void give_back(const struct work *work, const struct flow *flow)
{
    char reservation[SHOP_OPERATION_MAX + 32], payment[SHOP_OPERATION_MAX + 32];
    snprintf(reservation, sizeof reservation, "/reservations/%s", flow->operation_id);
    snprintf(payment, sizeof payment, "/payments/%s", flow->operation_id);
    struct call calls[] = {{.peer = "inventory",
                            .method = "DELETE",
                            .path_template = "/reservations/{reservation_id}",
                            .path = reservation},
                           {.peer = "payment",
                            .method = "DELETE",
                            .path_template = "/payments/{payment_id}",
                            .path = payment}};
    size_t count = flow->charged ? 2 : 1;
    call_all(work, calls, count);
    for (size_t i = 0; i < count; i++) {
        if (!call_succeeded(&calls[i])) {
            log_left(flow, "something was not taken back", calls[i].peer);
        }
    }
    call_release_all(calls, count);
}

/* ---- route */

static void run(const struct work *work, struct flow *flow)
{
    bool good = true;
    for (size_t i = 0; i < COUNT_OF(steps) && good; i++) {
        good = steps[i](flow);
    }
    bool in_doubt = flow->ordered || flow->reserved_before;
    if (!good && flow->reserved && (!in_doubt || withdraw(work, flow))) {
        give_back(work, flow);
    }
    json_decref(flow->cart_lines);
    json_decref(flow->lines);
}

static void post_checkout(struct request *request, struct response *response)
{
    struct flow flow = {.work = request->work, .response = response, .body = {.coupon = ""}};
    struct keylock *lock = request->work.parts->own;
    const char *key = request_header(request, "Idempotency-Key");
    flow.work.deadline_ns -= UNDO_TIME_MS * NS_PER_MS;
    if (!validate_body(request, response, checkout_fields, COUNT_OF(checkout_fields), &flow.body)) {
        return;
    }
    if (!validate_is_key(key, SHOP_ID_MAX)) {
        response_error(response, 400, "no_idempotency_key",
                       "an Idempotency-Key of 1 to 64 letters, digits, '_' and '-' is needed");
        return;
    }
    snprintf(flow.operation_id, sizeof flow.operation_id, "%s.%s", flow.body.user_id, key);
    if (keylock_enter(lock, flow.operation_id, flow.work.deadline_ns) != STATUS_OK) {
        response_error(response, 409, "in_progress", "a checkout with this key is under way");
        return;
    }
    run(&request->work, &flow);
    keylock_leave(lock, flow.operation_id);
}

static const struct server_route routes[] = {
    {.method = "POST", .path = "/checkouts", .handle = post_checkout},
};

static enum status start(struct service_parts *parts, struct error *error)
{
    parts->own = keylock_new("checkout operations", CHECKOUTS_AT_ONCE);
    return parts->own ? STATUS_OK : error_set(error, STATUS_NO_MEMORY, "no memory for keys");
}

static void stop(struct service_parts *parts)
{
    keylock_free(parts->own);
    parts->own = NULL;
}

int main(int argc, char **argv)
{
    return service_main(&(struct service){.name = "checkout",
                                          .routes = routes,
                                          .route_count = COUNT_OF(routes),
                                          .faults = rows,
                                          .fault_count = COUNT_OF(rows),
                                          .start = start,
                                          .stop = stop},
                        argc, argv);
}
