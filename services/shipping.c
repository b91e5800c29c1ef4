/* The label and the terms of a parcel. Keeps nothing: the same operation gets the same label. */
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "http/service.h"
#include "http/validate.h"
#include "services/shop.h"

enum { PARCEL_MAX_G = 31500, INSURED_WITHOUT_ASKING_MINOR = 50000 };

struct shipment {
    const char *operation_id, *country, *currency;
    int64_t weight_g, total_minor;
};

static const struct validate_field shipment_fields[] = {
    VALIDATE_FIELD(struct shipment, operation_id, VALIDATE_NAME, 1, SHOP_OPERATION_MAX),
    VALIDATE_FIELD(struct shipment, country, VALIDATE_UPPER, 2, 2),
    VALIDATE_FIELD(struct shipment, currency, VALIDATE_UPPER, 3, 3),
    VALIDATE_FIELD(struct shipment, weight_g, VALIDATE_I64, 1, SHOP_CART_WEIGHT_MAX_G),
    VALIDATE_FIELD(struct shipment, total_minor, VALIDATE_I64, 0, SHOP_TOTAL_MAX),
};

static void post_shipment(struct request *request, struct response *response)
{
    struct shipment shipment = {0};
    char tracking[32];
    if (!validate_body(request, response, shipment_fields, COUNT_OF(shipment_fields), &shipment)) {
        return;
    }
    const char *id = shipment.operation_id;
    unsigned long long number = hash_bytes_keyed(id, strlen(id), 2, 2);
    snprintf(tracking, sizeof tracking, "CP%016llX%s", number, shipment.country);
    int64_t parcels = (shipment.weight_g + PARCEL_MAX_G - 1) / PARCEL_MAX_G;
    response_json(response, 200,
                  json_pack("{s:s, s:I, s:b}", "tracking", tracking, "parcels", (json_int_t)parcels,
                            "extra_insurance",
                            shipment.total_minor > INSURED_WITHOUT_ASKING_MINOR));
}

static const struct server_route routes[] = {
    {.method = "POST", .path = "/shipments", .handle = post_shipment},
};

int main(int argc, char **argv)
{
    return service_main(
        &(struct service){.name = "shipping", .routes = routes, .route_count = COUNT_OF(routes)},
        argc, argv);
}
