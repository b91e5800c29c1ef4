#include "diagnose/loops.h"

#include <math.h>
#include <stdlib.h>

#include "diagnose/figures.h"

enum { SOURCES_MAX = 32 };

static const struct tree_node *node_of(const struct window *window, const struct calls_ref *ref)
{
    return &window->forest.trees[ref->tree].nodes[ref->node];
}

static enum status find_places(struct loops *loops, const struct window *window,
                               const struct calls_site *site, struct arena *arena)
{
    loops->places = arena_alloc_array(arena, site->count, sizeof(*loops->places));
    if (!loops->places)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < site->count; i++) {
        const struct calls_ref *ref = &site->refs[i];
        const uint32_t parent = node_of(window, ref)->parent;
        struct loops_place *last = loops->count > 0 ? &loops->places[loops->count - 1] : NULL;
        if (last && last->tree == ref->tree && last->parent == parent)
            last->count++;
        else
            loops->places[loops->count++] = (struct loops_place){ref->tree, parent, 0, ref, 1};
    }
    return STATUS_OK;
}

void loops_interval(const struct window *window, const struct loops_place *place,
                    int64_t start_end_ns[2])
{
    start_end_ns[0] = INT64_MAX;
    start_end_ns[1] = 0;
    for (uint32_t i = 0; i < place->count; i++) {
        const struct tree_node *node = node_of(window, &place->refs[i]);
        start_end_ns[0] = node->start_ns < start_end_ns[0] ? node->start_ns : start_end_ns[0];
        start_end_ns[1] = node->end_ns > start_end_ns[1] ? node->end_ns : start_end_ns[1];
    }
}

/* Calls that overlap count twice, so it may be above 1. */
static double busy_share(const struct window *window, const struct loops_place *place)
{
    int64_t range_ns[2], sum_ns = 0;
    loops_interval(window, place, range_ns);
    for (uint32_t i = 0; i < place->count; i++)
        sum_ns += tree_duration_ns(node_of(window, &place->refs[i]));
    return range_ns[1] > range_ns[0] ? (double)sum_ns / (double)(range_ns[1] - range_ns[0]) : 0;
}

/* What a call asks for, where the span shows it: a whole URL, or SQL with its values in place. */
static struct text detail_of(const struct otlp_span *span, const struct fingerprint *print)
{
    static const char *const keys[] = {"url.full", "http.url", "db.query.text", "db.statement"};
    struct text detail = {0};
    for (size_t i = 0; i < 4 && detail.length == 0; i++)
        detail = otlp_find_text(&span->attributes, keys[i]);
    if (!(print->flags & FINGERPRINT_DATABASE))
        return print->flags & FINGERPRINT_READS ? detail : (struct text){0};
    for (size_t i = 0; i < detail.length; i++) {
        if (detail.data[i] == '?' || detail.data[i] == '$' || detail.data[i] == ':' ||
            detail.data[i] == '@' || detail.data[i] == '%')
            return (struct text){0}; /* the values are bound, and cannot be seen */
    }
    return detail;
}

/* Against the call before is enough: who asks again and again for one thing does it in a row. */
static uint32_t count_alike(const struct window *window, const struct loops_place *place)
{
    uint32_t alike = 0;
    struct text last = {0};
    for (uint32_t i = 0; i < place->count; i++) {
        const struct tree_node *node = node_of(window, &place->refs[i]);
        const struct text detail = detail_of(node->span, &window->prints->items[node->print]);
        alike += i > 0 && detail.length > 0 && text_equal(detail, last);
        last = detail;
    }
    return alike;
}

static uint32_t count_failed(const struct window *window, const struct loops_place *place)
{
    uint32_t failed = 0;
    for (uint32_t i = 0; i < place->count; i++)
        failed += node_of(window, &place->refs[i])->span->status == OTLP_STATUS_ERROR;
    return failed;
}

static enum status sum_up(struct loops *loops, const struct window *window, struct arena *arena)
{
    double *counts = arena_alloc_array(arena, loops->count, sizeof(*counts));
    double *busy = arena_alloc_array(arena, loops->count, sizeof(*busy));
    double sum = 0, squares = 0, failed = 0, alike = 0, calls = 0;
    if (!counts || !busy)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < loops->count; i++) {
        const struct loops_place *place = &loops->places[i];
        sum += place->count;
        squares += (double)place->count * place->count;
        if (place->count < LOOPS_MANY)
            continue;
        busy[loops->many] = busy_share(window, place);
        counts[loops->many++] = place->count;
        calls += place->count;
        failed += count_failed(window, place);
        alike += count_alike(window, place);
    }
    const double mean = sum / (double)loops->count;
    loops->spread = sqrt(fmax(0, squares / (double)loops->count - mean * mean)) / mean;
    loops->median = figures_median(counts, loops->many);
    loops->busy = figures_median(busy, loops->many);
    loops->failed = calls > 0 ? failed / calls : 0;
    loops->alike = calls > 0 ? alike / calls : 0;
    return STATUS_OK;
}

/* ---- what the number of calls depends on */

/* Rows that the tree's one query of that kind returned before `before_ns`; -1 when there is none,
 * or several. */
static double rows_before(const struct tree *tree, uint32_t print, int64_t before_ns)
{
    double rows = -1;
    for (uint32_t i = 0; i < tree->count; i++) {
        if (tree->nodes[i].print != print)
            continue;
        if (rows >= 0 || tree->nodes[i].end_ns > before_ns)
            return -1;
        rows = (double)otlp_find_i64(&tree->nodes[i].span->attributes, "db.response.returned_rows",
                                     -1);
    }
    return rows;
}

static size_t find_sources(const struct window *window, const struct loops_place *place,
                           uint32_t *prints)
{
    const struct tree *tree = &window->forest.trees[place->tree];
    size_t count = 0;
    for (uint32_t i = 0; i < tree->count && count < SOURCES_MAX; i++) {
        const struct tree_node *node = &tree->nodes[i];
        const bool rows = otlp_find(&node->span->attributes, "db.response.returned_rows") != NULL;
        if (rows && node->print != 0 && node->print != place->refs[0].print)
            prints[count++] = node->print;
    }
    return count;
}

static double tracking_of(const struct loops *loops, const struct window *window, uint32_t print)
{
    struct figures_pairs pairs = {0};
    for (size_t i = 0; i < loops->count; i++) {
        const struct loops_place *place = &loops->places[i];
        int64_t range_ns[2];
        loops_interval(window, place, range_ns);
        const double rows = rows_before(&window->forest.trees[place->tree], print, range_ns[0]);
        if (rows >= 0)
            figures_add_pair(&pairs, rows, place->count);
    }
    return pairs.count >= LOOPS_MANY && 2 * pairs.count >= (double)loops->count
               ? figures_correlation(&pairs, 0)
               : 0;
}

static void find_tracking(struct loops *loops, const struct window *window)
{
    uint32_t sources[SOURCES_MAX];
    size_t first = 0;
    while (first < loops->count && loops->places[first].count < LOOPS_MANY)
        first++;
    const size_t count =
        first < loops->count ? find_sources(window, &loops->places[first], sources) : 0;
    for (size_t i = 0; i < count; i++)
        loops->tracking = fmax(loops->tracking, tracking_of(loops, window, sources[i]));
}

enum status loops_measure(struct loops *loops, const struct window *window,
                          const struct calls_site *site, struct arena *arena)
{
    *loops = (struct loops){0};
    if (!site || site->count == 0)
        return STATUS_OK;
    enum status status = find_places(loops, window, site, arena);
    if (status == STATUS_OK)
        status = sum_up(loops, window, arena);
    if (status == STATUS_OK && loops->many > 0)
        find_tracking(loops, window);
    return status;
}
