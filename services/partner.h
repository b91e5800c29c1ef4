/* What the outside parties share: they answer alike every time, after a while that the environment
 * sets. Nothing of ours runs at a partner, so they are not traced. */
#ifndef CULPRIT_SERVICES_PARTNER_H
#define CULPRIT_SERVICES_PARTNER_H

#include "base/clock.h"
#include "http/service.h"

enum { PARTNER_LATENCY_MS, PARTNER_SLOW_MS };

static const struct fault_row partner_rows[] = {
    [PARTNER_LATENCY_MS] = {.name = "latency_ms",
                            .type = FAULT_NUMBER,
                            .environment = true,
                            .lowest = 0,
                            .highest = 60000,
                            .usual = 5,
                            .stands_for = "how long this outside party takes to answer",
                            .trace_shows = "a client span of that length with nothing below it"},
    [PARTNER_SLOW_MS] =
        {.name = "slow_ms",
         .type = FAULT_NUMBER,
         .lowest = 1,
         .highest = 60000,
         .when_on = 200,
         .stands_for = "this outside party has a bad day: every answer takes that much longer",
         .trace_shows = "client spans longer by that much, with nothing below them, wherever this "
                        "party is called; whoever calls it does nothing else meanwhile"},
};

static inline int partner_main(const char *name, const struct server_route *routes,
                               size_t route_count, int argc, char **argv)
{
    return service_main(&(struct service){.name = name,
                                          .routes = routes,
                                          .route_count = route_count,
                                          .faults = partner_rows,
                                          .fault_count = COUNT_OF(partner_rows),
                                          .untraced = true},
                        argc, argv);
}

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
