#include "http/queue.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "http/evidence.h"
#include "http/queue_store.h"
#include "trace/log_record.h"
#include "trace/propagation.h"
#include "trace/trace.h"

enum {
    CONSUMERS_USUAL = 4,
    CONSUMERS_MAX = 64,
    LEASE_USUAL_MS = 30000,
    POLL_PERIOD_MS = 10, /* between two looks, each one step in an index */
    TROUBLE_PERIOD_MS = 1000,
    TIDY_PERIOD_MS = 1000,
    STACK_BYTES = 256 * 1024,
};

static const struct tracer tracer = {.name = "culprit.queue", .version = "1"};

struct queue {
    struct queue_store *store;
};

struct queue_consumers {
    struct queue_store *store;
    struct queue_consumer_config config;
    pthread_t threads[CONSUMERS_MAX];
    unsigned thread_count;
    pthread_mutex_t watch; /* its holder alone polls; who finds a message lets go and handles it */
    uint64_t next_tidy_ns; /* the watch holder's */
    pthread_mutex_t stop_mutex;
    pthread_cond_t stopped;
    bool stop;
};

/* ---- producing */

enum status queue_new(struct queue **out, const char *url, struct error *error)
{
    *out = NULL;
    const char *path = strncmp(url, "sqlite:", 7) == 0 ? url + 7 : url;
    if (path == url && strstr(url, "://")) {
        return error_set(error, STATUS_UNSUPPORTED, "%s: expected sqlite:PATH", url);
    }
    struct queue *queue = calloc(1, sizeof *queue);
    if (!queue) {
        return error_set(error, STATUS_NO_MEMORY, "out of memory");
    }
    enum status status = queue_store_new(&queue->store, path, error);
    if (status != STATUS_OK) {
        free(queue);
        return status;
    }
    *out = queue;
    return STATUS_OK;
}

void queue_free(struct queue *queue)
{
    if (queue) {
        queue_store_free(queue->store);
        free(queue);
    }
}

static struct span *messaging_span(const char *operation, const char *type, const char *topic,
                                   const struct span_options *options)
{
    char name[128];
    snprintf(name, sizeof name, "%s %s", operation, topic);
    struct span *span = span_start(&tracer, name, options);
    span_set_text(span, SPAN_KEY("messaging.system"), TEXT_LITERAL("sqlite"));
    span_set_text(span, SPAN_KEY("messaging.destination.name"), text_of(topic));
    span_set_text(span, SPAN_KEY("messaging.operation.name"), text_of(operation));
    span_set_text(span, SPAN_KEY("messaging.operation.type"), text_of(type));
    return span;
}

struct span *queue_producer_span(const char *service, const char *topic, struct queue_context *out)
{
    struct span *span =
        messaging_span("send", "send", topic, &(struct span_options){.kind = SPAN_PRODUCER});
    span_set_text(span, SPAN_KEY("messaging.client.id"), text_of(service));
    struct span_context context = span_context_of(span);
    struct carrier_lines lines = {out->fields, sizeof out->fields};
    struct carrier_sink sink = carrier_lines_sink(&lines);
    out->fields[0] = '\0';
    propagation_inject(&context, context_current().baggage, &sink);
    return span;
}

enum status queue_publish(struct queue *queue, const char *topic, const char *key,
                          struct text payload, const struct queue_context *context)
{
    if (payload.length > QUEUE_PAYLOAD_MAX || strlen(key) > 63) {
        return STATUS_TOO_LARGE;
    }
    return queue_store_add(queue->store, topic, key, payload, context, clock_wall_ns());
}

enum status queue_stats(struct queue *queue, const char *topic, struct queue_stats *out)
{
    return queue_store_stats(queue->store, topic, out);
}

/* ---- consuming */

static struct span *consumer_span(const char *topic, const struct queue_message *message)
{
    /* One message: child of its producer and linked to it, so that both habits find it. */
    struct span_link link = {.context = message->context.span};
    bool has_parent = span_context_is_valid(&message->context.span);
    struct span_options options = {
        .kind = SPAN_CONSUMER,
        .parent = has_parent ? &message->context.span : NULL,
        .root = !has_parent,
        .links = &link,
        .link_count = has_parent,
    };
    struct span *span = messaging_span("process", "process", topic, &options);
    span_set_text(span, SPAN_KEY("messaging.message.id"), text_of(message->key));
    return span;
}

static uint64_t wall_ms(void)
{
    return clock_wall_ns() / NS_PER_MS;
}

static void settle(struct queue_consumers *consumers, const struct queue_claim *claim,
                   enum status status)
{
    uint64_t due_ms = wall_ms() + queue_store_back_off_ms(claim->attempt);
    enum status settled = status == STATUS_OK
                              ? queue_store_done(consumers->store, consumers->config.topic, claim)
                              : queue_store_return(consumers->store, claim, due_ms);
    if (settled != STATUS_OK) {
        log_event(LOG_WARN, LOG_NO_IDS, "a message's outcome was not written; it comes again",
                  LOG_TEXT("key", claim->key), LOG_TEXT("error", status_words(settled)));
    }
    if (status != STATUS_OK && claim->attempt >= QUEUE_STORE_ATTEMPTS_MAX) {
        log_event(LOG_ERROR, LOG_NO_IDS, "a message is parked: its attempts are used up",
                  LOG_TEXT("key", claim->key), LOG_TEXT("error", status_words(status)));
    }
}

static void handle(struct queue_consumers *consumers, struct queue_claim *claim)
{
    const struct queue_consumer_config *config = &consumers->config;
    struct queue_message message = {
        .id = claim->id,
        .payload = {claim->payload, claim->payload_bytes},
        .enqueued_wall_ns = claim->enqueued_wall_ns,
        .attempt = claim->attempt,
    };
    text_copy(text_of(claim->key), message.key, sizeof message.key);
    struct text fields = text_of(claim->context.fields);
    struct carrier_source source = carrier_lines_source(&fields);
    propagation_extract(&source, &message.context);
    struct work work = {.parts = config->parts,
                        .deadline_ns = clock_mono_ns() + config->lease_ms * NS_PER_MS};
    if (config->faults) {
        faults_snapshot(config->faults, &work.faults);
    }
    struct span *span = consumer_span(config->topic, &message);
    evidence_message(span, &(struct evidence_message){.body_bytes = claim->payload_bytes,
                                                      .depth = claim->depth,
                                                      .enqueued_wall_ns = claim->enqueued_wall_ns,
                                                      .taken_wall_ns = clock_wall_ns(),
                                                      .attempt = claim->attempt});
    uint64_t cpu_began_ns = evidence_cpu_begin_ns(span);
    bool has_baggage = message.context.baggage.length_bytes > 0;
    struct context before =
        context_attach((struct context){span, has_baggage ? &message.context.baggage : NULL});
    enum status status = config->handle(&work, &message);
    context_attach(before);
    evidence_cpu_end(span, cpu_began_ns, UINT64_MAX);
    if (status != STATUS_OK) {
        span_set_text(span, SPAN_KEY("error.type"), text_of(status_words(status)));
        span_set_status(span, SPAN_ERROR, (struct text){0});
        log_record_exception(&tracer, span,
                             &(struct log_exception){.type = text_of(status_words(status))});
    }
    span_end(span);
    settle(consumers, claim, status);
}

static bool must_stop(struct queue_consumers *consumers)
{
    pthread_mutex_lock(&consumers->stop_mutex);
    bool stop = consumers->stop;
    pthread_mutex_unlock(&consumers->stop_mutex);
    return stop;
}

/* Sleeps, but not through a stop. */
static void nap(struct queue_consumers *consumers, uint64_t ms)
{
    uint64_t until_ns = clock_mono_ns() + ms * NS_PER_MS;
    struct timespec until = {.tv_sec = (time_t)(until_ns / NS_PER_S),
                             .tv_nsec = (long)(until_ns % NS_PER_S)};
    pthread_mutex_lock(&consumers->stop_mutex);
    if (!consumers->stop) {
        pthread_cond_timedwait(&consumers->stopped, &consumers->stop_mutex, &until);
    }
    pthread_mutex_unlock(&consumers->stop_mutex);
}

static void tidy(struct queue_consumers *consumers)
{
    uint64_t now_ns = clock_mono_ns();
    if (now_ns >= consumers->next_tidy_ns) {
        queue_store_tidy(consumers->store);
        consumers->next_tidy_ns = now_ns + TIDY_PERIOD_MS * NS_PER_MS;
    }
}

static bool wait_for_message(struct queue_consumers *consumers, struct queue_claim *claim)
{
    enum status status = STATUS_NOT_FOUND;
    pthread_mutex_lock(&consumers->watch);
    while (status != STATUS_OK && !must_stop(consumers)) {
        uint64_t now_ms = wall_ms();
        status = queue_store_claim(consumers->store, consumers->config.topic, now_ms,
                                   now_ms + consumers->config.lease_ms, claim);
        tidy(consumers);
        if (status == STATUS_NOT_FOUND || status == STATUS_BUSY) {
            nap(consumers, POLL_PERIOD_MS);
        } else if (status != STATUS_OK) {
            log_event(LOG_ERROR, LOG_NO_IDS, "the queue cannot be read",
                      LOG_TEXT("error", status_words(status)));
            nap(consumers, TROUBLE_PERIOD_MS);
        }
    }
    pthread_mutex_unlock(&consumers->watch);
    return status == STATUS_OK;
}

static void *consumer_main(void *context)
{
    struct queue_consumers *consumers = context;
    struct queue_claim claim;
    while (wait_for_message(consumers, &claim)) {
        handle(consumers, &claim);
        queue_store_release(&claim);
    }
    return NULL;
}

static void init_consumers(struct queue_consumers *consumers, struct queue *queue,
                           const struct queue_consumer_config *config)
{
    pthread_condattr_t monotonic;
    consumers->store = queue->store;
    consumers->config = *config;
    consumers->config.lease_ms = config->lease_ms ? config->lease_ms : LEASE_USUAL_MS;
    pthread_mutex_init(&consumers->watch, NULL);
    pthread_mutex_init(&consumers->stop_mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&consumers->stopped, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

enum status queue_consume(struct queue *queue, const struct queue_consumer_config *config,
                          struct queue_consumers **out, struct error *error)
{
    *out = NULL;
    unsigned count = config->thread_count ? config->thread_count : CONSUMERS_USUAL;
    if (count > CONSUMERS_MAX) {
        return error_set(error, STATUS_TOO_LARGE, "at most %d consumers", CONSUMERS_MAX);
    }
    struct queue_consumers *consumers = calloc(1, sizeof *consumers);
    if (!consumers) {
        return error_set(error, STATUS_NO_MEMORY, "out of memory");
    }
    init_consumers(consumers, queue, config);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    enum status status = STATUS_OK;
    while (consumers->thread_count < count && status == STATUS_OK) {
        if (pthread_create(&consumers->threads[consumers->thread_count], &attributes, consumer_main,
                           consumers) != 0) {
            status = error_set(error, STATUS_NO_MEMORY, "no thread for a consumer");
        } else {
            consumers->thread_count++;
        }
    }
    pthread_attr_destroy(&attributes);
    if (status != STATUS_OK) {
        queue_consumers_stop(consumers);
        return status;
    }
    *out = consumers;
    return STATUS_OK;
}

void queue_consumers_stop(struct queue_consumers *consumers)
{
    if (!consumers) {
        return;
    }
    pthread_mutex_lock(&consumers->stop_mutex);
    consumers->stop = true;
    pthread_cond_broadcast(&consumers->stopped);
    pthread_mutex_unlock(&consumers->stop_mutex);
    for (unsigned i = 0; i < consumers->thread_count; i++) {
        pthread_join(consumers->threads[i], NULL);
    }
    pthread_mutex_destroy(&consumers->watch);
    pthread_mutex_destroy(&consumers->stop_mutex);
    pthread_cond_destroy(&consumers->stopped);
    free(consumers);
}
