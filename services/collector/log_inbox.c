#include "services/collector/log_inbox.h"

#include <pthread.h>
#include <stdlib.h>

struct log_inbox {
    pthread_mutex_t lock; /* guards what follows; never held over a wait */
    struct log_parcel *first, *last;
    uint64_t records, bytes; /* until done */
};

enum status log_inbox_new(struct log_inbox **out)
{
    struct log_inbox *inbox = calloc(1, sizeof(*inbox));
    *out = inbox;
    if (!inbox)
        return STATUS_NO_MEMORY;
    pthread_mutex_init(&inbox->lock, NULL);
    return STATUS_OK;
}

static void free_parcel(struct log_parcel *parcel)
{
    logs_release(&parcel->logs);
    free(parcel);
}

void log_inbox_free(struct log_inbox *inbox)
{
    if (!inbox)
        return;
    while (inbox->first) {
        struct log_parcel *next = inbox->first->next;
        free_parcel(inbox->first);
        inbox->first = next;
    }
    pthread_mutex_destroy(&inbox->lock);
    free(inbox);
}

static bool append(struct log_inbox *inbox, struct log_parcel *parcel)
{
    pthread_mutex_lock(&inbox->lock);
    const bool fits = inbox->bytes == 0 || inbox->bytes + parcel->bytes <= LOG_INBOX_BYTES_MAX;
    if (fits) {
        if (inbox->last)
            inbox->last->next = parcel;
        else
            inbox->first = parcel;
        inbox->last = parcel;
        inbox->bytes += parcel->bytes;
        inbox->records += parcel->logs.count;
    }
    pthread_mutex_unlock(&inbox->lock);
    return fits;
}

enum status log_inbox_put(struct log_inbox *inbox, struct logs *logs)
{
    struct log_parcel *parcel = malloc(sizeof(*parcel));
    if (!parcel)
        return STATUS_NO_MEMORY;
    *parcel = (struct log_parcel){.logs = *logs};
    parcel->bytes =
        sizeof(*parcel) + logs->strings.arena.used_bytes + logs->capacity * sizeof(*logs->items);
    if (!append(inbox, parcel)) {
        free(parcel);
        return STATUS_BUSY;
    }
    logs_init(logs, logs->max_count, logs->strings.max_bytes);
    return STATUS_OK;
}

struct log_parcel *log_inbox_take(struct log_inbox *inbox)
{
    pthread_mutex_lock(&inbox->lock);
    struct log_parcel *parcel = inbox->first;
    if (parcel) {
        inbox->first = parcel->next;
        if (!inbox->first)
            inbox->last = NULL;
    }
    pthread_mutex_unlock(&inbox->lock);
    return parcel;
}

void log_inbox_done(struct log_inbox *inbox, struct log_parcel *parcel)
{
    pthread_mutex_lock(&inbox->lock);
    inbox->bytes -= parcel->bytes;
    inbox->records -= parcel->logs.count;
    pthread_mutex_unlock(&inbox->lock);
    free_parcel(parcel);
}

struct log_inbox_stats log_inbox_stats(struct log_inbox *inbox)
{
    pthread_mutex_lock(&inbox->lock);
    const struct log_inbox_stats stats = {inbox->records, inbox->bytes};
    pthread_mutex_unlock(&inbox->lock);
    return stats;
}
