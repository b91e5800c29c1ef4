/* A simulated checkout for tests of the diagnosis: a dozen services, five outside partners, random
 * latencies, late threads. Faults are numbers here, so that what a fix saves is known: the same
 * seed with and without a fault gives the same latencies. */
#ifndef CULPRIT_TESTS_UNIT_SHOP_H
#define CULPRIT_TESTS_UNIT_SHOP_H

#include <math.h>
#include <stdio.h>

#include "tests/unit/span_builder.h"

struct shop_options {
    uint64_t seed;
    int requests;
    double rate;          /* requests a second; 0: 50 */
    double partner_ms;    /* median answer of a partner; 0: 40 */
    double shipping_ms;   /* shipping's own work, median; 0: 4 */
    double noise;         /* chance that a step waits some ms for a CPU */
    double tax_ms;        /* median answer of the partner tax; 0: as the others */
    double round_trip_ms; /* to inventory's database; 0: none */
    double history_ms;    /* orders looks into its history, median; 0: it does not */
    bool each_line;       /* inventory looks each line of the cart up by itself */
    bool call_letters;    /* orders calls notification instead of sending a message */
    double mail_ms;       /* median answer of the partner mail; 0: as the others */
    double serial;        /* share of requests in which pricing asks one after another */
    double serial_steps;  /* ... checkout asks fraud, then shipping */
    double chance;        /* share of requests in which parallel calls come late by chance */
    double drop_payment;  /* share of requests in which checkout drops the context to payment */
    bool drop_queue;      /* orders drops it into the queue */
    bool lose_servers;    /* payment's server spans are lost, its other spans arrive */
    bool silent_payment;  /* payment sends no spans at all */
    bool refuse_payment;  /* ... and its callers see an error */
    bool direct_payments; /* somebody else calls payment, too, and sends no spans */
    bool no_root;         /* the generator's own span is not sent */
};

struct shop {
    struct builder *builder;
    struct shop_options options;
    struct rng rng;  /* of the request's latencies: one stream a request */
    uint64_t traces; /* given out so far */
    int lines;       /* of the cart */
    double saved_ns; /* what pricing would have saved in this request */
    double total_saved_ns, total_root_ns;
    bool serial, late, serial_steps;
};

/* What a server does: gets its own span and start, returns when it is done. */
typedef double shop_work(struct shop *shop, uint64_t span, double at_ns);

static inline double shop_normal(struct rng *rng)
{
    return sqrt(-2 * log(1 - rng_double(rng))) * cos(2 * M_PI * rng_double(rng));
}

/* Log-normal around a median, with a tail of one in a hundred. */
static inline double shop_latency_ns(struct shop *shop, double median_ms)
{
    const double tail = rng_double(&shop->rng) < 0.01 ? 3 : 1;
    return median_ms * 1e6 * tail * exp(0.25 * shop_normal(&shop->rng));
}

/* Own work between two steps: tens of microseconds, now and then a late thread. */
static inline double shop_step_ns(struct shop *shop)
{
    const double late_ns =
        rng_double(&shop->rng) < shop->options.noise ? rng_double(&shop->rng) * 3e6 : 0;
    return 20e3 + rng_double(&shop->rng) * 40e3 + late_ns;
}

static inline uint64_t shop_begin(struct shop *shop, uint64_t parent, const char *service,
                                  enum otlp_kind kind, const char *name, double start_ns)
{
    const uint64_t id = builder_span_ns(shop->builder, parent, BUILDER_BASE_NS + (uint64_t)start_ns,
                                        BUILDER_BASE_NS + (uint64_t)start_ns);
    builder_last(shop->builder)->kind = (uint8_t)kind;
    builder_last(shop->builder)->name = builder_text(shop->builder, name);
    builder_last(shop->builder)->resource = builder_resource(shop->builder, service);
    return id;
}

/* Ids are given out in order, one a span, and nothing else adds spans. */
static inline void shop_end(struct shop *shop, uint64_t id, double end_ns)
{
    shop->builder->spans.items[id - 1].end_ns = BUILDER_BASE_NS + (uint64_t)end_ns;
}

static inline void shop_http(struct shop *shop, const char *method, const char *route,
                             const char *peer)
{
    builder_attribute(shop->builder, "http.request.method", method);
    builder_attribute(shop->builder, peer ? "url.template" : "http.route", route);
    if (peer)
        builder_attribute(shop->builder, "server.address", peer);
}

static inline void shop_number(struct shop *shop, const char *key, int64_t value)
{
    builder_attribute(shop->builder, key, "");
    const struct otlp_attributes *attributes = &builder_last(shop->builder)->attributes;
    struct otlp_attribute *items = (struct otlp_attribute *)(uintptr_t)attributes->items;
    items[attributes->count - 1].value = (struct otlp_value){.type = OTLP_I64, .i64 = value};
}

static inline double shop_query(struct shop *shop, uint64_t parent, const char *service,
                                const char *name, double at_ns)
{
    const uint64_t id = shop_begin(shop, parent, service, OTLP_KIND_CLIENT, name, at_ns);
    builder_attribute(shop->builder, "db.system.name", "sqlite");
    builder_attribute(shop->builder, "db.namespace", service);
    at_ns += shop_latency_ns(shop, 0.15);
    shop_end(shop, id, at_ns);
    return at_ns;
}

static inline double shop_ask_partner(struct shop *shop, uint64_t parent, const char *caller,
                                      const char *peer, const char *name, double at_ns)
{
    const char *route = strchr(name, ' ') + 1;
    const uint64_t id = shop_begin(shop, parent, caller, OTLP_KIND_CLIENT, name, at_ns);
    char method[8] = "";
    snprintf(method, sizeof(method), "%.*s", (int)(route - name - 1), name);
    shop_http(shop, method, route, peer);
    double ms = shop->options.partner_ms > 0 ? shop->options.partner_ms : 40;
    if (strcmp(peer, "tax") == 0 && shop->options.tax_ms > 0)
        ms = shop->options.tax_ms;
    if (strcmp(peer, "mail") == 0 && shop->options.mail_ms > 0)
        ms = shop->options.mail_ms;
    at_ns += shop_latency_ns(shop, ms);
    shop_end(shop, id, at_ns);
    return at_ns;
}

struct shop_route {
    const char *caller, *callee, *method, *route;
    shop_work *work;
    bool dropped, silent, lost, refused;
};

/* A call between services: client span, server span, what the server does. */
static inline double shop_call(struct shop *shop, uint64_t parent, const struct shop_route *route,
                               double at_ns)
{
    char name[80];
    snprintf(name, sizeof(name), "%s %s", route->method, route->route);
    const uint64_t client = shop_begin(shop, parent, route->caller, OTLP_KIND_CLIENT, name, at_ns);
    shop_http(shop, route->method, route->route, route->callee);
    if (route->refused) {
        builder_last(shop->builder)->status = OTLP_STATUS_ERROR;
        shop_end(shop, client, at_ns + 200e3);
        return at_ns + 200e3;
    }
    const uint64_t trace = shop->builder->trace;
    at_ns += 150e3 + shop_step_ns(shop);
    if (route->dropped)
        shop->builder->trace = ++shop->traces;
    const size_t first = shop->builder->spans.count;
    const uint64_t server =
        shop_begin(shop, route->dropped ? 0 : client, route->callee, OTLP_KIND_SERVER, name, at_ns);
    shop_http(shop, route->method, route->route, NULL);
    at_ns += shop_step_ns(shop);
    if (route->work)
        at_ns = route->work(shop, server, at_ns);
    at_ns += shop_step_ns(shop);
    shop_end(shop, server, at_ns);
    shop->builder->trace = trace;
    /* What is not sent keeps its place, far away, so that ids stay indices. */
    for (size_t i = first; i < shop->builder->spans.count; i++) {
        if (!route->silent && !(route->lost && i == first))
            continue;
        builder_id(shop->builder->spans.items[i].trace_id, 16, 1u << 30);
        builder_id(shop->builder->spans.items[i].parent_id, 8, (1u << 30) + i);
        shop->builder->spans.items[i].kind = OTLP_KIND_INTERNAL;
        shop->builder->spans.items[i].resource = builder_resource(shop->builder, "void");
    }
    at_ns += 100e3 + shop_step_ns(shop);
    shop_end(shop, client, at_ns);
    return at_ns;
}

static inline double shop_auth(struct shop *shop, uint64_t span, double at_ns)
{
    return shop_query(shop, span, "auth", "SELECT sessions", at_ns);
}

static inline double shop_cart(struct shop *shop, uint64_t span, double at_ns)
{
    at_ns = shop_query(shop, span, "cart", "SELECT carts", at_ns) + shop_step_ns(shop);
    shop_number(shop, "db.response.returned_rows", shop->lines);
    static const struct shop_route products = {
        .caller = "cart", .callee = "catalog", .method = "GET", .route = "/products"};
    return shop_call(shop, span, &products, at_ns);
}

/* One query for the cart, or one for each of its lines: each is a round trip. */
static inline double shop_look_up(struct shop *shop, uint64_t span, double at_ns)
{
    const struct shop_options *options = &shop->options;
    const int queries = options->each_line ? shop->lines : 1;
    for (int i = 0; i < queries; i++) {
        const double begin_ns = at_ns;
        at_ns = shop_query(shop, span, "inventory", "SELECT stock", at_ns);
        builder_attribute(shop->builder, "db.query.text",
                          options->each_line ? "SELECT n FROM stock WHERE sku = ?"
                                             : "SELECT n FROM json_each(?) JOIN stock");
        shop_number(shop, "db.response.returned_rows", options->each_line ? 1 : shop->lines);
        at_ns = begin_ns + options->round_trip_ms * 1e6 + (at_ns - begin_ns);
        shop_end(shop, shop->builder->last_id, at_ns);
        at_ns += 20e3;
    }
    return at_ns;
}

static inline double shop_inventory(struct shop *shop, uint64_t span, double at_ns)
{
    static const char *const steps[] = {"BEGIN", "SELECT stock", "INSERT reservations", "COMMIT"};
    if (shop->options.round_trip_ms > 0)
        at_ns = shop_look_up(shop, span, at_ns);
    for (size_t i = 0; i < 4; i++)
        at_ns = shop_query(shop, span, "inventory", steps[i], at_ns) + 20e3;
    return at_ns;
}

static inline double shop_pricing(struct shop *shop, uint64_t span, double at_ns)
{
    static const char *const quotes[][2] = {{"tax", "GET /vat"},      {"tax", "GET /duty"},
                                            {"fx", "GET /rate"},      {"fx", "GET /fee"},
                                            {"promo", "GET /coupon"}, {"promo", "GET /loyalty"}};
    double end_ns = at_ns, longest_ns = 0, sum_ns = 0;
    const bool serial = shop->serial || shop->late;
    for (size_t i = 0; i < 6; i++) {
        const double start_ns =
            serial ? end_ns + (i ? shop_step_ns(shop) : 0) : at_ns + 15e3 * (double)i;
        const double one_ns =
            shop_ask_partner(shop, span, "pricing", quotes[i][0], quotes[i][1], start_ns);
        sum_ns += one_ns - start_ns;
        longest_ns = fmax(longest_ns, one_ns - start_ns);
        end_ns = fmax(end_ns, one_ns);
    }
    shop->saved_ns = serial ? sum_ns - longest_ns : 0;
    return end_ns;
}

static inline double shop_payment(struct shop *shop, uint64_t span, double at_ns)
{
    at_ns = shop_query(shop, span, "payment", "SELECT ledger", at_ns) + 20e3;
    at_ns = shop_ask_partner(shop, span, "payment", "bank", "POST /charges", at_ns) + 20e3;
    return shop_query(shop, span, "payment", "INSERT ledger", at_ns);
}

static inline double shop_letters(struct shop *shop, uint64_t span, double at_ns)
{
    return shop_ask_partner(shop, span, "notification", "mail", "POST /messages", at_ns);
}

/* What was bought before; its time is its own, not the database's. */
static inline double shop_history(struct shop *shop, uint64_t span, double at_ns)
{
    const double begin_ns = at_ns;
    shop_query(shop, span, "orders", "SELECT history", at_ns);
    builder_attribute(shop->builder, "db.query.text", "SELECT at FROM json_each(?) JOIN history");
    shop_number(shop, "db.response.returned_rows", 8);
    at_ns = begin_ns + shop_latency_ns(shop, shop->options.history_ms);
    shop_end(shop, shop->builder->last_id, at_ns);
    return at_ns + 20e3;
}

static inline double shop_orders(struct shop *shop, uint64_t span, double at_ns)
{
    static const struct shop_route letters = {.caller = "orders",
                                              .callee = "notification",
                                              .method = "POST",
                                              .route = "/notifications",
                                              .work = shop_letters};
    at_ns = shop_query(shop, span, "orders", "INSERT orders", at_ns) + 20e3;
    if (shop->options.history_ms > 0)
        at_ns = shop_history(shop, span, at_ns);
    if (shop->options.call_letters)
        return shop_call(shop, span, &letters, at_ns);
    const uint64_t sent =
        shop_begin(shop, span, "orders", OTLP_KIND_PRODUCER, "send order.placed", at_ns);
    builder_attribute(shop->builder, "messaging.destination.name", "order.placed");
    shop_end(shop, sent, at_ns + 50e3);
    const uint64_t trace = shop->builder->trace;
    if (shop->options.drop_queue)
        shop->builder->trace = ++shop->traces;
    const double later_ns = at_ns + 5e6 + shop_latency_ns(shop, 5);
    const uint64_t taken = shop_begin(shop, shop->options.drop_queue ? 0 : sent, "notification",
                                      OTLP_KIND_CONSUMER, "process order.placed", later_ns);
    builder_attribute(shop->builder, "messaging.destination.name", "order.placed");
    const double mailed_ns =
        shop_ask_partner(shop, taken, "notification", "mail", "POST /messages", later_ns + 30e3);
    shop_end(shop, taken, mailed_ns + 30e3);
    shop->builder->trace = trace;
    return at_ns + 60e3;
}

static inline double shop_fraud(struct shop *shop, uint64_t span, double at_ns)
{
    return shop_query(shop, span, "fraud", "SELECT history", at_ns) + shop_latency_ns(shop, 3);
}

static inline double shop_shipping(struct shop *shop, uint64_t span, double at_ns)
{
    (void)span;
    return at_ns +
           shop_latency_ns(shop, shop->options.shipping_ms > 0 ? shop->options.shipping_ms : 4);
}

static inline double shop_checkout(struct shop *shop, uint64_t span, double at_ns)
{
    const struct shop_options *options = &shop->options;
    const struct shop_route steps[] = {
        {"checkout", "cart", "GET", "/carts/{cart_id}", shop_cart, 0, 0, 0, 0},
        {"checkout", "inventory", "POST", "/reservations", shop_inventory, 0, 0, 0, 0},
        {"checkout", "pricing", "POST", "/quotes", shop_pricing, 0, 0, 0, 0},
        {"checkout", "fraud", "POST", "/scores", shop_fraud, 0, 0, 0, 0},
        {"checkout", "shipping", "POST", "/shipments", shop_shipping, 0, 0, 0, 0},
        {"checkout", "payment", "POST", "/payments", shop_payment,
         rng_double(&shop->rng) < options->drop_payment, options->silent_payment,
         options->lose_servers, options->refuse_payment},
        {"checkout", "orders", "POST", "/orders", shop_orders, 0, 0, 0, 0},
    };
    for (size_t i = 0; i < 3; i++)
        at_ns = shop_call(shop, span, &steps[i], at_ns) + shop_step_ns(shop);
    const double scored_ns = shop_call(shop, span, &steps[3], at_ns);
    const bool serial = shop->serial_steps || shop->late;
    const double shipped_ns =
        shop_call(shop, span, &steps[4], serial ? scored_ns + 20e3 : at_ns + 20e3);
    at_ns = fmax(scored_ns, shipped_ns) + shop_step_ns(shop);
    for (size_t i = 5; i < 7; i++)
        at_ns = shop_call(shop, span, &steps[i], at_ns) + shop_step_ns(shop);
    return at_ns;
}

static inline double shop_frontend(struct shop *shop, uint64_t span, double at_ns)
{
    static const struct shop_route verify = {.caller = "frontend",
                                             .callee = "auth",
                                             .method = "POST",
                                             .route = "/sessions/verify",
                                             .work = shop_auth};
    static const struct shop_route checkout = {.caller = "frontend",
                                               .callee = "checkout",
                                               .method = "POST",
                                               .route = "/checkouts",
                                               .work = shop_checkout};
    at_ns = shop_call(shop, span, &verify, at_ns) + shop_step_ns(shop);
    return shop_call(shop, span, &checkout, at_ns);
}

/* One request from `at_ns` on. */
static inline void shop_request(struct shop *shop, uint64_t number, double at_ns)
{
    rng_seed(&shop->rng, shop->options.seed * 1000003 + number);
    shop->serial = rng_double(&shop->rng) < shop->options.serial;
    shop->late = rng_double(&shop->rng) < shop->options.chance;
    shop->serial_steps = rng_double(&shop->rng) < shop->options.serial_steps;
    shop->lines = 24 + (int)(number * 7 % 33);
    shop->builder->trace = ++shop->traces;
    static const struct shop_route front = {.caller = "loadgen",
                                            .callee = "frontend",
                                            .method = "POST",
                                            .route = "/checkout",
                                            .work = shop_frontend};
    const size_t place = shop->builder->spans.count;
    const double end_ns = shop_call(shop, 0, &front, at_ns);
    shop->total_saved_ns += shop->saved_ns;
    shop->total_root_ns += end_ns - at_ns;
    if (shop->options.no_root) /* it keeps its place, as above */
        builder_id(shop->builder->spans.items[place].trace_id, 16, 1u << 30);
    if (shop->options.direct_payments && number % 3 == 0) {
        shop->builder->trace = ++shop->traces;
        const uint64_t other = shop_begin(shop, (1u << 29) + number, "payment", OTLP_KIND_SERVER,
                                          "POST /payments", at_ns + 700e6);
        shop_http(shop, "POST", "/payments", NULL);
        shop_end(shop, other, shop_payment(shop, other, at_ns + 700e6));
    }
}

/* A whole window of requests; `out` may be NULL. */
static inline void shop_run(struct builder *builder, const struct shop_options *options,
                            struct shop *out)
{
    struct shop shop = {.builder = builder, .options = *options};
    struct rng arrivals;
    rng_seed(&arrivals, options->seed + 77);
    double at_ns = 0;
    for (int i = 0; i < options->requests; i++) {
        shop_request(&shop, (uint64_t)i, at_ns);
        at_ns -= log(1 - rng_double(&arrivals)) * 1e9 / (options->rate > 0 ? options->rate : 50);
    }
    if (out)
        *out = shop;
}

#endif
