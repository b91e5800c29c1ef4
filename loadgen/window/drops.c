#include "loadgen/window/drops.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "http/lost_spans.h"
#include "loadgen/base/fetch.h"
#include "trace/trace.h"

enum { CALL_MS = 1000, ANSWER_BYTES_MAX = 4 * 1024 * 1024 };

static void add_source(struct drops *drops, const char *name, uint64_t spans)
{
    if (drops->count == DROPS_SOURCES_MAX)
        return;
    struct drops_source *source = &drops->sources[drops->count++];
    text_copy(text_of(name), source->name, sizeof source->name);
    source->spans = spans;
}

static enum status read_metrics(const char *url, struct lost_spans *lost)
{
    struct fetch fetch;
    struct fetch_answer answer = {0};
    enum status status = fetch_init(&fetch, url, ANSWER_BYTES_MAX, NULL);
    if (status == STATUS_OK)
        status = fetch_do(
            &fetch,
            &(struct fetch_request){.method = "GET", .path = "/metrics", .accept = "text/plain"},
            clock_mono_ns() + CALL_MS * NS_PER_MS, &answer, NULL);
    if (status == STATUS_OK && answer.status != 200)
        status = STATUS_NOT_FOUND;
    if (status == STATUS_OK)
        *lost = lost_spans_of_metrics(answer.body);
    fetch_release(&fetch);
    return status;
}

/* What senders say was rejected and what the back end says it refused are the same spans, as far as
 * both say it; a back end that is not ours says nothing. */
void drops_read(const struct target *target, struct drops *out)
{
    struct tracing_stats own = tracing_stats();
    uint64_t rejected = own.rejected, refused = 0;
    *out = (struct drops){.count = 0};
    add_source(out, "culprit",
               own.dropped_queue_full + own.dropped_shutdown + own.dropped_export_failed);
    for (size_t i = 0; i < target->count; i++) {
        const struct target_endpoint *endpoint = &target->endpoints[i];
        bool is_back_end = strcmp(endpoint->name, "query") == 0;
        struct lost_spans lost = {0};
        if (strcmp(endpoint->name, "otlp") == 0)
            continue;
        out->silent += read_metrics(endpoint->url, &lost) != STATUS_OK && !is_back_end;
        add_source(out, endpoint->name, lost.dropped + lost.mislaid);
        rejected += lost.rejected;
        refused += lost.refused;
    }
    add_source(out, "back end", refused > rejected ? refused : rejected);
}

static uint64_t count_of(const struct drops *drops, const char *name)
{
    for (size_t i = 0; i < drops->count; i++)
        if (strcmp(drops->sources[i].name, name) == 0)
            return drops->sources[i].spans;
    return 0;
}

static void add_words(struct drops_lost *lost, const char *name, uint64_t spans)
{
    char words[64];
    size_t length = strlen(lost->where);
    int written = snprintf(words, sizeof words, "%s%s %" PRIu64, length ? ", " : "", name, spans);
    if (written > 0 && length + (size_t)written < sizeof lost->where)
        memcpy(lost->where + length, words, (size_t)written + 1);
}

void drops_add(struct drops_lost *lost, const char *name, uint64_t spans)
{
    lost->spans += spans;
    if (spans > 0)
        add_words(lost, name, spans);
}

void drops_between(const struct drops *before, const struct drops *after, struct drops_lost *out)
{
    *out = (struct drops_lost){.silent = after->silent};
    for (size_t i = 0; i < after->count; i++) {
        const struct drops_source *source = &after->sources[i];
        uint64_t then = count_of(before, source->name);
        drops_add(out, source->name, source->spans >= then ? source->spans - then : source->spans);
    }
}
