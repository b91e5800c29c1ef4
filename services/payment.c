/* Charges once per operation. What is meant to happen is written down first, the bank is asked
 * outside of any transaction, then the outcome is written down: whoever finds an unfinished row
 * asks the bank again under the same key, and the bank charges once. */
#include <stdio.h>
#include <string.h>

#include "http/relay.h"
#include "http/service.h"
#include "http/validate.h"
#include "services/shop.h"

enum { BANK_TIMEOUT_MS = 4000, RECEIPT_MAX = 64 };

struct payment {
    const char *operation_id, *currency;
    int64_t amount_minor;
};

static const struct validate_field payment_fields[] = {
    VALIDATE_FIELD(struct payment, operation_id, VALIDATE_NAME, 1, SHOP_OPERATION_MAX),
    VALIDATE_FIELD(struct payment, currency, VALIDATE_UPPER, 3, 3),
    VALIDATE_FIELD(struct payment, amount_minor, VALIDATE_I64, 0, SHOP_TOTAL_MAX),
};

/* A row of the ledger; the SQL below has these numbers. `attempt` grows when money that went back
 * is charged anew: a new charge for the bank. */
enum ledger_state { INTENT, CHARGED, DECLINED, REFUNDING, REFUNDED };

struct entry {
    int64_t state, attempt, amount_minor;
    char currency[4];
    char receipt[RECEIPT_MAX + 1];
};

/* ---- ledger */

static const struct db_query insert_intent = {
    "INSERT ledger",
    "INSERT INTO ledger(operation_id, state, attempt, amount_minor, currency)"
    " VALUES (?1, 0, 1, ?2, ?3) ON CONFLICT(operation_id) DO UPDATE"
    " SET state = 0, attempt = attempt + 1, amount_minor = ?2, currency = ?3, receipt = ''"
    " WHERE state = 4",
};

static const struct db_query select_entry = {
    "SELECT ledger",
    "SELECT state, attempt, amount_minor, currency, receipt FROM ledger WHERE operation_id = ?",
};

static const struct db_query update_outcome = {
    "UPDATE ledger",
    "UPDATE ledger SET state = ?3, receipt = ?4 WHERE operation_id = ?1 AND state = ?2",
};

static const struct db_query update_refunding = {
    "UPDATE ledger",
    "UPDATE ledger SET state = 3 WHERE operation_id = ? AND state IN (0, 1)",
};

static enum status read_entry(struct db_transaction *transaction, const char *operation_id,
                              struct entry *entry)
{
    struct db_rows *found = NULL;
    enum status status = db_select_in(transaction, &select_entry, &found, "s", operation_id);
    bool there = status == STATUS_OK && db_next(found);
    if (there) {
        entry->state = db_i64(found, 0);
        entry->attempt = db_i64(found, 1);
        entry->amount_minor = db_i64(found, 2);
        text_copy(text_of(db_text(found, 3)), entry->currency, sizeof entry->currency);
        text_copy(text_of(db_text(found, 4)), entry->receipt, sizeof entry->receipt);
    }
    enum status done = db_done(found);
    status = status == STATUS_OK ? done : status;
    return status == STATUS_OK && !there ? STATUS_NOT_FOUND : status;
}

static enum status finish(struct db_transaction *transaction, enum status status)
{
    if (status == STATUS_OK) {
        return db_commit(transaction);
    }
    db_rollback(transaction);
    return status;
}

/* Writes the intent down, or finds what an earlier call left. */
static enum status intend(const struct work *work, const struct payment *payment,
                          struct entry *entry)
{
    struct db_transaction *transaction = NULL;
    int64_t changes = 0;
    enum status status = db_begin(work, &transaction);
    if (status == STATUS_OK) {
        status = db_execute(transaction, &insert_intent, &changes, "sis", payment->operation_id,
                            payment->amount_minor, payment->currency);
    }
    if (status == STATUS_OK) {
        status = read_entry(transaction, payment->operation_id, entry);
    }
    return finish(transaction, status);
}

/* STATUS_REFUSED: the row is no longer in state `from`. */
static enum status set_state(const struct work *work, const char *operation_id,
                             enum ledger_state from, enum ledger_state to, const char *receipt)
{
    struct db_transaction *transaction = NULL;
    int64_t changes = 0;
    enum status status = db_begin(work, &transaction);
    if (status == STATUS_OK) {
        status = db_execute(transaction, &update_outcome, &changes, "siis", operation_id,
                            (int64_t)from, (int64_t)to, receipt);
    }
    if (status == STATUS_OK && changes == 0) {
        status = STATUS_REFUSED;
    }
    return finish(transaction, status);
}

/* ---- the bank */

enum { BANK_KEY_MAX = SHOP_OPERATION_MAX + 24 };

static void bank_key(const char *operation_id, const struct entry *entry, char out[BANK_KEY_MAX])
{
    snprintf(out, BANK_KEY_MAX, "%s.%lld", operation_id, (long long)entry->attempt);
}

static struct call charge_call(const struct entry *entry, const char *key)
{
    return (struct call){.peer = "bank",
                         .method = "POST",
                         .path_template = "/charges",
                         .idempotency_key = key,
                         .timeout_ms = BANK_TIMEOUT_MS,
                         .body = json_pack("{s:I, s:s}", "amount_minor",
                                           (json_int_t)entry->amount_minor, "currency",
                                           entry->currency)};
}

static struct call refund_call(const char *key)
{
    return (struct call){.peer = "bank",
                         .method = "POST",
                         .path_template = "/refunds",
                         .idempotency_key = key,
                         .timeout_ms = BANK_TIMEOUT_MS,
                         .body = json_pack("{s:s}", "charge", key)};
}

/* ---- charging */

static void answer_declined(struct response *response)
{
    response_error(response, 402, "declined", "the bank declined the charge");
}

static void answer_charged(struct response *response, unsigned code, const char *operation_id,
                           const struct entry *entry)
{
    response_json(response, code,
                  json_pack("{s:s, s:I, s:s, s:s}", "payment_id", operation_id, "amount_minor",
                            (json_int_t)entry->amount_minor, "currency", entry->currency, "receipt",
                            entry->receipt));
}

/* Asks the bank and writes it down; false: `response` is set. */
static bool refund(const struct work *work, const char *operation_id, const struct entry *entry,
                   struct response *response)
{
    char key[BANK_KEY_MAX];
    bank_key(operation_id, entry, key);
    struct call call = refund_call(key);
    enum status status = client_call(work, &call);
    bool good = call_succeeded(&call);
    if (!good) {
        relay_failure(response, &call);
    } else {
        status = set_state(work, operation_id, REFUNDING, REFUNDED, entry->receipt);
        good = status == STATUS_OK || status == STATUS_REFUSED; /* or written by another call */
    }
    if (!good && call_succeeded(&call)) {
        response_trouble(response, "payment_failed", status);
    }
    json_decref(call.body);
    call_release(&call);
    return good;
}

/* Writes down what the bank said; false: `response` is set. */
static bool keep_outcome(const struct work *work, const char *operation_id, const struct call *call,
                         struct entry *entry, struct response *response)
{
    bool declined = call->result == STATUS_OK && call->status == 402;
    const char *receipt = json_string_value(json_object_get(call->reply, "receipt"));
    if (!declined && (!call_succeeded(call) || !receipt)) {
        relay_failure(response, call);
        return false;
    }
    text_copy(text_of(receipt), entry->receipt, sizeof entry->receipt);
    enum status status =
        set_state(work, operation_id, INTENT, declined ? DECLINED : CHARGED, entry->receipt);
    if (status == STATUS_REFUSED) { /* a call beside this one wrote it, or takes it back */
        response_error(response, 409, "in_progress", "this payment is being worked on");
    } else if (status != STATUS_OK) {
        response_trouble(response, "payment_failed", status);
    } else if (declined) {
        answer_declined(response);
    }
    return status == STATUS_OK && !declined;
}

static void charge(const struct work *work, const char *operation_id, struct entry *entry,
                   struct response *response)
{
    char key[BANK_KEY_MAX];
    bank_key(operation_id, entry, key);
    struct call call = charge_call(entry, key);
    client_call(work, &call);
    if (keep_outcome(work, operation_id, &call, entry, response)) {
        answer_charged(response, 201, operation_id, entry);
    }
    json_decref(call.body);
    call_release(&call);
}

/* Acts on what the ledger says of this operation. */
static void pay(const struct work *work, const struct payment *payment, struct entry *entry,
                struct response *response)
{
    if (entry->amount_minor != payment->amount_minor ||
        strcmp(entry->currency, payment->currency) != 0) {
        response_error(response, 409, "key_reused", "this key was used for another amount");
    } else if (entry->state == CHARGED) {
        answer_charged(response, 200, payment->operation_id, entry);
    } else if (entry->state == DECLINED) {
        answer_declined(response);
    } else if (entry->state == INTENT) {
        charge(work, payment->operation_id, entry, response);
    } else {
        response_error(response, 409, "in_progress", "this payment is being taken back");
    }
}

static void post_payment(struct request *request, struct response *response)
{
    struct payment payment = {0};
    struct entry entry = {0};
    const struct work *work = &request->work;
    if (!validate_body(request, response, payment_fields, COUNT_OF(payment_fields), &payment)) {
        return;
    }
    enum status status = intend(work, &payment, &entry);
    if (status == STATUS_OK && entry.state == REFUNDING) { /* the bank did not answer back then */
        if (!refund(work, payment.operation_id, &entry, response)) {
            return;
        }
        status = intend(work, &payment, &entry);
    }
    if (status != STATUS_OK) {
        response_trouble(response, "payment_failed", status);
        return;
    }
    pay(work, &payment, &entry, response);
}

/* ---- taking back */

/* Marks what was or may have been charged. */
static enum status begin_refund(const struct work *work, const char *operation_id,
                                struct entry *entry)
{
    struct db_transaction *transaction = NULL;
    enum status status = db_begin(work, &transaction);
    if (status == STATUS_OK) {
        status = db_execute(transaction, &update_refunding, NULL, "s", operation_id);
    }
    if (status == STATUS_OK) {
        status = read_entry(transaction, operation_id, entry);
    }
    return finish(transaction, status);
}

static void delete_payment(struct request *request, struct response *response)
{
    struct entry entry = {0};
    const char *operation_id = request_parameter(request, "payment_id");
    if (!validate_is_name(operation_id, SHOP_OPERATION_MAX)) {
        response_error(response, 422, "invalid", "this is no payment's id");
        return;
    }
    enum status status = begin_refund(&request->work, operation_id, &entry);
    if (status == STATUS_OK && entry.state == REFUNDING) {
        if (refund(&request->work, operation_id, &entry, response)) {
            response_json(response, 200, json_pack("{s:b}", "refunded", 1));
        }
    } else if (status == STATUS_OK || status == STATUS_NOT_FOUND) {
        response_json(response, 200, json_pack("{s:b}", "refunded", entry.state == REFUNDED));
    } else {
        response_trouble(response, "payment_failed", status);
    }
}

/* ---- counting */

static const struct db_query select_totals = {
    "SELECT ledger",
    "SELECT coalesce(sum(state = 1), 0), coalesce(sum(iif(state = 1, amount_minor, 0)), 0),"
    " coalesce(sum(state = 2), 0), coalesce(sum(state = 4), 0),"
    " coalesce(sum(state IN (0, 3)), 0) FROM ledger",
};

static void get_totals(struct request *request, struct response *response)
{
    struct db_rows *found = NULL;
    int64_t sums[5] = {0};
    enum status status = db_select(&request->work, &select_totals, &found, "");
    if (status == STATUS_OK && db_next(found)) {
        for (int i = 0; i < 5; i++) {
            sums[i] = db_i64(found, i);
        }
    }
    enum status done = db_done(found);
    status = status == STATUS_OK ? done : status;
    if (status != STATUS_OK) {
        response_trouble(response, "payment_failed", status);
        return;
    }
    response_json(response, 200,
                  json_pack("{s:I, s:I, s:I, s:I, s:I}", "charged", (json_int_t)sums[0],
                            "charged_minor", (json_int_t)sums[1], "declined", (json_int_t)sums[2],
                            "refunded", (json_int_t)sums[3], "unfinished", (json_int_t)sums[4]));
}

static const struct server_route routes[] = {
    {.method = "POST", .path = "/payments", .handle = post_payment},
    {.method = "DELETE", .path = "/payments/{payment_id}", .handle = delete_payment},
    {.method = "GET", .path = "/totals", .handle = get_totals},
};

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS ledger(operation_id TEXT PRIMARY KEY, state INTEGER NOT NULL,"
    " attempt INTEGER NOT NULL, amount_minor INTEGER NOT NULL CHECK (amount_minor >= 0),"
    " currency TEXT NOT NULL, receipt TEXT NOT NULL DEFAULT '') WITHOUT ROWID;";

int main(int argc, char **argv)
{
    return service_main(
        &(struct service){
            .name = "payment", .routes = routes, .route_count = COUNT_OF(routes), .schema = schema},
        argc, argv);
}
