/* Orders, each placed once per operation. An order, its lines and the message about it are written
 * in one transaction; the message goes to the queue after the commit. An operation that failed half
 * way can be withdrawn: then it has no order and will never get one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hex.h"
#include "base/rng.h"
#include "http/outbox.h"
#include "http/service.h"
#include "http/validate.h"
#include "services/orders/history.h"
#include "services/orders/schema.h"
#include "services/orders/stored.h"
#include "services/orders/totals.h"
#include "services/shop.h"

enum { ROW_MISSING_INDEX, ROW_SYNCHRONOUS_NOTIFICATION };

static const struct fault_row rows[] = {
    [ROW_MISSING_INDEX] =
        {.name = "missing_index",
         .type = FAULT_FLAG,
         .stands_for = "earlier sales of a product are looked up in a table that has no index by "
                       "product: all of it is read for each line of the cart",
         .trace_shows = "one long database span in placing the order, about 10 ms for each line, "
                        "with the same text and the same answer as ever"},
    [ROW_SYNCHRONOUS_NOTIFICATION] =
        {.name = "synchronous_notification",
         .type = FAULT_FLAG,
         .stands_for = "the customer waits while the mail about the order is sent",
         .trace_shows = "the call of notification, and of mail below it, inside of placing the "
                        "order; no message on the queue"},
};

enum { ORDER_ID_BYTES = 12, ORDER_ID_LENGTH = 2 * ORDER_ID_BYTES + 6 };

struct order_line {
    const char *sku;
    int64_t quantity, unit_price_minor;
};

static const struct validate_field line_fields[] = {
    VALIDATE_FIELD(struct order_line, sku, VALIDATE_NAME, 1, SHOP_SKU_MAX),
    VALIDATE_FIELD(struct order_line, quantity, VALIDATE_I64, 1, SHOP_QUANTITY_MAX),
    VALIDATE_FIELD(struct order_line, unit_price_minor, VALIDATE_I64, 1, SHOP_PRICE_MAX),
};

struct order {
    const char *operation_id, *user_id, *currency, *country, *tracking;
    int64_t total_minor;
    json_t *lines;
};

static const struct validate_field order_fields[] = {
    VALIDATE_FIELD(struct order, operation_id, VALIDATE_NAME, 1, SHOP_OPERATION_MAX),
    VALIDATE_FIELD(struct order, user_id, VALIDATE_NAME, 1, SHOP_ID_MAX),
    VALIDATE_FIELD(struct order, currency, VALIDATE_UPPER, 3, 3),
    VALIDATE_FIELD(struct order, country, VALIDATE_UPPER, 2, 2),
    VALIDATE_FIELD(struct order, tracking, VALIDATE_NAME, 1, SHOP_ID_MAX),
    VALIDATE_FIELD(struct order, total_minor, VALIDATE_I64, 0, SHOP_TOTAL_MAX),
    VALIDATE_FIELD(struct order, lines, VALIDATE_ARRAY, 1, SHOP_LINES_MAX),
};

/* What lives as long as the process. */
struct own {
    struct outbox *outbox;
    struct history *history;
};

/* ---- placing */

static const struct db_query insert_order = {
    "INSERT orders",
    "INSERT INTO orders(order_id, operation_id, user_id, total_minor, currency, country, tracking,"
    " placed_ms) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8"
    " WHERE NOT EXISTS (SELECT 1 FROM withdrawals WHERE operation_id = ?2)"
    " ON CONFLICT(operation_id) DO NOTHING",
};

static const struct db_query insert_lines = {
    "INSERT order_lines",
    "INSERT INTO order_lines(order_id, sku, quantity, unit_price_minor, sold_before)"
    " SELECT ?1, value ->> 'sku', value ->> 'quantity', value ->> 'unit_price_minor',"
    " value ->> 'sold_before' FROM json_each(?2)",
};

/* An order under way, with the texts that its rows need. */
struct placing {
    const struct order *order;
    char order_id[ORDER_ID_LENGTH + 1];
    char *lines_json, *payload;
    bool directly; /* the customer is told by a call, not by a message */
    struct outbox_message message;
};

/* The lines as they are stored: with what the shop sold of each product before, for those who buy
 * for it. The good way and the bad way differ in the table that is read. */
static enum status write_lines(const struct work *work, struct placing *placing)
{
    const struct own *own = work->parts->own;
    bool by_index = !fault_is_on(&work->faults, ROW_MISSING_INDEX);
    json_t *lines = json_deep_copy(placing->order->lines);
    enum status status = history_note_sales(own->history, work, by_index, lines);
    placing->lines_json = status == STATUS_OK ? json_dumps(lines, JSON_COMPACT) : NULL;
    json_decref(lines);
    return status == STATUS_OK && !placing->lines_json ? STATUS_NO_MEMORY : status;
}

static enum status prepare(const struct work *work, struct placing *placing,
                           const struct order *order)
{
    uint8_t random[ORDER_ID_BYTES];
    enum status status = rng_secret(random, sizeof random);
    if (status != STATUS_OK) {
        return status;
    }
    placing->order = order;
    memcpy(placing->order_id, "order-", 6);
    hex_encode(random, ORDER_ID_BYTES, placing->order_id + 6);
    placing->order_id[ORDER_ID_LENGTH] = '\0';
    json_t *payload =
        json_pack("{s:s, s:s, s:I, s:s, s:s}", "order_id", placing->order_id, "user_id",
                  order->user_id, "total_minor", (json_int_t)order->total_minor, "currency",
                  order->currency, "tracking", order->tracking);
    placing->payload = payload ? json_dumps(payload, JSON_COMPACT) : NULL;
    json_decref(payload);
    placing->message = (struct outbox_message){
        .topic = SHOP_TOPIC_ORDER_PLACED, .key = placing->order_id, .payload = placing->payload};
    return placing->payload ? write_lines(work, placing) : STATUS_NO_MEMORY;
}

/* STATUS_EXISTS: the operation has an order or was withdrawn. */
static enum status place_in(struct db_transaction *transaction, const struct work *work,
                            struct placing *placing)
{
    const struct order *order = placing->order;
    int64_t changes = 0;
    enum status status =
        db_execute(transaction, &insert_order, &changes, "sssisssi", placing->order_id,
                   order->operation_id, order->user_id, order->total_minor, order->currency,
                   order->country, order->tracking, (int64_t)(clock_wall_ns() / NS_PER_MS));
    if (status == STATUS_OK && changes == 0) {
        return STATUS_EXISTS;
    }
    if (status == STATUS_OK) {
        status = db_execute(transaction, &insert_lines, NULL, "ss", placing->order_id,
                            placing->lines_json);
    }
    if (status == STATUS_OK && !placing->directly) {
        status = outbox_write(transaction, work, &placing->message);
    }
    return status;
}

/* As place_in, committed; with STATUS_EXISTS *existing is the earlier order, or NULL when the
 * operation was withdrawn. */
static enum status place(const struct work *work, struct placing *placing, json_t **existing)
{
    struct db_transaction *transaction = NULL;
    enum status status = db_begin(work, &transaction);
    if (status == STATUS_OK) {
        status = place_in(transaction, work, placing);
    }
    if (status == STATUS_EXISTS) {
        enum status found = stored_load(transaction, placing->order->operation_id, existing);
        status = found == STATUS_OK || found == STATUS_NOT_FOUND ? STATUS_EXISTS : found;
    }
    if (status == STATUS_OK) {
        return db_commit(transaction);
    }
    db_rollback(transaction);
    return status;
}

/* The good way: a message, which others take care of. */
static void tell_by_queue(const struct work *work, const struct placing *placing)
{
    const struct own *own = work->parts->own;
    outbox_send(own->outbox, work, &placing->message);
}

/* The bad way: the mail is sent before the customer gets an answer. */
static void tell_directly(const struct work *work, const struct placing *placing)
{
    json_t *body = json_loads(placing->payload, 0, NULL);
    struct call call = {.peer = "notification",
                        .method = "POST",
                        .path_template = "/notifications",
                        .idempotency_key = placing->order_id,
                        .body = body};
    client_call(work, &call); /* the order stands, whether the mail goes out or not */
    call_release(&call);
    json_decref(body);
}

static void answer_placed(struct response *response, const struct placing *placing)
{
    const struct order *order = placing->order;
    response_json(response, 201,
                  json_pack("{s:s, s:s, s:I, s:s, s:s}", "order_id", placing->order_id, "user_id",
                            order->user_id, "total_minor", (json_int_t)order->total_minor,
                            "currency", order->currency, "tracking", order->tracking));
}

static void place_and_answer(const struct work *work, const struct order *order,
                             struct response *response)
{
    struct placing placing = {
        .directly = fault_is_on(&work->faults, ROW_SYNCHRONOUS_NOTIFICATION),
    };
    json_t *existing = NULL;
    enum status status = prepare(work, &placing, order);
    if (status == STATUS_OK) {
        status = place(work, &placing, &existing);
    }
    if (status == STATUS_OK) {
        (placing.directly ? tell_directly : tell_by_queue)(work, &placing);
        answer_placed(response, &placing);
    } else if (status == STATUS_EXISTS && existing) {
        response_json(response, 200, existing);
    } else if (status == STATUS_EXISTS) {
        response_error(response, 409, "withdrawn", "this key was given up: use a new one");
    } else {
        response_trouble(response, "orders_failed", status);
    }
    free(placing.lines_json);
    free(placing.payload);
}

static void post_order(struct request *request, struct response *response)
{
    struct order order = {0};
    struct order_line lines[SHOP_LINES_MAX];
    struct error error = {0};
    if (!validate_body(request, response, order_fields, COUNT_OF(order_fields), &order)) {
        return;
    }
    if (validate_items(order.lines, line_fields, COUNT_OF(line_fields), lines, sizeof lines[0],
                       &error) != STATUS_OK) {
        response_error(response, 422, "invalid", "\"lines\": %s", error.text);
        return;
    }
    place_and_answer(&request->work, &order, response);
}

/* ---- withdrawing */

struct withdrawal {
    const char *operation_id;
};

static const struct validate_field withdrawal_fields[] = {
    VALIDATE_FIELD(struct withdrawal, operation_id, VALIDATE_NAME, 1, SHOP_OPERATION_MAX),
};

static const struct db_query insert_withdrawal = {
    "INSERT withdrawals",
    "INSERT INTO withdrawals(operation_id) VALUES (?) ON CONFLICT(operation_id) DO NOTHING",
};

/* Withdraws unless there is an order already, which *existing is then. */
static enum status withdraw(const struct work *work, const char *operation_id, json_t **existing)
{
    struct db_transaction *transaction = NULL;
    enum status status = db_begin(work, &transaction);
    if (status == STATUS_OK) {
        status = stored_load(transaction, operation_id, existing);
    }
    if (status == STATUS_NOT_FOUND) {
        status = db_execute(transaction, &insert_withdrawal, NULL, "s", operation_id);
    }
    if (status == STATUS_OK) {
        return db_commit(transaction);
    }
    db_rollback(transaction);
    return status;
}

static void post_withdrawal(struct request *request, struct response *response)
{
    struct withdrawal asked = {0};
    json_t *existing = NULL;
    if (!validate_body(request, response, withdrawal_fields, COUNT_OF(withdrawal_fields), &asked)) {
        return;
    }
    enum status status = withdraw(&request->work, asked.operation_id, &existing);
    if (status != STATUS_OK) {
        json_decref(existing);
        response_trouble(response, "orders_failed", status);
        return;
    }
    response_json(response, 200,
                  json_pack("{s:b, s:o*}", "withdrawn", existing == NULL, "order", existing));
}

static const struct server_route routes[] = {
    {.method = "POST", .path = "/orders", .handle = post_order},
    {.method = "POST", .path = "/withdrawals", .handle = post_withdrawal},
    {.method = "GET", .path = "/orders/{order_id}", .handle = stored_get},
    {.method = "GET", .path = "/totals", .handle = totals_get},
};

/* ---- start and stop */

static enum status start(struct service_parts *parts, struct error *error)
{
    struct own *own = calloc(1, sizeof *own);
    parts->own = own;
    if (!own) {
        return error_set(error, STATUS_NO_MEMORY, "out of memory");
    }
    enum status status = history_open(&own->history, parts, error);
    return status == STATUS_OK ? outbox_start(&own->outbox, parts, error) : status;
}

static void stop(struct service_parts *parts)
{
    struct own *own = parts->own;
    if (own) {
        outbox_stop(own->outbox);
        history_close(own->history);
        free(own);
        parts->own = NULL;
    }
}

int main(int argc, char **argv)
{
    return service_main(&(struct service){.name = "orders",
                                          .routes = routes,
                                          .route_count = COUNT_OF(routes),
                                          .faults = rows,
                                          .fault_count = COUNT_OF(rows),
                                          .schema = ORDERS_SCHEMA OUTBOX_SCHEMA,
                                          .uses_queue = true,
                                          .start = start,
                                          .stop = stop},
                        argc, argv);
}
