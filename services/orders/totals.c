#include "services/orders/totals.h"

#include "http/db.h"

/* One row a product, after a row without one: the number of orders. */
static const struct db_query select_totals = {
    "SELECT order_lines",
    "SELECT NULL, count(*) FROM orders"
    " UNION ALL SELECT sku, sum(quantity) FROM order_lines GROUP BY sku",
};

void totals_get(struct request *request, struct response *response)
{
    struct db_rows *found = NULL;
    json_int_t orders = 0, units_total = 0;
    json_t *units = json_object();
    enum status status = db_select(&request->work, &select_totals, &found, "");
    while (status == STATUS_OK && db_next(found)) {
        if (db_is_null(found, 0)) {
            orders = db_i64(found, 1);
            continue;
        }
        units_total += db_i64(found, 1);
        json_object_set_new(units, db_text(found, 0), json_integer(db_i64(found, 1)));
    }
    enum status done = db_done(found);
    status = status == STATUS_OK ? done : status;
    if (status != STATUS_OK) {
        json_decref(units);
        response_trouble(response, "orders_failed", status);
        return;
    }
    response_json(
        response, 200,
        json_pack("{s:I, s:I, s:o}", "orders", orders, "units_total", units_total, "units", units));
}
