/* What there is to buy: facts about many products in one call. The table is small and nothing
 * changes it while the service runs, so the first request that asks by sku reads it whole into
 * memory and all later ones are answered from there. */
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "http/evidence.h"
#include "http/named_lock.h"
#include "http/service.h"
#include "services/shop.h"

enum {
    PRODUCTS_MAX = 4096,
    PAGE_USUAL = 20,
    PAGE_MAX = 500,
};

struct product {
    char sku[SHOP_SKU_MAX + 1];
    char name[SHOP_TEXT_MAX + 1];
    int64_t price_minor, weight_g;
};

struct catalog {
    struct named_lock lock; /* guards the filling; what was filled is read-only */
    bool filled;
    struct map places; /* sku to its place in `products` */
    size_t count;
    struct product products[PRODUCTS_MAX];
};

static const struct db_query select_products = {
    "SELECT products",
    "SELECT sku, name, price_minor, weight_g FROM products ORDER BY sku LIMIT ?",
};

static struct product read_product(struct db_rows *rows)
{
    struct product product = {.price_minor = db_i64(rows, 2), .weight_g = db_i64(rows, 3)};
    text_copy(text_of(db_text(rows, 0)), product.sku, sizeof product.sku);
    text_copy(text_of(db_text(rows, 1)), product.name, sizeof product.name);
    return product;
}

static json_t *product_json(const struct product *product)
{
    return json_pack("{s:s, s:s, s:I, s:I}", "sku", product->sku, "name", product->name,
                     "price_minor", (json_int_t)product->price_minor, "weight_g",
                     (json_int_t)product->weight_g);
}

/* Called with the lock held. */
static enum status fill(const struct work *work, struct catalog *catalog)
{
    struct db_rows *rows = NULL;
    enum status status = db_select(work, &select_products, &rows, "i", (int64_t)PRODUCTS_MAX);
    catalog->count = 0;
    map_clear(&catalog->places);
    while (status == STATUS_OK && db_next(rows)) {
        struct product *product = &catalog->products[catalog->count];
        *product = read_product(rows);
        uint64_t *place = map_put(&catalog->places, product->sku, strlen(product->sku), NULL);
        if (!place) {
            status = STATUS_NO_MEMORY;
            break;
        }
        *place = catalog->count++;
    }
    enum status done = db_done(rows);
    return status == STATUS_OK ? done : status;
}

static enum status ensure_filled(const struct work *work)
{
    struct catalog *catalog = work->parts->own;
    named_lock_enter(&catalog->lock);
    evidence_cache("products", catalog->filled);
    enum status status = catalog->filled ? STATUS_OK : fill(work, catalog);
    catalog->filled = status == STATUS_OK;
    named_lock_leave(&catalog->lock);
    return status;
}

static const struct product *find_product(const struct catalog *catalog, struct text sku)
{
    const uint64_t *place = map_find(&catalog->places, sku.data, sku.length);
    return place ? &catalog->products[*place] : NULL;
}

/* The products of a list "a,b,c". */
static void answer_skus(const struct work *work, const char *list, struct response *response)
{
    const struct catalog *catalog = work->parts->own;
    json_t *products = json_array();
    struct text rest = text_of(list);
    while (products && rest.data) {
        struct text sku = text_split(&rest, ',');
        const struct product *product = find_product(catalog, sku);
        if (!product) {
            json_decref(products);
            sku.length = sku.length < SHOP_SKU_MAX ? sku.length : SHOP_SKU_MAX;
            response_error(response, 404, "unknown_sku", "no product \"%.*s\"", TEXT_ARGS(sku));
            return;
        }
        json_array_append_new(products, product_json(product));
    }
    response_json(response, 200, json_pack("{s:o}", "products", products));
}

static void answer_page(const struct work *work, int64_t limit, struct response *response)
{
    struct db_rows *rows = NULL;
    json_t *products = json_array();
    enum status status = db_select(work, &select_products, &rows, "i", limit);
    while (status == STATUS_OK && db_next(rows)) {
        struct product product = read_product(rows);
        json_array_append_new(products, product_json(&product));
    }
    enum status done = db_done(rows);
    status = status == STATUS_OK ? done : status;
    if (status != STATUS_OK) {
        json_decref(products);
        response_trouble(response, "catalog_failed", status);
        return;
    }
    response_json(response, 200, json_pack("{s:o}", "products", products));
}

static void get_products(struct request *request, struct response *response)
{
    const char *skus = request_query(request, "skus");
    const char *limit_text = request_query(request, "limit");
    int64_t limit = PAGE_USUAL;
    if (skus) {
        enum status status = ensure_filled(&request->work);
        if (status != STATUS_OK) {
            response_trouble(response, "catalog_failed", status);
        } else {
            answer_skus(&request->work, skus, response);
        }
        return;
    }
    if (limit_text &&
        (text_to_i64(text_of(limit_text), &limit) != STATUS_OK || limit < 1 || limit > PAGE_MAX)) {
        response_error(response, 422, "invalid", "\"limit\" must be 1 to %d", PAGE_MAX);
        return;
    }
    answer_page(&request->work, limit, response);
}

static const struct server_route routes[] = {
    {.method = "GET", .path = "/products", .handle = get_products},
};

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS products(sku TEXT PRIMARY KEY, name TEXT NOT NULL,"
    " price_minor INTEGER NOT NULL CHECK (price_minor > 0),"
    " weight_g INTEGER NOT NULL CHECK (weight_g > 0)) WITHOUT ROWID;";

/* sku-0001 to sku-0500; prices and weights are spread by fixed steps, alike in every run. */
static const char seed[] =
    "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 500)"
    " INSERT OR IGNORE INTO products SELECT printf('sku-%04d', i), printf('Product %d', i),"
    " 199 + i * 7919 % 19800, 50 + i * 131 % 4950 FROM n;";

static enum status start(struct service_parts *parts, struct error *error)
{
    struct catalog *catalog = calloc(1, sizeof *catalog);
    if (!catalog) {
        return error_set(error, STATUS_NO_MEMORY, "no memory for products");
    }
    named_lock_init(&catalog->lock, "catalog products");
    map_init(&catalog->places, PRODUCTS_MAX);
    parts->own = catalog;
    return db_script(parts->db, seed, error);
}

static void stop(struct service_parts *parts)
{
    struct catalog *catalog = parts->own;
    if (catalog) {
        map_release(&catalog->places);
        named_lock_release(&catalog->lock);
        free(catalog);
        parts->own = NULL;
    }
}

int main(int argc, char **argv)
{
    return service_main(&(struct service){.name = "catalog",
                                          .routes = routes,
                                          .route_count = COUNT_OF(routes),
                                          .schema = schema,
                                          .start = start,
                                          .stop = stop},
                        argc, argv);
}
