/* The n-th allocation fails, for every n: once, and from then on. Counted are malloc and its kin,
 * mappings, threads, descriptors: at the start, in threads that are born, in the exporter, at the
 * end. Whatever fails, the library starts or says why not, spans are exported or counted, and
 * nothing stays behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

static _Thread_local bool is_exempt; /* the receiver's */
#define SINK_THREAD_BEGINS() (is_exempt = true)

#include "base/json_reader.h"
#include "otlp/gunzip.h"
#include "trace/adapters/curl_transport.h"
#include "trace_sink.h"

/* Sanitizers have an allocator of their own. */
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)

static void is_left_to_other_builds(void **state)
{
    (void)state;
    skip();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(is_left_to_other_builds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

/* ---- what stands in the way of the C library's functions */

static atomic_bool is_counting, for_ever;
static atomic_long calls, fail_at, failed;
static atomic_long live_blocks, live_mapped_bytes;

/* true: this call has to fail. */
static bool must_fail(void)
{
    if (is_exempt || !atomic_load(&is_counting))
        return false;
    long call = atomic_fetch_add(&calls, 1) + 1, at = atomic_load(&fail_at);
    bool fails = at > 0 && (call == at || (call > at && atomic_load(&for_ever)));
    if (fails)
        atomic_fetch_add(&failed, 1);
    return fails;
}

void *__libc_malloc(size_t bytes);                /* NOLINT */
void *__libc_calloc(size_t count, size_t bytes);  /* NOLINT */
void *__libc_realloc(void *memory, size_t bytes); /* NOLINT */
void __libc_free(void *memory);                   /* NOLINT */

static void *lend(void *memory)
{
    if (memory != NULL)
        atomic_fetch_add(&live_blocks, 1);
    return memory;
}

void *malloc(size_t bytes)
{
    if (must_fail()) {
        errno = ENOMEM;
        return NULL;
    }
    return lend(__libc_malloc(bytes));
}

void *calloc(size_t count, size_t bytes)
{
    if (must_fail()) {
        errno = ENOMEM;
        return NULL;
    }
    return lend(__libc_calloc(count, bytes));
}

void *realloc(void *memory, size_t bytes)
{
    if (must_fail()) {
        errno = ENOMEM;
        return NULL;
    }
    void *moved = __libc_realloc(memory, bytes);
    return memory == NULL ? lend(moved) : moved;
}

void free(void *memory)
{
    if (memory != NULL)
        atomic_fetch_sub(&live_blocks, 1);
    __libc_free(memory);
}

static struct {
    void *(*mmap)(void *, size_t, int, int, int, off_t);
    int (*munmap)(void *, size_t);
    int (*pthread_create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    int (*eventfd)(unsigned, int);
    int (*socket)(int, int, int);
} real;

void *mmap(void *address, size_t bytes, int protection, int flags, int file, off_t offset)
{
    if (must_fail()) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    void *memory = real.mmap(address, bytes, protection, flags, file, offset);
    if (memory != MAP_FAILED)
        atomic_fetch_add(&live_mapped_bytes, (long)bytes);
    return memory;
}

int munmap(void *memory, size_t bytes)
{
    atomic_fetch_sub(&live_mapped_bytes, (long)bytes);
    return real.munmap(memory, bytes);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                   void *argument)
{
    return must_fail() ? EAGAIN : real.pthread_create(thread, attributes, run, argument);
}

int eventfd(unsigned value, int flags)
{
    if (must_fail()) {
        errno = EMFILE;
        return -1;
    }
    return real.eventfd(value, flags);
}

int socket(int domain, int type, int protocol)
{
    if (must_fail()) {
        errno = EMFILE;
        return -1;
    }
    return real.socket(domain, type, protocol);
}

static void find_real_ones(void)
{
    *(void **)&real.mmap = dlsym(RTLD_NEXT, "mmap");
    *(void **)&real.munmap = dlsym(RTLD_NEXT, "munmap");
    *(void **)&real.pthread_create = dlsym(RTLD_NEXT, "pthread_create");
    *(void **)&real.eventfd = dlsym(RTLD_NEXT, "eventfd");
    *(void **)&real.socket = dlsym(RTLD_NEXT, "socket");
}

/* ---- what a program does with the library */

static const struct tracer tracer = {.name = "allocation-test"};
static struct sink sink;
static char long_text[20000];

static void end_spans(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct span *span = span_start(&tracer, "work", NULL);
        span_set_text(span, SPAN_KEY("long"), (struct text){long_text, 3000 * (i % 4)});
        span_set_i64(span, SPAN_KEY("number"), i);
        span_add_event(span, TEXT_LITERAL("event"), NULL, 0);
        span_end(span);
    }
}

static void *end_some(void *unused)
{
    (void)unused;
    end_spans(5);
    return NULL;
}

/* Threads are born with tracing on. */
static void end_in_threads(void)
{
    for (unsigned i = 0; i < 2; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, end_some, NULL) == 0)
            pthread_join(thread, NULL);
    }
}

enum form { PROTOBUF, PACKED_JSON, HTTPS };

static void make_config(struct tracing_config *config, enum form form)
{
    tracing_config_from_environment(config, "test");
    snprintf(config->otlp.endpoint, sizeof config->otlp.endpoint,
             form == HTTPS ? "https://127.0.0.1:1/" : "http://127.0.0.1:%u/v1/traces", sink.port);
    config->otlp.gzip = config->otlp.json = form == PACKED_JSON;
    config->batch.delay_ms = 60000;
    config->batch.timeout_ms = 100; /* shorter than the first wait before a repetition */
}

/* The words of what went wrong, NULL where all is well. */
static const char *live(enum form form)
{
    struct tracing_config config;
    struct error error = {""};
    make_config(&config, form);
    enum status status = tracing_start(&config, &error);
    if (status != STATUS_OK)
        return error.text[0] == '\0' ? "a start that failed says nothing" : NULL;
    end_spans(10);
    end_in_threads();
    (void)tracing_flush(sink_soon());
    end_spans(10);
    if (tracing_shutdown(sink_soon()) == STATUS_TIMEOUT)
        return "the exporter was left behind";
    struct tracing_stats stats = tracing_stats();
    if (stats.started != stats.ended || stats.queued != 0 ||
        stats.ended != stats.exported + stats.rejected + stats.dropped_queue_full +
                           stats.dropped_shutdown + stats.dropped_export_failed)
        return "spans are neither exported nor counted";
    return NULL;
}

/* Spans of one body, which is whole. */
static unsigned count_spans(enum form form, struct text body)
{
    unsigned count = 0;
    struct json_reader reader;
    struct buffer plain;
    if (form == PROTOBUF)
        return sink_count_spans(body);
    buffer_init(&plain, 16 << 20);
    assert_int_equal(gunzip(body.data, body.length, &plain), STATUS_OK);
    json_reader_init(&reader, (const char *)plain.data, plain.length_bytes);
    while (json_reader_next(&reader) != JSON_END) {
        assert_int_not_equal(reader.token, JSON_ERROR);
        count += reader.token == JSON_KEY && json_reader_is(&reader, "spanId");
    }
    buffer_release(&plain);
    return count;
}

/* What is counted as exported is what came. */
static void check_received(enum form form)
{
    uint64_t count = 0;
    size_t at = 0, length;
    for (; at < sink.bodies_bytes; at += sizeof length + length) {
        memcpy(&length, sink.bodies + at, sizeof length);
        count += count_spans(form,
                             (struct text){(const char *)sink.bodies + at + sizeof length, length});
    }
    assert_int_equal(count, tracing_stats().exported);
}

static unsigned open_files(void)
{
    unsigned count = 0;
    DIR *directory = opendir("/proc/self/fd");
    while (directory != NULL && readdir(directory) != NULL)
        count++;
    if (directory != NULL)
        closedir(directory);
    return count;
}

struct left {
    long blocks, mapped_bytes;
    unsigned files;
};

static struct left take_stock(void)
{
    return (struct left){atomic_load(&live_blocks), atomic_load(&live_mapped_bytes), open_files()};
}

static const char *const answers[] = {SINK_OK};

/* One life in which call number `at` fails (0: none); how many calls there were. */
static long live_once(enum form form, long at, bool on_and_on, struct left *left)
{
    sink_start(&sink, answers, 1);
    atomic_store(&calls, 0);
    atomic_store(&failed, 0);
    atomic_store(&fail_at, at);
    atomic_store(&for_ever, on_and_on);
    atomic_store(&is_counting, true);
    const char *wrong = live(form);
    atomic_store(&is_counting, false);
    long count = atomic_load(&calls);
    if (wrong == NULL)
        check_received(form);
    sink_stop(&sink);
    *left = take_stock();
    if (wrong != NULL)
        fail_msg("call %ld of %ld: %s", at, count, wrong);
    return count;
}

static bool is_more(const struct left *now, const struct left *before)
{
    return now->blocks > before->blocks || now->mapped_bytes > before->mapped_bytes ||
           now->files > before->files;
}

/* The C library keeps a little for good the first time that something fails in it; a leak comes
 * again. */
static void check_left(enum form form, long at, bool on_and_on, struct left *before)
{
    struct left after;
    long count = live_once(form, at, on_and_on, &after);
    for (int i = 0; i < 3 && is_more(&after, before); i++) {
        *before = after;
        count = live_once(form, at, on_and_on, &after);
    }
    if (is_more(&after, before))
        fail_msg("call %ld of %ld: %ld blocks, %ld mapped bytes, %d files stay behind", at, count,
                 after.blocks - before->blocks, after.mapped_bytes - before->mapped_bytes,
                 (int)after.files - (int)before->files);
}

static void survive(enum form form, bool on_and_on)
{
    struct left left;
    long at = 1;
    for (int i = 0; i < 3; i++) /* what is kept for good is there */
        (void)live_once(form, 0, false, &left);
    assert_int_equal(tracing_stats().exported > 0, form != HTTPS); /* nobody is there */
    do {
        check_left(form, at, on_and_on, &left);
    } while (atomic_load(&failed) > 0 && at++ < 10000);
    assert_in_range(at, 11, 9999); /* there was something to fail, and an end */
    (void)live_once(form, 0, false, &left);
    struct tracing_stats stats = tracing_stats();
    assert_int_equal(form == HTTPS ? stats.dropped_export_failed : stats.exported, stats.ended);
}

static void survives_one_failure(void **state)
{
    (void)state;
    survive(PROTOBUF, false);
}

static void survives_failures_on_and_on(void **state)
{
    (void)state;
    survive(PROTOBUF, true);
}

static void survives_one_failure_with_packed_json(void **state)
{
    (void)state;
    survive(PACKED_JSON, false);
}

static void survives_failures_on_and_on_with_packed_json(void **state)
{
    (void)state;
    survive(PACKED_JSON, true);
}

static void survives_one_failure_on_the_way_to_https(void **state)
{
    (void)state;
    survive(HTTPS, false);
}

static void survives_failures_on_and_on_on_the_way_to_https(void **state)
{
    (void)state;
    survive(HTTPS, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(survives_one_failure_on_the_way_to_https),
        cmocka_unit_test(survives_failures_on_and_on_on_the_way_to_https),
        cmocka_unit_test(survives_one_failure),
        cmocka_unit_test(survives_failures_on_and_on),
        cmocka_unit_test(survives_one_failure_with_packed_json),
        cmocka_unit_test(survives_failures_on_and_on_with_packed_json),
    };
    find_real_ones();
    curl_transport_register();
    memset(long_text, 'x', sizeof long_text);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
