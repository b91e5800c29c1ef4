/* Log records that were taken and not written yet: parcels from the requests to the writer's
 * thread, in bounded memory. Callable from any thread. */
#ifndef CULPRIT_COLLECTOR_LOG_INBOX_H
#define CULPRIT_COLLECTOR_LOG_INBOX_H

#include "otlp/logs.h"

enum { LOG_INBOX_BYTES_MAX = 32 * 1024 * 1024 };

struct log_inbox;

struct log_parcel {
    struct logs logs;
    struct log_parcel *next;
    size_t bytes;
};

MUST_CHECK enum status log_inbox_new(struct log_inbox **out);
void log_inbox_free(struct log_inbox *inbox);

/* Moves the records in; the caller's set is empty then. STATUS_BUSY: it is full, come again later;
 * one parcel always finds room in an empty one. STATUS_NO_MEMORY. */
MUST_CHECK enum status log_inbox_put(struct log_inbox *inbox, struct logs *logs);

/* The oldest parcel, to be given back with log_inbox_done once it is written; NULL: none. */
struct log_parcel *log_inbox_take(struct log_inbox *inbox);
void log_inbox_done(struct log_inbox *inbox, struct log_parcel *parcel);

struct log_inbox_stats {
    uint64_t records, bytes;
};
struct log_inbox_stats log_inbox_stats(struct log_inbox *inbox);

#endif
