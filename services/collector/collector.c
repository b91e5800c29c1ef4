#include "services/collector/collector.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"

enum status collector_init(struct collector *collector, const struct collector_config *config,
                           struct error *error)
{
    memset(collector, 0, sizeof(*collector));
    counters_init(&collector->counters);
    atomic_init(&collector->in_flight_bytes, 0);
    collector->max_memory_bytes = config->max_memory_bytes;
    collector->started_wall_ns = clock_wall_ns();
    enum status status = senders_new(&collector->senders, config->endpoints);
    if (status != STATUS_OK)
        return error_set(error, status, "%s", status_words(status));
    status = store_open(&collector->store, &config->store, error);
    if (status != STATUS_OK)
        return status;
    losses_read(&collector->earlier, config->store.path);
    collector->keeps_losses = !config->store.kept;
    status = store_read_open(&collector->readers, config->store.path, error);
    if (status == STATUS_OK)
        status = log_read_open(&collector->log_reader, config->store.path, error);
    if (status != STATUS_OK)
        return status;
    status = open_traces_new(&collector->open, config->max_memory_bytes, config->settle_ns);
    if (status == STATUS_OK)
        status = log_inbox_new(&collector->inbox);
    if (status == STATUS_OK)
        status = writer_new(&collector->writer,
                            &(struct writer_config){collector->open, collector->inbox,
                                                    collector->store, &collector->counters});
    return status == STATUS_OK ? STATUS_OK : error_set(error, status, "%s", status_words(status));
}

static void keep_losses(struct collector *collector)
{
    struct losses losses;
    struct error error = {{0}};
    if (collector->store == NULL || !collector->keeps_losses)
        return;
    losses_gather(&losses, &collector->earlier, &collector->counters, collector->senders, false);
    if (losses_write(&losses, store_path(collector->store), &error) != STATUS_OK)
        log_event(LOG_ERROR, LOG_NO_IDS, "what was lost is not kept",
                  LOG_TEXT("error", error.text));
}

void collector_release(struct collector *collector)
{
    writer_stop(collector->writer);
    collector->writer = NULL;
    store_read_close(collector->readers);
    collector->readers = NULL;
    log_read_close(collector->log_reader);
    collector->log_reader = NULL;
    keep_losses(collector);
    store_close(collector->store);
    collector->store = NULL;
    open_traces_free(collector->open);
    collector->open = NULL;
    log_inbox_free(collector->inbox);
    collector->inbox = NULL;
    senders_free(collector->senders);
    collector->senders = NULL;
    counters_release(&collector->counters);
}
