/* Customers' carts: which products, how many. A cart belongs to the customer who made it. Facts
 * about the products come from the catalog, all of them in one call. */
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "http/relay.h"
#include "http/service.h"
#include "http/validate.h"
#include "services/shop.h"

struct line {
    const char *sku;
    int64_t quantity;
};

struct lines {
    size_t count;
    struct line items[SHOP_LINES_MAX];
};

static const struct validate_field line_fields[] = {
    VALIDATE_FIELD(struct line, sku, VALIDATE_NAME, 1, SHOP_SKU_MAX),
    VALIDATE_FIELD(struct line, quantity, VALIDATE_I64, 1, SHOP_QUANTITY_MAX),
};

/* ---- the catalog's facts */

/* "/products?skus=a,b,c": names need no escape. */
static bool products_path(const struct lines *lines, struct buffer *path)
{
    buffer_append_text(path, "/products?skus=");
    for (size_t i = 0; i < lines->count; i++) {
        buffer_printf(path, "%s%s", i ? "," : "", lines->items[i].sku);
    }
    return path->failed == STATUS_OK;
}

/* Asks for all products of the lines; false: `response` is set. */
static bool ask_catalog(struct request *request, const struct lines *lines, struct call *call,
                        struct response *response)
{
    struct buffer path;
    buffer_init(&path, CLIENT_PATH_MAX);
    *call = (struct call){.peer = "catalog", .method = "GET", .path_template = "/products"};
    bool fits = products_path(lines, &path);
    call->path = buffer_text(&path);
    if (!fits) {
        response_trouble(response, "cart_failed", path.failed);
    } else if (client_call(&request->work, call) != STATUS_OK || !call_succeeded(call)) {
        relay_failure(response, call);
    }
    buffer_release(&path);
    call->path = NULL;
    return fits && call_succeeded(call);
}

/* ---- putting */

struct put_body {
    const char *user_id;
    json_t *lines;
};

static const struct validate_field put_fields[] = {
    VALIDATE_FIELD(struct put_body, user_id, VALIDATE_NAME, 1, SHOP_ID_MAX),
    VALIDATE_FIELD(struct put_body, lines, VALIDATE_ARRAY, 1, SHOP_LINES_MAX),
};

static const char *twice(const struct lines *lines)
{
    for (size_t i = 0; i < lines->count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (strcmp(lines->items[i].sku, lines->items[j].sku) == 0) {
                return lines->items[i].sku;
            }
        }
    }
    return NULL;
}

static bool take_lines(const json_t *array, struct lines *lines, struct response *response)
{
    struct error error = {0};
    lines->count = json_array_size(array);
    if (validate_items(array, line_fields, COUNT_OF(line_fields), lines->items,
                       sizeof lines->items[0], &error) != STATUS_OK) {
        response_error(response, 422, "invalid", "\"lines\": %s", error.text);
        return false;
    }
    const char *sku = twice(lines);
    if (sku) {
        response_error(response, 422, "invalid", "\"lines\": \"%s\" is there twice", sku);
    }
    return !sku;
}

static const struct db_query upsert_cart = {
    "INSERT carts",
    "INSERT INTO carts(cart_id, user_id, changed_ms) VALUES (?1, ?2, ?3)"
    " ON CONFLICT(cart_id) DO UPDATE SET changed_ms = ?3 WHERE user_id = ?2",
};

static const struct db_query delete_lines = {
    "DELETE lines",
    "DELETE FROM lines WHERE cart_id = ?",
};

static const struct db_query insert_lines = {
    "INSERT lines",
    "INSERT INTO lines(cart_id, sku, quantity)"
    " SELECT ?1, value ->> 'sku', value ->> 'quantity' FROM json_each(?2)",
};

/* STATUS_REFUSED: it is another customer's. */
static enum status write_cart(struct db_transaction *transaction, const char *cart_id,
                              const char *user_id, const char *lines_json)
{
    int64_t changes = 0;
    int64_t now_ms = (int64_t)(clock_wall_ns() / NS_PER_MS);
    enum status status =
        db_execute(transaction, &upsert_cart, &changes, "ssi", cart_id, user_id, now_ms);
    if (status == STATUS_OK && changes == 0) {
        return STATUS_REFUSED;
    }
    if (status == STATUS_OK) {
        status = db_execute(transaction, &delete_lines, NULL, "s", cart_id);
    }
    if (status == STATUS_OK) {
        status = db_execute(transaction, &insert_lines, NULL, "ss", cart_id, lines_json);
    }
    return status;
}

static enum status keep_cart(struct request *request, const char *cart_id,
                             const struct put_body *body)
{
    struct db_transaction *transaction = NULL;
    char *lines_json = json_dumps(body->lines, JSON_COMPACT);
    enum status status = lines_json ? db_begin(&request->work, &transaction) : STATUS_NO_MEMORY;
    if (status == STATUS_OK) {
        status = write_cart(transaction, cart_id, body->user_id, lines_json);
    }
    if (status == STATUS_OK) {
        status = db_commit(transaction);
    } else {
        db_rollback(transaction);
    }
    free(lines_json);
    return status;
}

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

static void answer_foreign(struct response *response)
{
    response_error(response, 403, "not_your_cart", "this cart belongs to somebody else");
}

static void put_cart(struct request *request, struct response *response)
{
    struct put_body body = {0};
    struct lines lines;
    struct call call = {0};
    const char *cart_id = asked_cart(request, response);
    if (!cart_id || !validate_body(request, response, put_fields, COUNT_OF(put_fields), &body) ||
        !take_lines(body.lines, &lines, response)) {
        return;
    }
    if (ask_catalog(request, &lines, &call, response)) {
        enum status status = keep_cart(request, cart_id, &body);
        if (status == STATUS_REFUSED) {
            answer_foreign(response);
        } else if (status != STATUS_OK) {
            response_trouble(response, "cart_failed", status);
        } else {
            response_json(
                response, 200,
                json_pack("{s:s, s:I}", "cart_id", cart_id, "lines", (json_int_t)lines.count));
        }
    }
    call_release(&call);
}

/* ---- getting */

static const struct db_query select_cart = {
    "SELECT carts",
    "SELECT c.user_id, l.sku, l.quantity FROM carts c LEFT JOIN lines l ON l.cart_id = c.cart_id"
    " WHERE c.cart_id = ? ORDER BY l.sku",
};

/* The cart's lines, their texts in `memory`. STATUS_NOT_FOUND, STATUS_REFUSED: another's. */
static enum status load_lines(struct request *request, const char *cart_id, struct lines *lines,
                              char (*memory)[SHOP_SKU_MAX + 1])
{
    const char *user_id = request_query(request, "user_id");
    struct db_rows *rows = NULL;
    bool found = false, foreign = false;
    lines->count = 0;
    enum status status = db_select(&request->work, &select_cart, &rows, "s", cart_id);
    while (status == STATUS_OK && lines->count < SHOP_LINES_MAX && db_next(rows)) {
        found = true;
        foreign = !user_id || strcmp(user_id, db_text(rows, 0)) != 0;
        if (!db_is_null(rows, 1)) {
            text_copy(text_of(db_text(rows, 1)), memory[lines->count], SHOP_SKU_MAX + 1);
            lines->items[lines->count] =
                (struct line){.sku = memory[lines->count], .quantity = db_i64(rows, 2)};
            lines->count++;
        }
    }
    enum status done = db_done(rows);
    status = status == STATUS_OK ? done : status;
    if (status != STATUS_OK) {
        return status;
    }
    return !found ? STATUS_NOT_FOUND : foreign ? STATUS_REFUSED : STATUS_OK;
}

/* The catalog's products come in the order of the lines. NULL: its answer is not what we asked. */
static json_t *described_lines(const struct lines *lines, const json_t *products)
{
    json_t *array = json_array();
    for (size_t i = 0; i < lines->count; i++) {
        json_t *product = json_array_get(products, i);
        const char *sku = json_string_value(json_object_get(product, "sku"));
        if (!sku || strcmp(sku, lines->items[i].sku) != 0) {
            json_decref(array);
            return NULL;
        }
        json_array_append_new(array,
                              json_pack("{s:s, s:I, s:O?, s:O?, s:O?}", "sku", sku, "quantity",
                                        (json_int_t)lines->items[i].quantity, "name",
                                        json_object_get(product, "name"), "unit_price_minor",
                                        json_object_get(product, "price_minor"), "weight_g",
                                        json_object_get(product, "weight_g")));
    }
    return array;
}

static void answer_cart(struct request *request, const char *cart_id, const struct lines *lines,
                        struct response *response)
{
    struct call call = {0};
    if (ask_catalog(request, lines, &call, response)) {
        json_t *array = described_lines(lines, json_object_get(call.reply, "products"));
        if (array) {
            response_json(response, 200,
                          json_pack("{s:s, s:o}", "cart_id", cart_id, "lines", array));
        } else {
            response_error(response, 502, "peer_failed", "catalog left products out");
        }
    }
    call_release(&call);
}

static void get_cart(struct request *request, struct response *response)
{
    struct lines lines;
    char memory[SHOP_LINES_MAX][SHOP_SKU_MAX + 1];
    const char *cart_id = asked_cart(request, response);
    if (!cart_id) {
        return;
    }
    enum status status = load_lines(request, cart_id, &lines, memory);
    if (status == STATUS_NOT_FOUND) {
        response_error(response, 404, "unknown_cart", "there is no cart \"%s\"", cart_id);
    } else if (status == STATUS_REFUSED) {
        answer_foreign(response);
    } else if (status != STATUS_OK) {
        response_trouble(response, "cart_failed", status);
    } else if (lines.count == 0) {
        response_json(response, 200, json_pack("{s:s, s:[]}", "cart_id", cart_id, "lines"));
    } else {
        answer_cart(request, cart_id, &lines, response);
    }
}

static const struct server_route routes[] = {
    {.method = "PUT", .path = "/carts/{cart_id}", .handle = put_cart},
    {.method = "GET", .path = "/carts/{cart_id}", .handle = get_cart},
};

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS carts(cart_id TEXT PRIMARY KEY, user_id TEXT NOT NULL,"
    " changed_ms INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS lines(cart_id TEXT NOT NULL, sku TEXT NOT NULL,"
    " quantity INTEGER NOT NULL CHECK (quantity BETWEEN 1 AND 99),"
    " PRIMARY KEY (cart_id, sku)) WITHOUT ROWID;";

int main(int argc, char **argv)
{
    return service_main(
        &(struct service){
            .name = "cart", .routes = routes, .route_count = COUNT_OF(routes), .schema = schema},
        argc, argv);
}
