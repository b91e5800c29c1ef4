#include "trace/log_queue.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

enum {
    USUAL_BYTES = 256,
    RING_MIN = 64 * 1024,
    RING_MAX = 64 * 1024 * 1024,
    ALIGNMENT = 16,
};

/* In front of each record. `state` is 0 until the record is whole: the consumer clears what it
 * gives back. A record never goes over the end of the ring: what is left there is a gap. */
struct header {
    _Atomic uint32_t state; /* enum record_state */
    uint32_t length_bytes;
    const void *scope;
};

enum record_state { RECORD_ABSENT, RECORD_WHOLE, RECORD_GAP };

_Static_assert(sizeof(struct header) == ALIGNMENT, "a gap has room for its header");

/* One mapping: this, then `bytes` of records. Positions count all bytes that ever went through. */
struct ring {
    size_t bytes; /* a power of two */
    _Atomic uint32_t max_count;
    _Alignas(64) _Atomic uint64_t reserved;
    _Alignas(64) _Atomic uint64_t released;
    _Alignas(64) _Atomic uint32_t count;
    _Alignas(64) uint8_t data[];
};

static struct ring *_Atomic current;

static size_t ring_size(uint32_t max_count)
{
    size_t size = RING_MIN;
    while (size < RING_MAX && size < (size_t)max_count * USUAL_BYTES)
        size *= 2;
    return size;
}

enum status log_queue_start(uint32_t max_count)
{
    const size_t size = ring_size(max_count);
    struct ring *ring = atomic_load(&current);
    if (ring == NULL || ring->bytes < size) {
        void *memory = mmap(NULL, sizeof *ring + size, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (memory == MAP_FAILED)
            return STATUS_NO_MEMORY;
        ring = memory;
        ring->bytes = size;
    }
    atomic_store(&ring->max_count, max_count);
    atomic_store(&current, ring);
    return STATUS_OK;
}

void log_queue_forget(void)
{
    atomic_store(&current, NULL);
}

static struct ring *ring_now(void)
{
    return atomic_load_explicit(&current, memory_order_acquire);
}

static struct header *header_at(struct ring *ring, uint64_t position)
{
    return (struct header *)(void *)(ring->data + (position & (ring->bytes - 1)));
}

/* Bytes of a record with its header. */
static size_t padded(size_t length_bytes)
{
    return (sizeof(struct header) + length_bytes + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
}

/* What stays empty at the end of the ring before a record at `at`. */
static size_t gap_before(const struct ring *ring, uint64_t at, size_t need_bytes)
{
    const size_t left = ring->bytes - (at & (ring->bytes - 1));
    return left < need_bytes ? left : 0;
}

/* false: full. */
static bool reserve(struct ring *ring, size_t need_bytes, uint64_t *position, size_t *gap_bytes)
{
    uint64_t at = atomic_load_explicit(&ring->reserved, memory_order_relaxed);
    for (;;) {
        *gap_bytes = gap_before(ring, at, need_bytes);
        const uint64_t end = at + *gap_bytes + need_bytes;
        /* acquire: what is released was cleared before. It may be beyond an old `at`, which the
         * exchange then finds out. */
        const uint64_t released = atomic_load_explicit(&ring->released, memory_order_acquire);
        if (end > released && end - released > ring->bytes)
            return false;
        if (atomic_compare_exchange_weak_explicit(&ring->reserved, &at, end, memory_order_relaxed,
                                                  memory_order_relaxed))
            break;
    }
    *position = at;
    return true;
}

bool log_queue_put(const void *scope, const void *bytes, size_t length_bytes)
{
    struct ring *ring = ring_now();
    uint64_t at;
    size_t gap_bytes;
    if (ring == NULL || length_bytes > LOG_QUEUE_RECORD_MAX)
        return false;
    if (atomic_fetch_add(&ring->count, 1) >=
            atomic_load_explicit(&ring->max_count, memory_order_relaxed) ||
        !reserve(ring, padded(length_bytes), &at, &gap_bytes)) {
        atomic_fetch_sub(&ring->count, 1);
        return false;
    }
    if (gap_bytes > 0) {
        struct header *gap = header_at(ring, at);
        gap->length_bytes = (uint32_t)gap_bytes;
        atomic_store_explicit(&gap->state, RECORD_GAP, memory_order_release);
    }
    struct header *header = header_at(ring, at + gap_bytes);
    header->length_bytes = (uint32_t)length_bytes;
    header->scope = scope;
    memcpy(header + 1, bytes, length_bytes);
    atomic_store_explicit(&header->state, RECORD_WHOLE, memory_order_release);
    return true;
}

uint32_t log_queue_count(void)
{
    struct ring *ring = ring_now();
    return ring ? atomic_load(&ring->count) : 0;
}

bool log_queue_is_half_full(void)
{
    struct ring *ring = ring_now();
    return ring && atomic_load_explicit(&ring->reserved, memory_order_relaxed) -
                           atomic_load_explicit(&ring->released, memory_order_relaxed) >
                       ring->bytes / 2;
}

/* Clears first: only then may a producer write there. */
static void give_back(struct ring *ring, struct header *header, size_t length_bytes)
{
    memset((void *)header, 0, length_bytes);
    atomic_fetch_add_explicit(&ring->released, length_bytes, memory_order_release);
}

bool log_queue_peek(struct log_queue_record *out)
{
    struct ring *ring = ring_now();
    while (ring != NULL) {
        uint64_t at = atomic_load_explicit(&ring->released, memory_order_relaxed);
        struct header *header = header_at(ring, at);
        uint32_t state = atomic_load_explicit(&header->state, memory_order_acquire);
        if (state == RECORD_ABSENT)
            return false;
        if (state == RECORD_WHOLE) {
            *out = (struct log_queue_record){header->scope, (const uint8_t *)(header + 1),
                                             header->length_bytes};
            return true;
        }
        give_back(ring, header, header->length_bytes);
    }
    return false;
}

void log_queue_drop(void)
{
    struct ring *ring = ring_now();
    struct header *header =
        header_at(ring, atomic_load_explicit(&ring->released, memory_order_relaxed));
    give_back(ring, header, padded(header->length_bytes));
    atomic_fetch_sub(&ring->count, 1);
}
