/* The processes that are known to send us spans, and what each says on its /metrics that it lost:
 * what never came cannot be seen here otherwise. Callable from any thread. */
#ifndef CULPRIT_COLLECTOR_SENDERS_H
#define CULPRIT_COLLECTOR_SENDERS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"
#include "http/lost_spans.h"

struct senders;

/* "auth=127.0.0.1:8081,cart=...": NULL or empty is nobody; what has no address is passed over.
 * STATUS_NO_MEMORY. */
MUST_CHECK enum status senders_new(struct senders **out, const char *endpoints);
void senders_free(struct senders *senders); /* NULL is fine */

struct sender {
    const char *name;
    bool is_silent; /* did not answer */
    struct lost_spans lost;
};

/* Calls `visit` for each, in their order. Asks them first when the last answers are more than a
 * second old: in turn, for two seconds at most in all; who is not reached in that time is silent.
 */
void senders_visit(struct senders *senders,
                   void (*visit)(void *context, const struct sender *sender), void *context);

/* The same with what they last said, if anything: asks nobody. */
void senders_recall(struct senders *senders,
                    void (*visit)(void *context, const struct sender *sender), void *context);

#endif
