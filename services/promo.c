/* A marketing agency, an outside party: what a coupon takes off, and what a loyal customer gets. */
#include <string.h>

#include "base/hash.h"
#include "services/partner.h"

static const struct coupon {
    const char *code;
    int64_t discount_ppm;
} coupons[] = {
    {"", 0}, /* none given */
    {"WELCOME5", 50000},
    {"AUTUMN10", 100000},
};

static void get_coupon(struct request *request, struct response *response)
{
    partner_wait(request);
    const char *code = partner_query(request, "code");
    for (size_t i = 0; i < COUNT_OF(coupons); i++) {
        if (strcmp(coupons[i].code, code) == 0) {
            response_json(response, 200,
                          json_pack("{s:I}", "discount_ppm", (json_int_t)coupons[i].discount_ppm));
            return;
        }
    }
    response_error(response, 404, "unknown_coupon", "there is no such coupon");
}

/* 0 to 2 %, always the same for a customer. */
static void get_loyalty(struct request *request, struct response *response)
{
    partner_wait(request);
    const char *user = partner_query(request, "user_id");
    json_int_t discount_ppm = (json_int_t)(hash_bytes_keyed(user, strlen(user), 0, 0) % 3) * 10000;
    response_json(response, 200, json_pack("{s:I}", "discount_ppm", discount_ppm));
}

static const struct server_route routes[] = {
    {.method = "GET", .path = "/coupon", .handle = get_coupon},
    {.method = "GET", .path = "/loyalty", .handle = get_loyalty},
};

int main(int argc, char **argv)
{
    return partner_main("promo", routes, COUNT_OF(routes), argc, argv);
}
