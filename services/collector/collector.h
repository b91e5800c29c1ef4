/* The collector's parts, made once at start and read by every handler: the servers' context. */
#ifndef CULPRIT_COLLECTOR_COLLECTOR_H
#define CULPRIT_COLLECTOR_COLLECTOR_H

#include "services/collector/counters.h"
#include "services/collector/log_inbox.h"
#include "services/collector/log_read.h"
#include "services/collector/losses.h"
#include "services/collector/open_traces.h"
#include "services/collector/senders.h"
#include "services/collector/store.h"
#include "services/collector/store_read.h"
#include "services/collector/writer.h"

enum { COLLECTOR_SERVERS = 2 };

struct collector {
    struct open_traces *open;
    struct log_inbox *inbox;
    struct store *store;
    struct store_readers *readers;
    struct log_reader *log_reader;
    struct writer *writer;
    struct senders *senders;
    struct losses earlier; /* as the store had them at the start */
    bool keeps_losses;     /* it is ours to write them */
    struct counters counters;
    _Atomic(struct server *) servers[COLLECTOR_SERVERS]; /* NULL until each has started */
    uint64_t max_memory_bytes;
    uint64_t started_wall_ns;
    atomic_uint_fast64_t in_flight_bytes; /* bodies that are being read */
};

struct collector_config {
    struct store_config store;
    uint64_t max_memory_bytes; /* of open traces */
    uint64_t settle_ns;
    const char *endpoints; /* of who sends us spans; may be NULL */
};

/* STATUS_IO, STATUS_NO_MEMORY; release it in any case. */
MUST_CHECK enum status collector_init(struct collector *collector,
                                      const struct collector_config *config, struct error *error);

/* Writes what is open and closes the store. No handler may run any more. */
void collector_release(struct collector *collector);

#endif
