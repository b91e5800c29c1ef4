/* Tracing is shut down and started again, with other settings, while threads trace. */
#include "rows.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/clock.h"
#include "trace/trace.h"

enum { THREADS = 3, RESTARTS = 200, LIVE = 8 };

static const struct tracer tracer = {.name = "restart-test"};

static enum status take(void *self, const struct span_export *batch)
{
    atomic_fetch_add((_Atomic uint64_t *)self, batch->span_count);
    return STATUS_OK;
}

static _Atomic uint64_t taken;
static const struct span_exporter exporter = {"counting", &taken, take, NULL, NULL, NULL, NULL};

static uint64_t soon(void)
{
    return clock_mono_ns() + 20 * NS_PER_S;
}

static void start(uint32_t queue_count)
{
    struct tracing_config config;
    struct error error;
    tracing_config_from_environment(&config, "test");
    config.exporters = 0;
    config.more_exporters[0] = &exporter;
    config.batch = (struct batch_settings){60000, 5000, queue_count, queue_count / 4};
    atomic_store(&taken, 0);
    if (tracing_start(&config, &error) != STATUS_OK)
        fail_msg("%s", error.text);
}

/* STATUS_IO: something ended while the exporter's thread was on its way out. */
static void stop(void)
{
    enum status status = tracing_shutdown(soon());
    assert_true(status == STATUS_OK || status == STATUS_IO);
}

static atomic_bool stopping;

/* Some live at a time, some of them long. */
static void *trace_on_and_on(void *unused)
{
    char text[3000];
    struct span *live[LIVE];
    (void)unused;
    memset(text, 'x', sizeof text);
    while (!atomic_load(&stopping)) {
        for (size_t i = 0; i < LIVE; i++)
            live[i] = span_start(&tracer, "work", NULL);
        for (size_t i = 0; i < LIVE; i++) {
            struct text value = {text, i % 2 ? 10 : sizeof text};
            span_set_text(live[i], SPAN_KEY("text"), value);
            span_end(live[i]);
        }
    }
    return NULL;
}

static void check_threads(void **state)
{
    (void)state;
    static const uint32_t queues[] = {64, 4096, 20000, 700};
    pthread_t threads[THREADS];
    atomic_store(&stopping, false);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, trace_on_and_on, NULL), 0);
    for (int i = 0; i < RESTARTS; i++) {
        start(queues[i % 4]);
        struct timespec moment = {0, 200000};
        nanosleep(&moment, NULL);
        stop();
    }
    atomic_store(&stopping, true);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

int main(void)
{
    static struct rows all;
    rows_one(&all, "it goes on while threads trace", check_threads);
    return rows_run("tracing_restart", &all);
}
