/* How many orders there are and what they sold, counted from the rows: GET /totals. A handler,
 * callable from any thread. */
#ifndef CULPRIT_SERVICES_ORDERS_TOTALS_H
#define CULPRIT_SERVICES_ORDERS_TOTALS_H

#include "http/server.h"

/* {"orders":..,"units_total":..,"units":{sku: units}} */
void totals_get(struct request *request, struct response *response);

#endif
