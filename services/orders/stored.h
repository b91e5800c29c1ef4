/* Orders as they are stored, and GET /orders/{order_id}, a handler. Callable from any thread. */
#ifndef CULPRIT_SERVICES_ORDERS_STORED_H
#define CULPRIT_SERVICES_ORDERS_STORED_H

#include "http/db.h"
#include "http/server.h"

/* What every answer about an order says, of the operation's: a new reference, or NULL with
 * STATUS_NOT_FOUND. Others as db_select_in. */
MUST_CHECK enum status stored_load(struct db_transaction *transaction, const char *operation_id,
                                   json_t **out);

/* The same with "lines": sku, quantity, price, and how many were sold before. */
void stored_get(struct request *request, struct response *response);

#endif
