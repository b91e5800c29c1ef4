#include "otlp/grouping.h"

#include <stdlib.h>

/* Rank of a pointer: the number of others seen before it. Keys are the pointers in the spans. */
static uint32_t rank_of(struct map *ranks, const void *const *pointer)
{
    bool added;
    const size_t before = ranks->count;
    uint64_t *rank = map_put(ranks, pointer, sizeof(*pointer), &added);
    if (!rank)
        return UINT32_MAX; /* out of memory: still an order, only less tidy */
    if (added)
        *rank = before;
    return (uint32_t)*rank;
}

static int compare(const void *left, const void *right)
{
    const struct grouping_item *a = left, *b = right;
    if (a->resource_rank != b->resource_rank)
        return a->resource_rank < b->resource_rank ? -1 : 1;
    if (a->scope_rank != b->scope_rank)
        return a->scope_rank < b->scope_rank ? -1 : 1;
    return a->span < b->span ? -1 : a->span > b->span;
}

struct grouping_item *grouping_new(const struct spans *spans, size_t first, size_t count)
{
    struct grouping_item *items = calloc(count ? count : 1, sizeof(*items));
    struct map ranks;
    if (!items)
        return NULL;
    map_init(&ranks, 2 * count);
    for (size_t i = 0; i < count; i++) {
        const struct otlp_span *span = &spans->items[first + i];
        items[i].span = span;
        items[i].resource_rank = rank_of(&ranks, (const void *const *)&span->resource);
        items[i].scope_rank = rank_of(&ranks, (const void *const *)&span->scope);
    }
    map_release(&ranks);
    qsort(items, count, sizeof(*items), compare);
    return items;
}

size_t grouping_run(const struct grouping_item *items, size_t begin, size_t end, bool scope_too)
{
    size_t at = begin;
    while (at < end && items[at].span->resource == items[begin].span->resource &&
           (!scope_too || items[at].span->scope == items[begin].span->scope))
        at++;
    return at - begin;
}
