#include "loadgen/memory.h"

#include <inttypes.h>
#include <stdio.h>

struct memory memory_of(pid_t pid)
{
    struct memory memory = {0};
    char path[64], line[256];
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)pid);
    FILE *file = fopen(path, "re");
    if (!file)
        return memory;
    while (fgets(line, sizeof line, file)) {
        (void)sscanf(line, "Rss: %" SCNu64, &memory.rss_kib);
        (void)sscanf(line, "Pss: %" SCNu64, &memory.pss_kib);
    }
    fclose(file);
    return memory;
}
