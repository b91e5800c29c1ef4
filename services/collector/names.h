/* Names of services and operations as small numbers, kept in the store and in memory, and which
 * operations each service has. The writer adds; any thread reads. Bounded: names beyond the limit
 * have the number NAMES_OTHER, which stands for any of them. */
#ifndef CULPRIT_COLLECTOR_NAMES_H
#define CULPRIT_COLLECTOR_NAMES_H

#include "base/buffer.h"
#include "services/collector/sql.h"

enum { NAMES_OTHER = 0, NAMES_MAX = 100000, NAMES_OPERATIONS_MAX = 50000 };

struct names;

MUST_CHECK enum status names_new(struct names **out);
void names_free(struct names *names);

extern const char names_schema[];

/* Reads all from the store, forgetting what was in memory; prepares to write. */
MUST_CHECK enum status names_load(struct names *names, sqlite3 *db, struct error *error);
/* Gives the statements back before the connection closes. */
void names_unload(struct names *names);

/* The writer's, within a transaction; after a rollback names_load. STATUS_IO. */
MUST_CHECK enum status names_add(struct names *names, struct text name, uint32_t *id);
MUST_CHECK enum status names_add_operation(struct names *names, uint32_t service, uint32_t name,
                                           uint8_t kind);

/* Lists of numbers as they stand in the store: appended, and taken from the front. false: the end.
 */
void names_put_id(struct buffer *list, uint32_t id);
bool names_take_id(struct text *list, uint32_t *id);

/* NAMES_OTHER when unknown. */
uint32_t names_find(struct names *names, struct text name);
/* false: nothing in the store has this name. */
bool names_may_have(struct names *names, struct text name);
/* Copies at most size - 1 bytes; "" when unknown. */
void names_text(struct names *names, uint32_t id, char *out, size_t size);

/* Called for each operation, under the lock. */
typedef void names_visitor(void *context, struct text service, struct text name, uint8_t kind);
void names_each_operation(struct names *names, names_visitor *each, void *context);

#endif
