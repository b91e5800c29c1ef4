#include "http/queue.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "tests/unit/rows.h"
#include "tests/unit/trace_sink.h"
#include "trace/baggage.h"
#include "trace/propagation.h"

enum { PATIENCE_MS = 20000, MANY = 100 };

#define TRACE_ID "0af7651916cd43dd8448eb211c80319c"

static char directory[64];
static unsigned files;
static struct sink sink;

static struct queue *fresh_queue(void)
{
    char url[128];
    struct error error = {""};
    struct queue *queue = NULL;
    snprintf(url, sizeof url, "sqlite:%s/%u.db", directory, files++);
    assert_int_equal(queue_new(&queue, url, &error), STATUS_OK);
    return queue;
}

/* ---- a handler that does as it is told, and what it saw */

static struct {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    unsigned fail_first; /* so many calls fail */
    bool hold;           /* calls wait until it is let go */
    unsigned calls, inside, most_inside;
    unsigned last_attempt;
    char last_key[64], last_payload[64];
    struct span_context last_span, last_parent;
    char last_user[16]; /* of the baggage */
    uint64_t last_deadline_ns;
    const struct service_parts *last_parts;
} saw = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void forget(void)
{
    saw.fail_first = saw.calls = saw.inside = saw.most_inside = 0;
    saw.hold = false;
}

static enum status handle(struct work *work, const struct queue_message *message)
{
    pthread_mutex_lock(&saw.mutex);
    saw.calls++;
    saw.inside++;
    saw.most_inside = saw.inside > saw.most_inside ? saw.inside : saw.most_inside;
    saw.last_attempt = message->attempt;
    saw.last_deadline_ns = work->deadline_ns;
    saw.last_parts = work->parts;
    saw.last_parent = message->context.span;
    saw.last_span = span_context_of(context_current().span);
    saw.last_user[0] = '\0';
    if (context_current().baggage != NULL &&
        baggage_find(context_current().baggage, "user", saw.last_user, sizeof saw.last_user) !=
            STATUS_OK)
        text_copy(TEXT_LITERAL("none"), saw.last_user, sizeof saw.last_user);
    text_copy(text_of(message->key), saw.last_key, sizeof saw.last_key);
    text_copy(message->payload, saw.last_payload, sizeof saw.last_payload);
    pthread_cond_broadcast(&saw.changed);
    while (saw.hold)
        pthread_cond_wait(&saw.changed, &saw.mutex);
    bool fails = saw.fail_first > 0;
    saw.fail_first -= fails;
    saw.inside--;
    pthread_cond_broadcast(&saw.changed);
    pthread_mutex_unlock(&saw.mutex);
    return fails ? STATUS_IO : STATUS_OK;
}

static void wait_for(const unsigned *value, unsigned least)
{
    uint64_t deadline_ns = clock_wall_ns() + PATIENCE_MS * NS_PER_MS;
    struct timespec until = {.tv_sec = (time_t)(deadline_ns / NS_PER_S)};
    pthread_mutex_lock(&saw.mutex);
    while (*value < least && pthread_cond_timedwait(&saw.changed, &saw.mutex, &until) == 0)
        continue;
    bool came = *value >= least;
    pthread_mutex_unlock(&saw.mutex);
    assert_true(came);
}

static void let_go(void)
{
    pthread_mutex_lock(&saw.mutex);
    saw.hold = false;
    pthread_cond_broadcast(&saw.changed);
    pthread_mutex_unlock(&saw.mutex);
}

static struct service_parts parts = {.service = "tested"};

static struct queue_consumers *consume(struct queue *queue, unsigned threads, unsigned lease_ms)
{
    struct error error = {""};
    struct queue_consumers *consumers = NULL;
    const struct queue_consumer_config config = {.topic = "t",
                                                 .handle = handle,
                                                 .thread_count = threads,
                                                 .lease_ms = lease_ms,
                                                 .parts = &parts};
    assert_int_equal(queue_consume(queue, &config, &consumers, &error), STATUS_OK);
    return consumers;
}

static void publish(struct queue *queue, const char *key)
{
    assert_int_equal(queue_publish(queue, "t", key, TEXT_LITERAL("{\"a\":1}"), NULL), STATUS_OK);
}

static struct queue_stats stats_of(struct queue *queue)
{
    struct queue_stats stats = {0};
    assert_int_equal(queue_stats(queue, "t", &stats), STATUS_OK);
    return stats;
}

/* ---- tests */

static void delivers(void **state)
{
    (void)state;
    struct queue *queue = fresh_queue();
    forget();
    struct queue_consumers *consumers = consume(queue, 0, 0);
    uint64_t before_ns = clock_mono_ns();
    publish(queue, "one");
    wait_for(&saw.calls, 1);
    assert_true(clock_mono_ns() - before_ns < NS_PER_S);
    queue_consumers_stop(consumers);
    assert_string_equal(saw.last_key, "one");
    assert_string_equal(saw.last_payload, "{\"a\":1}");
    assert_int_equal(saw.last_attempt, 1);
    assert_ptr_equal(saw.last_parts, &parts);
    assert_true(saw.last_deadline_ns > before_ns);
    assert_int_equal(stats_of(queue).done, 1);
    queue_free(queue);
}

static void delivers_what_waited(void **state)
{
    (void)state;
    struct queue *queue = fresh_queue();
    forget();
    for (unsigned i = 0; i < MANY; i++) {
        char key[16];
        snprintf(key, sizeof key, "%u", i);
        publish(queue, key);
    }
    assert_int_equal(stats_of(queue).waiting, MANY);
    struct queue_consumers *consumers = consume(queue, 0, 0);
    wait_for(&saw.calls, MANY);
    queue_consumers_stop(consumers);
    assert_int_equal(saw.calls, MANY);
    struct queue_stats stats = stats_of(queue);
    assert_int_equal(stats.done, MANY);
    assert_int_equal(stats.waiting + stats.in_hand + stats.parked, 0);
    queue_free(queue);
}

static void works_side_by_side(void **state)
{
    (void)state;
    struct queue *queue = fresh_queue();
    forget();
    saw.hold = true;
    struct queue_consumers *consumers = consume(queue, 3, 0);
    publish(queue, "a");
    publish(queue, "b");
    publish(queue, "c");
    publish(queue, "d");
    wait_for(&saw.inside, 3);
    assert_int_equal(stats_of(queue).in_hand, 3);
    assert_int_equal(stats_of(queue).waiting, 1);
    let_go();
    wait_for(&saw.calls, 4);
    queue_consumers_stop(consumers);
    assert_int_equal(saw.most_inside, 3);
    assert_int_equal(stats_of(queue).done, 4);
    queue_free(queue);
}

static void tries_again(void **state)
{
    (void)state;
    struct queue *queue = fresh_queue();
    forget();
    saw.fail_first = 2;
    struct queue_consumers *consumers = consume(queue, 0, 0);
    publish(queue, "k");
    wait_for(&saw.calls, 3);
    queue_consumers_stop(consumers);
    assert_int_equal(saw.last_attempt, 3);
    assert_int_equal(stats_of(queue).done, 1);
    queue_free(queue);
}

/* The first consumer holds the message longer than its lease: another gets it, and the outcome of
 * the late one changes nothing. */
static void gives_out_again_when_a_lease_ends(void **state)
{
    (void)state;
    struct queue *queue = fresh_queue();
    forget();
    saw.hold = true;
    struct queue_consumers *consumers = consume(queue, 2, 50);
    publish(queue, "k");
    wait_for(&saw.calls, 2);
    assert_int_equal(saw.last_attempt, 2);
    let_go();
    queue_consumers_stop(consumers);
    assert_int_equal(stats_of(queue).done, 1);
    queue_free(queue);
}

static void finishes_what_is_in_hand(void **state)
{
    (void)state;
    struct queue *queue = fresh_queue();
    forget();
    struct queue_consumers *consumers = consume(queue, 1, 0);
    for (unsigned i = 0; i < MANY; i++) {
        char key[16];
        snprintf(key, sizeof key, "%u", i);
        publish(queue, key);
    }
    queue_consumers_stop(consumers);
    struct queue_stats stats = stats_of(queue);
    assert_int_equal(stats.in_hand, 0);
    assert_int_equal(stats.done, saw.calls);
    assert_int_equal(stats.done + stats.waiting, MANY);
    queue_free(queue);
}

static void stops_while_it_is_empty(void **state)
{
    (void)state;
    struct queue *queue = fresh_queue();
    struct queue_consumers *consumers = consume(queue, 4, 0);
    uint64_t before_ns = clock_mono_ns();
    queue_consumers_stop(consumers);
    assert_true(clock_mono_ns() - before_ns < 2 * NS_PER_S);
    queue_consumers_stop(NULL);
    queue_free(queue);
    queue_free(NULL);
}

/* ---- context */

static void carries_context(void **state)
{
    (void)state;
    struct queue *queue = fresh_queue();
    const struct queue_context context = {.fields = "traceparent: 00-" TRACE_ID
                                                    "-b7ad6b7169203331-01\r\n"};
    const uint8_t first = 0x0a;
    struct tracing_config config;
    tracing_config_from_environment(&config, "test");
    propagation_use(config.propagators);
    forget();
    struct queue_consumers *consumers = consume(queue, 0, 0);
    assert_int_equal(queue_publish(queue, "t", "k", TEXT_LITERAL("{}"), &context), STATUS_OK);
    wait_for(&saw.calls, 1);
    queue_consumers_stop(consumers);
    assert_int_equal(saw.last_parent.trace_id.bytes[0], first);
    assert_memory_equal(saw.last_span.trace_id.bytes, saw.last_parent.trace_id.bytes, 16);
    queue_free(queue);
}

/* In whatever format: what one side writes the other reads. */
static void carries_baggage(void **state)
{
    static const char *const formats[] = {"tracecontext", "b3"};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct queue *queue = fresh_queue();
        struct queue_context context;
        struct baggage baggage = {.length_bytes = 0};
        const struct propagator *used[PROPAGATORS_MAX];
        const struct propagator *const list[PROPAGATORS_MAX] = {
            propagator_find(text_of(formats[i])), propagator_find(TEXT_LITERAL("baggage"))};
        forget();
        sink_trace(&sink, NULL);
        propagation_used(used);
        propagation_use(list);
        assert_int_equal(
            baggage_set(&baggage, TEXT_LITERAL("user"), TEXT_LITERAL("a b"), TEXT_LITERAL("")),
            STATUS_OK);
        struct context before = baggage_attach(&baggage);
        struct span *span = queue_producer_span("shop", "t", &context);
        context_attach(before);
        struct span_context sent = span_context_of(span);
        assert_int_equal(queue_publish(queue, "t", "k", TEXT_LITERAL("{}"), &context), STATUS_OK);
        span_end(span);
        struct queue_consumers *consumers = consume(queue, 0, 0);
        wait_for(&saw.calls, 1);
        queue_consumers_stop(consumers);
        assert_string_equal(saw.last_user, "a b");
        assert_memory_equal(saw.last_parent.span_id.bytes, sent.span_id.bytes, 8);
        propagation_use(used);
        assert_int_equal(tracing_shutdown(sink_soon()), STATUS_OK);
        queue_free(queue);
    }
}

static void makes_spans(void **state)
{
    (void)state;
    struct queue *queue = fresh_queue();
    struct queue_context context;
    struct sink_span sent = {0}, processed = {0};
    forget();
    sink_trace(&sink, NULL);
    saw.fail_first = 1;
    struct span *span = queue_producer_span("shop", "t", &context);
    assert_int_equal(queue_publish(queue, "t", "k", TEXT_LITERAL("{}"), &context), STATUS_OK);
    span_end(span);
    struct queue_consumers *consumers = consume(queue, 0, 0);
    wait_for(&saw.calls, 2);
    queue_consumers_stop(consumers);
    assert_int_equal(tracing_shutdown(sink_soon()), STATUS_OK);
    assert_int_equal(sink_find(&sink, "send t", &sent), 1);
    assert_int_equal(sink_find(&sink, "process t", &processed), 2);
    assert_int_equal(sent.kind, OTLP_KIND_PRODUCER);
    assert_int_equal(processed.kind, OTLP_KIND_CONSUMER);
    assert_memory_equal(processed.trace_id, sent.trace_id, 16);
    assert_memory_equal(processed.parent_id, sent.span_id, 8);
    assert_int_equal(processed.link_count, 1);
    assert_true(sink_has_text(&sent, "messaging.system", "sqlite"));
    assert_true(sink_has_text(&sent, "messaging.destination.name", "t"));
    assert_true(sink_has_text(&sent, "messaging.operation.name", "send"));
    assert_true(sink_has_text(&processed, "messaging.operation.type", "process"));
    assert_true(sink_has_text(&processed, "messaging.message.id", "k"));
    queue_free(queue);
}

static bool count_exceptions(const struct sink_span *span, void *count)
{
    struct wire_reader event = wire_reader_of(span->first_event.data, span->first_event.length);
    struct wire_field field;
    struct sink_attribute attribute = {0};
    bool is_exception = false, has_type = false;
    while (wire_next(&event, &field) == STATUS_OK) {
        is_exception |= field.number == OTLP_EVENT_NAME && text_is(field.bytes, "exception");
        if (field.number != OTLP_EVENT_ATTRIBUTES)
            continue;
        sink_read_attribute(field.bytes, &attribute);
        has_type |= text_is(attribute.key, "exception.type") &&
                    text_is(attribute.text, status_words(STATUS_IO));
    }
    *(unsigned *)count += sink_has_text(span, "messaging.message.id", "odd") && is_exception &&
                          has_type && span->status_code == OTLP_STATUS_ERROR &&
                          sink_has_text(span, "error.type", status_words(STATUS_IO));
    return true;
}

static void tells_why_it_failed(void **state)
{
    (void)state;
    struct queue *queue = fresh_queue();
    unsigned exceptions = 0;
    forget();
    sink_trace(&sink, NULL);
    saw.fail_first = 1;
    publish(queue, "odd");
    struct queue_consumers *consumers = consume(queue, 1, 0);
    wait_for(&saw.calls, 2);
    queue_consumers_stop(consumers);
    assert_int_equal(tracing_shutdown(sink_soon()), STATUS_OK);
    sink_visit(&sink, count_exceptions, &exceptions);
    assert_int_equal(exceptions, 1);
    queue_free(queue);
}

/* ---- what is refused */

static const struct refused_row {
    const char *it;
    const char *url;
    enum status status;
} refused_rows[] = {
    {"it does not speak redis", "redis://localhost:6379", STATUS_UNSUPPORTED},
    {"it does not speak HTTP", "http://localhost/queue", STATUS_UNSUPPORTED},
    {"it says when the file cannot be", "sqlite:/proc/none/queue.db", STATUS_IO},
};

static void check_refused(void **state)
{
    const struct refused_row *row = *state;
    struct error error = {""};
    struct queue *queue = NULL;
    assert_int_equal(queue_new(&queue, row->url, &error), row->status);
    assert_null(queue);
    assert_true(error.text[0] != '\0');
}

static void bounds_messages(void **state)
{
    (void)state;
    struct queue *queue = fresh_queue();
    char *large = calloc(1, QUEUE_PAYLOAD_MAX + 1), key[65];
    memset(key, 'k', 64);
    key[64] = '\0';
    assert_int_equal(
        queue_publish(queue, "t", "k", (struct text){large, QUEUE_PAYLOAD_MAX + 1}, NULL),
        STATUS_TOO_LARGE);
    assert_int_equal(queue_publish(queue, "t", key, TEXT_LITERAL("{}"), NULL), STATUS_TOO_LARGE);
    memset(large, ' ', QUEUE_PAYLOAD_MAX);
    assert_int_equal(
        queue_publish(queue, "t", key + 1, (struct text){large, QUEUE_PAYLOAD_MAX}, NULL),
        STATUS_OK);
    assert_int_equal(stats_of(queue).waiting, 1);
    free(large);
    queue_free(queue);
}

static void remove_directory(void)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    char path[160];
    for (unsigned i = 0; i < files * 3; i++) {
        snprintf(path, sizeof path, "%s/%u.db%s", directory, i / 3, suffixes[i % 3]);
        unlink(path);
    }
    rmdir(directory);
}

int main(void)
{
    static struct rows all;
    static const char *const answers[] = {SINK_OK};
    log_start("test", LOG_ERROR);
    snprintf(directory, sizeof directory, "/tmp/culprit-queue-test-XXXXXX");
    if (!mkdtemp(directory))
        return 1;
    sink_start(&sink, answers, 1);
    rows_one(&all, "it delivers at once", delivers);
    rows_one(&all, "it delivers what waited", delivers_what_waited);
    rows_one(&all, "it works side by side", works_side_by_side);
    rows_one(&all, "it tries again", tries_again);
    rows_one(&all, "it gives out again when a lease ends", gives_out_again_when_a_lease_ends);
    rows_one(&all, "it finishes what is in hand when it stops", finishes_what_is_in_hand);
    rows_one(&all, "it stops while it is empty", stops_while_it_is_empty);
    rows_one(&all, "it carries the producer's context", carries_context);
    rows_one(&all, "it makes a span for each side", makes_spans);
    rows_one(&all, "it makes a failure an exception", tells_why_it_failed);
    rows_one(&all, "it carries baggage", carries_baggage);
    rows_one(&all, "it bounds messages", bounds_messages);
    ROWS(&all, refused_rows, check_refused);
    int failed = rows_run("queue", &all);
    sink_stop(&sink);
    remove_directory();
    return failed;
}
