/* The compiled-in compose/topology.json; the build runs at the root of the tree. */
#include "http/topology_data.h"

__asm__(".pushsection .rodata\n"
        ".global topology_data_begin, topology_data_end\n"
        "topology_data_begin:\n"
        ".incbin \"compose/topology.json\"\n"
        "topology_data_end:\n"
        ".byte 0\n"
        ".popsection\n");
