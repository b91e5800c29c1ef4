#include "diagnose/order.h"

#include <stdlib.h>

#include "base/map.h"
#include "diagnose/figures.h"

enum { REPEATED_MAX_PERCENT = 10, SEEN_MIN_PERCENT = 5 };

/* One call of one place. */
struct sample {
    uint32_t print, place;
    double start_ms, duration_ms;
    bool in_transaction;
};

static int order_samples(const void *left, const void *right)
{
    const struct sample *a = left, *b = right;
    if (a->print != b->print)
        return a->print < b->print ? -1 : 1;
    if (a->place != b->place)
        return a->place < b->place ? -1 : 1;
    return (a->start_ms > b->start_ms) - (a->start_ms < b->start_ms);
}

static int order_seen(const void *left, const void *right)
{
    const struct order_call *a = left, *b = right;
    if (a->seen != b->seen)
        return a->seen > b->seen ? -1 : 1;
    return (a->print > b->print) - (a->print < b->print);
}

static int order_start(const void *left, const void *right)
{
    const struct order_call *a = left, *b = right;
    if (a->start_ms != b->start_ms)
        return a->start_ms < b->start_ms ? -1 : 1;
    return (a->print > b->print) - (a->print < b->print);
}

static const struct tree_node *place_node(const struct window *window,
                                          const struct window_place *place)
{
    return &window->forest.trees[place->tree].nodes[place->node];
}

static size_t gather(const struct window *window, const struct window_site *site,
                     struct sample *out)
{
    size_t count = 0;
    for (size_t p = 0; p < site->count; p++) {
        const struct tree_node *parent = place_node(window, &site->places[p]);
        const struct tree_node *nodes = window->forest.trees[site->places[p].tree].nodes;
        int depth = 0;
        for (uint32_t i = 0; i < parent->child_count; i++) {
            const struct tree_node *call = &nodes[parent->first_child + i];
            if (!window_is_call(call) || call->print == 0)
                continue;
            const uint32_t flags = window->prints->items[call->print].flags;
            depth += flags & FINGERPRINT_BEGINS ? 1 : 0;
            if (out)
                out[count] = (struct sample){call->print, (uint32_t)p,
                                             (double)(call->start_ns - parent->start_ns) / 1e6,
                                             (double)tree_duration_ns(call) / 1e6, depth > 0};

            count++;
            depth -= (flags & FINGERPRINT_ENDS) && depth > 0 ? 1 : 0;
        }
    }
    return count;
}

/* The samples of one fingerprint, in order of place. */
static struct order_call sum_up(const struct sample *samples, size_t count, double *scratch,
                                size_t *repeated)
{
    struct order_call call = {.print = samples[0].print};
    size_t inside = 0;
    for (size_t i = 0; i < count; i++) {
        const bool again = i > 0 && samples[i].place == samples[i - 1].place;
        *repeated += again;
        call.seen += !again;
        inside += samples[i].in_transaction;
        scratch[i] = samples[i].start_ms;
    }
    call.start_ms = figures_median(scratch, count);
    for (size_t i = 0; i < count; i++)
        scratch[i] = samples[i].duration_ms;
    call.duration_ms = figures_median(scratch, count);
    call.in_transaction = 2 * inside > count;
    return call;
}

static void choose_calls(struct order *order, const struct sample *samples, size_t count,
                         size_t places, double *scratch)
{
    for (size_t first = 0, end; first < count; first = end) {
        for (end = first + 1; end < count && samples[end].print == samples[first].print;)
            end++;
        size_t repeated = 0;
        const struct order_call call = sum_up(samples + first, end - first, scratch, &repeated);
        if (repeated * 100 <= call.seen * (size_t)REPEATED_MAX_PERCENT &&
            call.seen * (size_t)100 >= places * (size_t)SEEN_MIN_PERCENT)
            order->calls[order->count++] = call;
    }
    qsort(order->calls, order->count, sizeof(*order->calls), order_seen);
    if (order->count > ORDER_CALLS_MAX)
        order->count = ORDER_CALLS_MAX;
    qsort(order->calls, order->count, sizeof(*order->calls), order_start);
}

/* The known calls of one place; a call made twice there says nothing about order. */
static void find_calls(const struct order *order, const struct map *rows, const struct tree *tree,
                       const struct tree_node *parent, const struct tree_node **out)
{
    bool twice[ORDER_CALLS_MAX] = {false};
    for (size_t i = 0; i < order->count; i++)
        out[i] = NULL;
    for (uint32_t i = 0; i < parent->child_count; i++) {
        const struct tree_node *call = &tree->nodes[parent->first_child + i];
        const uint64_t *row =
            window_is_call(call) ? map_find(rows, &call->print, sizeof(call->print)) : NULL;
        if (!row)
            continue;
        twice[*row] = out[*row] != NULL;
        out[*row] = call;
    }
    for (size_t i = 0; i < order->count; i++)
        out[i] = twice[i] ? NULL : out[i];
}

static void compare(struct order_pair *pair, const struct tree_node *a, const struct tree_node *b)
{
    const int64_t from_ns = a->start_ns > b->start_ns ? a->start_ns : b->start_ns;
    const int64_t to_ns = a->end_ns < b->end_ns ? a->end_ns : b->end_ns;
    const int64_t shorter_ns =
        tree_duration_ns(a) < tree_duration_ns(b) ? tree_duration_ns(a) : tree_duration_ns(b);
    pair->both++;
    pair->before += a->end_ns <= b->start_ns + ORDER_EPSILON_NS;
    pair->after += b->end_ns <= a->start_ns + ORDER_EPSILON_NS;
    pair->overlap += to_ns - from_ns > ORDER_EPSILON_NS && (to_ns - from_ns) * 100 > shorter_ns;
}

static void count_pairs(struct order *order, const struct map *rows, const struct window *window,
                        const struct window_site *site)
{
    const struct tree_node *calls[ORDER_CALLS_MAX];
    for (size_t p = 0; p < site->count; p++) {
        const struct tree *tree = &window->forest.trees[site->places[p].tree];
        find_calls(order, rows, tree, place_node(window, &site->places[p]), calls);
        for (size_t a = 0; a < order->count; a++) {
            for (size_t b = 0; calls[a] && b < order->count; b++) {
                if (a != b && calls[b])
                    compare(&order->pairs[a * order->count + b], calls[a], calls[b]);
            }
        }
    }
}

enum status order_measure(struct order *order, const struct order *known,
                          const struct window *window, const struct window_site *site,
                          struct arena *arena)
{
    *order = (struct order){.calls = known->calls, .count = known->count};
    order->pairs = arena_alloc_array(arena, known->count * known->count, sizeof(*order->pairs));
    if (!order->pairs)
        return STATUS_NO_MEMORY;
    if (!site)
        return STATUS_OK;
    struct map rows;
    map_init(&rows, ORDER_CALLS_MAX);
    enum status status = STATUS_OK;
    for (size_t i = 0; i < order->count && status == STATUS_OK; i++) {
        uint64_t *row = map_put(&rows, &order->calls[i].print, sizeof(order->calls[i].print), NULL);
        if (row)
            *row = i;
        else
            status = STATUS_NO_MEMORY;
    }
    if (status == STATUS_OK)
        count_pairs(order, &rows, window, site);
    map_release(&rows);
    return status;
}

enum status order_learn(struct order *order, const struct window *window,
                        const struct window_site *site, struct arena *arena)
{
    const size_t count = gather(window, site, NULL);
    *order = (struct order){0};
    struct sample *samples = arena_alloc_array(arena, count, sizeof(*samples));
    double *scratch = arena_alloc_array(arena, count, sizeof(*scratch));
    order->calls = arena_alloc_array(arena, count, sizeof(*order->calls));
    if (!samples || !scratch || !order->calls)
        return STATUS_NO_MEMORY;
    gather(window, site, samples);
    qsort(samples, count, sizeof(*samples), order_samples);
    choose_calls(order, samples, count, site->count, scratch);
    const struct order known = *order;
    return order_measure(order, &known, window, site, arena);
}

const struct order_pair *order_between(const struct order *order, size_t a, size_t b)
{
    return &order->pairs[a * order->count + b];
}
