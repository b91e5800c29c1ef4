#include "diagnose/tree_times.h"

#include <stdlib.h>
#include <string.h>

/* No clock is wrong by more; a larger difference has another cause. */
#define SHIFT_MAX_NS ((int64_t)3600 * 1000000000)

static int64_t since_base_ns(const struct tree *tree, uint64_t time_ns)
{
    if (time_ns <= tree->base_ns)
        return 0;
    const uint64_t since_ns = time_ns - tree->base_ns;
    return since_ns > (uint64_t)TREE_TIME_MAX_NS ? TREE_TIME_MAX_NS : (int64_t)since_ns;
}

static void set_own_times(struct tree *tree, struct tree_node *node)
{
    node->start_ns = since_base_ns(tree, node->span->start_ns);
    node->end_ns = since_base_ns(tree, node->span->end_ns);
    if (node->span->end_ns < node->span->start_ns) {
        node->end_ns = node->start_ns;
        node->flags |= TREE_INVERTED;
        tree->inverted_count++;
    }
}

void tree_times_settle_top(struct tree *tree, uint32_t node)
{
    set_own_times(tree, &tree->nodes[node]);
}

static struct text host_of(const struct otlp_resource *resource)
{
    static const char *const keys[] = {"host.id", "host.ip", "host.name"};
    struct text host = {0};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]) && host.length == 0; i++)
        host = otlp_find_text(&resource->attributes, keys[i]);
    return host;
}

static bool other_host(const struct otlp_span *a, const struct otlp_span *b)
{
    if (a->resource == b->resource)
        return false;
    const struct text left = host_of(a->resource), right = host_of(b->resource);
    return left.length > 0 && right.length > 0 && !text_equal(left, right);
}

/* Jaeger's rule: a child that fits into its parent but does not lie in it is centred; one that is
 * longer is at most moved right to the parent's start. */
static int64_t skew_ns(const struct tree_node *parent, const struct tree_node *child)
{
    const int64_t parent_ns = tree_duration_ns(parent), child_ns = tree_duration_ns(child);
    if (child_ns > parent_ns)
        return child->start_ns < parent->start_ns ? parent->start_ns - child->start_ns : 0;
    if (child->start_ns >= parent->start_ns && child->end_ns <= parent->end_ns)
        return 0;
    return parent->start_ns + (parent_ns - child_ns) / 2 - child->start_ns;
}

/* On the parent's own host a child moves along with it. */
static void shift(struct tree *tree, const struct tree_node *parent, struct tree_node *child)
{
    const bool far = other_host(parent->span, child->span);
    const int64_t by_ns = far ? skew_ns(parent, child) : parent->shift_ns;
    if (far)
        child->flags |= TREE_FAR;
    if (by_ns == 0 || by_ns > SHIFT_MAX_NS || by_ns < -SHIFT_MAX_NS)
        return;
    child->start_ns += by_ns;
    child->end_ns += by_ns;
    child->shift_ns = by_ns;
    child->flags |= TREE_SHIFTED;
    tree->shifted_count++;
}

static int64_t within(int64_t value, int64_t low, int64_t high)
{
    return value < low ? low : value > high ? high : value;
}

static void clip(struct tree *tree, const struct tree_node *parent, struct tree_node *child)
{
    const int64_t start_ns = within(child->start_ns, parent->start_ns, parent->end_ns);
    const int64_t end_ns = within(child->end_ns, parent->start_ns, parent->end_ns);
    if (start_ns == child->start_ns && end_ns == child->end_ns)
        return;
    child->start_ns = start_ns;
    child->end_ns = end_ns;
    child->flags |= TREE_CLIPPED;
    tree->clipped_count++;
}

/* What took a message from a queue: nobody who sent it waits. */
static bool is_detached(const struct tree_node *parent, const struct tree_node *child)
{
    return child->span->kind == OTLP_KIND_CONSUMER &&
           (parent->span->kind == OTLP_KIND_PRODUCER ||
            !text_equal(parent->span->resource->service, child->span->resource->service));
}

static int order_nodes(const void *left, const void *right)
{
    const struct tree_node *a = left, *b = right;
    if (a->start_ns != b->start_ns)
        return a->start_ns < b->start_ns ? -1 : 1;
    if (a->end_ns != b->end_ns)
        return a->end_ns < b->end_ns ? -1 : 1;
    return memcmp(a->span->span_id, b->span->span_id, 8);
}

void tree_times_settle(struct tree *tree, uint32_t at)
{
    const struct tree_node *parent = &tree->nodes[at];
    struct tree_node *children = tree->nodes + parent->first_child;
    for (uint32_t i = 0; i < parent->child_count; i++) {
        struct tree_node *child = &children[i];
        set_own_times(tree, child);
        if (is_detached(parent, child)) {
            child->flags |= TREE_ASYNC;
            continue;
        }
        child->flags |= parent->flags & TREE_ASYNC;
        shift(tree, parent, child);
        clip(tree, parent, child);
    }
    if (parent->child_count > 1)
        qsort(children, parent->child_count, sizeof(*children), order_nodes);
}
