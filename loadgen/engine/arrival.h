/* Reads a socket and says when what it read had come to this machine: by the kernel's own time
 * stamp, so that it matters little when it is read. Never blocks where the socket does not, never
 * allocates. Any thread. */
#ifndef CULPRIT_LOADGEN_ENGINE_ARRIVAL_H
#define CULPRIT_LOADGEN_ENGINE_ARRIVAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Of one socket; empty at first. */
struct arrival {
    bool is_asked;
    bool is_stamped; /* what was read last */
    uint64_t read_ns;
    uint64_t came_ns; /* of the last byte that was read; without a stamp: read_ns */
};

/* Has the kernel stamp what comes from now on, where it does that. */
void arrival_ask(struct arrival *arrival, int fd);

/* As recv(). `since_ns`: nothing can have come before. A stamp that says otherwise is not believed:
 * it is of the wall clock, which may have been set meanwhile. */
ssize_t arrival_read(struct arrival *arrival, int fd, void *bytes, size_t room_bytes,
                     uint64_t since_ns);

#endif
