#include "services/checkout/lines.h"

json_t *lines_price(const json_t *reserved, const json_t *cart_lines)
{
    json_t *lines = json_array();
    for (size_t i = 0; i < json_array_size(cart_lines); i++) {
        const json_t *line = json_array_get(reserved, i);
        const json_t *facts = json_array_get(cart_lines, i);
        json_t *sku = json_object_get(line, "sku");
        if (!sku || !json_equal(sku, json_object_get(facts, "sku"))) {
            json_decref(lines);
            return NULL;
        }
        json_array_append_new(lines,
                              json_pack("{s:O, s:O?, s:O?, s:O?}", "sku", sku, "quantity",
                                        json_object_get(line, "quantity"), "unit_price_minor",
                                        json_object_get(facts, "unit_price_minor"), "weight_g",
                                        json_object_get(facts, "weight_g")));
    }
    return lines;
}
