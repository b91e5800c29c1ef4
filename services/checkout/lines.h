/* Lines of a checkout as JSON arrays. Pure; callable from any thread. */
#ifndef CULPRIT_SERVICES_CHECKOUT_LINES_H
#define CULPRIT_SERVICES_CHECKOUT_LINES_H

#include <jansson.h>

/* Reserved lines with the cart's prices and weights, a new array. NULL: they are not the cart's. */
json_t *lines_price(const json_t *reserved, const json_t *cart_lines);

#endif
