/* What a service answers when a peer did not: one rule for all of them. A refusal that is the
 * user's business (401, 402, 403, 404, 409, 422) is passed on with its words; everything else is
 * the system's trouble: 504 when time ran out, else 502, with words that name the peer. Never
 * blocks; callable from any thread. */
#ifndef CULPRIT_HTTP_RELAY_H
#define CULPRIT_HTTP_RELAY_H

#include <stdbool.h>

#include "http/client.h"
#include "http/server.h"

/* The call brought an answer that is the user's business, not a failure of the peer. */
bool relay_is_refusal(const struct call *call);

/* Answers for a call that did not succeed. */
void relay_failure(struct response *response, const struct call *call);

/* Answers with the peer's own status and body, or as relay_failure does. Takes the reply over. */
void relay_reply(struct response *response, struct call *call);

#endif
