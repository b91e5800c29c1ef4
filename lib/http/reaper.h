/* Closes connections whose request does not arrive whole in time: libmicrohttpd's own time-out is
 * of inactivity alone, so a client that sends a byte now and then would keep its thread for ever.
 * Knows connections by their descriptor; one thread, which sleeps until the next deadline.
 *
 * A descriptor that was closed must be reported (reaper_closed) before the number can be used
 * again. All functions may be called from any thread. */
#ifndef CULPRIT_HTTP_REAPER_H
#define CULPRIT_HTTP_REAPER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct reaper;

struct reaper_config {
    unsigned receive_ms;  /* head and body of a request together */
    unsigned idle_ms;     /* what may pass before them on a connection that is kept */
    size_t crowded_count; /* above so many connections, requests have 200 ms to arrive */
};

/* STATUS_NO_MEMORY. */
MUST_CHECK enum status reaper_new(struct reaper **out, const struct reaper_config *config);
void reaper_free(struct reaper *reaper);

/* A connection came. May be reported after the first request on it. */
void reaper_opened(struct reaper *reaper, int fd);
/* The first line of a request is there. */
void reaper_receiving(struct reaper *reaper, int fd);
/* The request is there as a whole. */
void reaper_working(struct reaper *reaper, int fd);
/* It was answered; the next one may come. */
void reaper_idle(struct reaper *reaper, int fd);
void reaper_closed(struct reaper *reaper, int fd);

/* It was this reaper that ended the connection. */
bool reaper_was_late(struct reaper *reaper, int fd);

/* How many connections it ended. */
uint64_t reaper_late_count(struct reaper *reaper);

#endif
