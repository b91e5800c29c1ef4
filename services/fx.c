/* A currency dealer, an outside party: rates from EUR, and what changing money costs. XTS, the code
 * that ISO 4217 keeps for tests, is worth as much as EUR. */
#include <string.h>

#include "services/partner.h"

static const struct currency {
    const char *code;
    int64_t rate_ppm; /* minor units for a million minor units of EUR */
    int64_t fee_ppm;
} currencies[] = {
    {"EUR", 1000000, 0},    {"USD", 1083000, 4000},  {"GBP", 857000, 4000},
    {"CHF", 956000, 5000},  {"SEK", 11270000, 7000}, {"NOK", 11680000, 7000},
    {"DKK", 7459000, 3000}, {"PLN", 4290000, 8000},  {"CZK", 25300000, 8000},
    {"CAD", 1472000, 5000}, {"JPY", 1623000, 6000},  {"XTS", 1000000, 0},
};

static const struct currency *find_currency(const char *code)
{
    for (size_t i = 0; i < COUNT_OF(currencies); i++) {
        if (strcmp(currencies[i].code, code) == 0) {
            return &currencies[i];
        }
    }
    return NULL;
}

static void get_rate(struct request *request, struct response *response)
{
    partner_wait(request);
    const struct currency *currency = find_currency(partner_query(request, "to"));
    if (!currency || strcmp(partner_query(request, "from"), "EUR") != 0) {
        response_error(response, 404, "unknown_currency", "no rate for this currency");
        return;
    }
    response_json(response, 200, json_pack("{s:I}", "rate_ppm", (json_int_t)currency->rate_ppm));
}

static void get_fee(struct request *request, struct response *response)
{
    partner_wait(request);
    const struct currency *currency = find_currency(partner_query(request, "currency"));
    if (!currency) {
        response_error(response, 404, "unknown_currency", "no fee for this currency");
        return;
    }
    response_json(response, 200, json_pack("{s:I}", "fee_ppm", (json_int_t)currency->fee_ppm));
}

static const struct server_route routes[] = {
    {.method = "GET", .path = "/rate", .handle = get_rate},
    {.method = "GET", .path = "/fee", .handle = get_fee},
};

int main(int argc, char **argv)
{
    return partner_main("fx", routes, COUNT_OF(routes), argc, argv);
}
