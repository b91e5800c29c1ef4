/* What the services of the shop agree on: bounds and formats of what they hand to each other.
 * Constants only. Amounts are whole numbers of minor units; catalog prices are in EUR. */
#ifndef CULPRIT_SERVICES_SHOP_H
#define CULPRIT_SERVICES_SHOP_H

enum {
    SHOP_ID_MAX = 64,         /* users, carts, orders, a customer's idempotency key */
    SHOP_OPERATION_MAX = 129, /* "{user}.{key}": one checkout, for every service behind it */
    SHOP_SKU_MAX = 32,
    SHOP_TEXT_MAX = 128,
    SHOP_LINES_MAX = 100,
    SHOP_QUANTITY_MAX = 99,
    SHOP_PRICE_MAX = 10 * 1000 * 1000,
    SHOP_WEIGHT_MAX_G = 1000 * 1000,
};

#define SHOP_CART_WEIGHT_MAX_G ((int64_t)SHOP_LINES_MAX * SHOP_QUANTITY_MAX * SHOP_WEIGHT_MAX_G)
#define SHOP_TOTAL_MAX         1000000000000000ll

#define SHOP_TOPIC_ORDER_PLACED "order.placed"

#endif
