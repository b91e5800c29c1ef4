/* The tables of orders. Constants only. */
#ifndef CULPRIT_SERVICES_ORDERS_SCHEMA_H
#define CULPRIT_SERVICES_ORDERS_SCHEMA_H

#define ORDERS_SCHEMA                                                                              \
    "CREATE TABLE IF NOT EXISTS orders(order_id TEXT PRIMARY KEY,"                                 \
    " operation_id TEXT NOT NULL UNIQUE, user_id TEXT NOT NULL, total_minor INTEGER NOT NULL,"     \
    " currency TEXT NOT NULL, country TEXT NOT NULL, tracking TEXT NOT NULL,"                      \
    " placed_ms INTEGER NOT NULL) WITHOUT ROWID;"                                                  \
    "CREATE TABLE IF NOT EXISTS order_lines(order_id TEXT NOT NULL, sku TEXT NOT NULL,"            \
    " quantity INTEGER NOT NULL, unit_price_minor INTEGER NOT NULL,"                               \
    " sold_before INTEGER NOT NULL, PRIMARY KEY (order_id, sku)) WITHOUT ROWID;"                   \
    "CREATE TABLE IF NOT EXISTS withdrawals(operation_id TEXT PRIMARY KEY) "                       \
    "WITHOUT ROWID;"

#endif
