/* The public edge: checks who asks, and hands on to the services behind it. Knows nothing of the
 * business. */
#include <stdio.h>
#include <string.h>

#include "http/relay.h"
#include "http/service.h"
#include "http/validate.h"
#include "services/shop.h"

enum { PATH_MAX_BYTES = 512 };

/* The text of a reply's field, NULL when it is none. */
static const char *reply_text(const struct call *call, const char *key)
{
    return json_string_value(json_object_get(call->reply, key));
}

/* Does one call and answers with what it brought. */
static void hand_on(struct request *request, struct response *response, struct call *call)
{
    client_call(&request->work, call);
    relay_reply(response, call);
    call_release(call);
}

/* Asks auth whose session this is. The answer's owner is `call`; NULL: `response` is set. */
static const char *verify(struct request *request, struct response *response, struct call *call)
{
    const char *authorization = request_header(request, "Authorization");
    *call = (struct call){.peer = "auth",
                          .method = "POST",
                          .path_template = "/sessions/verify",
                          .authorization = authorization};
    if (!authorization) {
        response_error(response, 401, "not_logged_in", "an Authorization header is needed");
        response_header(response, "WWW-Authenticate", "Bearer");
        return NULL;
    }
    client_call(&request->work, call);
    const char *user_id = call_succeeded(call) ? reply_text(call, "user_id") : NULL;
    if (!user_id) {
        relay_failure(response, call);
    }
    return user_id;
}

static void post_login(struct request *request, struct response *response)
{
    struct call call = {.peer = "auth",
                        .method = "POST",
                        .path_template = "/sessions",
                        .body = request_json(request)};
    if (!call.body) {
        response_error(response, 400, "bad_request", "a JSON object is expected in the body");
        return;
    }
    hand_on(request, response, &call);
}

static void get_products(struct request *request, struct response *response)
{
    char path[PATH_MAX_BYTES];
    char limit[64] = "";
    const char *asked = request_query(request, "limit");
    if (asked && !client_escape(asked, limit, sizeof limit)) {
        response_error(response, 422, "invalid", "\"limit\" is too long");
        return;
    }
    snprintf(path, sizeof path, asked ? "/products?limit=%s" : "/products", limit);
    struct call call = {
        .peer = "catalog", .method = "GET", .path_template = "/products", .path = path};
    hand_on(request, response, &call);
}

/* ---- carts */

static const char *asked_cart(const struct request *request, struct response *response)
{
    const char *cart_id = request_parameter(request, "cart_id");
    if (!validate_is_key(cart_id, SHOP_ID_MAX)) {
        response_error(response, 422, "invalid",
                       "the cart's id must be 1 to 64 letters, digits, '_' and '-'");
        return NULL;
    }
    return cart_id;
}

static void forward_put(struct request *request, struct response *response, const char *cart_id,
                        const char *user_id)
{
    char path[PATH_MAX_BYTES];
    json_t *lines = json_object_get(request_json(request), "lines");
    snprintf(path, sizeof path, "/carts/%s", cart_id);
    struct call call = {.peer = "cart",
                        .method = "PUT",
                        .path_template = "/carts/{cart_id}",
                        .path = path,
                        .body = json_pack("{s:s, s:O?}", "user_id", user_id, "lines", lines)};
    hand_on(request, response, &call);
    json_decref(call.body);
}

static void put_cart(struct request *request, struct response *response)
{
    struct call session = {0};
    const char *cart_id = asked_cart(request, response);
    if (!cart_id) {
        return;
    }
    if (!request_json(request)) {
        response_error(response, 400, "bad_request", "a JSON object is expected in the body");
        return;
    }
    const char *user_id = verify(request, response, &session);
    if (user_id) {
        forward_put(request, response, cart_id, user_id);
    }
    call_release(&session);
}

static void get_cart(struct request *request, struct response *response)
{
    char path[PATH_MAX_BYTES];
    struct call session = {0};
    const char *cart_id = asked_cart(request, response);
    const char *user_id = cart_id ? verify(request, response, &session) : NULL;
    if (user_id) {
        snprintf(path, sizeof path, "/carts/%s?user_id=%s", cart_id, user_id);
        struct call call = {
            .peer = "cart", .method = "GET", .path_template = "/carts/{cart_id}", .path = path};
        hand_on(request, response, &call);
    }
    call_release(&session);
}

/* ---- checkout */

struct checkout_body {
    const char *cart_id, *currency, *country, *coupon;
};

static const struct validate_field checkout_fields[] = {
    VALIDATE_FIELD(struct checkout_body, cart_id, VALIDATE_NAME, 1, SHOP_ID_MAX),
    VALIDATE_FIELD(struct checkout_body, currency, VALIDATE_UPPER, 3, 3),
    VALIDATE_FIELD(struct checkout_body, country, VALIDATE_UPPER, 2, 2),
    VALIDATE_OPTIONAL(struct checkout_body, coupon, VALIDATE_TEXT, 0, SHOP_ID_MAX),
};

static void forward_checkout(struct request *request, struct response *response,
                             const struct checkout_body *body, const char *user_id)
{
    struct call call = {.peer = "checkout",
                        .method = "POST",
                        .path_template = "/checkouts",
                        .idempotency_key = request_header(request, "Idempotency-Key"),
                        .body = json_pack("{s:s, s:s, s:s, s:s, s:s}", "user_id", user_id,
                                          "cart_id", body->cart_id, "currency", body->currency,
                                          "country", body->country, "coupon", body->coupon)};
    hand_on(request, response, &call);
    json_decref(call.body);
}

static void post_checkout(struct request *request, struct response *response)
{
    struct checkout_body body = {.coupon = ""};
    struct call session = {0};
    if (!validate_body(request, response, checkout_fields, COUNT_OF(checkout_fields), &body)) {
        return;
    }
    if (!validate_is_key(body.cart_id, SHOP_ID_MAX)) {
        response_error(response, 422, "invalid", "\"cart_id\" is no cart's id");
        return;
    }
    if (!validate_is_key(request_header(request, "Idempotency-Key"), SHOP_ID_MAX)) {
        response_error(response, 400, "no_idempotency_key",
                       "an Idempotency-Key of 1 to 64 letters, digits, '_' and '-' is needed");
        return;
    }
    const char *user_id = verify(request, response, &session);
    if (user_id) {
        forward_checkout(request, response, &body, user_id);
    }
    call_release(&session);
}

static const struct server_route routes[] = {
    {.method = "POST", .path = "/login", .handle = post_login},
    {.method = "GET", .path = "/products", .handle = get_products},
    {.method = "PUT", .path = "/cart/{cart_id}", .handle = put_cart},
    {.method = "GET", .path = "/cart/{cart_id}", .handle = get_cart},
    {.method = "POST", .path = "/checkout", .handle = post_checkout},
};

int main(int argc, char **argv)
{
    return service_main(
        &(struct service){.name = "frontend", .routes = routes, .route_count = COUNT_OF(routes)},
        argc, argv);
}
