/* The customers who send the load: they exist in every system of ours before the first request.
 * Log-in costs a real password hash (50 ms), so it is done once, before the windows. */
#ifndef CULPRIT_LOADGEN_STACK_SESSION_H
#define CULPRIT_LOADGEN_STACK_SESSION_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum { SESSION_USERS = 16, SESSION_TOKEN_MAX = 256 };

struct sessions {
    char tokens[SESSION_USERS][SESSION_TOKEN_MAX];
    const char *list[SESSION_USERS]; /* of the above */
    size_t count;
};

/* Logs user-1 .. user-16 in at the frontend. STATUS_REFUSED (a wrong answer), and those of
 * fetch_do, with words. The value must not be moved afterwards: `list` points into it. */
MUST_CHECK enum status sessions_open(struct sessions *sessions, const char *frontend_url,
                                     struct error *error);

#endif
