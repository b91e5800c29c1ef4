/* Lists over everything known, open and stored: services, a service's operations, calls between
 * services. Sorted, each once. Callable from any thread. */
#ifndef CULPRIT_COLLECTOR_CATALOGUE_H
#define CULPRIT_COLLECTOR_CATALOGUE_H

#include "base/arena.h"
#include "services/collector/collector.h"

struct catalogue_operation {
    struct text name;
    uint8_t kind; /* 0xff in a question: any */
};

struct catalogue_edge {
    struct text parent, child;
    uint64_t calls;
};

/* Texts and items belong to the arena. Init is done here, release is the caller's. */
struct catalogue {
    struct arena arena;
    struct map seen;
    struct buffer items;
};

void catalogue_init(struct catalogue *catalogue);
void catalogue_release(struct catalogue *catalogue);

/* Each fills an empty catalogue; items are sorted. What does not fit is left out. */
void catalogue_services(struct catalogue *out, struct collector *collector);
const struct text *catalogue_service_items(const struct catalogue *catalogue, size_t *count);

void catalogue_operations(struct catalogue *out, struct collector *collector, struct text service,
                          uint8_t kind);
const struct catalogue_operation *catalogue_operation_items(const struct catalogue *catalogue,
                                                            size_t *count);

/* By the minute in which a call's trace started. STATUS_IO. */
MUST_CHECK enum status catalogue_edges(struct catalogue *out, struct collector *collector,
                                       uint64_t start_ns, uint64_t end_ns);
const struct catalogue_edge *catalogue_edge_items(const struct catalogue *catalogue, size_t *count);

#endif
