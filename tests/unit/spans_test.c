#include "otlp/spans.h"

#include "otlp/otlp_proto.h"
#include "tests/unit/rows.h"
#include "tests/unit/spans_make.h"

enum { COUNT_MAX = 1000, BYTES_MAX = 16 * 1024 * 1024 };

struct intern_row {
    const char *it;
    const char *a, *b;
    bool same;
};

static const struct intern_row intern_rows[] = {
    {"it keeps equal strings once", "abc", "abc", true},
    {"it keeps different strings apart", "abc", "abd", false},
    {"it keeps a prefix apart", "abc", "ab", false},
    {"it keeps the empty string once", "", "", true},
};

static void check_intern(void **state)
{
    const struct intern_row *row = *state;
    struct spans spans;
    spans_init(&spans, COUNT_MAX, BYTES_MAX);
    char copy[16];
    snprintf(copy, sizeof(copy), "%s", row->b);
    const struct text a = spans_intern(&spans, text_of(row->a));
    const struct text b = spans_intern(&spans, text_of(copy));
    assert_string_equal(a.data, row->a);
    assert_string_equal(b.data, row->b);
    assert_int_equal(a.data == b.data, row->same);
    spans_release(&spans);
}

static void check_origin(void **state)
{
    (void)state;
    struct spans spans;
    spans_init(&spans, COUNT_MAX, BYTES_MAX);
    const struct otlp_attribute items[] = {
        {{"service.name", 12}, {.type = OTLP_TEXT, .text = {"cart", 4}}}};
    struct otlp_attributes named = {items, 1, 0};
    const struct otlp_attributes none = {0};
    const struct otlp_resource *first = spans_origin_resource(&spans, &named);
    assert_ptr_equal(first, spans_origin_resource(&spans, &named));
    assert_string_equal(first->service.data, "cart");
    assert_string_equal(spans_origin_resource(&spans, &none)->service.data, "unknown_service");
    named.dropped_count = 1;
    assert_ptr_not_equal(first, spans_origin_resource(&spans, &named));
    assert_ptr_equal(spans_origin_scope(&spans, text_of("a"), text_of("b")),
                     spans_origin_scope(&spans, text_of("a"), text_of("b")));
    assert_ptr_not_equal(spans_origin_scope(&spans, text_of("a"), text_of("b")),
                         spans_origin_scope(&spans, text_of("ab"), text_of("")));
    spans_release(&spans);
}

/* A text that spells an identity must not be taken for one. */
static void check_identity_text(void **state)
{
    (void)state;
    struct spans spans;
    const struct otlp_attributes none = {0};
    spans_init(&spans, COUNT_MAX, BYTES_MAX);
    (void)spans_intern(&spans, (struct text){"R\0\0\0\0", 5});
    const struct otlp_resource *resource = spans_origin_resource(&spans, &none);
    assert_non_null(resource);
    assert_ptr_equal(resource, spans_origin_resource(&spans, &none));
    spans_release(&spans);
}

static void check_count_limit(void **state)
{
    (void)state;
    struct spans spans;
    struct rng rng;
    rng_seed(&rng, 1);
    spans_init(&spans, 3, BYTES_MAX);
    spans_make(&spans, 1, 3);
    const struct otlp_span span = spans_make_span(&spans, &rng);
    assert_int_equal(spans_add(&spans, &span), STATUS_TOO_LARGE);
    assert_int_equal(spans.count, 3);
    assert_int_equal(spans.rejected, 1);
    spans_release(&spans);
    spans_release(&spans);
    assert_int_equal(spans.count, 0);
}

/* Every budget between nothing and plenty: what fits is whole, what does not is counted. */
static void check_byte_limit(void **state)
{
    (void)state;
    struct spans source;
    spans_init(&source, COUNT_MAX, BYTES_MAX);
    spans_make(&source, 7, 40);
    for (size_t budget = 0; budget < 600 * 1024; budget += 7001) {
        struct spans spans;
        spans_init(&spans, COUNT_MAX, budget);
        for (size_t i = 0; i < source.count; i++) {
            const enum status status = spans_copy(&spans, &source.items[i]);
            assert_true(status == STATUS_OK || status == STATUS_TOO_LARGE);
        }
        assert_int_equal(spans.count + spans.rejected, source.count);
        assert_true(spans.arena.used_bytes <= budget);
        for (size_t i = 0; i < spans.count; i++)
            assert_non_null(spans.items[i].resource->service.data);
        spans_release(&spans);
    }
    spans_release(&source);
}

static void check_copy(void **state)
{
    (void)state;
    struct spans source, copy;
    struct buffer a, b;
    spans_init(&source, COUNT_MAX, BYTES_MAX);
    spans_init(&copy, COUNT_MAX, BYTES_MAX);
    buffer_init(&a, BYTES_MAX);
    buffer_init(&b, BYTES_MAX);
    spans_make(&source, 3, 100);
    for (size_t i = 0; i < source.count; i++)
        assert_int_equal(spans_copy(&copy, &source.items[i]), STATUS_OK);
    assert_int_equal(otlp_proto_write(&source, 0, source.count, &a), STATUS_OK);
    spans_release(&source); /* the copy owns all of its own */
    assert_int_equal(otlp_proto_write(&copy, 0, copy.count, &b), STATUS_OK);
    assert_int_equal(a.length_bytes, b.length_bytes);
    assert_memory_equal(a.data, b.data, a.length_bytes);
    spans_release(&copy);
    buffer_release(&a);
    buffer_release(&b);
}

static void check_find(void **state)
{
    (void)state;
    const struct otlp_attribute items[] = {{{"a", 1}, {.type = OTLP_I64, .i64 = 7}},
                                           {{"b", 1}, {.type = OTLP_TEXT, .text = {"x", 1}}}};
    const struct otlp_attributes attributes = {items, 2, 0};
    assert_int_equal(otlp_find_i64(&attributes, "a", -1), 7);
    assert_int_equal(otlp_find_i64(&attributes, "b", -1), -1);
    assert_string_equal(otlp_find_text(&attributes, "b").data, "x");
    assert_int_equal(otlp_find_text(&attributes, "a").length, 0);
    assert_null(otlp_find(&attributes, "c"));
}

int main(void)
{
    static struct rows all;
    ROWS(&all, intern_rows, check_intern);
    rows_one(&all, "it keeps equal resources and scopes once", check_origin);
    rows_one(&all, "it does not take a text for a resource", check_identity_text);
    rows_one(&all, "it refuses and counts spans over the count", check_count_limit);
    rows_one(&all, "it holds its byte budget, whatever it is", check_byte_limit);
    rows_one(&all, "it copies a span with all it has", check_copy);
    rows_one(&all, "it finds attributes by key and type", check_find);
    return rows_run("spans", &all);
}
