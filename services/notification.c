/* Tells customers that their order was placed: takes messages off the queue, one mail an order,
 * however often the queue delivers. */
#include <stdio.h>

#include "base/clock.h"
#include "http/service.h"
#include "http/validate.h"
#include "services/shop.h"

enum { MAIL_TIMEOUT_MS = 5000, TEXT_MAX = 512 };

struct placed {
    const char *order_id, *user_id, *currency, *tracking;
    int64_t total_minor;
};

static const struct validate_field placed_fields[] = {
    VALIDATE_FIELD(struct placed, order_id, VALIDATE_NAME, 1, SHOP_ID_MAX),
    VALIDATE_FIELD(struct placed, user_id, VALIDATE_NAME, 1, SHOP_ID_MAX),
    VALIDATE_FIELD(struct placed, currency, VALIDATE_UPPER, 3, 3),
    VALIDATE_FIELD(struct placed, tracking, VALIDATE_NAME, 1, SHOP_ID_MAX),
    VALIDATE_FIELD(struct placed, total_minor, VALIDATE_I64, 0, SHOP_TOTAL_MAX),
};

static const struct db_query select_sent = {
    "SELECT sent",
    "SELECT sent_ms FROM sent WHERE order_id = ?",
};

static const struct db_query insert_sent = {
    "INSERT sent",
    "INSERT INTO sent(order_id, user_id, sent_ms) VALUES (?, ?, ?)"
    " ON CONFLICT(order_id) DO NOTHING",
};

/* STATUS_NOT_FOUND: no mail went out for this order. */
static enum status find_sent(const struct work *work, const char *order_id, int64_t *sent_ms)
{
    struct db_rows *found = NULL;
    enum status status = db_select(work, &select_sent, &found, "s", order_id);
    bool sent = status == STATUS_OK && db_next(found);
    *sent_ms = sent ? db_i64(found, 0) : 0;
    enum status done = db_done(found);
    status = status == STATUS_OK ? done : status;
    return status == STATUS_OK && !sent ? STATUS_NOT_FOUND : status;
}

/* The order's id is the mail company's key too: a mail whose answer was lost goes out once. */
static enum status send_mail(const struct work *work, const struct placed *placed)
{
    char text[TEXT_MAX];
    snprintf(text, sizeof text, "Your order %s over %lld.%02lld %s is on its way: %s",
             placed->order_id, (long long)(placed->total_minor / 100),
             (long long)(placed->total_minor % 100), placed->currency, placed->tracking);
    struct call call = {.peer = "mail",
                        .method = "POST",
                        .path_template = "/messages",
                        .idempotency_key = placed->order_id,
                        .timeout_ms = MAIL_TIMEOUT_MS,
                        .body = json_pack("{s:s, s:s, s:s}", "to", placed->user_id, "subject",
                                          "Your order", "text", text)};
    enum status status = client_call(work, &call);
    if (status == STATUS_OK && !call_succeeded(&call)) {
        status = STATUS_REFUSED;
    }
    json_decref(call.body);
    call_release(&call);
    return status;
}

static enum status keep_sent(const struct work *work, const struct placed *placed)
{
    struct db_transaction *transaction = NULL;
    enum status status = db_begin(work, &transaction);
    if (status == STATUS_OK) {
        status = db_execute(transaction, &insert_sent, NULL, "ssi", placed->order_id,
                            placed->user_id, (int64_t)(clock_wall_ns() / NS_PER_MS));
    }
    if (status == STATUS_OK) {
        return db_commit(transaction);
    }
    db_rollback(transaction);
    return status;
}

static enum status notify(const struct work *work, const struct placed *placed)
{
    int64_t sent_ms = 0;
    enum status status = find_sent(work, placed->order_id, &sent_ms);
    if (status != STATUS_NOT_FOUND) {
        return status; /* sent before, or the database's trouble */
    }
    status = send_mail(work, placed);
    return status == STATUS_OK ? keep_sent(work, placed) : status;
}

static enum status consume(struct work *work, const struct queue_message *message)
{
    struct placed placed = {0};
    json_t *document = json_loadb(message->payload.data, message->payload.length, 0, NULL);
    enum status status =
        validate_object(document, placed_fields, COUNT_OF(placed_fields), &placed, NULL);
    if (status == STATUS_OK) {
        status = notify(work, &placed);
    }
    json_decref(document);
    return status;
}

/* ---- asked directly, without the queue */

static void answer_trouble(struct response *response, enum status status)
{
    response_error(response, status == STATUS_TIMEOUT ? 504 : 502, "notification_failed", "%s",
                   status_words(status));
}

static void post_notification(struct request *request, struct response *response)
{
    struct placed placed = {0};
    if (!validate_body(request, response, placed_fields, COUNT_OF(placed_fields), &placed)) {
        return;
    }
    enum status status = notify(&request->work, &placed);
    if (status != STATUS_OK) {
        answer_trouble(response, status);
        return;
    }
    response_json(response, 200, json_pack("{s:s}", "order_id", placed.order_id));
}

/* ---- reading */

static void get_sent(struct request *request, struct response *response)
{
    int64_t sent_ms = 0;
    const char *order_id = request_parameter(request, "order_id");
    enum status status = find_sent(&request->work, order_id, &sent_ms);
    if (status == STATUS_NOT_FOUND) {
        response_error(response, 404, "not_sent", "no mail went out for this order");
    } else if (status != STATUS_OK) {
        answer_trouble(response, status);
    } else {
        response_json(
            response, 200,
            json_pack("{s:s, s:I}", "order_id", order_id, "sent_ms", (json_int_t)sent_ms));
    }
}

static const struct db_query count_sent = {
    "SELECT sent",
    "SELECT count(*) FROM sent",
};

/* Mails sent, and what the queue holds. */
static void get_totals(struct request *request, struct response *response)
{
    struct db_rows *found = NULL;
    struct queue_stats stats = {0};
    enum status status = db_select(&request->work, &count_sent, &found, "");
    int64_t sent = status == STATUS_OK && db_next(found) ? db_i64(found, 0) : 0;
    enum status done = db_done(found);
    status = status == STATUS_OK ? done : status;
    if (status == STATUS_OK) {
        status = queue_stats(request->work.parts->queue, SHOP_TOPIC_ORDER_PLACED, &stats);
    }
    if (status != STATUS_OK) {
        answer_trouble(response, status);
        return;
    }
    response_json(response, 200,
                  json_pack("{s:I, s:I, s:I, s:I}", "sent", (json_int_t)sent, "waiting",
                            (json_int_t)stats.waiting, "in_hand", (json_int_t)stats.in_hand,
                            "parked", (json_int_t)stats.parked));
}

static const struct server_route routes[] = {
    {.method = "POST", .path = "/notifications", .handle = post_notification},
    {.method = "GET", .path = "/sent/{order_id}", .handle = get_sent},
    {.method = "GET", .path = "/totals", .handle = get_totals},
};

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS sent(order_id TEXT PRIMARY KEY, user_id TEXT NOT NULL,"
    " sent_ms INTEGER NOT NULL) WITHOUT ROWID;";

int main(int argc, char **argv)
{
    return service_main(&(struct service){.name = "notification",
                                          .routes = routes,
                                          .route_count = COUNT_OF(routes),
                                          .schema = schema,
                                          .uses_queue = true,
                                          .topic = SHOP_TOPIC_ORDER_PLACED,
                                          .consume = consume},
                        argc, argv);
}
