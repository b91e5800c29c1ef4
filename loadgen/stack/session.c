#include "loadgen/stack/session.h"

#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/clock.h"
#include "loadgen/base/fetch.h"

enum { LOGIN_MS = 5000, ANSWER_BYTES_MAX = 64 * 1024 };

static const char password[] = "culprit";

static enum status take_token(struct sessions *sessions, const struct fetch_answer *answer,
                              const char *user, struct error *error)
{
    json_t *reply = json_loadb(answer->body.data, answer->body.length, 0, NULL);
    const char *token = json_string_value(json_object_get(reply, "token"));
    enum status status = STATUS_OK;
    if (token && strlen(token) < SESSION_TOKEN_MAX) {
        char *own = sessions->tokens[sessions->count];
        text_copy(text_of(token), own, SESSION_TOKEN_MAX);
        sessions->list[sessions->count++] = own;
    } else {
        status = error_set(error, STATUS_REFUSED, "frontend: log-in of %s: status %u, no token",
                           user, answer->status);
    }
    json_decref(reply);
    return status;
}

static enum status log_in(struct sessions *sessions, struct fetch *fetch, struct error *error)
{
    char user[32], body[128];
    struct fetch_answer answer;
    snprintf(user, sizeof user, "user-%zu", sessions->count + 1);
    snprintf(body, sizeof body, "{\"user\":\"%s\",\"password\":\"%s\"}", user, password);
    enum status status = fetch_do(
        fetch, &(struct fetch_request){.method = "POST", .path = "/login", .body = text_of(body)},
        clock_mono_ns() + LOGIN_MS * NS_PER_MS, &answer, error);
    return status == STATUS_OK ? take_token(sessions, &answer, user, error) : status;
}

enum status sessions_open(struct sessions *sessions, const char *frontend_url, struct error *error)
{
    struct fetch fetch;
    *sessions = (struct sessions){.count = 0};
    enum status status = fetch_init(&fetch, frontend_url, ANSWER_BYTES_MAX, error);
    while (status == STATUS_OK && sessions->count < SESSION_USERS)
        status = log_in(sessions, &fetch, error);
    fetch_release(&fetch);
    return status;
}
