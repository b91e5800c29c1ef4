#include "services/orders/stored.h"

/* What every answer about an order says. */
static json_t *brief_json(struct db_rows *found)
{
    return json_pack("{s:s, s:s, s:I, s:s, s:s}", "order_id", db_text(found, 0), "user_id",
                     db_text(found, 1), "total_minor", (json_int_t)db_i64(found, 2), "currency",
                     db_text(found, 3), "tracking", db_text(found, 4));
}

static const struct db_query select_by_operation = {
    "SELECT orders",
    "SELECT order_id, user_id, total_minor, currency, tracking FROM orders"
    " WHERE operation_id = ?",
};

enum status stored_load(struct db_transaction *transaction, const char *operation_id, json_t **out)
{
    struct db_rows *found = NULL;
    enum status status = db_select_in(transaction, &select_by_operation, &found, "s", operation_id);
    *out = status == STATUS_OK && db_next(found) ? brief_json(found) : NULL;
    enum status done = db_done(found);
    status = status == STATUS_OK ? done : status;
    return status == STATUS_OK && !*out ? STATUS_NOT_FOUND : status;
}

static const struct db_query select_order = {
    "SELECT orders",
    "SELECT o.order_id, o.user_id, o.total_minor, o.currency, o.tracking, l.sku, l.quantity,"
    " l.unit_price_minor, l.sold_before FROM orders o JOIN order_lines l ON l.order_id = o.order_id"
    " WHERE o.order_id = ? ORDER BY l.sku",
};

void stored_get(struct request *request, struct response *response)
{
    struct db_rows *found = NULL;
    json_t *order = NULL;
    json_t *lines = json_array();
    const char *order_id = request_parameter(request, "order_id");
    enum status status = db_select(&request->work, &select_order, &found, "s", order_id);
    while (status == STATUS_OK && db_next(found)) {
        order = order ? order : brief_json(found);
        json_array_append_new(lines, json_pack("{s:s, s:I, s:I, s:I}", "sku", db_text(found, 5),
                                               "quantity", (json_int_t)db_i64(found, 6),
                                               "unit_price_minor", (json_int_t)db_i64(found, 7),
                                               "sold_before", (json_int_t)db_i64(found, 8)));
    }
    enum status done = db_done(found);
    status = status == STATUS_OK ? done : status;
    if (status == STATUS_OK && order) {
        json_object_set(order, "lines", lines);
        response_json(response, 200, json_incref(order));
    } else if (status == STATUS_OK) {
        response_error(response, 404, "unknown_order", "there is no such order");
    } else {
        response_trouble(response, "orders_failed", status);
    }
    json_decref(order);
    json_decref(lines);
}
