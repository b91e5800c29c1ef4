/* What is in stock. A reservation takes every line or none, is known by the caller's id, and never
 * takes what is not there; whoever calls twice with one id has reserved once. */
#include <stdlib.h>
#include <string.h>

#include "http/service.h"
#include "http/validate.h"
#include "services/shop.h"

enum { ROW_N_PLUS_ONE_QUERIES, ROW_STOCK };

static const struct fault_row rows[] = {
    [ROW_N_PLUS_ONE_QUERIES] = {.name = "n_plus_one_queries",
                                .type = FAULT_NUMBER,
                                .lowest = 1,
                                .highest = 20,
                                .when_on = 1,
                                .stands_for = "each line of a cart is looked up with this many "
                                              "queries of its own, as an object mapper does it",
                                .trace_shows = "alike database spans one after another, as many "
                                               "as the cart has lines"},
    [ROW_STOCK] = {.name = "stock",
                   .type = FAULT_NUMBER,
                   .environment = true,
                   .lowest = 0,
                   .highest = 1000000000,
                   .usual = 10000000,
                   .stands_for = "units of each product when the table is first filled",
                   .trace_shows = "nothing, as long as there is enough"},
};

struct line {
    const char *sku;
    int64_t quantity;
};

struct reservation {
    const char *reservation_id;
    json_t *lines;
    struct line items[SHOP_LINES_MAX];
    size_t count;
    char *lines_json; /* canonical: what it is compared by */
};

static const struct validate_field reservation_fields[] = {
    VALIDATE_FIELD(struct reservation, reservation_id, VALIDATE_NAME, 1, SHOP_OPERATION_MAX),
    VALIDATE_FIELD(struct reservation, lines, VALIDATE_ARRAY, 1, SHOP_LINES_MAX),
};

static const struct validate_field line_fields[] = {
    VALIDATE_FIELD(struct line, sku, VALIDATE_NAME, 1, SHOP_SKU_MAX),
    VALIDATE_FIELD(struct line, quantity, VALIDATE_I64, 1, SHOP_QUANTITY_MAX),
};

/* ---- looking */

/* A line that cannot be had; words for the customer. */
struct shortage {
    enum status status; /* STATUS_OK: none; STATUS_NOT_FOUND: no such product; STATUS_REFUSED */
    char sku[SHOP_SKU_MAX + 1];
};

static void note_shortage(struct shortage *shortage, enum status status, const char *sku)
{
    if (shortage->status == STATUS_OK) {
        shortage->status = status;
        text_copy(text_of(sku), shortage->sku, sizeof shortage->sku);
    }
}

static const struct db_query select_stock = {
    "SELECT stock",
    "SELECT l.value ->> 'sku', s.available, l.value ->> 'quantity'"
    " FROM json_each(?) l LEFT JOIN stock s ON s.sku = l.value ->> 'sku'",
};

/* What a look finds is for the answer's words: whether there is enough is decided in the
 * transaction. The good way: every line in one query. */
static enum status look_at_all_lines(const struct work *work, const struct reservation *wanted,
                                     struct shortage *shortage)
{
    struct db_rows *found = NULL;
    enum status status = db_select(work, &select_stock, &found, "s", wanted->lines_json);
    while (status == STATUS_OK && db_next(found)) {
        if (db_is_null(found, 1)) {
            note_shortage(shortage, STATUS_NOT_FOUND, db_text(found, 0));
        } else if (db_i64(found, 1) < db_i64(found, 2)) {
            note_shortage(shortage, STATUS_REFUSED, db_text(found, 0));
        }
    }
    enum status done = db_done(found);
    return status == STATUS_OK ? done : status;
}

static const struct db_query select_one_stock = {
    "SELECT stock",
    "SELECT available FROM stock WHERE sku = ?",
};

static enum status look_at_line(const struct work *work, const struct line *line,
                                struct shortage *shortage)
{
    struct db_rows *found = NULL;
    enum status status = db_select(work, &select_one_stock, &found, "s", line->sku);
    if (status == STATUS_OK && !db_next(found)) {
        note_shortage(shortage, STATUS_NOT_FOUND, line->sku);
    } else if (status == STATUS_OK && db_i64(found, 0) < line->quantity) {
        note_shortage(shortage, STATUS_REFUSED, line->sku);
    }
    enum status done = db_done(found);
    return status == STATUS_OK ? done : status;
}

/* The bad way: a query a line, or several. */
static enum status look_at_each_line(const struct work *work, const struct reservation *wanted,
                                     struct shortage *shortage)
{
    enum status status = STATUS_OK;
    int64_t times = fault_number(&work->faults, ROW_N_PLUS_ONE_QUERIES);
    for (size_t i = 0; i < wanted->count && status == STATUS_OK; i++) {
        for (int64_t n = 0; n < times && status == STATUS_OK; n++) {
            status = look_at_line(work, &wanted->items[i], shortage);
        }
    }
    return status;
}

/* ---- reserving */

static const struct db_query insert_reservation = {
    "INSERT reservations",
    "INSERT INTO reservations(reservation_id, lines, held) VALUES (?1, ?2, 1)"
    " ON CONFLICT(reservation_id) DO UPDATE SET lines = ?2, held = 1 WHERE held = 0",
};

static const struct db_query select_reservation = {
    "SELECT reservations",
    "SELECT lines FROM reservations WHERE reservation_id = ?",
};

static const struct db_query take_stock = {
    "UPDATE stock",
    "UPDATE stock SET available = available - l.quantity, reserved = reserved + l.quantity"
    " FROM (SELECT value ->> 'sku' AS sku, value ->> 'quantity' AS quantity FROM json_each(?)) l"
    " WHERE stock.sku = l.sku AND stock.available >= l.quantity",
};

/* Whether the reservation that is held under this id is for the same lines. */
static enum status compare_held(struct db_transaction *transaction,
                                const struct reservation *wanted)
{
    struct db_rows *found = NULL;
    enum status status =
        db_select_in(transaction, &select_reservation, &found, "s", wanted->reservation_id);
    bool same =
        status == STATUS_OK && db_next(found) && strcmp(db_text(found, 0), wanted->lines_json) == 0;
    enum status done = db_done(found);
    status = status == STATUS_OK ? done : status;
    if (status != STATUS_OK) {
        return status;
    }
    return same ? STATUS_EXISTS : STATUS_INVALID;
}

static enum status reserve_in(struct db_transaction *transaction, const struct reservation *wanted)
{
    int64_t changes = 0;
    enum status status = db_execute(transaction, &insert_reservation, &changes, "ss",
                                    wanted->reservation_id, wanted->lines_json);
    if (status == STATUS_OK && changes == 0) {
        return compare_held(transaction, wanted);
    }
    if (status == STATUS_OK) {
        status = db_execute(transaction, &take_stock, &changes, "s", wanted->lines_json);
    }
    if (status == STATUS_OK && changes != (int64_t)wanted->count) {
        return STATUS_REFUSED;
    }
    return status;
}

/* STATUS_OK: reserved now; STATUS_EXISTS: it was already; STATUS_INVALID: it was, for other lines;
 * STATUS_REFUSED: not enough. */
static enum status reserve(const struct work *work, const struct reservation *wanted)
{
    struct db_transaction *transaction = NULL;
    enum status status = db_begin(work, &transaction);
    if (status == STATUS_OK) {
        status = reserve_in(transaction, wanted);
    }
    if (status == STATUS_OK) {
        return db_commit(transaction);
    }
    db_rollback(transaction);
    return status;
}

static void answer_shortage(struct response *response, const struct shortage *shortage)
{
    if (shortage->status == STATUS_NOT_FOUND) {
        response_error(response, 404, "unknown_sku", "no product \"%s\"", shortage->sku);
    } else if (shortage->status == STATUS_REFUSED) {
        response_error(response, 409, "out_of_stock", "not enough of \"%s\" is left",
                       shortage->sku);
    } else { /* it went between the look and the transaction */
        response_error(response, 409, "out_of_stock", "not enough is left");
    }
}

static void answer_reserved(struct response *response, const struct reservation *wanted,
                            unsigned code)
{
    response_json(
        response, code,
        json_pack("{s:s, s:O}", "reservation_id", wanted->reservation_id, "lines", wanted->lines));
}

static void answer_reservation(const struct work *work, const struct reservation *wanted,
                               struct response *response)
{
    struct shortage shortage = {0};
    enum status status = fault_is_on(&work->faults, ROW_N_PLUS_ONE_QUERIES)
                             ? look_at_each_line(work, wanted, &shortage)
                             : look_at_all_lines(work, wanted, &shortage);
    if (status == STATUS_OK && shortage.status == STATUS_NOT_FOUND) {
        answer_shortage(response, &shortage);
        return;
    }
    if (status == STATUS_OK) {
        status = reserve(work, wanted);
    }
    if (status == STATUS_OK || status == STATUS_EXISTS) {
        answer_reserved(response, wanted, status == STATUS_OK ? 201 : 200);
    } else if (status == STATUS_INVALID) {
        response_error(response, 409, "key_reused", "this key was used for another cart");
    } else if (status == STATUS_REFUSED) {
        answer_shortage(response, &shortage);
    } else {
        response_trouble(response, "inventory_failed", status);
    }
}

/* The lines again, with nothing but what we know, so that equal ones are equal as text. */
static json_t *canonical_lines(const struct reservation *wanted)
{
    json_t *array = json_array();
    for (size_t i = 0; i < wanted->count; i++) {
        json_array_append_new(array, json_pack("{s:s, s:I}", "sku", wanted->items[i].sku,
                                               "quantity", (json_int_t)wanted->items[i].quantity));
    }
    return array;
}

static void post_reservation(struct request *request, struct response *response)
{
    struct reservation wanted = {0};
    struct error error = {0};
    if (!validate_body(request, response, reservation_fields, COUNT_OF(reservation_fields),
                       &wanted)) {
        return;
    }
    wanted.count = json_array_size(wanted.lines);
    if (validate_items(wanted.lines, line_fields, COUNT_OF(line_fields), wanted.items,
                       sizeof wanted.items[0], &error) != STATUS_OK) {
        response_error(response, 422, "invalid", "\"lines\": %s", error.text);
        return;
    }
    wanted.lines = canonical_lines(&wanted);
    wanted.lines_json = json_dumps(wanted.lines, JSON_COMPACT);
    if (wanted.lines_json) {
        answer_reservation(&request->work, &wanted, response);
    } else {
        response_trouble(response, "inventory_failed", STATUS_NO_MEMORY);
    }
    free(wanted.lines_json);
    json_decref(wanted.lines);
}

/* ---- releasing */

static const struct db_query release_reservation = {
    "UPDATE reservations",
    "UPDATE reservations SET held = 0 WHERE reservation_id = ? AND held = 1",
};

static const struct db_query return_stock = {
    "UPDATE stock",
    "UPDATE stock SET available = available + l.quantity, reserved = reserved - l.quantity"
    " FROM (SELECT e.value ->> 'sku' AS sku, e.value ->> 'quantity' AS quantity"
    "  FROM reservations r, json_each(r.lines) e WHERE r.reservation_id = ?) l"
    " WHERE stock.sku = l.sku",
};

/* *released: it was held until now. */
static enum status release(const struct work *work, const char *id, bool *released)
{
    struct db_transaction *transaction = NULL;
    int64_t changes = 0;
    enum status status = db_begin(work, &transaction);
    if (status == STATUS_OK) {
        status = db_execute(transaction, &release_reservation, &changes, "s", id);
    }
    *released = changes > 0;
    if (status == STATUS_OK && *released) {
        status = db_execute(transaction, &return_stock, NULL, "s", id);
    }
    if (status == STATUS_OK) {
        return db_commit(transaction);
    }
    db_rollback(transaction);
    return status;
}

static void delete_reservation(struct request *request, struct response *response)
{
    bool released = false;
    const char *id = request_parameter(request, "reservation_id");
    if (!validate_is_name(id, SHOP_OPERATION_MAX)) {
        response_error(response, 422, "invalid", "this is no reservation's id");
        return;
    }
    enum status status = release(&request->work, id, &released);
    if (status != STATUS_OK) {
        response_trouble(response, "inventory_failed", status);
        return;
    }
    response_json(response, 200, json_pack("{s:b}", "released", released));
}

/* ---- counting */

static const struct db_query select_all_stock = {
    "SELECT stock",
    "SELECT sku, available, reserved FROM stock ORDER BY sku",
};

static void get_stock(struct request *request, struct response *response)
{
    struct db_rows *found = NULL;
    json_int_t available = 0, reserved = 0;
    json_t *skus = json_object();
    enum status status = db_select(&request->work, &select_all_stock, &found, "");
    while (status == STATUS_OK && db_next(found)) {
        available += db_i64(found, 1);
        reserved += db_i64(found, 2);
        json_object_set_new(skus, db_text(found, 0),
                            json_pack("{s:I, s:I}", "available", (json_int_t)db_i64(found, 1),
                                      "reserved", (json_int_t)db_i64(found, 2)));
    }
    enum status done = db_done(found);
    status = status == STATUS_OK ? done : status;
    if (status != STATUS_OK) {
        json_decref(skus);
        response_trouble(response, "inventory_failed", status);
        return;
    }
    response_json(
        response, 200,
        json_pack("{s:I, s:I, s:o}", "available", available, "reserved", reserved, "skus", skus));
}

static const struct server_route routes[] = {
    {.method = "GET", .path = "/stock", .handle = get_stock},
    {.method = "POST", .path = "/reservations", .handle = post_reservation},
    {.method = "DELETE", .path = "/reservations/{reservation_id}", .handle = delete_reservation},
};

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS stock(sku TEXT PRIMARY KEY,"
    " available INTEGER NOT NULL CHECK (available >= 0),"
    " reserved INTEGER NOT NULL DEFAULT 0 CHECK (reserved >= 0)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS reservations(reservation_id TEXT PRIMARY KEY,"
    " lines TEXT NOT NULL, held INTEGER NOT NULL) WITHOUT ROWID;";

/* The catalog's products, alike many of each. */
static enum status start(struct service_parts *parts, struct error *error)
{
    struct fault_values values;
    char seed[512];
    faults_snapshot(parts->faults, &values);
    snprintf(seed, sizeof seed,
             "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 500)"
             " INSERT OR IGNORE INTO stock(sku, available)"
             " SELECT printf('sku-%%04d', i), %lld FROM n;",
             (long long)fault_number(&values, ROW_STOCK));
    return db_script(parts->db, seed, error);
}

int main(int argc, char **argv)
{
    return service_main(&(struct service){.name = "inventory",
                                          .routes = routes,
                                          .route_count = COUNT_OF(routes),
                                          .faults = rows,
                                          .fault_count = COUNT_OF(rows),
                                          .schema = schema,
                                          .start = start},
                        argc, argv);
}
