#include "loadgen/window/fragments.h"

#include <string.h>

#include "base/clock.h"
#include "loadgen/base/fetch.h"
#include "loadgen/base/id_set.h"
#include "loadgen/window/trace_search.h"

enum {
    SERVICES_MAX = 32,
    TRACES_A_SEARCH = 400,
    ANSWER_SPANS_MAX = 200000,
    SEEN_MAX = 1000 * 1000,
};

static const uint64_t slice_ns_max = NS_PER_S;
static const uint64_t slice_ns_min = 5 * NS_PER_MS;
/* Work behind a queue may start that long after the request. */
static const uint64_t late_ns = 5 * NS_PER_S;
static const size_t answer_bytes_max = (size_t)256 * 1024 * 1024;

struct search {
    struct readback *readback;
    const struct fragments_window *window;
    struct fragments *out;
    struct fetch fetch;
    struct id_set seen;
    struct plan_found found[READBACK_STEPS];
};

/* Lost context costs a call's spans again and again; a few missing ones are drops, and as few
 * cannot change a verdict (see JUDGE_ARRIVED_LEAST). */
#define MISSING_SHARE_LEAST 0.02

/* Services whose spans are missing though they were called. */
static size_t list_services(const struct readback_totals *totals, const struct plan *plans,
                            const char *services[SERVICES_MAX])
{
    size_t count = 0;
    double least = MISSING_SHARE_LEAST * (double)totals->requests / READBACK_STEPS;
    for (size_t step = 0; step < READBACK_STEPS; step++) {
        for (size_t e = 0; e < plans[step].count; e++) {
            const struct plan_edge *edge = &plans[step].edges[e];
            /* what lies below comes with the fragment of the service above it */
            bool is_top = edge->parent < 0 || totals->missing[step].callee[edge->parent] <
                                                  totals->missing[step].callee[e];
            if (!edge->has_callee || !is_top || totals->missing[step].callee[e] == 0 ||
                totals->missing[step].callee[e] < least)
                continue;
            bool is_known = false;
            for (size_t i = 0; i < count; i++)
                is_known |= strcmp(services[i], edge->to->name) == 0;
            if (!is_known && count < SERVICES_MAX)
                services[count++] = edge->to->name;
        }
    }
    return count;
}

/* Copies the spans of one trace; false: it has a root that is a client, so it is a whole trace of
 * somebody else's request, or it does not fit. */
static bool gather(const struct spans *all, size_t from, struct spans *one)
{
    const uint8_t *id = all->items[from].trace_id;
    for (size_t i = from; i < all->count; i++) {
        const struct otlp_span *span = &all->items[i];
        if (memcmp(span->trace_id, id, 16) != 0)
            continue;
        if (otlp_span_is_root(span) && span->kind == OTLP_KIND_CLIENT)
            return false;
        if (spans_copy(one, span) != STATUS_OK)
            return false;
    }
    return true;
}

static void range_of(const struct spans *spans, uint64_t *start_ns, uint64_t *end_ns)
{
    *start_ns = UINT64_MAX;
    *end_ns = 0;
    for (size_t i = 0; i < spans->count; i++) {
        if (spans->items[i].start_ns < *start_ns)
            *start_ns = spans->items[i].start_ns;
        if (spans->items[i].end_ns > *end_ns)
            *end_ns = spans->items[i].end_ns;
    }
}

static void take_fragment(struct search *search, const struct spans *one)
{
    struct sample *sample = readback_sample(search->readback);
    uint64_t start_ns, end_ns;
    range_of(one, &start_ns, &end_ns);
    search->out->traces++;
    search->out->spans += one->count;
    for (size_t step = 0; step < READBACK_STEPS; step++)
        complete_count(&search->window->plans[step], one, 0, one->count, &search->found[step]);
    /* where only some flows are kept, only what may belong to them is */
    if (sample_is_whole(sample) || sample_covers(sample, start_ns, end_ns))
        sample_add(sample, UINT64_MAX, one, 0, one->count);
}

/* Takes the traces of an answer that nobody knows; returns how many traces it held. */
static unsigned take_answer(struct search *search, const struct spans *all)
{
    unsigned traces = 0;
    struct id_set here;
    id_set_init(&here, ANSWER_SPANS_MAX);
    for (size_t i = 0; i < all->count; i++) {
        const uint8_t *id = all->items[i].trace_id;
        if (id_set_has(&here, id))
            continue;
        id_set_add(&here, id);
        traces++;
        if (readback_knows(search->readback, id) || id_set_has(&search->seen, id))
            continue;
        id_set_add(&search->seen, id);
        struct spans one;
        spans_init(&one, ANSWER_SPANS_MAX, answer_bytes_max);
        if (gather(all, i, &one))
            take_fragment(search, &one);
        spans_release(&one);
    }
    id_set_release(&here);
    return traces;
}

/* One slice; *traces says how many it held. */
static enum status search_slice(struct search *search, const struct trace_search *query,
                                unsigned *traces, struct error *error)
{
    struct spans answer;
    spans_init(&answer, ANSWER_SPANS_MAX, answer_bytes_max);
    enum status status =
        trace_search_v3(&search->fetch, query, search->window->deadline_ns, &answer, error);
    *traces = status == STATUS_OK ? take_answer(search, &answer) : 0;
    spans_release(&answer);
    return status;
}

/* Goes through the window in slices, smaller ones where an answer was full. */
static enum status search_service(struct search *search, const char *service, struct error *error)
{
    uint64_t end_ns = search->window->end_wall_ns + late_ns;
    uint64_t at_ns = search->window->start_wall_ns;
    uint64_t slice_ns = slice_ns_max;
    while (at_ns < end_ns) {
        if (clock_remaining_ms(search->window->deadline_ns) == 0) {
            search->out->is_cut = true;
            return STATUS_OK;
        }
        unsigned traces;
        struct trace_search query = {.service = service,
                                     .start_wall_ns = at_ns,
                                     .end_wall_ns = at_ns + slice_ns,
                                     .trace_limit = TRACES_A_SEARCH};
        enum status status = search_slice(search, &query, &traces, error);
        if (status == STATUS_TIMEOUT) {
            search->out->is_cut = true;
            return STATUS_OK;
        }
        if (status != STATUS_OK)
            return status;
        bool is_full = traces >= TRACES_A_SEARCH;
        if (is_full && slice_ns > slice_ns_min) {
            slice_ns /= 2;
            continue;
        }
        search->out->is_cut |= is_full;
        at_ns += slice_ns;
        if (traces < TRACES_A_SEARCH / 4 && slice_ns < slice_ns_max)
            slice_ns *= 2;
    }
    return STATUS_OK;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* What of the missing spans the fragments held; each span that stays missing spoils at most one
 * request. */
static void settle(struct search *search)
{
    const struct readback_totals *totals = readback_totals(search->readback);
    uint64_t missing = 0, restored = 0;
    for (size_t step = 0; step < READBACK_STEPS; step++) {
        for (size_t e = 0; e < search->window->plans[step].count; e++) {
            const struct plan_found *lost = &totals->missing[step];
            const struct plan_found *found = &search->found[step];
            missing += lost->caller[e] + lost->callee[e];
            restored += least(lost->caller[e], found->caller[e]);
            restored += least(lost->callee[e], found->callee[e]);
        }
    }
    uint64_t spoiled = totals->requests - totals->unread - totals->arrived;
    search->out->restored = restored;
    search->out->requests_restored = spoiled - least(spoiled, missing - restored);
}

enum status fragments_search(struct readback *readback, const struct fragments_window *window,
                             struct fragments *out, struct error *error)
{
    const char *services[SERVICES_MAX];
    struct search search = {.readback = readback, .window = window, .out = out};
    *out = (struct fragments){0};
    size_t count = list_services(readback_totals(readback), window->plans, services);
    if (count == 0)
        return STATUS_OK;
    enum status status = fetch_init(&search.fetch, window->query_url, answer_bytes_max, error);
    id_set_init(&search.seen, SEEN_MAX);
    for (size_t i = 0; i < count && status == STATUS_OK; i++)
        status = search_service(&search, services[i], error);
    settle(&search);
    id_set_release(&search.seen);
    fetch_release(&search.fetch);
    return status;
}
