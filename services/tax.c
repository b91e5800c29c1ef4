/* The tax office's quotes, an outside party: rates by country of delivery. */
#include <string.h>

#include "base/text.h"
#include "services/partner.h"
#include "services/shop.h"

static const struct country {
    const char *code;
    int64_t vat_ppm;
    int64_t duty_minor_per_kg; /* none inside the customs union */
} countries[] = {
    {"AT", 200000, 0},   {"BE", 210000, 0}, {"CZ", 210000, 0},  {"DE", 190000, 0},
    {"DK", 250000, 0},   {"ES", 210000, 0}, {"FI", 255000, 0},  {"FR", 200000, 0},
    {"IE", 230000, 0},   {"IT", 220000, 0}, {"NL", 210000, 0},  {"PL", 230000, 0},
    {"PT", 230000, 0},   {"SE", 250000, 0}, {"GB", 200000, 90}, {"CH", 81000, 120},
    {"NO", 250000, 140}, {"US", 0, 210},    {"CA", 50000, 180}, {"JP", 100000, 160},
};

static const struct country *find_country(const char *code)
{
    for (size_t i = 0; i < COUNT_OF(countries); i++) {
        if (strcmp(countries[i].code, code) == 0) {
            return &countries[i];
        }
    }
    return NULL;
}

static const struct country *asked_country(const struct request *request, struct response *response)
{
    const struct country *country = find_country(partner_query(request, "country"));
    if (!country) {
        response_error(response, 404, "unknown_country", "no rates for this country");
    }
    return country;
}

static void get_vat(struct request *request, struct response *response)
{
    partner_wait(request);
    const struct country *country = asked_country(request, response);
    if (country) {
        response_json(response, 200, json_pack("{s:I}", "rate_ppm", (json_int_t)country->vat_ppm));
    }
}

static void get_duty(struct request *request, struct response *response)
{
    partner_wait(request);
    const struct country *country = asked_country(request, response);
    int64_t weight_g = 0;
    if (!country) {
        return;
    }
    if (text_to_i64(text_of(request_query(request, "weight_g")), &weight_g) != STATUS_OK ||
        weight_g < 0 || weight_g > SHOP_CART_WEIGHT_MAX_G) {
        response_error(response, 400, "bad_request", "weight_g must be a weight in grams");
        return;
    }
    int64_t duty_minor = (country->duty_minor_per_kg * weight_g + 500) / 1000;
    response_json(response, 200, json_pack("{s:I}", "duty_minor", (json_int_t)duty_minor));
}

static const struct server_route routes[] = {
    {.method = "GET", .path = "/vat", .handle = get_vat},
    {.method = "GET", .path = "/duty", .handle = get_duty},
};

int main(int argc, char **argv)
{
    return partner_main("tax", routes, COUNT_OF(routes), argc, argv);
}
