/* libFuzzer: any bytes as a topology; every call of one that is accepted leads to a route. */
#include <stdlib.h>

#include "http/topology.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct topology topology;
    struct error error = {""};
    if (topology_parse(&topology, (const char *)data, size, "fuzz", &error) != STATUS_OK) {
        if (error.text[0] == '\0')
            abort();
        return 0;
    }
    for (size_t i = 0; i < topology.service_count; i++) {
        const struct topology_service *service = &topology.services[i];
        for (size_t j = 0; j < service->route_count; j++)
            for (size_t k = 0; k < service->routes[j].call_count; k++) {
                const struct topology_call *call = &service->routes[j].calls[k];
                if (!topology_find_route(call->callee, call->method, call->path))
                    abort();
            }
    }
    topology_release(&topology);
    return 0;
}
