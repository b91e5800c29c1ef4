/* One at a time per key, within a process: the second bearer of a key waits until the first has
 * left. A bounded table, linear, for as many keys as a server has requests in flight.
 * Callable from any thread; keylock_enter blocks up to its deadline. */
#ifndef CULPRIT_HTTP_KEYLOCK_H
#define CULPRIT_HTTP_KEYLOCK_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum { KEYLOCK_KEY_MAX = 191 };

struct keylock;

/* NULL: no memory. At most `max_count` keys at once. `name` (borrowed) is what spans call it; the
 * key itself is told nowhere (evidence.h). */
struct keylock *keylock_new(const char *name, size_t max_count);
void keylock_free(struct keylock *lock); /* NULL is fine; nobody may be inside */

/* STATUS_OK: the caller is alone with its key until keylock_leave. STATUS_TIMEOUT; STATUS_BUSY: the
 * table is full; STATUS_TOO_LARGE: the key is. */
MUST_CHECK enum status keylock_enter(struct keylock *lock, const char *key, uint64_t deadline_ns);
void keylock_leave(struct keylock *lock, const char *key);

#endif
