/* The tracing library: OpenTelemetry's trace API and SDK for C.
 *
 * One provider a process. Before tracing_start, after tracing_shutdown and with OTEL_SDK_DISABLED
 * spans are no-ops that still carry their parent's context on. A span is encoded once, as OTLP
 * protobuf, into chunks of one process-wide pool; one exporter thread sends batches. The span path
 * never blocks on I/O, never allocates after start-up, and drops with a counter where a bound is
 * met. All functions may be called from any thread; one span's functions are safe to call from
 * several threads at once. Attributes and links given at creation are preferred: samplers see only
 * those. In the child of a fork spans are no-ops until it calls tracing_start itself. Text that is
 * not UTF-8 is exported with '?' for each bad byte; a span holds at most 60 KiB, and of a list of
 * attributes no more than could fit is looked at. */
#ifndef CULPRIT_TRACE_TRACE_H
#define CULPRIT_TRACE_TRACE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/durations.h"
#include "base/status.h"
#include "base/text.h"
#include "trace/attribute.h"
#include "trace/context.h"
#include "trace/span_exporter.h"
#include "trace/tracing_config.h"

/* ---- provider */

/* Starts the exporter thread. STATUS_INVALID or STATUS_TOO_LARGE (`error` says what),
 * STATUS_UNSUPPORTED (https), STATUS_NO_MEMORY, STATUS_IO, STATUS_EXISTS (started already),
 * STATUS_BUSY (a shutdown goes on, or the thread of one that timed out is still there). The config
 * is copied. A span that began before is not of this start: see `dropped_shutdown`. */
MUST_CHECK enum status tracing_start(const struct tracing_config *config, struct error *error);

/* Sends all that ended so far. STATUS_TIMEOUT, STATUS_IO (the batch was given up and counted). */
enum status tracing_flush(uint64_t deadline_ns);

/* Flushes, stops the thread, makes spans no-ops. May be called twice; one that goes on in another
 * thread is waited for. When it has returned nothing of the program's own (exporters, processors,
 * samplers) is called any more but an exporter's `stats`, unless STATUS_TIMEOUT: something did not
 * end in time and goes on until it does. Other statuses as above; STATUS_BUSY: called from within
 * itself. A program that returns from main or calls exit without it does so by itself, within two
 * seconds; one that is killed or calls _exit loses what was queued. */
enum status tracing_shutdown(uint64_t deadline_ns);

/* Counters since the start, of sampled spans but for `unsampled`: started = ended + live (spans
 * that were live at the start count as started then), and every ended one is exported, rejected,
 * dropped or still queued (a batch on its way counts as queued; for a moment it may count twice).
 * Dropped for a full queue are also those that found no memory in the pool: they end at once. In
 * the child of a fork all is 0, and spans that it inherited do not count. A span that is ending on
 * another thread in the very moment of a start may be counted on one side of it alone. */
struct tracing_stats {
    uint64_t started;
    uint64_t unsampled;
    uint64_t ended;
    uint64_t exported;
    uint64_t dropped_queue_full;
    uint64_t dropped_export_failed;
    uint64_t rejected; /* by the receiver's partial success */
    uint64_t queued;
    uint64_t export_requests;
    uint64_t export_retries;
    uint64_t queue_capacity;
    uint64_t inflight; /* of the queued ones: in the batch that is being sent */
    /* One batch each, with all its repetitions; failed ones too. */
    struct durations export_durations;
    uint64_t limited; /* of the ended: without some attributes, events or links, for the limits */
    uint64_t dropped_shutdown; /* ended after the shutdown of the tracing that they began in */
    uint64_t uncarried;        /* contexts of spans that record nothing, for which none was free */
};
struct tracing_stats tracing_stats(void);

/* One of the exporters, by index in their order: its own counters, of which those above are the
 * sums, or for spans the worst. Its name; NULL beyond the last one. */
const char *tracing_exporter_stats(size_t index, struct span_exporter_stats *stats);

/* ---- tracer */

/* An instrumentation scope. Define one per module: `static const struct tracer tracer = {...}`. */
struct tracer {
    const char *name;                   /* static storage */
    const char *version;                /* static storage, or NULL */
    const char *schema_url;             /* as that */
    const struct attribute *attributes; /* of the scope, as that; at most 2 KiB encoded */
    size_t attribute_count;
};

extern atomic_bool tracing_gate; /* spans may be recorded; for the inline functions here alone */

/* Whether a span of it could be recorded now; what is costly to find out for a span may be left out
 * otherwise. */
static inline bool tracer_is_enabled(const struct tracer *tracer)
{
    (void)tracer;
    return atomic_load_explicit(&tracing_gate, memory_order_relaxed);
}

/* ---- span */

enum span_status { SPAN_UNSET, SPAN_OK, SPAN_ERROR };

struct span_options {
    enum span_kind kind;               /* 0 means SPAN_INTERNAL */
    const struct span_context *parent; /* NULL: the thread's current span */
    bool root;                         /* no parent, whatever is current */
    uint64_t start_wall_ns;            /* 0: now */
    const struct attribute *attributes;
    size_t attribute_count;
    const struct span_link *links;
    size_t link_count;
};

/* What the inline functions below look at, and call when there is something to do. Not for use
 * by others. */
enum { SPAN_FACE_NONE = 0, SPAN_FACE_RECORDING = 2 };
struct span_face {
    uint8_t type;
};
extern atomic_bool tracing_gate;    /* spans may be recorded */
extern struct span light_span_none; /* stands for nothing */
struct span *span_start_on(const struct tracer *tracer, const char *name,
                           const struct span_options *options);
struct span *span_start_off(const struct span_options *options);
void span_end_any(struct span *span, uint64_t end_wall_ns);
void span_record_text(struct span *span, struct text key, uint32_t hash, struct text value);
void span_record_i64(struct span *span, struct text key, uint32_t hash, int64_t value);
void span_record(struct span *span, const struct attribute *attribute);
void span_record_event(struct span *span, struct text name, uint64_t wall_ns,
                       const struct attribute *attributes, size_t attribute_count);

/* Never NULL. Does not make the span current. `options` may be NULL. The name is copied. */
static inline struct span *span_start(const struct tracer *tracer, const char *name,
                                      const struct span_options *options)
{
    /* acquire: what was started before it is there */
    if (__builtin_expect(atomic_load_explicit(&tracing_gate, memory_order_acquire), 1))
        return span_start_on(tracer, name, options);
    return options != NULL && options->root ? &light_span_none : span_start_off(options);
}

/* Ends the span; it must not be used afterwards. What is done to it all the same is ignored until
 * its memory is that of a span that begins later, and is then done to that one. end_wall_ns 0: now.
 * end >= start. */
static inline void span_end_at(struct span *span, uint64_t end_wall_ns)
{
    if (((const struct span_face *)span)->type != SPAN_FACE_NONE)
        span_end_any(span, end_wall_ns);
}
static inline void span_end(struct span *span)
{
    span_end_at(span, 0);
}

/* A span that records nothing and stands for a context, to make a remote parent current for one.
 * End it as any other. There are 2,048 of those that record nothing at a time: beyond, it is an
 * empty one, which is counted as `uncarried`. */
struct span *span_wrap(const struct span_context *context);

/* Valid until span_end. Of a no-op span: the parent's context, or all zero. */
struct span_context span_context_of(const struct span *span);

static inline bool span_is_recording(const struct span *span)
{
    return ((const struct span_face *)span)->type == SPAN_FACE_RECORDING;
}

/* Of a span's few keys, found again by it: equal keys are compared in full. Folds to a constant
 * where the key is a literal. */
static inline uint32_t span_key_hash(struct text key)
{
    uint64_t first = 0, last = 0;
    if (key.length >= 8) {
        memcpy(&first, key.data, 8);
        memcpy(&last, key.data + key.length - 8, 8);
    } else if (key.length >= 4) {
        memcpy(&first, key.data, 4);
        memcpy(&last, key.data + key.length - 4, 4);
    } else if (key.length > 0) {
        first = (uint8_t)key.data[0] | (uint64_t)(uint8_t)key.data[key.length / 2] << 8 |
                (uint64_t)(uint8_t)key.data[key.length - 1] << 16;
    }
    return (uint32_t)(((first ^ (last << 1 | last >> 63) ^ key.length) * 0x9e3779b97f4a7c15ull) >>
                      32);
}

#define SPAN_KEY(literal) TEXT_LITERAL(literal)

/* Set or overwrite. Keys and values are copied; the key must not be empty. */
static inline void span_set_text(struct span *span, struct text key, struct text value)
{
    if (span_is_recording(span))
        span_record_text(span, key, span_key_hash(key), value);
}
static inline void span_set_i64(struct span *span, struct text key, int64_t value)
{
    if (span_is_recording(span))
        span_record_i64(span, key, span_key_hash(key), value);
}
static inline void span_set(struct span *span, const struct attribute *attribute)
{
    if (span_is_recording(span))
        span_record(span, attribute);
}
static inline void span_set_double(struct span *span, struct text key, double value)
{
    span_set(span, &(struct attribute){.key = key, .type = ATTRIBUTE_DOUBLE, .number = value});
}
static inline void span_set_bool(struct span *span, struct text key, bool value)
{
    span_set(span, &(struct attribute){.key = key, .type = ATTRIBUTE_BOOL, .boolean = value});
}

void span_update_name(struct span *span, struct text name);

/* OK is final, ERROR beats UNSET, UNSET is ignored; the description is kept with ERROR alone. */
void span_set_status(struct span *span, enum span_status status, struct text description);

/* Now, or at a time of the past. */
static inline void span_add_event_at(struct span *span, struct text name, uint64_t wall_ns,
                                     const struct attribute *attributes, size_t attribute_count)
{
    if (span_is_recording(span))
        span_record_event(span, name, wall_ns, attributes, attribute_count);
}
static inline void span_add_event(struct span *span, struct text name,
                                  const struct attribute *attributes, size_t attribute_count)
{
    span_add_event_at(span, name, 0, attributes, attribute_count);
}
void span_add_link(struct span *span, const struct span_link *link);

/* Starts a span and makes it current in one step, for business spans:
 *     struct span_scope scope = span_enter(&tracer, "score order");
 *     ...
 *     span_leave(&scope);                                                                       */
struct span_scope {
    struct span *span;
    struct context before;
};
struct span_scope span_enter(const struct tracer *tracer, const char *name);
void span_leave(struct span_scope *scope);

#endif
