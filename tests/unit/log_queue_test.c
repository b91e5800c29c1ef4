#include "trace/log_queue.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/rows.h"

enum { COUNT_MAX = 256, PRODUCERS = 4, EACH = 20000 };

static const char scope[] = "scope";

static void drain(void)
{
    struct log_queue_record record;
    while (log_queue_peek(&record))
        log_queue_drop();
}

static void start(void)
{
    assert_int_equal(log_queue_start(COUNT_MAX), STATUS_OK);
    drain();
    assert_int_equal(log_queue_count(), 0);
}

struct size_row {
    const char *it;
    size_t length;
    bool taken;
};

static const struct size_row size_rows[] = {
    {"it takes a record of no bytes", 0, true},
    {"it takes a record of one byte", 1, true},
    {"it takes a record whose length fills its place", 16, true},
    {"it takes the largest record", LOG_QUEUE_RECORD_MAX, true},
    {"it refuses a larger one", LOG_QUEUE_RECORD_MAX + 1, false},
};

static void check_size(void **state)
{
    const struct size_row *row = *state;
    static uint8_t bytes[LOG_QUEUE_RECORD_MAX + 1];
    struct log_queue_record record;
    start();
    memset(bytes, 0x5a, sizeof bytes);
    assert_int_equal(log_queue_put(scope, bytes, row->length), row->taken);
    assert_int_equal(log_queue_peek(&record), row->taken);
    if (row->taken) {
        assert_ptr_equal(record.scope, scope);
        assert_int_equal(record.length_bytes, row->length);
        assert_memory_equal(record.bytes, bytes, row->length);
        log_queue_drop();
    }
    assert_int_equal(log_queue_count(), 0);
}

/* Over the end of the ring many times, with sizes that leave gaps of every length. */
static void keeps_order(void **state)
{
    static uint8_t bytes[LOG_QUEUE_RECORD_MAX];
    struct log_queue_record record;
    uint32_t put = 0, taken = 0;
    (void)state;
    start();
    for (int i = 0; i < 20000; i++) {
        const size_t length = i % 97 == 0 ? sizeof bytes : sizeof put + (size_t)(i * 37 % 700);
        memcpy(bytes, &put, sizeof put);
        memset(bytes + sizeof put, (int)put, length - sizeof put);
        put += log_queue_put(scope, bytes, length);
        if (i % 3 == 0)
            continue;
        while (log_queue_count() > 40 && log_queue_peek(&record)) {
            uint32_t number;
            memcpy(&number, record.bytes, sizeof number);
            assert_int_equal(number, taken);
            for (size_t k = sizeof number; k < record.length_bytes; k++)
                assert_int_equal(record.bytes[k], (uint8_t)number);
            log_queue_drop();
            taken++;
        }
    }
    assert_int_equal(put - taken, log_queue_count());
    assert_true(taken > 10000);
    drain();
}

static void refuses_when_full(void **state)
{
    static uint8_t bytes[LOG_QUEUE_RECORD_MAX];
    struct log_queue_record record;
    uint32_t count = 0, large = 0;
    (void)state;
    start();
    while (log_queue_put(scope, bytes, 1))
        count++;
    assert_int_equal(count, COUNT_MAX); /* the count is the bound */
    assert_int_equal(log_queue_count(), COUNT_MAX);
    log_queue_drop();
    assert_true(log_queue_put(scope, bytes, 1));
    drain();
    do
        memset(bytes, (int)large, sizeof bytes);
    while (log_queue_put(scope, bytes, sizeof bytes) && ++large);
    assert_in_range(large, 6, 7); /* the bytes are */
    assert_true(log_queue_is_half_full());
    for (uint32_t i = 0; i < large; i++) { /* none was written over */
        memset(bytes, (int)i, sizeof bytes);
        assert_true(log_queue_peek(&record));
        assert_memory_equal(record.bytes, bytes, sizeof bytes);
        log_queue_drop();
    }
    assert_false(log_queue_is_half_full());
    assert_true(log_queue_put(scope, bytes, sizeof bytes));
    drain();
}

static atomic_uint refused;

static void *produce(void *argument)
{
    const uint32_t producer = (uint32_t)(uintptr_t)argument;
    for (uint32_t i = 0; i < EACH; i++) {
        uint32_t words[64] = {producer, i};
        const size_t count = 2 + i % 62;
        for (size_t k = 2; k < count; k++)
            words[k] = producer ^ i;
        if (!log_queue_put(scope, words, count * sizeof words[0]))
            atomic_fetch_add(&refused, 1);
    }
    return NULL;
}

/* Every record whole, in the order of its producer, none twice, and the rest refused. */
static void serves_many_producers(void **state)
{
    pthread_t threads[PRODUCERS];
    uint32_t next[PRODUCERS] = {0}, taken = 0;
    struct log_queue_record record;
    (void)state;
    start();
    atomic_store(&refused, 0);
    for (uintptr_t i = 0; i < PRODUCERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, produce, (void *)i), 0);
    while (taken + atomic_load(&refused) < PRODUCERS * EACH || log_queue_count() > 0) {
        if (!log_queue_peek(&record))
            continue;
        uint32_t words[64];
        memcpy(words, record.bytes, record.length_bytes);
        assert_true(words[0] < PRODUCERS && words[1] >= next[words[0]]);
        assert_int_equal(record.length_bytes, (2 + words[1] % 62) * sizeof words[0]);
        for (size_t k = 2; k < record.length_bytes / sizeof words[0]; k++)
            assert_int_equal(words[k], words[0] ^ words[1]);
        next[words[0]] = words[1] + 1;
        log_queue_drop();
        taken++;
    }
    for (int i = 0; i < PRODUCERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(taken + atomic_load(&refused), PRODUCERS * EACH);
    assert_true(taken > 0);
}

static void forgets_in_a_child(void **state)
{
    int status = 0;
    (void)state;
    start();
    assert_true(log_queue_put(scope, "x", 1));
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct log_queue_record record;
        log_queue_forget();
        const bool is_empty = !log_queue_peek(&record) && log_queue_count() == 0;
        const bool is_off = !log_queue_put(scope, "x", 1);
        const bool starts = log_queue_start(COUNT_MAX) == STATUS_OK && !log_queue_peek(&record) &&
                            log_queue_put(scope, "x", 1) && log_queue_peek(&record);
        _exit(is_empty && is_off && starts ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_int_equal(log_queue_count(), 1);
    drain();
}

static void grows(void **state)
{
    uint32_t count = 0;
    static const uint8_t bytes[256];
    (void)state;
    start();
    assert_int_equal(log_queue_start(4096), STATUS_OK);
    while (log_queue_put(scope, bytes, 200))
        count++;
    assert_int_equal(count, 4096);
    drain();
    start(); /* a smaller bound on the same ring */
}

int main(void)
{
    struct rows all = {0};
    ROWS(&all, size_rows, check_size);
    rows_one(&all, "it keeps order and bytes over the end of the ring", keeps_order);
    rows_one(&all, "it refuses what is over its count or its bytes", refuses_when_full);
    rows_one(&all, "it serves many producers at once", serves_many_producers);
    rows_one(&all, "it leaves what waits to the parent of a fork", forgets_in_a_child);
    rows_one(&all, "it grows for a larger bound", grows);
    return rows_run("log_queue", &all);
}
