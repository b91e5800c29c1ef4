#include "trace/log_provider.h"

#include <signal.h>
#include <sys/wait.h>

#include "base/log.h"
#include "otlp/logs.h"
#include "tests/unit/rows.h"
#include "tests/unit/trace_sink.h"
#include "trace/log_bridge.h"
#include "trace/log_record.h"

enum { BYTES_MAX = 64 * 1024 * 1024 };

static const struct tracer tracer = {.name = "test.log", .version = "1.0"};
static struct sink sink;

static const char *const taken[] = {SINK_OK};
static const char *const silent[] = {""};

static void start(const char *const *answers, void (*change)(struct tracing_config *))
{
    struct tracing_config config;
    struct error error = {{0}};
    sink_start(&sink, answers, 1);
    tracing_config_from_environment(&config, "test");
    config.log_exporters = TRACING_EXPORT_OTLP;
    config.log_otlp.timeout_ms = 10000;
    config.log_batch = (struct batch_settings){60000, 30000, 2048, 512};
    snprintf(config.log_otlp.endpoint, sizeof config.log_otlp.endpoint,
             "http://127.0.0.1:%u/v1/logs", sink.port);
    if (change)
        change(&config);
    assert_int_equal(log_provider_start(&config, &error), STATUS_OK);
}

static void stop(void)
{
    assert_int_equal(log_provider_shutdown(sink_soon()), STATUS_OK);
    assert_int_equal(log_provider_stats().queued, 0);
    sink_stop(&sink);
}

/* Everything emitted went one of the known ways. */
static void check_sum(void)
{
    const struct log_provider_stats stats = log_provider_stats();
    assert_int_equal(stats.emitted, stats.exported + stats.dropped_queue_full +
                                        stats.dropped_export_failed + stats.rejected +
                                        stats.queued);
}

static void emit(const char *words)
{
    log_record_emit(&tracer, &(struct log_record){.severity = LOG_SEVERITY_INFO,
                                                  .body = {.text = text_of(words)}});
}

/* All bodies that the sink kept, as one set. */
static void read_sink(struct logs *logs)
{
    struct error error = {{0}};
    size_t length;
    logs_init(logs, 100000, BYTES_MAX);
    pthread_mutex_lock(&sink.lock);
    for (size_t at = 0; at < sink.bodies_bytes; at += sizeof length + length) {
        memcpy(&length, sink.bodies + at, sizeof length);
        assert_int_equal(logs_proto_read(logs, sink.bodies + at + sizeof length, length, &error),
                         STATUS_OK);
    }
    pthread_mutex_unlock(&sink.lock);
}

static void sends_records_under_their_scope_and_resource(void **state)
{
    static const struct tracer other = {.name = "other", .schema_url = "http://s"};
    struct logs logs;
    (void)state;
    start(taken, NULL);
    emit("one");
    emit("two");
    log_record_emit(&other, &(struct log_record){.body = {.text = TEXT_LITERAL("three")}});
    emit("four");
    assert_int_equal(log_provider_flush(sink_soon()), STATUS_OK);
    assert_non_null(strstr(sink.last_head, "POST /v1/logs HTTP/1.1"));
    read_sink(&logs);
    static const char *const words[] = {"one", "two", "three", "four"};
    assert_int_equal(logs.count, 4);
    for (int i = 0; i < 4; i++) {
        assert_true(text_is(logs.items[i].body.text, words[i]));
        assert_true(text_is(logs.items[i].scope->name, i == 2 ? "other" : "test.log"));
        assert_true(text_is(logs.items[i].scope->version, i == 2 ? "" : "1.0"));
        assert_true(text_is(logs.items[i].resource->service, "test"));
        assert_true(logs.items[i].observed_ns > 0 && logs.items[i].time_ns == 0);
    }
    logs_release(&logs);
    check_sum();
    assert_int_equal(log_provider_stats().exported, 4);
    pthread_mutex_lock(&sink.lock);
    assert_non_null(memmem(sink.bodies, sink.bodies_bytes, "\x1a\x08http://s", 10));
    pthread_mutex_unlock(&sink.lock);
    stop();
}

static void does_nothing_while_off(void **state)
{
    (void)state;
    emit("before");
    assert_int_equal(log_provider_flush(sink_soon()), STATUS_OK);
    start(taken, NULL);
    stop();
    emit("after");
    assert_int_equal(log_provider_stats().emitted, 0);
    assert_int_equal(atomic_load(&sink.request_count), 0);
    assert_int_equal(log_provider_shutdown(sink_soon()), STATUS_OK);
}

static void small_batches(struct tracing_config *config)
{
    config->log_batch.batch_count = 10;
}

static void wait_for_records(unsigned count)
{
    const uint64_t until_ns = sink_soon();
    while (atomic_load(&sink.span_count) < count && clock_mono_ns() < until_ns)
        clock_sleep_until_ns(clock_mono_ns() + NS_PER_MS);
    assert_int_equal(atomic_load(&sink.span_count), count);
}

/* A whole batch goes at once, with a delay of a minute. */
static void sends_whole_batches_unasked(void **state)
{
    (void)state;
    start(taken, small_batches);
    for (int i = 0; i < 10; i++)
        emit("x");
    wait_for_records(10);
    stop();
}

static void short_delay(struct tracing_config *config)
{
    config->log_batch.delay_ms = 20;
}

static void sends_at_the_delay_unasked(void **state)
{
    (void)state;
    start(taken, short_delay);
    emit("x");
    wait_for_records(1);
    stop();
}

static void sends_what_is_left_at_the_end(void **state)
{
    (void)state;
    start(taken, NULL);
    for (int i = 0; i < 700; i++)
        emit("x");
    assert_int_equal(log_provider_shutdown(sink_soon()), STATUS_OK);
    assert_int_equal(atomic_load(&sink.span_count), 700);
    assert_int_equal(atomic_load(&sink.request_count), 2); /* 512 and the rest */
    check_sum();
    sink_stop(&sink);
}

static void small_queue(struct tracing_config *config)
{
    config->log_batch.queue_count = 100;
    config->log_batch.batch_count = 50;
    config->log_batch.timeout_ms = 300;
}

/* One batch is on its way, the queue is full behind it, the rest is dropped and counted; whoever
 * logs is not held up; the shutdown keeps its time. */
static void counts_drops_behind_a_stalled_receiver(void **state)
{
    (void)state;
    start(silent, small_queue);
    const uint64_t began_ns = clock_mono_ns();
    for (int i = 0; i < 50; i++)
        emit("x");
    while (log_provider_stats().export_requests == 0 && clock_mono_ns() < sink_soon())
        clock_sleep_until_ns(clock_mono_ns() + NS_PER_MS / 4);
    for (int i = 0; i < 5000; i++)
        emit("x");
    assert_true(log_provider_stats().dropped_queue_full > 4000);
    const enum status status = log_provider_shutdown(clock_mono_ns() + NS_PER_S);
    assert_true(status == STATUS_IO || status == STATUS_OK);
    assert_true(clock_mono_ns() - began_ns < 20 * NS_PER_S);
    check_sum();
    const struct log_provider_stats stats = log_provider_stats();
    assert_int_equal(stats.emitted, 5050);
    assert_int_equal(stats.exported, 0);
    assert_int_equal(stats.queued, 0);
    sink_stop(&sink);
}

static void counts_a_partial_success(void **state)
{
    static const char *const part[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n|10\x0a\x08\x08\x04\x12\x04some"};
    (void)state;
    start(part, NULL);
    for (int i = 0; i < 10; i++)
        emit("x");
    assert_int_equal(log_provider_flush(sink_soon()), STATUS_OK);
    assert_int_equal(log_provider_stats().rejected, 4);
    assert_int_equal(log_provider_stats().exported, 6);
    check_sum();
    stop();
}

static void as_json(struct tracing_config *config)
{
    config->log_otlp.json = true;
}

static void sends_json(void **state)
{
    struct logs logs;
    struct error error = {{0}};
    size_t length;
    (void)state;
    start(taken, as_json);
    emit("as \"JSON\"");
    assert_int_equal(log_provider_flush(sink_soon()), STATUS_OK);
    assert_non_null(strstr(sink.last_head, "Content-Type: application/json"));
    logs_init(&logs, 10, BYTES_MAX);
    memcpy(&length, sink.bodies, sizeof length);
    assert_int_equal(
        logs_json_read(&logs, (const char *)sink.bodies + sizeof length, length, &error),
        STATUS_OK);
    assert_int_equal(logs.count, 1);
    assert_true(text_is(logs.items[0].body.text, "as \"JSON\""));
    logs_release(&logs);
    stop();
}

static void to_console(struct tracing_config *config)
{
    config->log_exporters = TRACING_EXPORT_CONSOLE | TRACING_EXPORT_OTLP_STDOUT;
}

/* Standard output goes to a file meanwhile. */
static void writes_to_the_console(void **state)
{
    char text[8192] = "";
    FILE *file = tmpfile();
    (void)state;
    assert_non_null(file);
    fflush(stdout);
    const int saved = dup(STDOUT_FILENO);
    dup2(fileno(file), STDOUT_FILENO);
    start(taken, to_console);
    emit("one");
    emit("two");
    const enum status status = log_provider_flush(sink_soon());
    dup2(saved, STDOUT_FILENO);
    close(saved);
    assert_int_equal(status, STATUS_OK);
    rewind(file);
    assert_true(fread(text, 1, sizeof text - 1, file) > 0);
    fclose(file);
    const char *first = strstr(text, "\"logRecord\":{"), *second = strchr(text, '\n');
    assert_non_null(first);
    assert_true(first < second && strstr(first, "{\"stringValue\":\"one\"}") < second);
    assert_non_null(strstr(second, "\"body\":{\"stringValue\":\"two\"}"));
    assert_non_null(strstr(second, "\n{\"resourceLogs\":[{"));
    assert_int_equal(log_provider_stats().exported, 2);
    assert_int_equal(atomic_load(&sink.request_count), 0);
    check_sum();
    stop();
}

/* What the sending thread says of a receiver that is down is not itself sent. */
static void does_not_send_its_own_words(void **state)
{
    static const char *const refusing[] = {"HTTP/1.1 400 No\r\nContent-Length: 0\r\n\r\n"};
    (void)state;
    start(refusing, NULL);
    log_bridge_start(LOG_DEBUG);
    emit("x");
    assert_int_equal(log_provider_flush(sink_soon()), STATUS_IO);
    assert_int_equal(log_provider_flush(sink_soon()), STATUS_OK);
    assert_int_equal(log_provider_stats().emitted, 1);
    assert_int_equal(log_provider_stats().dropped_export_failed, 1);
    log_bridge_stop();
    stop();
}

/* ---- context */

static void bears_the_ids_of_its_span(void **state)
{
    static const struct span_context given = {
        .trace_id.bytes = {9}, .span_id.bytes = {8}, .flags = 1};
    struct sink spans;
    struct logs logs;
    (void)state;
    sink_start(&spans, taken, 1);
    sink_trace(&spans, NULL);
    start(taken, NULL);
    log_bridge_start(LOG_DEBUG);
    struct span_scope scope = span_enter(&tracer, "work");
    const struct span_context current = span_context_of(scope.span);
    emit("current");
    log_event(LOG_WARN, LOG_NO_IDS, "line", LOG_TEXT("peer", "bank"), LOG_I64("tries", 3),
              LOG_DOUBLE("ratio", 0.5));
    log_event(LOG_ERROR, ((struct log_ids){given.trace_id.bytes, given.span_id.bytes, 1}), "other",
              LOG_I64("n", 1));
    span_leave(&scope);
    log_event(LOG_INFO, LOG_NO_IDS, "outside", LOG_I64("n", 1));
    log_bridge_stop();
    log_event(LOG_INFO, LOG_NO_IDS, "not bridged", LOG_I64("n", 1));
    assert_int_equal(log_provider_flush(sink_soon()), STATUS_OK);
    read_sink(&logs);
    assert_int_equal(logs.count, 4);
    for (int i = 0; i < 2; i++) {
        assert_memory_equal(logs.items[i].trace_id, current.trace_id.bytes, 16);
        assert_memory_equal(logs.items[i].span_id, current.span_id.bytes, 8);
        assert_int_equal(logs.items[i].flags, current.flags);
    }
    const struct otlp_log *line = &logs.items[1];
    assert_true(text_is(line->body.text, "line"));
    assert_int_equal(line->severity, LOG_SEVERITY_WARN);
    assert_true(text_is(line->severity_text, "warn"));
    assert_true(line->time_ns > 0 && line->time_ns == line->observed_ns);
    assert_true(text_is(otlp_find_text(&line->attributes, "peer"), "bank"));
    assert_int_equal(otlp_find_i64(&line->attributes, "tries", 0), 3);
    assert_true(otlp_find(&line->attributes, "ratio")->number == 0.5);
    assert_memory_equal(logs.items[2].trace_id, given.trace_id.bytes, 16);
    assert_int_equal(logs.items[2].severity, LOG_SEVERITY_ERROR);
    assert_int_equal(logs.items[3].trace_id[0] | logs.items[3].span_id[0], 0);
    logs_release(&logs);
    stop();
    assert_int_equal(tracing_shutdown(sink_soon()), STATUS_OK);
    sink_stop(&spans);
}

/* ---- exceptions */

struct exception_row {
    const char *it;
    const char *opt_in; /* NULL: unset */
    unsigned events, records;
};

static const struct exception_row exception_rows[] = {
    {"it makes an exception an event of its span", NULL, 1, 0},
    {"it makes an exception an event where nothing is chosen", "", 1, 0},
    {"it makes an exception a record where that is chosen", "logs", 0, 1},
    {"it makes an exception both where that is chosen", "logs/dup", 1, 1},
    {"it finds its word among others", "http, Logs/Dup", 1, 1},
    {"it makes an exception an event at other words", "spans", 1, 0},
};

static void check_exception(void **state)
{
    const struct exception_row *row = *state;
    struct sink spans;
    struct logs logs;
    struct sink_span span;
    if (row->opt_in)
        setenv("OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN", row->opt_in, 1);
    sink_start(&spans, taken, 1);
    sink_trace(&spans, NULL);
    start(taken, NULL);
    struct span *failing = span_start(&tracer, "failing", NULL);
    const struct span_context context = span_context_of(failing);
    log_record_exception(&tracer, failing,
                         &(struct log_exception){TEXT_LITERAL("io"), TEXT_LITERAL("disk full"),
                                                 TEXT_LITERAL("a\nb")});
    span_end(failing);
    assert_int_equal(tracing_flush(sink_soon()), STATUS_OK);
    assert_int_equal(log_provider_flush(sink_soon()), STATUS_OK);
    assert_int_equal(sink_find(&spans, "failing", &span), 1);
    assert_int_equal(span.event_count, row->events);
    read_sink(&logs);
    assert_int_equal(logs.count, row->records);
    if (row->records > 0) {
        const struct otlp_attributes *attributes = &logs.items[0].attributes;
        assert_true(text_is(logs.items[0].event_name, "exception"));
        assert_int_equal(logs.items[0].severity, LOG_SEVERITY_ERROR);
        assert_memory_equal(logs.items[0].span_id, context.span_id.bytes, 8);
        assert_true(text_is(otlp_find_text(attributes, "exception.type"), "io"));
        assert_true(text_is(otlp_find_text(attributes, "exception.message"), "disk full"));
        assert_true(text_is(otlp_find_text(attributes, "exception.stacktrace"), "a\nb"));
    }
    logs_release(&logs);
    stop();
    assert_int_equal(tracing_shutdown(sink_soon()), STATUS_OK);
    sink_stop(&spans);
    unsetenv("OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN");
}

/* ---- life */

static void starts_once(void **state)
{
    struct tracing_config config;
    struct error error = {{0}};
    (void)state;
    start(taken, NULL);
    tracing_config_from_environment(&config, "test");
    config.log_exporters = TRACING_EXPORT_OTLP;
    assert_int_equal(log_provider_start(&config, &error), STATUS_EXISTS);
    stop();
    config.log_exporters = 0;
    assert_int_equal(log_provider_start(&config, &error), STATUS_OK);
    assert_false(log_record_is_on());
    config.log_exporters = TRACING_EXPORT_OTLP;
    config.disabled = true;
    assert_int_equal(log_provider_start(&config, &error), STATUS_OK);
    assert_false(log_record_is_on());
    config.disabled = false;
    config.log_batch = (struct batch_settings){1000, 1000, 10, 11};
    assert_int_equal(log_provider_start(&config, &error), STATUS_INVALID);
    snprintf(config.log_otlp.endpoint, sizeof config.log_otlp.endpoint, "what?");
    config.log_batch.batch_count = 10;
    assert_int_equal(log_provider_start(&config, &error), STATUS_INVALID);
}

/* ThreadSanitizer does not let the child of a threaded process start threads. */
#ifdef __SANITIZE_THREAD__
enum { CAN_START_THREADS = 0 };
#else
enum { CAN_START_THREADS = 1 };
#endif

static int run_child(void)
{
    struct tracing_config config;
    struct error error = {{0}};
    emit("lost");
    if (log_record_is_on() || log_provider_stats().queued != 0)
        return 1;
    if (!CAN_START_THREADS)
        return 0;
    tracing_config_from_environment(&config, "child");
    config.log_exporters = TRACING_EXPORT_OTLP;
    config.log_otlp.timeout_ms = 10000;
    config.log_batch = (struct batch_settings){60000, 30000, 2048, 512};
    snprintf(config.log_otlp.endpoint, sizeof config.log_otlp.endpoint,
             "http://127.0.0.1:%u/v1/logs", sink.port);
    if (log_provider_start(&config, &error) != STATUS_OK)
        return 2;
    emit("child");
    return log_provider_shutdown(sink_soon()) == STATUS_OK ? 0 : 3;
}

static void sends_nothing_twice_after_a_fork(void **state)
{
    static const char *const closing[] = {
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"};
    struct logs logs;
    unsigned counts[3] = {0};
    int code = -1;
    (void)state;
    start(closing, NULL);
    emit("parent");
    const pid_t child = fork();
    if (child == 0)
        _exit(run_child());
    assert_int_equal(waitpid(child, &code, 0), child);
    assert_int_equal(code, 0);
    assert_int_equal(log_provider_flush(sink_soon()), STATUS_OK);
    read_sink(&logs);
    for (size_t i = 0; i < logs.count; i++) {
        const struct text words = logs.items[i].body.text;
        counts[text_is(words, "parent") ? 0 : text_is(words, "child") ? 1 : 2]++;
    }
    assert_int_equal(counts[0], 1);
    assert_int_equal(counts[1], CAN_START_THREADS);
    assert_int_equal(counts[2], 0);
    logs_release(&logs);
    stop();
}

/* ---- many threads */

enum { THREADS = 4, EACH = 5000 };

static void *emit_many(void *unused)
{
    (void)unused;
    for (int i = 0; i < EACH; i++)
        emit("under load");
    return NULL;
}

static void adds_up_under_load(void **state)
{
    pthread_t threads[THREADS];
    (void)state;
    start(taken, short_delay);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, emit_many, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(log_provider_shutdown(sink_soon()), STATUS_OK);
    check_sum();
    const struct log_provider_stats stats = log_provider_stats();
    assert_int_equal(stats.emitted, THREADS * EACH);
    assert_int_equal(stats.exported, atomic_load(&sink.span_count));
    assert_int_equal(stats.dropped_export_failed, 0);
    sink_stop(&sink);
}

int main(void)
{
    struct rows all = {0};
    signal(SIGPIPE, SIG_IGN);
    rows_one(&all, "it sends records under their scope and resource",
             sends_records_under_their_scope_and_resource);
    rows_one(&all, "it does nothing while off", does_nothing_while_off);
    rows_one(&all, "it sends whole batches unasked", sends_whole_batches_unasked);
    rows_one(&all, "it sends at the delay unasked", sends_at_the_delay_unasked);
    rows_one(&all, "it sends what is left at the end", sends_what_is_left_at_the_end);
    rows_one(&all, "it counts drops behind a receiver that stalls",
             counts_drops_behind_a_stalled_receiver);
    rows_one(&all, "it counts a partial success", counts_a_partial_success);
    rows_one(&all, "it sends JSON where that is chosen", sends_json);
    rows_one(&all, "it writes to the console where that is chosen", writes_to_the_console);
    rows_one(&all, "it does not send its own words", does_not_send_its_own_words);
    rows_one(&all, "it gives records the ids of their span", bears_the_ids_of_its_span);
    ROWS(&all, exception_rows, check_exception);
    rows_one(&all, "it starts once, and only where it should", starts_once);
    rows_one(&all, "it sends nothing twice after a fork", sends_nothing_twice_after_a_fork);
    rows_one(&all, "it adds up under load", adds_up_under_load);
    return rows_run("log_provider", &all);
}
