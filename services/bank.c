/* The bank, an outside party: charges and refunds. The same Idempotency-Key always gets the same
 * answer. It declines every charge in XTS, the currency code that ISO 4217 keeps for tests. */
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "http/validate.h"
#include "services/partner.h"
#include "services/shop.h"

struct charge {
    int64_t amount_minor;
    const char *currency;
};

static const struct validate_field charge_fields[] = {
    VALIDATE_FIELD(struct charge, amount_minor, VALIDATE_I64, 0, SHOP_TOTAL_MAX),
    VALIDATE_FIELD(struct charge, currency, VALIDATE_UPPER, 3, 3),
};

/* A receipt's number, made from the key, so that asking again gives the same one. */
static void answer_receipt(struct response *response, const char *kind, const char *key)
{
    char receipt[32];
    unsigned long long number = hash_bytes_keyed(key, strlen(key), 1, 1);
    snprintf(receipt, sizeof receipt, "%s-%016llx", kind, number);
    response_json(response, 201, json_pack("{s:s}", "receipt", receipt));
}

static const char *asked_key(const struct request *request, struct response *response)
{
    const char *key = request_header(request, "Idempotency-Key");
    if (!validate_is_name(key, SHOP_TEXT_MAX * 2)) {
        response_error(response, 400, "bad_request", "an Idempotency-Key is needed");
        return NULL;
    }
    return key;
}

static void post_charge(struct request *request, struct response *response)
{
    struct charge charge = {0};
    const char *key = asked_key(request, response);
    if (!key ||
        !validate_body(request, response, charge_fields, COUNT_OF(charge_fields), &charge)) {
        return;
    }
    partner_wait(request);
    if (strcmp(charge.currency, "XTS") == 0) {
        response_error(response, 402, "declined", "the bank declined the charge");
        return;
    }
    answer_receipt(response, "charge", key);
}

static void post_refund(struct request *request, struct response *response)
{
    const char *key = asked_key(request, response);
    if (key) {
        partner_wait(request);
        answer_receipt(response, "refund", key);
    }
}

static const struct server_route routes[] = {
    {.method = "POST", .path = "/charges", .handle = post_charge},
    {.method = "POST", .path = "/refunds", .handle = post_refund},
};

int main(int argc, char **argv)
{
    return partner_main("bank", routes, COUNT_OF(routes), argc, argv);
}
