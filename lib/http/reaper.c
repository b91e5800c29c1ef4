#include "http/reaper.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"

enum { DESCRIPTORS_MAX = 1 << 20, DESCRIPTORS_STEP = 256, CROWDED_PATIENCE_MS = 200 };

/* Of a descriptor; others are points in time. */
#define CLOSED  0ull
#define WORKING UINT64_MAX
#define LATE    (UINT64_MAX - 1)
#define NO_WAKE UINT64_MAX

struct slot {
    uint64_t deadline_ns;
    bool in_request; /* an answer is owed */
    bool is_idle;    /* between two requests */
};

struct reaper {
    uint64_t receive_ns, idle_ns;
    size_t crowded_count;
    pthread_t thread;
    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t changed;
    struct slot *slots; /* by descriptor */
    size_t count;
    uint64_t wake_ns;  /* when the thread looks again */
    size_t open_count; /* without the late ones */
    uint64_t late_count;
    bool stopping;
};

/* ---- the thread */

/* Under the lock, so that the number cannot become somebody else's meanwhile. */
static void end_late_one(struct reaper *reaper, struct slot *slot, int fd)
{
    static const char answer[] =
        "HTTP/1.1 408 Request Timeout\r\nContent-Type: application/json\r\n"
        "Content-Length: 67\r\nConnection: close\r\n\r\n"
        "{\"error\":{\"code\":\"too_slow\",\"message\":\"the request took too long\"}}";
    /* Nothing else is being written: an answer comes after the request. */
    if (slot->in_request)
        send(fd, answer, sizeof answer - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    shutdown(fd, SHUT_RDWR);
    slot->deadline_ns = LATE;
    reaper->open_count--;
    reaper->late_count++;
}

/* Where there is hardly room for more connections, those that keep theirs without a whole request
 * have less time; the ones between two requests keep it. */
static uint64_t deadline_of(const struct reaper *reaper, const struct slot *slot)
{
    uint64_t patience_ns = CROWDED_PATIENCE_MS * NS_PER_MS;
    bool is_pressed = reaper->open_count > reaper->crowded_count && !slot->is_idle &&
                      patience_ns < reaper->receive_ns;
    return is_pressed ? slot->deadline_ns - reaper->receive_ns + patience_ns : slot->deadline_ns;
}

static uint64_t end_late_ones(struct reaper *reaper, uint64_t now_ns)
{
    uint64_t next_ns = NO_WAKE;
    for (size_t fd = 0; fd < reaper->count; fd++) {
        struct slot *slot = &reaper->slots[fd];
        if (slot->deadline_ns == CLOSED || slot->deadline_ns >= LATE)
            continue;
        uint64_t deadline_ns = deadline_of(reaper, slot);
        if (deadline_ns <= now_ns)
            end_late_one(reaper, slot, (int)fd);
        else if (deadline_ns < next_ns)
            next_ns = deadline_ns;
    }
    return next_ns;
}

static void wait_for_wake(struct reaper *reaper)
{
    if (reaper->wake_ns == NO_WAKE) {
        pthread_cond_wait(&reaper->changed, &reaper->mutex);
        return;
    }
    struct timespec until = {.tv_sec = (time_t)(reaper->wake_ns / NS_PER_S),
                             .tv_nsec = (long)(reaper->wake_ns % NS_PER_S)};
    pthread_cond_timedwait(&reaper->changed, &reaper->mutex, &until);
}

static void *run(void *argument)
{
    struct reaper *reaper = argument;
    pthread_mutex_lock(&reaper->mutex);
    while (!reaper->stopping) {
        reaper->wake_ns = end_late_ones(reaper, clock_mono_ns());
        wait_for_wake(reaper);
    }
    pthread_mutex_unlock(&reaper->mutex);
    return NULL;
}

/* ---- reports */

static bool make_room(struct reaper *reaper, int fd)
{
    size_t need = (size_t)fd + 1;
    if (fd < 0 || fd >= DESCRIPTORS_MAX)
        return false;
    if (need <= reaper->count)
        return true;
    size_t count = (need + DESCRIPTORS_STEP - 1) / DESCRIPTORS_STEP * DESCRIPTORS_STEP;
    struct slot *grown = realloc(reaper->slots, count * sizeof *grown);
    if (grown == NULL)
        return false;
    memset(grown + reaper->count, 0, (count - reaper->count) * sizeof *grown);
    reaper->slots = grown;
    reaper->count = count;
    return true;
}

/* Under the lock. What was ended stays so until it is closed. */
static void set(struct reaper *reaper, int fd, uint64_t deadline_ns)
{
    struct slot *slot = &reaper->slots[fd];
    if (slot->deadline_ns == LATE && deadline_ns != CLOSED)
        return;
    reaper->open_count += slot->deadline_ns == CLOSED && deadline_ns != CLOSED;
    reaper->open_count -=
        slot->deadline_ns != CLOSED && slot->deadline_ns != LATE && deadline_ns == CLOSED;
    slot->deadline_ns = deadline_ns;
    uint64_t wake_ns = deadline_of(reaper, slot);
    if (deadline_ns != CLOSED && deadline_ns < LATE && wake_ns < reaper->wake_ns) {
        reaper->wake_ns = wake_ns;
        pthread_cond_signal(&reaper->changed);
    }
}

void reaper_opened(struct reaper *reaper, int fd)
{
    uint64_t deadline_ns = clock_mono_ns() + reaper->receive_ns;
    pthread_mutex_lock(&reaper->mutex);
    if (make_room(reaper, fd) && reaper->slots[fd].deadline_ns == CLOSED)
        set(reaper, fd, deadline_ns);
    pthread_mutex_unlock(&reaper->mutex);
}

void reaper_receiving(struct reaper *reaper, int fd)
{
    uint64_t deadline_ns = clock_mono_ns() + reaper->receive_ns;
    pthread_mutex_lock(&reaper->mutex);
    if (make_room(reaper, fd)) {
        struct slot *slot = &reaper->slots[fd];
        slot->in_request = true;
        slot->is_idle = false;
        /* On a new connection the time runs since it was opened. */
        if (slot->deadline_ns == CLOSED || slot->deadline_ns > deadline_ns)
            set(reaper, fd, deadline_ns);
    }
    pthread_mutex_unlock(&reaper->mutex);
}

static void leave_request(struct reaper *reaper, int fd, uint64_t deadline_ns, bool is_idle)
{
    pthread_mutex_lock(&reaper->mutex);
    if (make_room(reaper, fd)) {
        reaper->slots[fd].in_request = false;
        reaper->slots[fd].is_idle = is_idle;
        set(reaper, fd, deadline_ns);
    }
    pthread_mutex_unlock(&reaper->mutex);
}

void reaper_working(struct reaper *reaper, int fd)
{
    leave_request(reaper, fd, WORKING, false);
}

void reaper_idle(struct reaper *reaper, int fd)
{
    leave_request(reaper, fd, clock_mono_ns() + reaper->idle_ns + reaper->receive_ns, true);
}

void reaper_closed(struct reaper *reaper, int fd)
{
    leave_request(reaper, fd, CLOSED, false);
}

bool reaper_was_late(struct reaper *reaper, int fd)
{
    pthread_mutex_lock(&reaper->mutex);
    bool was_late = fd >= 0 && (size_t)fd < reaper->count && reaper->slots[fd].deadline_ns == LATE;
    pthread_mutex_unlock(&reaper->mutex);
    return was_late;
}

uint64_t reaper_late_count(struct reaper *reaper)
{
    pthread_mutex_lock(&reaper->mutex);
    uint64_t count = reaper->late_count;
    pthread_mutex_unlock(&reaper->mutex);
    return count;
}

/* ---- life */

enum status reaper_new(struct reaper **out, const struct reaper_config *config)
{
    pthread_condattr_t monotonic;
    struct reaper *reaper = calloc(1, sizeof *reaper);
    *out = NULL;
    if (reaper == NULL)
        return STATUS_NO_MEMORY;
    reaper->receive_ns = config->receive_ms * NS_PER_MS;
    reaper->idle_ns = config->idle_ms * NS_PER_MS;
    reaper->crowded_count = config->crowded_count;
    reaper->wake_ns = NO_WAKE;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&reaper->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&reaper->mutex, NULL);
    if (pthread_create(&reaper->thread, NULL, run, reaper) != 0) {
        pthread_cond_destroy(&reaper->changed);
        pthread_mutex_destroy(&reaper->mutex);
        free(reaper);
        return STATUS_NO_MEMORY;
    }
    *out = reaper;
    return STATUS_OK;
}

void reaper_free(struct reaper *reaper)
{
    if (reaper == NULL)
        return;
    pthread_mutex_lock(&reaper->mutex);
    reaper->stopping = true;
    pthread_cond_signal(&reaper->changed);
    pthread_mutex_unlock(&reaper->mutex);
    pthread_join(reaper->thread, NULL);
    pthread_cond_destroy(&reaper->changed);
    pthread_mutex_destroy(&reaper->mutex);
    free(reaper->slots);
    free(reaper);
}
