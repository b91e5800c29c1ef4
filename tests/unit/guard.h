/* Bytes that end where an unreadable page begins: reading one too far is a crash, in every build.
 */
#ifndef CULPRIT_TESTS_UNIT_GUARD_H
#define CULPRIT_TESTS_UNIT_GUARD_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct guard {
    uint8_t *map;
    size_t map_bytes;
    uint8_t *bytes; /* the copy */
};

/* Aborts when the machine gives no pages. Release with guard_release. */
static inline struct guard guard_copy(const void *bytes, size_t length_bytes)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const size_t body = (length_bytes / page + 1) * page;
    uint8_t *map =
        mmap(NULL, body + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED || mprotect(map + body, page, PROT_NONE) != 0)
        abort();
    struct guard guard = {map, body + page, map + body - length_bytes};
    if (length_bytes > 0)
        memcpy(guard.bytes, bytes, length_bytes);
    return guard;
}

static inline void guard_release(struct guard *guard)
{
    munmap(guard->map, guard->map_bytes);
    guard->map = NULL;
}

#endif
