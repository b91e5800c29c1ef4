/* How likely an order is fraud, from 0 to 100: by its amount, and by how it compares with what the
 * customer ordered lately. */
#include "http/service.h"
#include "http/validate.h"
#include "services/shop.h"

enum {
    SCORE_REFUSED = 90,
    AMOUNT_SUSPECT_MINOR = 1000 * 1000 * 1000, /* ten million in any currency */
    JUMP = 50,                                 /* times the usual amount */
    JUMP_SCORE = 30,
    HISTORY_LOOKED_AT = 20,
};

struct order {
    const char *operation_id, *user_id;
    int64_t total_minor;
};

static const struct validate_field order_fields[] = {
    VALIDATE_FIELD(struct order, operation_id, VALIDATE_NAME, 1, SHOP_OPERATION_MAX),
    VALIDATE_FIELD(struct order, user_id, VALIDATE_NAME, 1, SHOP_ID_MAX),
    VALIDATE_FIELD(struct order, total_minor, VALIDATE_I64, 0, SHOP_TOTAL_MAX),
};

static const struct db_query select_history = {
    "SELECT history",
    "SELECT coalesce(avg(total_minor), 0) FROM (SELECT total_minor FROM history"
    " WHERE user_id = ? ORDER BY id DESC LIMIT ?)",
};

/* The same operation is one entry, however often it is scored. */
static const struct db_query insert_history = {
    "INSERT history",
    "INSERT INTO history(operation_id, user_id, total_minor, score) VALUES (?, ?, ?, ?)"
    " ON CONFLICT(operation_id) DO NOTHING",
};

static enum status usual_total(const struct work *work, const char *user_id, double *out)
{
    struct db_rows *found = NULL;
    enum status status =
        db_select(work, &select_history, &found, "si", user_id, (int64_t)HISTORY_LOOKED_AT);
    *out = status == STATUS_OK && db_next(found) ? db_double(found, 0) : 0;
    enum status done = db_done(found);
    return status == STATUS_OK ? done : status;
}

static int64_t score_of(int64_t total_minor, double usual_minor)
{
    int64_t score = total_minor / (AMOUNT_SUSPECT_MINOR / SCORE_REFUSED);
    if (usual_minor > 0 && (double)total_minor > usual_minor * JUMP) {
        score += JUMP_SCORE;
    }
    return score > 100 ? 100 : score;
}

static enum status remember(const struct work *work, const struct order *order, int64_t score)
{
    struct db_transaction *transaction = NULL;
    enum status status = db_begin(work, &transaction);
    if (status == STATUS_OK) {
        status = db_execute(transaction, &insert_history, NULL, "ssii", order->operation_id,
                            order->user_id, order->total_minor, score);
    }
    if (status == STATUS_OK) {
        return db_commit(transaction);
    }
    db_rollback(transaction);
    return status;
}

static void post_score(struct request *request, struct response *response)
{
    struct order order = {0};
    double usual_minor = 0;
    int64_t score = 0;
    if (!validate_body(request, response, order_fields, COUNT_OF(order_fields), &order)) {
        return;
    }
    enum status status = usual_total(&request->work, order.user_id, &usual_minor);
    if (status == STATUS_OK) {
        score = score_of(order.total_minor, usual_minor);
        status = remember(&request->work, &order, score);
    }
    if (status != STATUS_OK) {
        response_trouble(response, "fraud_failed", status);
        return;
    }
    response_json(
        response, 200,
        json_pack("{s:I, s:b}", "score", (json_int_t)score, "accepted", score < SCORE_REFUSED));
}

static const struct server_route routes[] = {
    {.method = "POST", .path = "/scores", .handle = post_score},
};

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS history(id INTEGER PRIMARY KEY, operation_id TEXT NOT NULL UNIQUE,"
    " user_id TEXT NOT NULL, total_minor INTEGER NOT NULL, score INTEGER NOT NULL);"
    "CREATE INDEX IF NOT EXISTS history_by_user ON history(user_id, id, total_minor);";

int main(int argc, char **argv)
{
    return service_main(
        &(struct service){
            .name = "fraud", .routes = routes, .route_count = COUNT_OF(routes), .schema = schema},
        argc, argv);
}
