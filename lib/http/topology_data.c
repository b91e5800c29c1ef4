#include "http/topology_data.h"

#include "base/embed.h"

EMBED(topology_data, "compose/topology.json")
