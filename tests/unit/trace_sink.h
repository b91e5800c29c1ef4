/* For tests: an OTLP/HTTP receiver on a loopback port of the kernel's choice, in a thread of its
 * own, which answers by a script, keeps what it got, and reads spans out of it. */
#ifndef CULPRIT_TESTS_TRACE_SINK_H
#define CULPRIT_TESTS_TRACE_SINK_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/otlp_fields.h"
#include "base/wire.h"
#include "trace/trace.h"

/* For a test that must know the receiver's thread. */
#ifndef SINK_THREAD_BEGINS
#define SINK_THREAD_BEGINS() ((void)0)
#endif

enum { SINK_BODY_MAX = 64 << 20, SINK_ATTRIBUTES_MAX = 160, SINK_SPANS_MAX = 20000 };

struct sink {
    int listener;
    uint16_t port;
    pthread_t thread;
    atomic_bool stopping;
    /* Whole answers, sent in turn; the last one is sent for ever. NULL: close without an answer;
     * "": read nothing more and say nothing until stopped; "reset": close so that the client's
     * system says so; "endless": a body of 1 GiB; "trickle": the same, a byte every millisecond. */
    const char *const *script;
    atomic_uint step;
    atomic_uint request_count, connection_count;
    atomic_uint span_count;
    atomic_size_t sent_bytes; /* of endless bodies */
    pthread_mutex_t lock;     /* guards what follows */
    uint8_t *bodies;          /* the accepted ones, each after a size_t length */
    size_t bodies_bytes, bodies_room;
    char last_head[8192];
};

struct sink_attribute {
    struct text key;
    unsigned value_field; /* enum otlp_field, 0: empty */
    struct text text;
    uint64_t number;
};

struct sink_span {
    uint8_t trace_id[16], span_id[8], parent_id[8];
    bool has_parent;
    struct text name, trace_state, status_message, scope;
    uint64_t kind, start_ns, end_ns, flags, status_code;
    uint64_t dropped_attributes, dropped_events, dropped_links;
    unsigned attribute_count, event_count, link_count;
    struct sink_attribute attributes[SINK_ATTRIBUTES_MAX];
    struct text first_event, first_link; /* messages */
    struct text message;                 /* the span's own */
};

#define SINK_OK                                                                                    \
    "HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n"

static inline unsigned sink_count_spans(struct text body)
{
    unsigned count = 0;
    struct wire_field a, b, c;
    struct wire_reader request = wire_reader_of(body.data, body.length);
    while (wire_next(&request, &a) == STATUS_OK) {
        struct wire_reader resource = wire_reader_of(a.bytes.data, a.bytes.length);
        while (wire_next(&resource, &b) == STATUS_OK) {
            if (b.number != OTLP_RESOURCE_SPANS_SCOPE_SPANS)
                continue;
            struct wire_reader scope = wire_reader_of(b.bytes.data, b.bytes.length);
            while (wire_next(&scope, &c) == STATUS_OK)
                count += c.number == OTLP_SCOPE_SPANS_SPANS;
        }
    }
    return count;
}

static inline void sink_keep(struct sink *sink, const char *head, struct text body)
{
    pthread_mutex_lock(&sink->lock);
    snprintf(sink->last_head, sizeof sink->last_head, "%s", head);
    size_t need = sink->bodies_bytes + sizeof(size_t) + body.length;
    if (need > sink->bodies_room) {
        sink->bodies_room = need * 2;
        sink->bodies = realloc(sink->bodies, sink->bodies_room);
    }
    memcpy(sink->bodies + sink->bodies_bytes, &body.length, sizeof(size_t));
    memcpy(sink->bodies + sink->bodies_bytes + sizeof(size_t), body.data, body.length);
    sink->bodies_bytes = need;
    pthread_mutex_unlock(&sink->lock);
    atomic_fetch_add(&sink->span_count, sink_count_spans(body));
}

/* Reads one request into *buffer (grown); false: the connection ended. */
static inline bool sink_read(int socket, char **buffer, size_t *room, size_t *head, size_t *length)
{
    size_t got = 0;
    *head = 0;
    for (;;) {
        if (*room - got < 65536) {
            *room += 1 << 20;
            *buffer = realloc(*buffer, *room);
        }
        ssize_t part = recv(socket, *buffer + got, *room - got - 1, 0);
        if (part <= 0)
            return false;
        got += (size_t)part;
        (*buffer)[got] = '\0';
        const char *end = *head ? NULL : strstr(*buffer, "\r\n\r\n");
        if (end != NULL) {
            *head = (size_t)(end - *buffer) + 4;
            const char *field = strstr(*buffer, "Content-Length: ");
            *length = field ? strtoul(field + 16, NULL, 10) : 0;
        }
        if (*head != 0 && got >= *head + *length)
            return true;
    }
}

static inline const char *sink_next_answer(struct sink *sink)
{
    unsigned step = atomic_load(&sink->step);
    const char *answer = sink->script[step];
    if (sink->script[step + 1] != (const char *)sink)
        atomic_store(&sink->step, step + 1);
    return answer;
}

/* Until the client has gone. */
static inline void sink_pour(struct sink *sink, int socket, size_t piece, uint64_t pause_ns)
{
    static const char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n";
    static const char zeros[65536];
    (void)!send(socket, head, sizeof head - 1, MSG_NOSIGNAL);
    for (size_t sent = 0; sent < (size_t)1 << 30 && !atomic_load(&sink->stopping);) {
        ssize_t part = send(socket, zeros, piece, MSG_NOSIGNAL);
        if (part <= 0)
            return;
        sent += (size_t)part;
        atomic_fetch_add(&sink->sent_bytes, (size_t)part);
        if (pause_ns > 0)
            clock_sleep_until_ns(clock_mono_ns() + pause_ns);
    }
}

/* Answers that are more than bytes; true: that was one, the connection is over. */
static inline bool sink_misbehave(struct sink *sink, int socket, const char *answer)
{
    if (answer == NULL)
        return true;
    if (answer[0] == '\0') {
        char byte;
        while (recv(socket, &byte, 1, 0) > 0)
            continue;
    } else if (strcmp(answer, "endless") == 0) {
        sink_pour(sink, socket, 65536, 0);
    } else if (strcmp(answer, "trickle") == 0) {
        sink_pour(sink, socket, 1, NS_PER_MS);
    } else if (strcmp(answer, "reset") == 0) {
        setsockopt(socket, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger));
    } else {
        return false;
    }
    return true;
}

static inline void sink_serve(struct sink *sink, int socket)
{
    char *buffer = NULL;
    size_t room = 0, head, length;
    while (!atomic_load(&sink->stopping) && sink_read(socket, &buffer, &room, &head, &length)) {
        const char *answer = sink_next_answer(sink);
        atomic_fetch_add(&sink->request_count, 1);
        if (sink_misbehave(sink, socket, answer))
            break;
        if (strstr(answer, " 200 ") != NULL) {
            char byte = buffer[head];
            buffer[head] = '\0';
            char text[8192];
            snprintf(text, sizeof text, "%s", buffer);
            buffer[head] = byte;
            sink_keep(sink, text, (struct text){buffer + head, length});
        }
        /* A body with NUL bytes follows "|": its length in two digits, then the bytes. */
        const char *bar = strchr(answer, '|');
        if (bar != NULL) {
            (void)!send(socket, answer, (size_t)(bar - answer), MSG_NOSIGNAL);
            (void)!send(socket, bar + 3, (size_t)((bar[1] - '0') * 10 + bar[2] - '0'),
                        MSG_NOSIGNAL);
        } else {
            (void)!send(socket, answer, strlen(answer), MSG_NOSIGNAL);
        }
        if (strstr(answer, "close") != NULL)
            break;
    }
    free(buffer);
    close(socket);
}

static inline void *sink_run(void *argument)
{
    struct sink *sink = argument;
    SINK_THREAD_BEGINS();
    for (;;) {
        int socket = accept(sink->listener, NULL, NULL);
        if (socket < 0 || atomic_load(&sink->stopping)) {
            if (socket >= 0)
                close(socket);
            return NULL;
        }
        struct timeval wait = {.tv_sec = 20};
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
        atomic_fetch_add(&sink->connection_count, 1);
        sink_serve(sink, socket);
    }
}

/* The script of `count` answers; the sink repeats the last one. */
static inline void sink_start(struct sink *sink, const char *const *answers, size_t count)
{
    memset(sink, 0, sizeof *sink);
    const char **script = calloc(count + 1, sizeof *script);
    memcpy(script, answers, count * sizeof *script);
    script[count] = (const char *)sink; /* the end */
    sink->script = script;
    pthread_mutex_init(&sink->lock, NULL);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    sink->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(sink->listener, (struct sockaddr *)&address, size) != 0 ||
        listen(sink->listener, 16) != 0 ||
        getsockname(sink->listener, (struct sockaddr *)&address, &size) != 0)
        abort();
    sink->port = ntohs(address.sin_port);
    pthread_create(&sink->thread, NULL, sink_run, sink);
}

/* Call after the client has gone. */
static inline void sink_stop(struct sink *sink)
{
    atomic_store(&sink->stopping, true);
    shutdown(sink->listener, SHUT_RDWR);
    pthread_join(sink->thread, NULL);
    close(sink->listener);
    free(sink->bodies);
    free((void *)(uintptr_t)sink->script);
    pthread_mutex_destroy(&sink->lock);
}

static inline void sink_read_attribute(struct text message, struct sink_attribute *out)
{
    struct wire_field field, value;
    struct wire_reader reader = wire_reader_of(message.data, message.length);
    memset(out, 0, sizeof *out);
    while (wire_next(&reader, &field) == STATUS_OK) {
        if (field.number == OTLP_KEY_VALUE_KEY) {
            out->key = field.bytes;
        } else if (field.number == OTLP_KEY_VALUE_VALUE) {
            struct wire_reader inner = wire_reader_of(field.bytes.data, field.bytes.length);
            while (wire_next(&inner, &value) == STATUS_OK) {
                out->value_field = value.number;
                out->text = value.bytes;
                out->number = value.value;
            }
        }
    }
}

static inline void sink_read_status(struct text message, struct sink_span *span)
{
    struct wire_field field;
    struct wire_reader reader = wire_reader_of(message.data, message.length);
    while (wire_next(&reader, &field) == STATUS_OK) {
        if (field.number == OTLP_STATUS_CODE)
            span->status_code = field.value;
        else if (field.number == OTLP_STATUS_MESSAGE)
            span->status_message = field.bytes;
    }
}

/* false: not well-formed. */
static inline bool sink_read_span(struct text message, struct sink_span *span)
{
    struct wire_field field;
    enum status status;
    struct wire_reader reader = wire_reader_of(message.data, message.length);
    memset(span, 0, sizeof *span);
    span->message = message;
    while ((status = wire_next(&reader, &field)) == STATUS_OK) {
        switch (field.number) {
        case OTLP_SPAN_TRACE_ID:
            memcpy(span->trace_id, field.bytes.data, field.bytes.length == 16 ? 16 : 0);
            break;
        case OTLP_SPAN_SPAN_ID:
            memcpy(span->span_id, field.bytes.data, field.bytes.length == 8 ? 8 : 0);
            break;
        case OTLP_SPAN_PARENT_SPAN_ID:
            memcpy(span->parent_id, field.bytes.data, field.bytes.length == 8 ? 8 : 0);
            span->has_parent = true;
            break;
        case OTLP_SPAN_TRACE_STATE:
            span->trace_state = field.bytes;
            break;
        case OTLP_SPAN_NAME:
            span->name = field.bytes;
            break;
        case OTLP_SPAN_KIND:
            span->kind = field.value;
            break;
        case OTLP_SPAN_START_TIME:
            span->start_ns = field.value;
            break;
        case OTLP_SPAN_END_TIME:
            span->end_ns = field.value;
            break;
        case OTLP_SPAN_FLAGS:
            span->flags = field.value;
            break;
        case OTLP_SPAN_ATTRIBUTES:
            if (span->attribute_count < SINK_ATTRIBUTES_MAX)
                sink_read_attribute(field.bytes, &span->attributes[span->attribute_count++]);
            break;
        case OTLP_SPAN_DROPPED_ATTRIBUTES:
            span->dropped_attributes = field.value;
            break;
        case OTLP_SPAN_EVENTS:
            if (span->event_count++ == 0)
                span->first_event = field.bytes;
            break;
        case OTLP_SPAN_DROPPED_EVENTS:
            span->dropped_events = field.value;
            break;
        case OTLP_SPAN_LINKS:
            if (span->link_count++ == 0)
                span->first_link = field.bytes;
            break;
        case OTLP_SPAN_DROPPED_LINKS:
            span->dropped_links = field.value;
            break;
        case OTLP_SPAN_STATUS:
            sink_read_status(field.bytes, span);
            break;
        default:
            return false; /* nothing else is ever sent */
        }
    }
    return status == STATUS_END;
}

static inline const struct sink_attribute *sink_attribute(const struct sink_span *span,
                                                          const char *key)
{
    for (unsigned i = 0; i < span->attribute_count; i++)
        if (text_is(span->attributes[i].key, key))
            return &span->attributes[i];
    return NULL;
}

static inline bool sink_has_text(const struct sink_span *span, const char *key, const char *value)
{
    const struct sink_attribute *attribute = sink_attribute(span, key);
    return attribute != NULL && attribute->value_field == OTLP_VALUE_STRING &&
           text_is(attribute->text, value);
}

static inline bool sink_has_i64(const struct sink_span *span, const char *key, int64_t value)
{
    const struct sink_attribute *attribute = sink_attribute(span, key);
    return attribute != NULL && attribute->value_field == OTLP_VALUE_INT &&
           attribute->number == (uint64_t)value;
}

/* Visits every span that was kept; stops where `visit` returns false. Slices stay good until the
 * sink is stopped or gets more. */
static inline void sink_visit(struct sink *sink,
                              bool (*visit)(const struct sink_span *span, void *into), void *into)
{
    struct sink_span *span = malloc(sizeof *span);
    size_t at = 0, length;
    bool go_on = true;
    pthread_mutex_lock(&sink->lock);
    for (; go_on && at < sink->bodies_bytes; at += sizeof(size_t) + length) {
        struct wire_field a, b, c;
        memcpy(&length, sink->bodies + at, sizeof length);
        struct wire_reader request = wire_reader_of(sink->bodies + at + sizeof(size_t), length);
        while (go_on && wire_next(&request, &a) == STATUS_OK) {
            struct wire_reader resource = wire_reader_of(a.bytes.data, a.bytes.length);
            while (go_on && wire_next(&resource, &b) == STATUS_OK) {
                if (b.number != OTLP_RESOURCE_SPANS_SCOPE_SPANS)
                    continue;
                struct wire_reader scope = wire_reader_of(b.bytes.data, b.bytes.length);
                while (go_on && wire_next(&scope, &c) == STATUS_OK) {
                    if (c.number != OTLP_SCOPE_SPANS_SPANS)
                        continue;
                    if (!sink_read_span(c.bytes, span))
                        abort();
                    go_on = visit(span, into);
                }
            }
        }
    }
    pthread_mutex_unlock(&sink->lock);
    free(span);
}

struct sink_search {
    const char *name;
    struct sink_span *out;
    unsigned found;
};

static inline bool sink_match(const struct sink_span *span, void *into)
{
    struct sink_search *search = into;
    if (text_is(span->name, search->name)) {
        *search->out = *span;
        search->found++;
    }
    return true;
}

/* The last span of that name into *out; how many there are. */
static inline unsigned sink_find(struct sink *sink, const char *name, struct sink_span *out)
{
    struct sink_search search = {name, out, 0};
    sink_visit(sink, sink_match, &search);
    return search.found;
}

/* Starts tracing towards the sink; NULL changes nothing. */
static inline void sink_trace(const struct sink *sink, void (*change)(struct tracing_config *))
{
    struct tracing_config config;
    struct error error;
    tracing_config_from_environment(&config, "test");
    snprintf(config.otlp.endpoint, sizeof config.otlp.endpoint, "http://127.0.0.1:%u/v1/traces",
             sink->port);
    config.batch.delay_ms = 60000;
    if (change != NULL)
        change(&config);
    if (tracing_start(&config, &error) != STATUS_OK) {
        fprintf(stderr, "%s\n", error.text);
        abort();
    }
}

static inline uint64_t sink_soon(void)
{
    return clock_mono_ns() + 20 * NS_PER_S;
}

#endif
