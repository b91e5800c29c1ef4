/* Faults and environment of every service of a target, through their control routes. What a service
 * has is asked first, so that a wrong name is answered with what would be right, before anything is
 * changed. Blocking, each call under a deadline of its own; one owner. */
#ifndef CULPRIT_LOADGEN_STACK_CONTROL_H
#define CULPRIT_LOADGEN_STACK_CONTROL_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "base/status.h"
#include "loadgen/base/setting.h"
#include "loadgen/base/target.h"

struct control_service {
    char name[32];
    json_t *rows; /* array as /-/faults describes them; owned */
};

struct control {
    struct target target;
    struct control_service services[TARGET_ENDPOINTS_MAX];
    size_t count;
};

/* Asks every service. STATUS_REFUSED, TIMEOUT, ... and STATUS_IO (a strange answer) with words that
 * name the service. */
MUST_CHECK enum status control_open(struct control *control, const struct target *target,
                                    struct error *error);
void control_release(struct control *control);

/* Asks every service whether it lives. STATUS_CLOSED: words name all that do not say so. */
MUST_CHECK enum status control_probe(const struct control *control, struct error *error);

/* Every setting names a row of that class. STATUS_INVALID with words that list the right ones. */
MUST_CHECK enum status control_check(const struct control *control, const struct settings *settings,
                                     bool environment, struct error *error);

/* Replaces the values of both classes at every service: what is not named becomes usual. NULL
 * leaves a class as it is. STATUS_INVALID (a value was refused), others as control_open; then some
 * services may have the new values. */
MUST_CHECK enum status control_replace(const struct control *control, const struct settings *faults,
                                       const struct settings *environment, struct error *error);

#endif
