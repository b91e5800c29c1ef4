/* What the shop has sold so far: some 200,000 purchases of 5,000 products, most of them sold no
 * more. Two files that are alike in all but an index by product, read under one name, so that which
 * of them is read cannot be seen from outside but by the time it takes. Made at the first start and
 * never written to again; how many purchases there are is fitted to this machine, so that looking
 * one product up without the index costs about 10 ms of CPU wherever it runs. Callable from any
 * thread. */
#ifndef CULPRIT_SERVICES_ORDERS_HISTORY_H
#define CULPRIT_SERVICES_ORDERS_HISTORY_H

#include <stdbool.h>

#include <jansson.h>

#include "base/status.h"
#include "http/work.h"

struct history;

/* Opens the files in the service's directory, and makes them first where they are missing (about
 * half a second). STATUS_IO, STATUS_TOO_LARGE, STATUS_NO_MEMORY with words. */
MUST_CHECK enum status history_open(struct history **out, const struct service_parts *parts,
                                    struct error *error);
void history_close(struct history *history); /* NULL is fine */

/* Sets "sold_before" in each of the lines {"sku":..., ...}: units of the product sold until now.
 * Statuses of db_select; lines may be incomplete then. */
MUST_CHECK enum status history_note_sales(struct history *history, const struct work *work,
                                          bool by_index, json_t *lines);

#endif
