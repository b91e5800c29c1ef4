#include "http/relay.h"

#include <stddef.h>

static const unsigned refusals[] = {401, 402, 403, 404, 409, 422};

bool relay_is_refusal(const struct call *call)
{
    for (size_t i = 0; call->result == STATUS_OK && i < sizeof refusals / sizeof *refusals; i++) {
        if (call->status == refusals[i]) {
            return true;
        }
    }
    return false;
}

/* The words of a peer's {"error":{"code":..,"message":..}}, or `otherwise`. */
static const char *error_part(const struct call *call, const char *key, const char *otherwise)
{
    const char *text =
        json_string_value(json_object_get(json_object_get(call->reply, "error"), key));
    return text ? text : otherwise;
}

void relay_failure(struct response *response, const struct call *call)
{
    if (relay_is_refusal(call)) {
        response_error(response, call->status, error_part(call, "code", "refused"), "%s",
                       error_part(call, "message", "refused"));
        return;
    }
    bool late =
        call->result == STATUS_TIMEOUT || (call->result == STATUS_OK && call->status == 504);
    if (call->result == STATUS_OK) {
        response_error(response, late ? 504 : 502, late ? "peer_timeout" : "peer_failed",
                       "%s answered %u", call->peer, call->status);
        return;
    }
    response_error(response, late ? 504 : 502, late ? "peer_timeout" : "peer_failed", "%s: %s",
                   call->peer, status_words(call->result));
}

void relay_reply(struct response *response, struct call *call)
{
    if (!call_succeeded(call) || !call->reply) {
        relay_failure(response, call);
        return;
    }
    response_json(response, call->status, call->reply);
    call->reply = NULL;
}
