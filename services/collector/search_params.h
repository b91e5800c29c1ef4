/* A request's query parameters as search criteria, in the two dialects of Jaeger's APIs. */
#ifndef CULPRIT_COLLECTOR_SEARCH_PARAMS_H
#define CULPRIT_COLLECTOR_SEARCH_PARAMS_H

#include "base/arena.h"
#include "http/server.h"
#include "services/collector/criteria.h"

/* The criteria's texts are the request's or the arena's. */
struct search_params {
    struct criteria criteria;
    struct arena arena;
};

/* `limit`: when the request names none. */
void search_params_init(struct search_params *params, size_t limit);
void search_params_release(struct search_params *params);

/* query.service_name and its kin. STATUS_INVALID with words for the client. */
MUST_CHECK enum status search_params_v3(struct search_params *params, const struct request *request,
                                        struct error *error);
/* service, operation, tags, tag, start, end (microseconds), minDuration, maxDuration, limit. */
MUST_CHECK enum status search_params_legacy(struct search_params *params,
                                            const struct request *request, struct error *error);

#endif
