#include "trace/otlp_stop.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"

enum status otlp_stop_init(struct otlp_stop *stop)
{
    atomic_store(&stop->limit_ns, UINT64_MAX);
    stop->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return stop->event < 0 ? STATUS_IO : STATUS_OK;
}

void otlp_stop_release(struct otlp_stop *stop)
{
    if (stop->event >= 0)
        close(stop->event);
    stop->event = -1;
}

void otlp_stop_at(struct otlp_stop *stop, uint64_t limit_ns)
{
    uint64_t one = 1;
    atomic_store(&stop->limit_ns, limit_ns);
    /* Fails only where it was written 2^64 times before. */
    if (write(stop->event, &one, sizeof one) < 0)
        return;
}

bool otlp_stop_is_set(const struct otlp_stop *stop)
{
    return atomic_load(&stop->limit_ns) != UINT64_MAX;
}

uint64_t otlp_stop_limited(const struct otlp_stop *stop, uint64_t deadline_ns)
{
    uint64_t limit_ns = atomic_load(&stop->limit_ns);
    return deadline_ns < limit_ns ? deadline_ns : limit_ns;
}

int otlp_stop_descriptor(const struct otlp_stop *stop)
{
    return otlp_stop_is_set(stop) ? -1 : stop->event;
}

bool otlp_stop_pause(struct otlp_stop *stop, uint64_t deadline_ns)
{
    struct pollfd polled = {.fd = stop->event, .events = POLLIN};
    while (clock_mono_ns() < deadline_ns)
        if (poll(&polled, 1, clock_remaining_ms(deadline_ns)) > 0)
            return true;
    return otlp_stop_is_set(stop);
}
