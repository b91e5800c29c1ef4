#include <stddef.h>

#include "trace/hooks.h"
#include "trace/span_inside.h"
#include "trace/tracing.h"

static const struct tracer unnamed_tracer = {.name = ""};
static const struct span_options no_options;

_Static_assert(SPAN_FACE_NONE == (int)SPAN_TYPE_NONE &&
                   SPAN_FACE_RECORDING == (int)SPAN_TYPE_RECORDING &&
                   offsetof(struct span, type) == offsetof(struct span_face, type),
               "what trace.h shows of a span");

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

/* A span that records nothing. */
static struct span *carry(struct light_spare *spare, const struct span_context *context)
{
    struct span *span = light_span_get(spare, SPAN_TYPE_LIGHT, context);
    if (__builtin_expect(span == &light_span_none, 0))
        trace_thread_count(trace_thread_self(), TRACE_UNCARRIED);
    return span;
}

struct span *span_start_off(const struct span_options *options)
{
    const struct span_context *parent = find_parent(options ? options : &no_options);
    return parent ? carry(NULL, parent) : &light_span_none;
}

struct span *span_wrap(const struct span_context *context)
{
    return span_context_is_valid(context) ? carry(NULL, context) : &light_span_none;
}

/* No block for it: it ends here, and its children become its parent's, so that the trace stays in
 * one piece. */
static struct span *start_dropped(struct trace_thread *thread, const struct span_context *parent,
                                  const struct span_context *context)
{
    trace_thread_count(thread, TRACE_ENDED);
    trace_thread_count(thread, TRACE_DROPPED);
    tracing_press();
    return carry(trace_thread_light(thread), parent ? parent : context);
}

/* A number beyond the enum would be no whole varint. */
static enum span_kind kind_of(const struct span_options *options)
{
    return (unsigned)options->kind - SPAN_INTERNAL <= SPAN_CONSUMER - SPAN_INTERNAL ? options->kind
                                                                                    : SPAN_INTERNAL;
}

static void set_start_fields(struct recording *recording, const struct tracer *tracer,
                             const struct span_context *parent, const struct span_options *options)
{
    recording->tracer = tracer ? tracer : &unnamed_tracer;
    recording->has_parent = parent != NULL;
    if (parent != NULL)
        recording->parent_id = parent->span_id;
    recording->parent_is_remote = parent != NULL && parent->is_remote;
    recording->kind = (uint8_t)kind_of(options);
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

static struct trace_id new_trace_id(const struct id_generator *ids, struct trace_thread *thread)
{
    struct trace_id id = {{0}};
    for (int i = 0; ids != NULL && i < 2 && is_zero(id.bytes, sizeof id.bytes); i++)
        ids->trace_id(ids->self, &id);
    return is_zero(id.bytes, sizeof id.bytes) ? trace_thread_new_trace_id(thread) : id;
}

static struct span_id new_span_id(const struct id_generator *ids, struct trace_thread *thread)
{
    struct span_id id = {{0}};
    for (int i = 0; ids != NULL && i < 2 && is_zero(id.bytes, sizeof id.bytes); i++)
        ids->span_id(ids->self, &id);
    return is_zero(id.bytes, sizeof id.bytes) ? trace_thread_new_span_id(thread) : id;
}

/* ---- the decision */

struct beginning {
    const struct tracing_policy *policy;
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
    const struct id_generator *ids = start->policy->ids;
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
        .trace_id =
            ids ? new_trace_id(ids, start->thread) : trace_thread_new_trace_id(start->thread),
        .flags = ids == NULL || ids->is_random ? TRACE_FLAG_RANDOM : 0,
    };
}

static void set_attributes(struct span_body *body, const struct attribute *attributes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        span_body_set_attribute(body, &attributes[i], span_key_hash(attributes[i].key));
}

static struct span *start_recording(struct beginning *start, const struct sampling_result *more)
{
    struct recording *recording = recording_new(start->policy, start->thread, &start->context);
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
    if (__builtin_expect(start->policy->has_hooks, 0))
        hooks_tell_start(start->policy, &recording->span, start->parent);
    return &recording->span;
}

/* `more`: what a sampler adds, or NULL. */
static struct span *start_decided(struct beginning *start, enum sampling_decision decision,
                                  const struct sampling_result *more)
{
    struct trace_thread *thread = start->thread;
    const struct id_generator *ids = start->policy->ids;
    start->context.span_id = ids ? new_span_id(ids, thread) : trace_thread_new_span_id(thread);
    if (decision == SAMPLING_RECORD_AND_SAMPLE) {
        start->context.flags |= TRACE_FLAG_SAMPLED;
        trace_thread_count(thread, TRACE_STARTED);
        struct span *span = start_recording(start, more);
        return span ? span : start_dropped(thread, start->parent, &start->context);
    }
    trace_thread_count(thread, TRACE_UNSAMPLED);
    struct span *span = decision == SAMPLING_RECORD_ONLY ? start_recording(start, more) : NULL;
    return span ? span : carry(trace_thread_light(thread), &start->context);
}

static struct span *start_asked(struct beginning *start, const struct sampler_ready *rule)
{
    const struct span_options *options = start->options;
    struct trace_state memory;
    const struct sampling_input input = {
        .parent = start->parent,
        .trace_id = start->context.trace_id,
        .name = text_of(start->name),
        .kind = kind_of(options),
        .attributes = options->attributes,
        .attribute_count = options->attribute_count,
        .links = options->links,
        .link_count = options->link_count,
    };
    struct sampling_result result = {.trace_state = start->context.trace_state};
    sampler_ask(&start->policy->sampler, rule, &input, &result, &memory);
    start->context.trace_state = result.trace_state;
    return start_decided(start, result.decision, &result);
}

static inline struct span *start_any(struct beginning *start)
{
    const struct sampler *sampler = &start->policy->sampler;
    start->parent = find_parent(start->options);
    begin_context(start);
    const struct sampler_ready *rule = sampler_find(sampler, start->parent);
    if (__builtin_expect(sampler_must_ask(rule), 0))
        return start_asked(start, rule);
    return start_decided(start, sampler_decide(sampler, rule, &start->context.trace_id), NULL);
}

struct span *span_start_on(const struct tracer *tracer, const char *name,
                           const struct span_options *options)
{
    uint32_t generation = atomic_load_explicit(&tracing_generation, memory_order_acquire);
    const struct tracing_policy *policy = tracing_policy();
    struct trace_thread *thread = trace_thread_self();
    if (__builtin_expect(policy->has_hooks, 0) && !hooks_enter(thread, generation))
        return span_start_off(options);
    struct beginning start = {.policy = policy,
                              .tracer = tracer,
                              .name = name,
                              .options = options ? options : &no_options,
                              .thread = thread};
    struct span *span = start_any(&start);
    if (__builtin_expect(policy->has_hooks, 0))
        hooks_leave(thread);
    return span;
}

/* ---- between */

struct span_context span_context_of(const struct span *span)
{
    return span->context;
}

void span_record_text(struct span *span, struct text key, uint32_t hash, struct text value)
{
    if (!span_inside_is_open(span))
        return;
    struct span_inside inside = span_inside_enter(span);
    span_body_set_text(&inside.recording->body, key, hash, value);
    span_inside_leave(inside);
}

void span_record_i64(struct span *span, struct text key, uint32_t hash, int64_t value)
{
    if (!span_inside_is_open(span))
        return;
    struct span_inside inside = span_inside_enter(span);
    span_body_set_i64(&inside.recording->body, key, hash, value);
    span_inside_leave(inside);
}

void span_record(struct span *span, const struct attribute *attribute)
{
    if (!span_inside_is_open(span))
        return;
    struct span_inside inside = span_inside_enter(span);
    span_body_set_attribute(&inside.recording->body, attribute, span_key_hash(attribute->key));
    span_inside_leave(inside);
}

void span_update_name(struct span *span, struct text name)
{
    if (!span_is_recording(span) || !span_inside_is_open(span))
        return;
    struct span_inside inside = span_inside_enter(span);
    span_body_set_name(&inside.recording->body, name);
    span_inside_leave(inside);
}

/* In the order of the specification, Ok > Error > Unset. */
static bool status_wins(enum span_status now, enum span_status next)
{
    return (next == SPAN_OK || next == SPAN_ERROR) && now != SPAN_OK;
}

void span_set_status(struct span *span, enum span_status status, struct text description)
{
    if (!span_is_recording(span) || !span_inside_is_open(span))
        return;
    struct span_inside inside = span_inside_enter(span);
    struct recording *recording = inside.recording;
    if (status_wins(recording->status, status)) {
        recording->status = (uint8_t)status;
        if (status != SPAN_ERROR)
            description.length = 0;
        span_body_set_status(&recording->body, status, description);
    }
    span_inside_leave(inside);
}

void span_record_event(struct span *span, struct text name, uint64_t wall_ns,
                       const struct attribute *attributes, size_t attribute_count)
{
    if (!span_inside_is_open(span))
        return;
    struct span_inside inside = span_inside_enter(span);
    if (wall_ns == 0)
        wall_ns = recording_now_ns(inside.recording);
    span_body_add_event(&inside.recording->body, wall_ns, name, attributes, attribute_count);
    span_inside_leave(inside);
}

void span_add_link(struct span *span, const struct span_link *link)
{
    if (!span_is_recording(span) || !span_inside_is_open(span))
        return;
    struct span_inside inside = span_inside_enter(span);
    span_body_add_link(&inside.recording->body, link);
    span_inside_leave(inside);
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
