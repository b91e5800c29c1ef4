/* Work that goes on in another thread stays in its trace, whatever became of the span that it was
 * handed over under. */
#include <pthread.h>
#include <string.h>

#include "rows.h"
#include "trace/baggage.h"
#include "trace/context_handover.h"
#include "trace_sink.h"

enum { THREADS = 4 };

static const struct tracer tracer = {.name = "handover-test"};
static struct sink sink;

static const struct state {
    const char *it;
    bool traced, sampled, is_debug, has_span, has_baggage;
} states[] = {
    {"it goes on with a sampled span", true, true, false, true, true},
    {"it goes on with an unsampled span", true, false, false, true, true},
    {"it keeps a debug flag", true, true, true, true, false},
    {"it goes on with a span alone", true, true, false, true, false},
    {"it goes on with baggage alone", true, true, false, false, true},
    {"it goes on with nothing", true, true, false, false, false},
    {"it goes on while tracing is off", false, true, false, true, true},
};

/* What a thread saw that took the work up. */
struct job {
    struct context_handover context;
    struct span_context child, current;
    char user[16];
    bool has_baggage, has_empty_baggage, left_clean;
};

static void *work(void *argument)
{
    struct job *job = argument;
    struct context_handover_scope scope = context_handover_attach(&job->context);
    struct context now = context_current();
    if (now.span != NULL)
        job->current = span_context_of(now.span);
    job->has_baggage = now.baggage != NULL &&
                       baggage_find(now.baggage, "user", job->user, sizeof job->user) == STATUS_OK;
    job->has_empty_baggage = now.baggage != NULL && now.baggage->length_bytes == 0;
    struct span *child = span_start(&tracer, "taken up", NULL);
    job->child = span_context_of(child);
    span_end(child);
    context_handover_detach(&scope);
    context_handover_detach(&scope);
    job->left_clean =
        scope.span == NULL && context_current().span == NULL && context_current().baggage == NULL;
    return NULL;
}

static void check_state(void **state)
{
    static struct job jobs[THREADS];
    const struct state *row = *state;
    char list[] = "a=1,b=2";
    struct span_context parent = {.trace_id = {{1}},
                                  .span_id = {{2}},
                                  .flags = row->sampled ? 3 : 2,
                                  .is_debug = row->is_debug,
                                  .is_remote = true,
                                  .trace_state = {list, sizeof list - 1}};
    struct baggage baggage = {.length_bytes = 0};
    pthread_t threads[THREADS];
    assert_int_equal(
        baggage_set(&baggage, TEXT_LITERAL("user"), TEXT_LITERAL("a b"), TEXT_LITERAL("")),
        STATUS_OK);
    if (row->traced)
        sink_trace(&sink, NULL);
    struct span *span =
        span_start(&tracer, "handed over", &(struct span_options){.parent = &parent});
    struct span_context handed = span_context_of(span);
    handed.trace_state = (struct text){NULL, 0}; /* gone with the span */
    struct context before = context_attach(
        (struct context){row->has_span ? span : NULL, row->has_baggage ? &baggage : NULL});
    for (int i = 0; i < THREADS; i++) {
        memset(&jobs[i], 0x5a, sizeof jobs[i]);
        context_handover_take(&jobs[i].context);
        struct text own = jobs[i].context.span.trace_state;
        assert_true(own.length == 0 || own.data == jobs[i].context.trace_state);
    }
    context_attach(before);
    span_end(span);
    memset(&baggage, 0x5a, sizeof baggage); /* all of it is gone */
    memset(list, 'x', sizeof list - 1);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, &jobs[i]), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    if (row->traced)
        assert_int_equal(tracing_shutdown(sink_soon()), STATUS_OK);
    for (int i = 0; i < THREADS; i++) {
        const struct job *job = &jobs[i];
        assert_true(job->left_clean);
        assert_int_equal(job->has_baggage, row->has_baggage);
        assert_false(job->has_empty_baggage);
        if (row->has_baggage)
            assert_string_equal(job->user, "a b");
        if (!row->has_span) {
            assert_memory_not_equal(job->child.trace_id.bytes, parent.trace_id.bytes, 16);
            continue;
        }
        assert_memory_equal(job->current.span_id.bytes, handed.span_id.bytes, 8);
        assert_memory_equal(job->child.trace_id.bytes, parent.trace_id.bytes, 16);
        assert_int_equal(job->child.flags, parent.flags);
        assert_int_equal(job->child.is_debug, row->is_debug);
        assert_int_equal(memcmp(job->child.span_id.bytes, handed.span_id.bytes, 8) == 0,
                         !row->traced);
    }
}

/* Its spans are children of the one that was current, which is of this process, with its state. */
static void exports_children(void **state)
{
    (void)state;
    static struct job job;
    struct sink_span parent = {0}, child = {0};
    struct span_context remote = {.trace_id = {{7}},
                                  .span_id = {{8}},
                                  .flags = 3,
                                  .is_remote = true,
                                  .trace_state = TEXT_LITERAL("a=1")};
    pthread_t thread;
    sink_trace(&sink, NULL);
    struct span *span = span_start(&tracer, "owner", &(struct span_options){.parent = &remote});
    struct context before = context_attach((struct context){.span = span});
    context_handover_take(&job.context);
    context_attach(before);
    span_end(span);
    assert_int_equal(pthread_create(&thread, NULL, work, &job), 0);
    pthread_join(thread, NULL);
    assert_int_equal(tracing_flush(sink_soon()), STATUS_OK);
    assert_int_equal(sink_find(&sink, "owner", &parent), 1);
    assert_int_equal(sink_find(&sink, "taken up", &child) > 0, 1);
    assert_memory_equal(child.parent_id, parent.span_id, 8);
    assert_memory_equal(child.trace_id, parent.trace_id, 16);
    assert_int_equal(child.flags, 0x103); /* its parent is not remote */
    assert_true(text_is(child.trace_state, "a=1"));
    assert_int_equal(tracing_shutdown(sink_soon()), STATUS_OK);
}

int main(void)
{
    static struct rows all;
    static const char *const script[] = {SINK_OK};
    sink_start(&sink, script, 1);
    rows_one(&all, "it exports children of the span that was current", exports_children);
    ROWS(&all, states, check_state);
    int failed = rows_run("context_handover", &all);
    sink_stop(&sink);
    return failed;
}
