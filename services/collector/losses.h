/* What was lost of spans and log records, here and before it got here: gathered from the counters
 * and from what senders say of themselves, and kept beside the traces in the store, so that a store
 * that is opened later does not look more complete than it is. A plain value; any thread.
 *
 * What was kept by an earlier process is added to what the collector itself counts, which began
 * anew. A sender may have gone on or begun anew since; of its two numbers the greater one counts:
 * at least so much is lost. A collector that is killed keeps nothing of what it counted since its
 * start; what it held in memory is gone with it, uncounted. */
#ifndef CULPRIT_COLLECTOR_LOSSES_H
#define CULPRIT_COLLECTOR_LOSSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "services/collector/counters.h"
#include "services/collector/senders.h"

enum { LOSSES_SENDERS_MAX = 128, LOSSES_NAME_MAX = 64 };

struct losses_sender {
    char name[LOSSES_NAME_MAX];
    uint64_t spans, logs;
    bool is_silent;
};

struct losses {
    uint64_t spans_refused, spans_dropped, logs, requests_refused; /* by the collector */
    struct losses_sender senders[LOSSES_SENDERS_MAX];
    size_t count;
};

/* What is known now; `earlier` is what the store had at the start. `asks`: senders are asked anew,
 * which may take some seconds; else it is what they last said. */
void losses_gather(struct losses *out, const struct losses *earlier,
                   const struct counters *counters, struct senders *senders, bool asks);

uint64_t losses_spans(const struct losses *losses);
uint64_t losses_logs(const struct losses *losses);

/* Of a store that keeps none: nothing. */
void losses_read(struct losses *out, const char *store_path);

/* In the place of what the store has. STATUS_IO with words. */
MUST_CHECK enum status losses_write(const struct losses *losses, const char *store_path,
                                    struct error *error);

#endif
