/* Requests in order of arrival, linked through themselves: never allocates. */
#ifndef CULPRIT_LOADGEN_ENGINE_REQUEST_LIST_H
#define CULPRIT_LOADGEN_ENGINE_REQUEST_LIST_H

#include <stddef.h>

#include "loadgen/engine/engine.h"

struct request_list {
    struct engine_request *first, *last;
    size_t count;
};

/* The request must be in no list. */
void request_list_append(struct request_list *list, struct engine_request *request);

/* The oldest one, or NULL. */
struct engine_request *request_list_pop(struct request_list *list);

#endif
