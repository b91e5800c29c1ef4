#include "loadgen/base/memory.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* "Rss:   1234 kB" */
static void take(const char *line, const char *label, uint64_t *kib)
{
    struct text rest = text_of(line);
    if (!text_starts_with(rest, label))
        return;
    rest = text_trim((struct text){line + strlen(label), rest.length - strlen(label)});
    struct text number = text_split(&rest, ' ');
    if (text_to_u64(number, kib) != STATUS_OK)
        *kib = 0;
}

struct memory memory_of(pid_t pid)
{
    struct memory memory = {0};
    char path[64], line[256];
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)pid);
    FILE *file = fopen(path, "re");
    if (!file)
        return memory;
    while (fgets(line, sizeof line, file)) {
        take(line, "Rss:", &memory.rss_kib);
        take(line, "Pss:", &memory.pss_kib);
    }
    fclose(file);
    return memory;
}

uint64_t memory_peak_kib(void)
{
    uint64_t peak_kib = 0;
    char line[256];
    FILE *file = fopen("/proc/self/status", "re");
    if (!file)
        return 0;
    while (fgets(line, sizeof line, file))
        take(line, "VmHWM:", &peak_kib);
    fclose(file);
    return peak_kib;
}
