/* How much memory a process holds, as the kernel counts it. */
#ifndef CULPRIT_LOADGEN_BASE_MEMORY_H
#define CULPRIT_LOADGEN_BASE_MEMORY_H

#include <stdint.h>
#include <sys/types.h>

/* Resident, and proportional: what is shared counts in parts. */
struct memory {
    uint64_t rss_kib, pss_kib;
};

/* From /proc/PID/smaps_rollup; zeros where that cannot be read. */
struct memory memory_of(pid_t pid);

/* The most that the calling process ever had resident since it was executed; 0: not known. (What
 * getrusage tells counts the process that it was forked from too.) */
uint64_t memory_peak_kib(void);

#endif
