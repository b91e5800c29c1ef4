#include "loadgen/engine/arrival.h"

#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/clock.h"

void arrival_ask(struct arrival *arrival, int fd)
{
    const int one = 1;
    arrival->is_asked = setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof(one)) == 0;
}

/* Of the wall clock; 0: there is none. */
static uint64_t stamp_of(struct msghdr *message)
{
    const struct cmsghdr *control = CMSG_FIRSTHDR(message);
    struct timespec at;
    if (control == NULL || control->cmsg_level != SOL_SOCKET ||
        control->cmsg_type != SCM_TIMESTAMPNS || control->cmsg_len < CMSG_LEN(sizeof(at)))
        return 0;
    memcpy(&at, CMSG_DATA(control), sizeof(at));
    return (uint64_t)at.tv_sec * NS_PER_S + (uint64_t)at.tv_nsec;
}

static ssize_t read_stamped(int fd, void *bytes, size_t room_bytes, uint64_t *stamp_ns)
{
    union {
        struct cmsghdr aligned;
        char bytes[CMSG_SPACE(sizeof(struct timespec))];
    } control;
    struct iovec into = {bytes, room_bytes};
    struct msghdr message = {.msg_iov = &into,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof(control)};
    ssize_t got = recvmsg(fd, &message, 0);
    *stamp_ns = got > 0 ? stamp_of(&message) : 0;
    return got;
}

ssize_t arrival_read(struct arrival *arrival, int fd, void *bytes, size_t room_bytes,
                     uint64_t since_ns)
{
    uint64_t stamp_ns = 0;
    ssize_t got = arrival->is_asked ? read_stamped(fd, bytes, room_bytes, &stamp_ns)
                                    : recv(fd, bytes, room_bytes, 0);
    /* In this order: a pause between them makes what came look later, not earlier. */
    uint64_t wall_ns = stamp_ns != 0 ? clock_wall_ns() : 0;
    uint64_t read_ns = clock_mono_ns(), age_ns = wall_ns - stamp_ns;
    arrival->is_stamped =
        stamp_ns != 0 && stamp_ns <= wall_ns && read_ns >= since_ns && age_ns <= read_ns - since_ns;
    arrival->read_ns = read_ns;
    arrival->came_ns = arrival->is_stamped ? read_ns - age_ns : read_ns;
    return got;
}
