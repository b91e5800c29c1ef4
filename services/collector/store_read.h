/* Reading the store: a few connections of its own, each used by one thread at a time, so that a
 * slow question holds up neither the writer nor the others. Callable from any thread. */
#ifndef CULPRIT_COLLECTOR_STORE_READ_H
#define CULPRIT_COLLECTOR_STORE_READ_H

#include "base/buffer.h"

struct store_readers;

/* The file must exist. STATUS_IO, STATUS_NO_MEMORY. */
MUST_CHECK enum status store_read_open(struct store_readers **out, const char *path,
                                       struct error *error);
void store_read_close(struct store_readers *readers);

/* Appends the TracesData of every row of a trace. STATUS_NOT_FOUND, STATUS_INVALID (damaged),
 * STATUS_IO, or the buffer's. */
MUST_CHECK enum status store_read_trace(struct store_readers *readers, const uint8_t id[16],
                                        struct buffer *out);

struct store_read_query {
    uint32_t service;                 /* NAMES_OTHER: any */
    uint32_t operation;               /* NAMES_OTHER: any */
    uint64_t start_ns, end_ns;        /* of the trace's start */
    uint64_t shortest_ns, longest_ns; /* some span must last so long: a first look only */
    int64_t before_start, before_rid; /* go on behind this row; INT64_MAX both: from the newest */
    size_t limit;
};

struct store_read_row {
    uint8_t id[16];
    int64_t start_ns, rid;
};

/* Appends rows, newest first; the last one is where to go on. STATUS_END: there are no more. */
MUST_CHECK enum status store_read_rows(struct store_readers *readers,
                                       const struct store_read_query *query, struct buffer *out);

/* Calls between services in minutes [from, to]. STATUS_IO. */
typedef void store_read_edge(void *context, uint32_t parent, uint32_t child, uint64_t calls);
MUST_CHECK enum status store_read_edges(struct store_readers *readers, int64_t from_minute,
                                        int64_t to_minute, store_read_edge *each, void *context);

#endif
