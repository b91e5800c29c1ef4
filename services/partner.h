/* What the outside parties share: they answer alike every time, after a while that the environment
 * sets. Nothing of ours runs at a partner, so they are not traced. */
#ifndef CULPRIT_SERVICES_PARTNER_H
#define CULPRIT_SERVICES_PARTNER_H

#include "base/clock.h"
#include "http/service.h"

/* The one row of a partner's table. */
#define PARTNER_ROWS(usual_ms)                                                                     \
    {                                                                                              \
        {.name = "latency_ms",                                                                     \
         .type = FAULT_NUMBER,                                                                     \
         .environment = true,                                                                      \
         .lowest = 0,                                                                              \
         .highest = 60000,                                                                         \
         .usual = (usual_ms),                                                                      \
         .stands_for = "how long this outside party takes to answer",                              \
         .trace_shows = "a client span of that length with nothing below it"},                     \
    }

enum { PARTNER_LATENCY_MS };

static inline void partner_wait(const struct request *request)
{
    int64_t latency_ms = fault_number(&request->work.faults, PARTNER_LATENCY_MS);
    clock_sleep_until_ns(clock_mono_ns() + (uint64_t)latency_ms * NS_PER_MS);
}

/* A query parameter, never NULL. */
static inline const char *partner_query(const struct request *request, const char *name)
{
    const char *value = request_query(request, name);
    return value ? value : "";
}

#endif
