#include "trace/otlp_transport.h"

#include <stdatomic.h>

static const struct otlp_transport *_Atomic https;

void otlp_transport_register_https(const struct otlp_transport *transport)
{
    atomic_store(&https, transport);
}

const struct otlp_transport *otlp_transport_https(void)
{
    return atomic_load(&https);
}
