/* What a program can put in the place of the library's own parts: samplers, id generators,
 * processors; and the scope that a tracer gives its spans. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "trace/span_processor.h"
#include "trace_sink.h"

static const struct attribute scope_attributes[] = {
    {.key = TEXT_CONSTANT("tier"), .type = ATTRIBUTE_I64, .i64 = 3}};
static const struct tracer tracer = {.name = "plugins-test",
                                     .version = "2",
                                     .schema_url = "https://example.org/schema",
                                     .attributes = scope_attributes,
                                     .attribute_count = 1};
static struct sink sink;

static void start(void (*change)(struct tracing_config *))
{
    static const char *const script[] = {SINK_OK};
    sink_start(&sink, script, 1);
    sink_trace(&sink, change);
}

static void stop(void)
{
    assert_int_equal(tracing_shutdown(sink_soon()), STATUS_OK);
    sink_stop(&sink);
}

/* ---- samplers */

static struct sampling_input seen;
static struct sampling_result answer;
static struct trace_id seen_id;

static void decide(void *self, const struct sampling_input *input, struct sampling_result *result)
{
    assert_ptr_equal(self, &answer);
    seen = *input;
    seen_id = input->trace_id;
    result->decision = answer.decision;
    if (answer.trace_state.data != NULL)
        result->trace_state = answer.trace_state;
    result->attributes = answer.attributes;
    result->attribute_count = answer.attribute_count;
}

static const struct span_sampler custom = {"a test's", &answer, decide};

static void with_custom(struct tracing_config *config)
{
    config->sampling.root = (struct sampler_rule){.kind = SAMPLER_CUSTOM, .custom = &custom};
    config->sampling.ignores_parent = true;
}

static void shows_a_sampler_everything(void **state)
{
    (void)state;
    const struct attribute given = {.key = TEXT_LITERAL("k"), .type = ATTRIBUTE_I64, .i64 = 1};
    const struct span_context parent = {
        .trace_id = {{1}}, .span_id = {{2}}, .trace_state = TEXT_LITERAL("a=b")};
    const struct span_link link = {.context = parent};
    const struct span_options options = {.kind = SPAN_SERVER,
                                         .parent = &parent,
                                         .attributes = &given,
                                         .attribute_count = 1,
                                         .links = &link,
                                         .link_count = 1};
    answer = (struct sampling_result){.decision = SAMPLING_DROP};
    start(with_custom);
    struct span *span = span_start(&tracer, "name", &options);
    assert_true(text_is(seen.name, "name"));
    assert_int_equal(seen.kind, SPAN_SERVER);
    assert_ptr_equal(seen.parent, &parent);
    assert_memory_equal(&seen_id, &parent.trace_id, sizeof seen_id);
    assert_true(seen.attributes == &given && seen.attribute_count == 1);
    assert_true(seen.links == &link && seen.link_count == 1);
    assert_false(span_is_recording(span));
    struct span_context context = span_context_of(span);
    assert_true(span_context_is_valid(&context)); /* an id of its own all the same */
    assert_memory_not_equal(&context.span_id, &parent.span_id, sizeof parent.span_id);
    assert_true(text_is(context.trace_state, "a=b"));
    span_end(span);
    stop();
}

static void does_what_a_sampler_says(void **state)
{
    (void)state;
    static const struct attribute added = {
        .key = TEXT_CONSTANT("sampler"), .type = ATTRIBUTE_TEXT, .text = TEXT_CONSTANT("yes")};
    static const struct {
        const char *name;
        struct sampling_result answer;
        const char *trace_state;
        bool records, arrives;
    } rows[] = {
        {"it records and samples",
         {SAMPLING_RECORD_AND_SAMPLE, {NULL, 0}, &added, 1},
         "a=b",
         true,
         true},
        {"it records only", {SAMPLING_RECORD_ONLY, {NULL, 0}, &added, 1}, "a=b", true, false},
        {"it drops", {SAMPLING_DROP, {NULL, 0}, NULL, 0}, "a=b", false, false},
        {"it takes another tracestate",
         {SAMPLING_RECORD_AND_SAMPLE, TEXT_CONSTANT("x=1,a=b"), NULL, 0},
         "x=1,a=b",
         true,
         true},
        {"it empties the tracestate",
         {SAMPLING_DROP, TEXT_CONSTANT(""), NULL, 0},
         "",
         false,
         false},
        {"it keeps the tracestate where the new one is wrong",
         {SAMPLING_RECORD_AND_SAMPLE, TEXT_CONSTANT("No Good"), NULL, 0},
         "a=b",
         true,
         true},
    };
    const struct span_context parent = {
        .trace_id = {{1}}, .span_id = {{2}}, .trace_state = TEXT_LITERAL("a=b")};
    const struct span_options options = {.parent = &parent};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        answer = rows[i].answer;
        start(with_custom);
        struct span *span = span_start(&tracer, "s", &options);
        struct span_context context = span_context_of(span);
        if (span_is_recording(span) != rows[i].records ||
            span_context_is_sampled(&context) != rows[i].arrives ||
            !text_is(context.trace_state, rows[i].trace_state))
            fail_msg("%s: %.*s", rows[i].name, TEXT_ARGS(context.trace_state));
        span_end(span);
        assert_int_equal(tracing_flush(sink_soon()), STATUS_OK);
        struct sink_span got;
        if (sink_find(&sink, "s", &got) != rows[i].arrives)
            fail_msg("%s: arrived or not", rows[i].name);
        if (rows[i].arrives && rows[i].answer.attribute_count > 0 &&
            !sink_has_text(&got, "sampler", "yes"))
            fail_msg("%s: without the sampler's attribute", rows[i].name);
        struct tracing_stats stats = tracing_stats();
        assert_int_equal(stats.started, rows[i].arrives);
        assert_int_equal(stats.ended, rows[i].arrives);
        assert_int_equal(stats.unsampled, !rows[i].arrives);
        stop();
    }
}

static struct sampling sampling;

static void with_sampling(struct tracing_config *config)
{
    config->sampling = sampling;
}

static void asks_each_delegate(void **state)
{
    (void)state;
    const struct sampler_rule on = {.kind = SAMPLER_ALWAYS_ON}, off = {.kind = SAMPLER_ALWAYS_OFF};
    for (int i = 0; i < 4; i++) {
        bool remote = i & 1, sampled = i & 2;
        struct span_context parent = {.trace_id = {{1}},
                                      .span_id = {{2}},
                                      .is_remote = remote,
                                      .flags = sampled ? TRACE_FLAG_SAMPLED : 0};
        const struct span_options options = {.parent = &parent};
        for (int chosen = 0; chosen < 4; chosen++) {
            sampling = (struct sampling){.root = off};
            struct sampler_rule *rules[] = {&sampling.local_unsampled, &sampling.remote_unsampled,
                                            &sampling.local_sampled, &sampling.remote_sampled};
            for (int j = 0; j < 4; j++)
                *rules[j] = j == chosen ? on : off;
            start(with_sampling);
            struct span *span = span_start(&tracer, "s", &options);
            assert_int_equal(span_is_recording(span), chosen == i);
            span_end(span);
            stop();
        }
    }
}

static void tells_the_threshold_of_a_probability(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        double ratio;
        uint8_t id_byte; /* the first of the last seven */
        const char *before, *after;
        bool kept;
    } rows[] = {
        {"it keeps all at 1", 1, 0x00, "", "ot=th:0", true},
        {"it keeps R at T", 0.25, 0xc0, "", "ot=th:c", true},
        {"it drops R below T", 0.25, 0xbf, "", "", false},
        {"it keeps none at 0", 0, 0xff, "", "", false},
        {"it takes the randomness that is given", 0.5, 0x00, "ot=rv:80000000000000",
         "ot=th:8;rv:80000000000000", true},
        {"it puts its own threshold in the place of another", 0.5, 0x80, "x=1,ot=th:c",
         "ot=th:8,x=1", true},
        {"it takes the threshold out of what it drops", 0.5, 0x00, "ot=th:c,x=1", "x=1", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        sampling = (struct sampling){.root = {SAMPLER_PROBABILITY, rows[i].ratio, NULL},
                                     .ignores_parent = true};
        struct span_context parent = {
            .trace_id = {{1}}, .span_id = {{2}}, .trace_state = text_of(rows[i].before)};
        parent.trace_id.bytes[9] = rows[i].id_byte;
        if (rows[i].id_byte == 0xff)
            memset(parent.trace_id.bytes, 0xff, sizeof parent.trace_id.bytes);
        const struct span_options options = {.parent = &parent};
        start(with_sampling);
        struct span *span = span_start(&tracer, "s", &options);
        struct span_context context = span_context_of(span);
        if (span_is_recording(span) != rows[i].kept || !text_is(context.trace_state, rows[i].after))
            fail_msg("%s: %.*s", rows[i].name, TEXT_ARGS(context.trace_state));
        span_end(span);
        stop();
    }
}

/* ---- ids */

static unsigned trace_ids, span_ids;
static bool gives_zero;

static void give_trace_id(void *self, struct trace_id *out)
{
    (void)self;
    *out = (struct trace_id){{0}};
    out->bytes[15] = gives_zero ? 0 : (uint8_t)++trace_ids;
}

static void give_span_id(void *self, struct span_id *out)
{
    (void)self;
    *out = (struct span_id){{0}};
    out->bytes[7] = gives_zero ? 0 : (uint8_t)++span_ids;
}

static struct id_generator ids = {NULL, false, give_trace_id, give_span_id};

static void with_ids(struct tracing_config *config)
{
    config->ids = &ids;
}

static void takes_ids_from_a_generator(void **state)
{
    (void)state;
    trace_ids = span_ids = 0;
    for (int random = 0; random < 2; random++) {
        ids.is_random = random;
        gives_zero = false;
        start(with_ids);
        struct span *root = span_start(&tracer, "root", NULL);
        struct span_context first = span_context_of(root);
        struct span *child = span_start(&tracer, "child", &(struct span_options){.parent = &first});
        struct span_context second = span_context_of(child);
        assert_int_equal(first.trace_id.bytes[15], 1 + random);
        assert_int_equal(first.span_id.bytes[7], 1 + 2 * random);
        assert_int_equal(second.span_id.bytes[7], 2 + 2 * random);
        assert_memory_equal(&first.trace_id, &second.trace_id, sizeof first.trace_id);
        assert_int_equal(first.flags, TRACE_FLAG_SAMPLED | (random ? TRACE_FLAG_RANDOM : 0));
        assert_int_equal(second.flags, first.flags);
        gives_zero = true;
        struct span *last = span_start(&tracer, "last", &(struct span_options){.root = true});
        struct span_context third = span_context_of(last);
        assert_true(span_context_is_valid(&third));
        span_end(last);
        span_end(child);
        span_end(root);
        stop();
    }
}

/* ---- processors */

static char told[1024];

static void tell(const char *words)
{
    assert_true(strlen(told) + strlen(words) + 1 < sizeof told);
    strcat(told, words);
}

static void on_start(void *self, struct span *span, const struct span_context *parent)
{
    tell(self);
    tell(parent ? ":start-child " : ":start ");
    span_set_text(span, SPAN_KEY("by.start"), TEXT_LITERAL("x"));
}

static void on_ending(void *self, struct span *span)
{
    tell(self);
    tell(":ending ");
    span_set_text(span, SPAN_KEY("by.ending"), text_of(self));
}

static void on_end(void *self, const struct span_view *view)
{
    char words[160];
    struct attribute value;
    assert_true(span_view_attribute(view, TEXT_LITERAL("by.ending"), &value));
    struct text name = span_view_name(view);
    assert_false(span_view_attribute(view, TEXT_LITERAL("none"), &value) ||
                 view->end_wall_ns < view->start_wall_ns || view->tracer != &tracer);
    (void)span_view_attribute(view, TEXT_LITERAL("number"), &value);
    (void)snprintf(words, sizeof words, "%s:end(%.*s,%d,%ld,%s) ", (const char *)self,
                   TEXT_ARGS(name), view->status, (long)value.i64,
                   span_context_is_sampled(&view->context) ? "sampled" : "recorded");
    tell(words);
}

static enum status flush(void *self, uint64_t deadline_ns)
{
    (void)deadline_ns;
    tell(self);
    tell(":flush ");
    return STATUS_OK;
}

static void shut(void *self, uint64_t deadline_ns)
{
    (void)deadline_ns;
    tell(self);
    tell(":shutdown ");
}

static char name_a[] = "a", name_b[] = "b";
static const struct span_processor first = {name_a, on_start, on_ending, on_end, flush, shut};
static const struct span_processor second = {name_b, NULL, on_ending, on_end, NULL, shut};

static void with_processors(struct tracing_config *config)
{
    config->processors[0] = &first;
    config->processors[1] = &second;
    config->sampling.root.kind = SAMPLER_ALWAYS_OFF;
    config->sampling.records_dropped = true;
    config->sampling.local_sampled.kind = SAMPLER_ALWAYS_ON;
}

static void calls_processors_in_order(void **state)
{
    (void)state;
    told[0] = '\0';
    start(with_processors);
    struct span *root = span_start(&tracer, "root", NULL); /* recorded, not sampled */
    assert_true(span_is_recording(root));
    span_set_i64(root, SPAN_KEY("number"), 7);
    struct span_context sampled = span_context_of(root);
    assert_false(span_context_is_sampled(&sampled));
    sampled.flags |= TRACE_FLAG_SAMPLED;
    struct span *child = span_start(&tracer, "child", &(struct span_options){.parent = &sampled});
    span_set_i64(child, SPAN_KEY("number"), 1);
    span_set_i64(child, SPAN_KEY("number"), 1000); /* of another size: leaves a hole */
    span_set_status(child, SPAN_ERROR, TEXT_LITERAL("bad"));
    span_end(child);
    span_end(root);
    assert_int_equal(tracing_flush(sink_soon()), STATUS_OK);
    struct sink_span got;
    assert_int_equal(sink_find(&sink, "root", &got), 0);
    assert_int_equal(sink_find(&sink, "child", &got), 1);
    assert_true(sink_has_text(&got, "by.start", "x"));
    assert_true(sink_has_text(&got, "by.ending", "b"));
    stop();
    assert_string_equal(told, "a:start a:start-child a:ending b:ending a:end(child,2,1000,sampled) "
                              "b:end(child,2,1000,sampled) a:ending b:ending "
                              "a:end(root,0,7,recorded) b:end(root,0,7,recorded) a:flush "
                              "a:flush a:shutdown b:shutdown ");
}

/* A span over many blocks is shown in one piece. */
static void shows_a_long_span_whole(void **state)
{
    (void)state;
    char key[16], value[64];
    told[0] = '\0';
    start(with_processors);
    struct span *span = span_start(&tracer, "long", NULL);
    memset(value, 'v', sizeof value);
    for (int i = 0; i < 100; i++) {
        (void)snprintf(key, sizeof key, "key.%d", i);
        span_set_text(span, text_of(key), (struct text){value, sizeof value});
    }
    span_set_i64(span, SPAN_KEY("number"), 42);
    span_end(span);
    stop();
    assert_non_null(strstr(told, "b:end(long,0,42,recorded)"));
}

static void at_end(struct tracing_config *config)
{
    config->exports_at_end = true;
}

static void exports_each_span_as_it_ends(void **state)
{
    (void)state;
    start(at_end);
    for (unsigned i = 1; i <= 3; i++) {
        span_end(span_start(&tracer, "s", NULL));
        assert_int_equal(atomic_load(&sink.span_count), i);
        assert_int_equal(atomic_load(&sink.request_count), i);
    }
    stop();
}

/* A processor that flushes by making a span. */
static unsigned flushes;

static enum status flush_with_a_span(void *self, uint64_t deadline_ns)
{
    (void)self;
    (void)deadline_ns;
    if (++flushes < 1000)
        span_end(span_start(&tracer, "flushed", NULL));
    return STATUS_OK;
}

static const struct span_processor flusher = {.flush = flush_with_a_span};

static void at_end_with_flusher(struct tracing_config *config)
{
    config->exports_at_end = true;
    config->processors[0] = &flusher;
}

static void exports_without_a_flush_of_processors(void **state)
{
    (void)state;
    flushes = 0;
    start(at_end_with_flusher);
    span_end(span_start(&tracer, "s", NULL));
    assert_int_equal(flushes, 0);
    assert_int_equal(atomic_load(&sink.span_count), 1);
    assert_int_equal(tracing_flush(sink_soon()), STATUS_OK);
    assert_int_equal(flushes, 1);
    assert_int_equal(atomic_load(&sink.span_count), 2);
    stop();
}

static void *end_two(void *unused)
{
    static const char value[3000];
    (void)unused;
    span_end(span_start(&tracer, "small", NULL));
    struct span *big = span_start(&tracer, "big", NULL);
    for (unsigned i = 0; i < 10; i++) {
        char key = (char)('a' + i);
        span_set_text(big, (struct text){&key, 1}, (struct text){value, sizeof value});
    }
    span_end(big);
    return NULL;
}

static size_t seen_bytes;

static void see_end(void *self, const struct span_view *view)
{
    (void)self;
    seen_bytes = view->otlp_bytes;
}

static const struct span_processor seer = {.on_end = see_end};

static void with_seer(struct tracing_config *config)
{
    config->processors[0] = &seer;
}

/* A thread may have a stack of less than a span's 60 KiB. */
static void shows_spans_on_a_small_stack(void **state)
{
    (void)state;
    pthread_attr_t attributes;
    pthread_t thread;
    start(with_seer);
    pthread_attr_init(&attributes);
    assert_int_equal(pthread_attr_setstacksize(&attributes, 56 << 10), 0);
    assert_int_equal(pthread_create(&thread, &attributes, end_two, NULL), 0);
    pthread_join(thread, NULL);
    pthread_attr_destroy(&attributes);
    assert_true(seen_bytes > 30000);
    stop();
}

/* ---- scopes */

static void sends_the_whole_scope(void **state)
{
    (void)state;
    static const char expected[] = "\x0a\x0cplugins-test\x12\x01"
                                   "2\x1a\x0a\x0a\x04tier\x12\x02\x18\x03";
    start(NULL);
    span_end(span_start(&tracer, "s", NULL));
    assert_int_equal(tracing_flush(sink_soon()), STATUS_OK);
    pthread_mutex_lock(&sink.lock);
    bool scope = memmem(sink.bodies, sink.bodies_bytes, expected, sizeof expected - 1) != NULL;
    bool schema =
        memmem(sink.bodies, sink.bodies_bytes, "\x1a\x1ahttps://example.org/schema", 28) != NULL;
    pthread_mutex_unlock(&sink.lock);
    assert_true(scope);
    assert_true(schema);
    stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shows_a_sampler_everything),
        cmocka_unit_test(does_what_a_sampler_says),
        cmocka_unit_test(asks_each_delegate),
        cmocka_unit_test(tells_the_threshold_of_a_probability),
        cmocka_unit_test(takes_ids_from_a_generator),
        cmocka_unit_test(calls_processors_in_order),
        cmocka_unit_test(shows_a_long_span_whole),
        cmocka_unit_test(exports_each_span_as_it_ends),
        cmocka_unit_test(exports_without_a_flush_of_processors),
        cmocka_unit_test(shows_spans_on_a_small_stack),
        cmocka_unit_test(sends_the_whole_scope),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
