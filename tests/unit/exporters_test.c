/* Several exporters of one provider: each gets each batch, and none hides what another lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>

#include "otlp/otlp_json.h"
#include "trace/console_exporter.h"
#include "trace/exporter.h"
#include "trace_sink.h"

static const struct tracer tracer = {.name = "exporters-test", .version = "2"};
static struct sink sink;

/* An exporter of the program's own, which answers as it is told. */
struct probe {
    enum status answer;
    enum status flush_answer;
    uint64_t hold_ns; /* per batch, at most until its deadline */
    atomic_uint spans, batches, flushes, shutdowns, inside, overlaps;
    _Atomic uint64_t shutdown_deadline_ns;
};

static struct probe probes[2];

static enum status probe_export(void *self, const struct span_export *batch)
{
    struct probe *probe = self;
    struct text body = {(const char *)batch->otlp, batch->length_bytes};
    uint64_t until_ns = clock_mono_ns() + probe->hold_ns;
    if (atomic_fetch_add(&probe->inside, 1) != 0)
        atomic_fetch_add(&probe->overlaps, 1);
    assert_int_equal(sink_count_spans(body), batch->span_count);
    clock_sleep_until_ns(until_ns < batch->deadline_ns ? until_ns : batch->deadline_ns);
    atomic_fetch_add(&probe->spans, batch->span_count);
    atomic_fetch_add(&probe->batches, 1);
    atomic_fetch_sub(&probe->inside, 1);
    return until_ns > batch->deadline_ns ? STATUS_TIMEOUT : probe->answer;
}

static enum status probe_flush(void *self, uint64_t deadline_ns)
{
    struct probe *probe = self;
    assert_true(deadline_ns > 0);
    atomic_fetch_add(&probe->flushes, 1);
    return probe->flush_answer;
}

static void probe_shutdown(void *self, uint64_t deadline_ns)
{
    struct probe *probe = self;
    atomic_store(&probe->shutdown_deadline_ns, deadline_ns);
    atomic_fetch_add(&probe->shutdowns, 1);
}

static const struct span_exporter exporters[] = {
    {.name = "first",
     .self = &probes[0],
     .export_batch = probe_export,
     .flush = probe_flush,
     .shutdown = probe_shutdown},
    {.name = "second",
     .self = &probes[1],
     .export_batch = probe_export,
     .flush = probe_flush,
     .shutdown = probe_shutdown},
    {.name = "plain", .self = &probes[1], .export_batch = probe_export},
};

static void end_spans(unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        span_end(span_start(&tracer, "work", NULL));
}

static void with_both(struct tracing_config *config)
{
    config->more_exporters[0] = &exporters[0];
    config->more_exporters[1] = &exporters[1];
}

static void probes_alone(struct tracing_config *config)
{
    config->exporters = 0;
    with_both(config);
}

static int reset(void **state)
{
    (void)state;
    memset(probes, 0, sizeof probes);
    return 0;
}

static void check_stats(size_t index, const char *name, uint64_t exported, uint64_t failed,
                        uint64_t rejected)
{
    struct span_exporter_stats stats;
    assert_string_equal(tracing_exporter_stats(index, &stats), name);
    assert_int_equal(stats.exported, exported);
    assert_int_equal(stats.failed, failed);
    assert_int_equal(stats.rejected, rejected);
}

static void give_each_batch_to_each(void **state)
{
    (void)state;
    static const char *const answers[] = {SINK_OK};
    struct span_exporter_stats stats;
    sink_start(&sink, answers, 1);
    sink_trace(&sink, with_both);
    end_spans(1000);
    assert_int_equal(tracing_flush(sink_soon()), STATUS_OK);
    assert_int_equal(atomic_load(&sink.span_count), 1000);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(probes[i].spans, 1000);
        assert_int_equal(probes[i].flushes, 1);
        assert_int_equal(probes[i].overlaps, 0);
        check_stats(i + 1, exporters[i].name, 1000, 0, 0);
        assert_non_null(tracing_exporter_stats(i + 1, &stats));
        assert_int_equal(stats.durations.count, probes[i].batches);
    }
    check_stats(0, "otlp_http_span_exporter", 1000, 0, 0);
    assert_null(tracing_exporter_stats(3, &stats));
    assert_int_equal(tracing_stats().exported, 1000);
    uint64_t deadline_ns = sink_soon();
    assert_int_equal(tracing_shutdown(deadline_ns), STATUS_OK);
    assert_int_equal(probes[0].shutdowns, 1);
    assert_int_equal(probes[1].shutdown_deadline_ns, deadline_ns);
    assert_int_equal(tracing_shutdown(sink_soon()), STATUS_OK);
    assert_int_equal(probes[0].shutdowns, 1);
    sink_stop(&sink);
}

static void hide_no_failure(void **state)
{
    (void)state;
    static const char *const answers[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n|10\x0a\x08\x08\x04\x12\x04some"};
    probes[1].answer = STATUS_IO;
    sink_start(&sink, answers, 1);
    sink_trace(&sink, with_both);
    end_spans(10);
    assert_int_equal(tracing_flush(sink_soon()), STATUS_IO);
    check_stats(0, "otlp_http_span_exporter", 6, 0, 4);
    check_stats(1, "first", 10, 0, 0);
    check_stats(2, "second", 0, 10, 0);
    struct tracing_stats stats = tracing_stats();
    assert_int_equal(stats.exported, 0); /* not by all */
    assert_int_equal(stats.dropped_export_failed, 10);
    probes[1].answer = STATUS_OK;
    end_spans(10);
    assert_int_equal(tracing_flush(sink_soon()), STATUS_OK);
    stats = tracing_stats();
    assert_int_equal(stats.exported, 6);
    assert_int_equal(stats.rejected, 4);
    assert_int_equal(stats.dropped_export_failed, 10);
    assert_int_equal(stats.ended, 20);
    assert_int_equal(tracing_shutdown(sink_soon()), STATUS_OK);
    sink_stop(&sink);
}

static void say_that_a_flush_failed(void **state)
{
    (void)state;
    static const char *const answers[] = {SINK_OK};
    probes[0].flush_answer = STATUS_TIMEOUT;
    sink_start(&sink, answers, 1);
    sink_trace(&sink, probes_alone);
    end_spans(1);
    assert_int_equal(tracing_flush(sink_soon()), STATUS_TIMEOUT);
    assert_int_equal(probes[1].flushes, 1);
    assert_int_equal(tracing_stats().exported, 1);
    assert_int_equal(atomic_load(&sink.connection_count), 0);
    assert_int_equal(tracing_shutdown(sink_soon()), STATUS_OK);
    sink_stop(&sink);
}

static void tiny_timeout(struct tracing_config *config)
{
    config->batch.timeout_ms = 50;
    config->more_exporters[0] = &exporters[2];
    config->more_exporters[1] = &exporters[0];
}

/* The receiver takes the batch and never answers, the next one holds out until its deadline, the
 * third gets all the same. */
static void outlast_a_slow_one(void **state)
{
    (void)state;
    static const char *const answers[] = {""};
    probes[1].hold_ns = 60 * NS_PER_S;
    sink_start(&sink, answers, 1);
    sink_trace(&sink, tiny_timeout);
    end_spans(700);
    uint64_t before_ns = clock_mono_ns();
    assert_int_equal(tracing_flush(sink_soon()), STATUS_IO);
    assert_true(clock_mono_ns() - before_ns < 10 * NS_PER_S);
    check_stats(0, "otlp_http_span_exporter", 0, 700, 0);
    check_stats(1, "plain", 0, 700, 0);
    check_stats(2, "first", 700, 0, 0);
    assert_int_equal(probes[0].spans, 700);
    assert_int_equal(tracing_shutdown(sink_soon()), STATUS_OK);
    sink_stop(&sink);
}

/* A receiver that wants to be spared costs the others nothing: its batches are counted at once. */
static void do_not_wait_for_one_that_is_spared(void **state)
{
    (void)state;
    static const char *const answers[] = {
        "HTTP/1.1 503 Busy\r\nRetry-After: 30\r\nContent-Length: 0\r\n\r\n"};
    sink_start(&sink, answers, 1);
    sink_trace(&sink, tiny_timeout);
    uint64_t before_ns = clock_mono_ns();
    for (unsigned i = 1; i <= 3; i++) {
        end_spans(10);
        assert_int_equal(tracing_flush(sink_soon()), STATUS_IO);
        assert_int_equal(atomic_load(&probes[0].spans), 10 * i);
    }
    assert_true(clock_mono_ns() - before_ns < 15 * NS_PER_S);
    check_stats(0, "otlp_http_span_exporter", 0, 30, 0);
    check_stats(2, "first", 30, 0, 0);
    assert_int_equal(atomic_load(&sink.request_count), 1);
    assert_int_equal(tracing_shutdown(sink_soon()), STATUS_OK);
    sink_stop(&sink);
}

static void patient(struct tracing_config *config)
{
    config->batch.timeout_ms = 60000;
    config->more_exporters[0] = &exporters[0];
}

/* What respects its deadline ends with the shutdown; what was left is counted for each. */
static void end_with_the_shutdown(void **state)
{
    (void)state;
    static const char *const answers[] = {""};
    sink_start(&sink, answers, 1);
    sink_trace(&sink, patient);
    probes[0].hold_ns = 60 * NS_PER_S;
    end_spans(700);
    uint64_t before_ns = clock_mono_ns();
    assert_int_equal(tracing_shutdown(before_ns + 100 * NS_PER_MS), STATUS_IO);
    assert_true(clock_mono_ns() - before_ns < 10 * NS_PER_S);
    struct tracing_stats stats = tracing_stats();
    assert_int_equal(stats.dropped_export_failed, 700);
    assert_int_equal(stats.queued, 0);
    check_stats(0, "otlp_http_span_exporter", 0, 700, 0);
    check_stats(1, "first", 0, 700, 0);
    sink_stop(&sink);
}

static void at_each_end(struct tracing_config *config)
{
    config->exports_at_end = true;
    probes_alone(config);
}

static void *end_fifty(void *unused)
{
    (void)unused;
    end_spans(50);
    return NULL;
}

static void get_a_span_at_its_end(void **state)
{
    (void)state;
    static const char *const answers[] = {SINK_OK};
    pthread_t threads[4];
    sink_start(&sink, answers, 1);
    sink_trace(&sink, at_each_end);
    for (unsigned i = 1; i <= 20; i++) {
        end_spans(1);
        assert_int_equal(atomic_load(&probes[0].spans), i);
        assert_int_equal(atomic_load(&probes[1].batches), i);
    }
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, end_fifty, NULL), 0);
    for (size_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&probes[0].spans), 220);
    assert_int_equal(atomic_load(&probes[0].overlaps), 0);
    assert_int_equal(tracing_stats().exported, 220);
    assert_int_equal(tracing_shutdown(sink_soon()), STATUS_OK);
    sink_stop(&sink);
}

/* An exporter that is traced itself: its span waits for the next batch, not for itself. */
static enum status trace_and_export(void *self, const struct span_export *batch)
{
    if (atomic_load(&probes[0].batches) == 0)
        end_spans(1);
    return probe_export(self, batch);
}

static const struct span_exporter traced = {
    .name = "traced", .self = &probes[0], .export_batch = trace_and_export};

static void with_a_traced_one(struct tracing_config *config)
{
    config->exports_at_end = true;
    config->exporters = 0;
    config->more_exporters[0] = &traced;
}

static void may_end_spans_themselves(void **state)
{
    (void)state;
    static const char *const answers[] = {SINK_OK};
    sink_start(&sink, answers, 1);
    sink_trace(&sink, with_a_traced_one);
    uint64_t before_ns = clock_mono_ns();
    end_spans(1);
    assert_true(clock_mono_ns() - before_ns < 10 * NS_PER_S); /* not the timeout of an export */
    assert_int_equal(tracing_flush(sink_soon()), STATUS_OK);
    assert_int_equal(atomic_load(&probes[0].spans), 2);
    assert_int_equal(tracing_shutdown(sink_soon()), STATUS_OK);
    sink_stop(&sink);
}

/* Ends as many spans as it gets, so that whole batches wait whenever it is done, until it sees the
 * one that is called "quiet". */
enum { BATCH = 64, BATCHES_MAX = 20000 };

static enum status fill_and_export(void *self, const struct span_export *batch)
{
    struct probe *probe = self;
    if (memmem(batch->otlp, batch->length_bytes, "quiet", strlen("quiet")) != NULL)
        atomic_store(&probes[1].batches, 1);
    else if (atomic_load(&probes[1].batches) == 0 && atomic_load(&probe->batches) < BATCHES_MAX)
        end_spans(batch->span_count);
    return probe_export(self, batch);
}

static const struct span_exporter filling = {
    .name = "filling", .self = &probes[0], .export_batch = fill_and_export};

static void with_a_filling_one(struct tracing_config *config)
{
    config->batch.batch_count = BATCH;
    config->batch.delay_ms = 20;
    config->exporters = 0;
    config->more_exporters[0] = &filling;
}

static void *end_three_batches(void *unused)
{
    end_spans(3 * BATCH);
    return unused;
}

/* The one span of a thread that then does nothing is in no full chunk. */
static void get_a_quiet_span_while_batches_are_full(void **state)
{
    (void)state;
    static const char *const answers[] = {SINK_OK};
    pthread_t thread;
    sink_start(&sink, answers, 1);
    sink_trace(&sink, with_a_filling_one);
    assert_int_equal(pthread_create(&thread, NULL, end_three_batches, NULL), 0);
    pthread_join(thread, NULL);
    uint64_t deadline_ns = sink_soon();
    while (atomic_load(&probes[0].batches) == 0 && clock_mono_ns() < deadline_ns)
        sched_yield();
    span_end(span_start(&tracer, "quiet", NULL));
    while (atomic_load(&probes[1].batches) == 0 && atomic_load(&probes[0].batches) < BATCHES_MAX)
        sched_yield();
    assert_int_equal(atomic_load(&probes[1].batches), 1);
    assert_int_equal(tracing_shutdown(sink_soon()), STATUS_OK);
    sink_stop(&sink);
}

static void none_at_all(struct tracing_config *config)
{
    config->exporters = 0;
}

static void record_nothing_for_nobody(void **state)
{
    (void)state;
    static const char *const answers[] = {SINK_OK};
    sink_start(&sink, answers, 1);
    sink_trace(&sink, none_at_all);
    struct span *span = span_start(&tracer, "off", NULL);
    assert_false(span_is_recording(span));
    span_end(span);
    assert_int_equal(tracing_shutdown(sink_soon()), STATUS_OK);
    sink_stop(&sink);
}

/* ---- the console */

/* What the file holds, from its start. */
static size_t read_back(int file, char *out, size_t size)
{
    ssize_t got = pread(file, out, size - 1, 0);
    assert_true(got >= 0);
    out[got] = '\0';
    return (size_t)got;
}

static int temporary(void)
{
    char path[] = "/tmp/console-XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    unlink(path);
    return file;
}

/* Two scopes, three spans. */
static const char request[] = "\x0a\x31"
                              "\x0a\x0f\x0a\x0d\x0a\x01k\x12\x08\x0a\x06"
                              "a\nb\"\\c"
                              "\x12\x0f\x0a\x03\x0a\x01s\x12\x03\x2a\x01x\x12\x03\x2a\x01y"
                              "\x12\x0d\x0a\x03\x0a\x01t\x12\x06\x2a\x04wide";

static struct span_export batch_of(void)
{
    return (struct span_export){(const uint8_t *)request, sizeof request - 1, 3, sink_soon()};
}

static void write_a_line_a_span(void **state)
{
    (void)state;
    static const char expected[] =
#define RESOURCE                                                                                   \
    "{\"resource\":{\"attributes\":[{\"key\":\"k\",\"value\":{\"stringValue\":"                    \
    "\"a\\nb\\\"\\\\c\"}}]},"
        RESOURCE "\"scope\":{\"name\":\"s\"},\"span\":{\"name\":\"x\"}}\n" RESOURCE
                 "\"scope\":{\"name\":\"s\"},\"span\":{\"name\":\"y\"}}\n" RESOURCE
                 "\"scope\":{\"name\":\"t\"},\"span\":{\"name\":\"wide\"}}\n";
    struct console_exporter console;
    char text[4096];
    int file = temporary();
    struct span_export batch = batch_of();
    console_exporter_init(&console, OTLP_TRACES, file, false);
    assert_int_equal(console.exporter.export_batch(&console, &batch), STATUS_OK);
    read_back(file, text, sizeof text);
    assert_string_equal(text, expected);
    console_exporter_release(&console, false);
    close(file);
}

static void write_a_line_a_batch(void **state)
{
    (void)state;
    struct console_exporter console;
    struct spans spans;
    uint64_t refused;
    char text[4096];
    int file = temporary();
    struct span_export batch = batch_of();
    console_exporter_init(&console, OTLP_TRACES, file, true);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(console.exporter.export_batch(&console, &batch), STATUS_OK);
    size_t length = read_back(file, text, sizeof text);
    char *end = strchr(text, '\n');
    assert_non_null(end);
    assert_ptr_equal(strchr(end + 1, '\n'), text + length - 1);
    spans_init(&spans, 100, 1 << 20);
    *end = '\0';
    assert_int_equal(otlp_json_read(&spans, text, (size_t)(end - text), &refused, NULL), STATUS_OK);
    assert_int_equal(refused + spans.count, 3); /* they have no ids */
    spans_release(&spans);
    console_exporter_release(&console, false);
    close(file);
}

static size_t read_all(int file, char *out, size_t size)
{
    size_t length = 0;
    ssize_t got;
    while (length < size - 1 && (got = read(file, out + length, size - 1 - length)) > 0)
        length += (size_t)got;
    out[length] = '\0';
    return length;
}

/* Every line begins as one should, also those that have no proper end, and has one beginning. */
static unsigned check_lines(char *text)
{
    static const char begin[] = "{\"resource\":";
    unsigned lines = 0, begins = 0;
    for (const char *at = text; (at = strstr(at, begin)) != NULL; at++)
        begins++;
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n"), lines++)
        assert_memory_equal(line, begin, sizeof begin - 1);
    assert_int_equal(begins, lines);
    return lines;
}

static void give_up_on_a_reader_that_does_not_read(void **state)
{
    (void)state;
    static char text[4 << 20];
    size_t length = 0;
    struct console_exporter console;
    /* More than a pipe takes at once: messages one after the other are one message. */
    enum { COPIES = 50, LINES = 3 * COPIES };
    char requests[COPIES * (sizeof request - 1)];
    for (size_t i = 0; i < COPIES; i++)
        memcpy(requests + i * (sizeof request - 1), request, sizeof request - 1);
    struct span_export batch = {(uint8_t *)requests, sizeof requests, LINES, sink_soon()};
    unsigned failed = 0, written = 0;
    int ends[2];
    assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
    console_exporter_init(&console, OTLP_TRACES, ends[1], false);
    for (unsigned round = 0; round < 20; round++) {
        for (unsigned i = 0; i < 2000 && failed <= round; i++, written += LINES) {
            batch.deadline_ns = clock_mono_ns() + NS_PER_MS;
            failed += console.exporter.export_batch(&console, &batch) == STATUS_TIMEOUT;
        }
        assert_int_equal(failed, round + 1);
        length += read_all(ends[0], text + length, sizeof text - length);
    }
    /* What a round cut stays cut: the next one begins a line of its own. */
    assert_true(length > (size_t)20 * 4096);
    assert_in_range(check_lines(text), written - 20 * LINES, written);
    batch.deadline_ns = sink_soon();
    assert_int_equal(console.exporter.export_batch(&console, &batch), STATUS_OK);
    close(ends[0]);
    struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
    sigaction(SIGPIPE, &ignore, &before);
    assert_int_equal(console.exporter.export_batch(&console, &batch), STATUS_CLOSED);
    sigaction(SIGPIPE, &before, NULL);
    close(ends[1]);
    console_exporter_release(&console, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(give_each_batch_to_each, reset),
        cmocka_unit_test_setup(hide_no_failure, reset),
        cmocka_unit_test_setup(say_that_a_flush_failed, reset),
        cmocka_unit_test_setup(outlast_a_slow_one, reset),
        cmocka_unit_test_setup(do_not_wait_for_one_that_is_spared, reset),
        cmocka_unit_test_setup(end_with_the_shutdown, reset),
        cmocka_unit_test_setup(get_a_span_at_its_end, reset),
        cmocka_unit_test_setup(may_end_spans_themselves, reset),
        cmocka_unit_test_setup(get_a_quiet_span_while_batches_are_full, reset),
        cmocka_unit_test_setup(record_nothing_for_nobody, reset),
        cmocka_unit_test(write_a_line_a_span),
        cmocka_unit_test(write_a_line_a_batch),
        cmocka_unit_test(give_up_on_a_reader_that_does_not_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
