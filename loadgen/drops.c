#include "loadgen/drops.h"

#include <string.h>

#include "base/clock.h"
#include "http/lost_spans.h"
#include "loadgen/fetch.h"
#include "trace/trace.h"

enum { CALL_MS = 1000, ANSWER_BYTES_MAX = 1024 * 1024 };

static void add_lost(struct drops *drops, struct lost_spans lost)
{
    drops->spans += lost.dropped + lost.rejected;
}

static void add_service(struct drops *drops, const char *url)
{
    struct fetch fetch;
    struct fetch_answer answer = {0};
    enum status status = fetch_init(&fetch, url, ANSWER_BYTES_MAX, NULL);
    if (status == STATUS_OK)
        status = fetch_do(
            &fetch,
            &(struct fetch_request){.method = "GET", .path = "/metrics", .accept = "text/plain"},
            clock_mono_ns() + CALL_MS * NS_PER_MS, &answer, NULL);
    if (status != STATUS_OK || answer.status != 200)
        drops->silent++;
    else
        add_lost(drops, lost_spans_of_metrics(answer.body));
    fetch_release(&fetch);
}

struct drops drops_read(const struct target *target)
{
    struct tracing_stats own = tracing_stats();
    struct drops drops = {.spans =
                              own.dropped_queue_full + own.dropped_export_failed + own.rejected};
    for (size_t i = 0; i < target->count; i++) {
        const struct target_endpoint *endpoint = &target->endpoints[i];
        if (strcmp(endpoint->name, "otlp") != 0 && strcmp(endpoint->name, "query") != 0)
            add_service(&drops, endpoint->url);
    }
    return drops;
}
