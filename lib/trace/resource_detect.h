/* What can be found out about this process for its resource (OpenTelemetry's process, host and
 * container detectors). Reads a few files of /proc and /etc at the start; what is not to be had is
 * left empty. Allocates nothing; the value is the caller's. */
#ifndef CULPRIT_TRACE_RESOURCE_DETECT_H
#define CULPRIT_TRACE_RESOURCE_DETECT_H

#include <stdint.h>

#include "base/text.h"

enum { CONTAINER_ID_LENGTH = 64 };

struct resource_facts {
    int64_t pid, parent_pid;
    char executable_name[64];
    char executable_path[512];
    char command[512]; /* argv[0] alone: what follows may hold secrets */
    char owner[64];
    char host_name[256];
    char host_id[64];   /* /etc/machine-id */
    char host_arch[16]; /* amd64, arm64, ... */
    char os_version[256];
    char container_id[CONTAINER_ID_LENGTH + 1];
};

/* `detectors`: RESOURCE_... bits. */
void resource_detect(struct resource_facts *facts, unsigned detectors);

/* The id of the container out of /proc/self/cgroup (version 1) or, where that has none,
 * /proc/self/mountinfo (version 2); empty outside of containers. */
void resource_detect_container(struct text cgroup, struct text mountinfo,
                               char out[CONTAINER_ID_LENGTH + 1]);

#endif
