#include <stddef.h>

#include "base/clock.h"
#include "trace/recording.h"
#include "trace/trace.h"
#include "trace/trace_thread.h"
#include "trace/tracing.h"

static const struct tracer unnamed_tracer = {"", NULL};
static const struct span_options no_options;

_Static_assert(SPAN_FACE_NONE == (int)SPAN_TYPE_NONE &&
                   SPAN_FACE_RECORDING == (int)SPAN_TYPE_RECORDING &&
                   offsetof(struct span, type) == offsetof(struct span_face, type),
               "what trace.h shows of a span");

/* A recording span in the hands of one thread. */
struct inside {
    struct recording *recording;
    bool entered;
};

/* The caller has seen that it records. */
static inline struct inside enter(struct span *span)
{
    bool entered = span_lock_enter(&span->lock, &trace_thread_own);
    return (struct inside){(struct recording *)(void *)span, entered};
}

static inline void leave(struct inside inside)
{
    span_lock_leave(&inside.recording->span.lock, inside.entered);
}

/* ---- start */

/* The parent's context, or NULL for a root. */
static const struct span_context *find_parent(const struct span_options *options)
{
    if (options->root)
        return NULL;
    const struct span_context *parent = options->parent;
    if (parent == NULL) {
        const struct span *current = context_current().span;
        parent = current ? &current->context : NULL;
    }
    return parent != NULL && span_context_is_valid(parent) ? parent : NULL;
}

struct span *span_start_off(const struct span_options *options)
{
    const struct span_context *parent = find_parent(options ? options : &no_options);
    return parent ? light_span_get(NULL, SPAN_TYPE_LIGHT, parent) : &light_span_none;
}

/* No block for it: its children become its parent's, so that the trace stays in one piece. */
static struct span *start_dropped(struct trace_thread *thread, const struct span_context *parent,
                                  const struct span_context *context)
{
    struct span *span = light_span_get(NULL, SPAN_TYPE_DROPPED, parent ? parent : context);
    if (span->type != SPAN_TYPE_DROPPED) { /* not even that: it ends here */
        trace_thread_count(thread, TRACE_ENDED);
        trace_thread_count(thread, TRACE_DROPPED);
    }
    return span;
}

static void set_start_fields(struct recording *recording, const struct tracer *tracer,
                             const struct span_context *parent, const struct span_options *options)
{
    recording->tracer = tracer ? tracer : &unnamed_tracer;
    recording->has_parent = parent != NULL;
    if (parent != NULL)
        recording->parent_id = parent->span_id;
    recording->parent_is_remote = parent != NULL && parent->is_remote;
    recording->kind = (uint8_t)(options->kind ? options->kind : SPAN_INTERNAL);
    recording->start_wall_ns =
        options->start_wall_ns ? options->start_wall_ns : recording_now_ns(recording);
}

static struct span_context new_context(struct trace_thread *thread,
                                       const struct span_context *parent)
{
    struct span_context context = {
        .trace_id = parent ? parent->trace_id : trace_thread_new_trace_id(thread),
        .flags = parent ? parent->flags & TRACE_FLAG_RANDOM : TRACE_FLAG_RANDOM,
    };
    if (parent != NULL)
        context.trace_state = parent->trace_state;
    const struct sampler *sampler = &tracing_policy.sampler;
    if (sampler_decide(sampler, sampler_find(sampler, parent), &context.trace_id) ==
        SAMPLING_RECORD_AND_SAMPLE)
        context.flags |= TRACE_FLAG_SAMPLED;
    context.span_id = trace_thread_new_span_id(thread);
    return context;
}

struct span *span_start_on(const struct tracer *tracer, const char *name,
                           const struct span_options *options)
{
    if (options == NULL)
        options = &no_options;
    const struct span_context *parent = find_parent(options);
    struct trace_thread *thread = trace_thread_self();
    struct span_context context = new_context(thread, parent);
    if (!span_context_is_sampled(&context)) {
        trace_thread_count(thread, TRACE_UNSAMPLED);
        return light_span_get(trace_thread_light(thread), SPAN_TYPE_LIGHT, &context);
    }
    trace_thread_count(thread, TRACE_STARTED);
    struct recording *recording = recording_new(thread, &context);
    if (recording == NULL)
        return start_dropped(thread, parent, &context);
    set_start_fields(recording, tracer, parent, options);
    span_body_set_name(&recording->body, text_of(name));
    for (size_t i = 0; i < options->attribute_count; i++)
        span_body_set_attribute(&recording->body, &options->attributes[i],
                                span_key_hash(options->attributes[i].key));
    for (size_t i = 0; i < options->link_count; i++)
        span_body_add_link(&recording->body, &options->links[i]);
    return &recording->span;
}

/* ---- end */

static bool end_recording(struct recording *recording, struct trace_thread *thread,
                          uint64_t end_wall_ns)
{
    bool batch = false;
    if (!tracing_is_on()) {
        recording_discard(recording);
        return false;
    }
    if (end_wall_ns == 0)
        end_wall_ns = recording_now_ns(recording);
    if (end_wall_ns < recording->start_wall_ns)
        end_wall_ns = recording->start_wall_ns;
    bool queued = recording_finish(recording, end_wall_ns, thread, &batch);
    if (batch)
        tracing_wake();
    return queued;
}

void span_end_any(struct span *span, uint64_t end_wall_ns)
{
    struct trace_thread *thread = trace_thread_self();
    if (span->type == SPAN_TYPE_LIGHT) {
        light_span_put(trace_thread_light(thread), span);
        return;
    }
    bool queued = false;
    /* Counted first: what the exporter has sent was always counted as ended before. */
    trace_thread_count(thread, TRACE_ENDED);
    if (span->type == SPAN_TYPE_DROPPED)
        light_span_put(NULL, span);
    else
        queued = end_recording(enter(span).recording, thread, end_wall_ns);
    if (!queued) {
        trace_thread_count(thread, TRACE_DROPPED);
        tracing_press();
    }
}

/* ---- between */

struct span_context span_context_of(const struct span *span)
{
    return span->context;
}

void span_record_text(struct span *span, struct text key, uint32_t hash, struct text value)
{
    struct inside inside = enter(span);
    span_body_set_text(&inside.recording->body, key, hash, value);
    leave(inside);
}

void span_record_i64(struct span *span, struct text key, uint32_t hash, int64_t value)
{
    struct inside inside = enter(span);
    span_body_set_i64(&inside.recording->body, key, hash, value);
    leave(inside);
}

void span_record(struct span *span, const struct attribute *attribute)
{
    struct inside inside = enter(span);
    span_body_set_attribute(&inside.recording->body, attribute, span_key_hash(attribute->key));
    leave(inside);
}

void span_update_name(struct span *span, struct text name)
{
    if (!span_is_recording(span))
        return;
    struct inside inside = enter(span);
    span_body_set_name(&inside.recording->body, name);
    leave(inside);
}

/* In the order of the specification, Ok > Error > Unset. */
static bool status_wins(enum span_status now, enum span_status next)
{
    return next != SPAN_UNSET && now != SPAN_OK;
}

void span_set_status(struct span *span, enum span_status status, struct text description)
{
    if (!span_is_recording(span))
        return;
    struct inside inside = enter(span);
    struct recording *recording = inside.recording;
    if (status_wins(recording->status, status)) {
        recording->status = (uint8_t)status;
        if (status != SPAN_ERROR)
            description.length = 0;
        span_body_set_status(&recording->body, status, description);
    }
    leave(inside);
}

void span_record_event(struct span *span, struct text name, uint64_t wall_ns,
                       const struct attribute *attributes, size_t attribute_count)
{
    struct inside inside = enter(span);
    if (wall_ns == 0)
        wall_ns = recording_now_ns(inside.recording);
    span_body_add_event(&inside.recording->body, wall_ns, name, attributes, attribute_count);
    leave(inside);
}

void span_add_link(struct span *span, const struct span_link *link)
{
    if (!span_is_recording(span))
        return;
    struct inside inside = enter(span);
    span_body_add_link(&inside.recording->body, link);
    leave(inside);
}

struct span_scope span_enter(const struct tracer *tracer, const char *name)
{
    struct span *span = span_start(tracer, name, NULL);
    struct context before = context_current();
    context_attach((struct context){span, before.baggage});
    return (struct span_scope){span, before};
}

void span_leave(struct span_scope *scope)
{
    context_attach(scope->before);
    span_end(scope->span);
}
