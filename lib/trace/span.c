#include <stddef.h>

#include "base/clock.h"
#include "trace/recording.h"
#include "trace/trace.h"
#include "trace/trace_thread.h"
#include "trace/tracing.h"

static const struct tracer unnamed_tracer = {.name = ""};
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

struct span *span_wrap(const struct span_context *context)
{
    return span_context_is_valid(context) ? light_span_get(NULL, SPAN_TYPE_LIGHT, context)
                                          : &light_span_none;
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

/* ---- ids */

static bool is_zero(const uint8_t *bytes, size_t count)
{
    uint8_t seen = 0;
    for (size_t i = 0; i < count; i++)
        seen |= bytes[i];
    return seen == 0;
}

static struct trace_id new_trace_id(struct trace_thread *thread)
{
    const struct id_generator *ids = tracing_policy.ids;
    struct trace_id id = {{0}};
    for (int i = 0; ids != NULL && i < 2 && is_zero(id.bytes, sizeof id.bytes); i++)
        ids->trace_id(ids->self, &id);
    return is_zero(id.bytes, sizeof id.bytes) ? trace_thread_new_trace_id(thread) : id;
}

static struct span_id new_span_id(struct trace_thread *thread)
{
    const struct id_generator *ids = tracing_policy.ids;
    struct span_id id = {{0}};
    for (int i = 0; ids != NULL && i < 2 && is_zero(id.bytes, sizeof id.bytes); i++)
        ids->span_id(ids->self, &id);
    return is_zero(id.bytes, sizeof id.bytes) ? trace_thread_new_span_id(thread) : id;
}

/* ---- the decision */

struct beginning {
    const struct tracer *tracer;
    const char *name;
    const struct span_options *options;
    const struct span_context *parent; /* NULL: a root */
    struct trace_thread *thread;
    struct span_context context; /* of the new span */
};

/* Trace id before the sampler is asked, span id after it, whatever it says. */
static void begin_context(struct beginning *start)
{
    const struct span_context *parent = start->parent;
    const struct id_generator *ids = tracing_policy.ids;
    if (parent != NULL) {
        start->context = (struct span_context){
            .trace_id = parent->trace_id,
            .flags = parent->flags & TRACE_FLAG_RANDOM,
            .is_debug = parent->is_debug,
            .trace_state = parent->trace_state,
        };
        return;
    }
    start->context = (struct span_context){
        .trace_id = ids ? new_trace_id(start->thread) : trace_thread_new_trace_id(start->thread),
        .flags = ids == NULL || ids->is_random ? TRACE_FLAG_RANDOM : 0,
    };
}

static void set_attributes(struct span_body *body, const struct attribute *attributes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        span_body_set_attribute(body, &attributes[i], span_key_hash(attributes[i].key));
}

static void tell_start(struct span *span, const struct span_context *parent)
{
    for (size_t i = 0; tracing_policy.processors[i] != NULL; i++)
        if (tracing_policy.processors[i]->on_start != NULL)
            tracing_policy.processors[i]->on_start(tracing_policy.processors[i]->self, span,
                                                   parent);
}

static struct span *start_recording(struct beginning *start, const struct sampling_result *more)
{
    struct recording *recording = recording_new(start->thread, &start->context);
    if (recording == NULL)
        return NULL;
    const struct span_options *options = start->options;
    set_start_fields(recording, start->tracer, start->parent, options);
    span_body_set_name(&recording->body, text_of(start->name));
    set_attributes(&recording->body, options->attributes, options->attribute_count);
    if (more != NULL)
        set_attributes(&recording->body, more->attributes, more->attribute_count);
    for (size_t i = 0; i < options->link_count; i++)
        span_body_add_link(&recording->body, &options->links[i]);
    if (tracing_policy.processors[0] != NULL)
        tell_start(&recording->span, start->parent);
    return &recording->span;
}

/* `more`: what a sampler adds, or NULL. */
static struct span *start_decided(struct beginning *start, enum sampling_decision decision,
                                  const struct sampling_result *more)
{
    struct trace_thread *thread = start->thread;
    start->context.span_id =
        tracing_policy.ids ? new_span_id(thread) : trace_thread_new_span_id(thread);
    if (decision == SAMPLING_RECORD_AND_SAMPLE) {
        start->context.flags |= TRACE_FLAG_SAMPLED;
        trace_thread_count(thread, TRACE_STARTED);
        struct span *span = start_recording(start, more);
        return span ? span : start_dropped(thread, start->parent, &start->context);
    }
    trace_thread_count(thread, TRACE_UNSAMPLED);
    struct span *span = decision == SAMPLING_RECORD_ONLY ? start_recording(start, more) : NULL;
    return span ? span
                : light_span_get(trace_thread_light(thread), SPAN_TYPE_LIGHT, &start->context);
}

static struct span *start_asked(struct beginning *start, const struct sampler_ready *rule)
{
    const struct span_options *options = start->options;
    struct trace_state memory;
    const struct sampling_input input = {
        .parent = start->parent,
        .trace_id = start->context.trace_id,
        .name = text_of(start->name),
        .kind = options->kind ? options->kind : SPAN_INTERNAL,
        .attributes = options->attributes,
        .attribute_count = options->attribute_count,
        .links = options->links,
        .link_count = options->link_count,
    };
    struct sampling_result result = {.trace_state = start->context.trace_state};
    sampler_ask(&tracing_policy.sampler, rule, &input, &result, &memory);
    start->context.trace_state = result.trace_state;
    return start_decided(start, result.decision, &result);
}

struct span *span_start_on(const struct tracer *tracer, const char *name,
                           const struct span_options *options)
{
    struct beginning start = {.tracer = tracer,
                              .name = name,
                              .options = options ? options : &no_options,
                              .thread = trace_thread_self()};
    start.parent = find_parent(start.options);
    begin_context(&start);
    const struct sampler_ready *rule = sampler_find(&tracing_policy.sampler, start.parent);
    if (__builtin_expect(sampler_must_ask(rule), 0))
        return start_asked(&start, rule);
    return start_decided(
        &start, sampler_decide(&tracing_policy.sampler, rule, &start.context.trace_id), NULL);
}

/* ---- end */

static void tell_ending(struct span *span)
{
    for (size_t i = 0; tracing_policy.processors[i] != NULL; i++)
        if (tracing_policy.processors[i]->on_ending != NULL)
            tracing_policy.processors[i]->on_ending(tracing_policy.processors[i]->self, span);
}

/* Apart, for its buffer. */
static __attribute__((noinline)) void tell_end(struct recording *recording, uint64_t end_wall_ns)
{
    uint8_t buffer[RECORDING_VIEW_MAX];
    struct span_view view = recording_view(recording, end_wall_ns, buffer);
    for (size_t i = 0; tracing_policy.processors[i] != NULL; i++)
        if (tracing_policy.processors[i]->on_end != NULL)
            tracing_policy.processors[i]->on_end(tracing_policy.processors[i]->self, &view);
}

static uint64_t end_time(const struct recording *recording, uint64_t wall_ns)
{
    if (wall_ns == 0)
        wall_ns = recording_now_ns(recording);
    return wall_ns > recording->start_wall_ns ? wall_ns : recording->start_wall_ns;
}

/* false: it was dropped. What is not sampled is nothing to be dropped. */
static bool end_recording(struct span *span, struct trace_thread *thread, uint64_t end_wall_ns)
{
    bool batch = false, sampled = span_context_is_sampled(&span->context);
    struct recording *recording = (struct recording *)(void *)span;
    end_wall_ns = end_time(recording, end_wall_ns);
    if (!tracing_is_on()) {
        if (!tracing_is_forked()) /* there its lock may be one of a thread that is not */
            (void)enter(span);
        recording_discard(recording);
        return !sampled;
    }
    if (__builtin_expect(tracing_policy.processors[0] != NULL, 0))
        tell_ending(span);
    (void)enter(span);
    if (__builtin_expect(tracing_policy.processors[0] != NULL, 0))
        tell_end(recording, end_wall_ns);
    if (__builtin_expect(!sampled, 0)) {
        recording_discard(recording);
        return true;
    }
    if (__builtin_expect(span_body_has_lost(&recording->body), 0))
        trace_thread_count(thread, TRACE_LIMITED);
    bool queued = recording_finish(recording, end_wall_ns, thread, &batch);
    if (batch)
        tracing_wake();
    if (__builtin_expect(tracing_policy.exports_at_end, 0))
        (void)tracing_flush(clock_mono_ns() + tracing_policy.export_timeout_ns);
    return queued;
}

void span_end_any(struct span *span, uint64_t end_wall_ns)
{
    struct trace_thread *thread = trace_thread_self();
    bool queued = false;
    if (span->type == SPAN_TYPE_LIGHT) {
        light_span_put(trace_thread_light(thread), span);
        return;
    }
    /* Counted first: what the exporter has sent was always counted as ended before. */
    if (span->type == SPAN_TYPE_DROPPED || span_context_is_sampled(&span->context))
        trace_thread_count(thread, TRACE_ENDED);
    if (span->type == SPAN_TYPE_DROPPED)
        light_span_put(NULL, span);
    else
        queued = end_recording(span, thread, end_wall_ns);
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
    if (!tracing_is_on())
        return;
    struct inside inside = enter(span);
    span_body_set_text(&inside.recording->body, key, hash, value);
    leave(inside);
}

void span_record_i64(struct span *span, struct text key, uint32_t hash, int64_t value)
{
    if (!tracing_is_on())
        return;
    struct inside inside = enter(span);
    span_body_set_i64(&inside.recording->body, key, hash, value);
    leave(inside);
}

void span_record(struct span *span, const struct attribute *attribute)
{
    if (!tracing_is_on())
        return;
    struct inside inside = enter(span);
    span_body_set_attribute(&inside.recording->body, attribute, span_key_hash(attribute->key));
    leave(inside);
}

void span_update_name(struct span *span, struct text name)
{
    if (!span_is_recording(span) || !tracing_is_on())
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
    if (!span_is_recording(span) || !tracing_is_on())
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
    if (!tracing_is_on())
        return;
    struct inside inside = enter(span);
    if (wall_ns == 0)
        wall_ns = recording_now_ns(inside.recording);
    span_body_add_event(&inside.recording->body, wall_ns, name, attributes, attribute_count);
    leave(inside);
}

void span_add_link(struct span *span, const struct span_link *link)
{
    if (!span_is_recording(span) || !tracing_is_on())
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
