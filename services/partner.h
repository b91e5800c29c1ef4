/* What the outside parties share: they answer alike every time, after a while that the environment
 * sets. Nothing of ours runs at a partner, so they are not traced. */
#ifndef CULPRIT_SERVICES_PARTNER_H
#define CULPRIT_SERVICES_PARTNER_H

#include "base/clock.h"
#include "http/service.h"

/* The table of a partner. */
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
            {.name = "slow_ms",                                                                    \
             .type = FAULT_NUMBER,                                                                 \
             .lowest = 1,                                                                          \
             .highest = 60000,                                                                     \
             .when_on = 200,                                                                       \
             .stands_for =                                                                         \
                 "this outside party has a bad day: every answer takes that much longer",          \
             .trace_shows =                                                                        \
                 "client spans longer by that much, with nothing below them, wherever this "       \
                 "party is called; whoever calls it does nothing else meanwhile"},                 \
    }

enum { PARTNER_LATENCY_MS, PARTNER_SLOW_MS };

static inline void partner_wait(const struct request *request)
{
    const struct fault_values *values = &request->work.faults;
    int64_t latency_ms = fault_number(values, PARTNER_LATENCY_MS);
    if (fault_is_on(values, PARTNER_SLOW_MS)) {
        latency_ms += fault_number(values, PARTNER_SLOW_MS);
    }
    clock_sleep_until_ns(clock_mono_ns() + (uint64_t)latency_ms * NS_PER_MS);
}

/* A query parameter, never NULL. */
static inline const char *partner_query(const struct request *request, const char *name)
{
    const char *value = request_query(request, name);
    return value ? value : "";
}

#endif
