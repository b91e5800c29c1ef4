/* Baggage: header lines in, the value that programs change, and out again. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "fields.h"
#include "rows.h"
#include "trace/baggage.h"
#include "trace/baggage_header.h"

static struct baggage baggage_of(const char *line)
{
    struct baggage baggage;
    struct baggage_reader reader;
    baggage_reader_init(&reader, &baggage);
    baggage_reader_add_line(&reader, text_of(line));
    return baggage;
}

/* ---- header lines */

static const struct reading {
    const char *it, *lines[3], *expected;
} readings[] = {
    {"it keeps members", {"a=1,b=2"}, "a=1,b=2"},
    {"it joins lines", {"a=1", "b=2", "c=3"}, "a=1,b=2,c=3"},
    {"it strips white space", {" a = 1 ; p = x ;\tq , b = 2 "}, "a=1;p=x;q,b=2"},
    {"it keeps properties", {"a=1;p;q=%20"}, "a=1;p;q=%20"},
    {"it lets the last of equal keys win", {"a=1,b=2", "a=3"}, "b=2,a=3"},
    {"it lets the last win alone", {"a=1,a=2,a=3"}, "a=3"},
    {"it tells keys apart by case", {"a=1,A=2"}, "a=1,A=2"},
    {"it takes an empty value", {"a="}, "a="},
    {"it takes = in a value", {"a=b=c"}, "a=b=c"},
    {"it takes percent-encoding", {"a=%C3%BC%2c"}, "a=%C3%BC%2c"},
    {"it leaves out a broken escape", {"a=%G0,b=1"}, "b=1"},
    {"it leaves out a cut escape", {"a=%2,b=1"}, "b=1"},
    {"it leaves out a member without =", {"a,b=1"}, "b=1"},
    {"it leaves out an empty key", {"=1,b=1"}, "b=1"},
    {"it leaves out a key that is no token", {"a b=1,(c)=1,b=1"}, "b=1"},
    {"it leaves out a quote in a value", {"a=\"x\",b=1"}, "b=1"},
    {"it leaves out a space in a value", {"a=x y,b=1"}, "b=1"},
    {"it leaves out a backslash", {"a=x\\y,b=1"}, "b=1"},
    {"it leaves out 8-bit text", {"a=\xc3\xbc,b=1"}, "b=1"},
    {"it leaves out line ends", {"a=1\r\nX-Evil: 2,b=1"}, "b=1"},
    {"it leaves out a bad property's member", {"a=1;=x,c=1;p q,b=1"}, "b=1"},
    {"it ignores empty members", {",, ,a=1,", ""}, "a=1"},
};

static void check_reading(void **state)
{
    const struct reading *row = *state;
    static struct fields fields;
    static struct remote_context remote;
    struct carrier_source source = fields_source(&fields);
    fields.count = 0;
    for (size_t j = 0; j < 3 && row->lines[j] != NULL; j++)
        fields_add(&fields, "Baggage", row->lines[j]);
    remote.baggage.length_bytes = 0;
    baggage_header_extract(&source, &remote);
    assert_int_equal(baggage_list(&remote.baggage).length, strlen(row->expected));
    assert_memory_equal(remote.baggage.text, row->expected, strlen(row->expected));
}

static void check_reading_at_a_page(void **state)
{
    const struct reading *row = *state;
    struct guarded_field field = guarded_field_of("baggage", row->lines[0]);
    struct carrier_source source = {&field, guarded_field_get_all, NULL};
    static struct remote_context remote;
    baggage_header_extract(&source, &remote);
    guard_release(&field.guard);
}

static void keeps_what_was_there(void **state)
{
    (void)state;
    static struct remote_context remote;
    static struct fields fields;
    struct carrier_source source = fields_source(&fields);
    remote.baggage = baggage_of("old=1");
    baggage_header_extract(&source, &remote);
    assert_true(text_is(baggage_list(&remote.baggage), "old=1"));
    fields_add(&fields, "baggage", "not valid");
    baggage_header_extract(&source, &remote);
    assert_true(text_is(baggage_list(&remote.baggage), "old=1"));
    fields_add(&fields, "baggage", "new=1");
    baggage_header_extract(&source, &remote);
    assert_true(text_is(baggage_list(&remote.baggage), "new=1"));
}

static void bounds_what_it_reads(void **state)
{
    (void)state;
    static char line[1 << 20];
    size_t length = 0;
    char value[8];
    for (int i = 0; i < 10000; i++)
        length += (size_t)snprintf(line + length, sizeof line - length, "k%d=v,", i);
    struct baggage baggage = baggage_of(line);
    assert_int_equal(baggage_find(&baggage, "k63", value, sizeof value), STATUS_OK);
    assert_int_equal(baggage_find(&baggage, "k64", value, sizeof value), STATUS_NOT_FOUND);
    memset(line, 'x', sizeof line - 1);
    memcpy(line, "a=1,b=", 6); /* the second member is a megabyte long */
    baggage = baggage_of(line);
    assert_true(text_is(baggage_list(&baggage), "a=1"));
}

/* At the limit, and with a flood over many lines, in no time worth naming: the bound is loose
 * enough for a slow machine and a sanitizer, and far below what quadratic work would take. */
static void reads_a_flood_quickly(void **state)
{
    (void)state;
    static struct fields fields;
    static struct remote_context remote;
    struct carrier_source source = fields_source(&fields);
    for (int i = 0; i < 1000; i++)
        fields_add(&fields, "baggage", "k=v,l=w;x;y;z,,,,,,,,m=%20");
    uint64_t before_ns = clock_thread_cpu_ns();
    for (int i = 0; i < 100; i++)
        baggage_header_extract(&source, &remote);
    assert_true(clock_thread_cpu_ns() - before_ns < 2 * NS_PER_S);
    assert_true(remote.baggage.length_bytes > 0);
}

/* ---- looking up */

static void finds_values(void **state)
{
    (void)state;
    struct baggage baggage = baggage_of("a=%C3%BC;p=1,empty=,b=12345678,c=1234567,bad=x%FFy%C3");
    char value[16];
    assert_int_equal(baggage_find(&baggage, "a", value, 8), STATUS_OK);
    assert_string_equal(value, "\xc3\xbc");
    assert_int_equal(baggage_find(&baggage, "empty", value, 8), STATUS_OK);
    assert_string_equal(value, "");
    assert_int_equal(baggage_find(&baggage, "b", value, 8), STATUS_TOO_LARGE);
    assert_int_equal(baggage_find(&baggage, "c", value, 8), STATUS_OK);
    assert_string_equal(value, "1234567");
    assert_int_equal(baggage_find(&baggage, "p", value, 8), STATUS_NOT_FOUND);
    assert_int_equal(baggage_find(&baggage, "bad", value, sizeof value), STATUS_OK);
    assert_string_equal(value, "x\xef\xbf\xbdy\xef\xbf\xbd");
    baggage.length_bytes = 0;
    assert_int_equal(baggage_find(&baggage, "a", value, 8), STATUS_NOT_FOUND);
}

static void lists_entries(void **state)
{
    (void)state;
    struct baggage baggage = baggage_of("a=%20;p=1;q,b=x=y,c=");
    struct text rest = baggage_list(&baggage);
    struct baggage_entry entry;
    assert_true(baggage_next(&rest, &entry));
    assert_true(text_is(entry.key, "a"));
    assert_true(text_is(entry.value, "%20"));
    assert_true(text_is(entry.metadata, "p=1;q"));
    assert_true(baggage_next(&rest, &entry));
    assert_true(text_is(entry.key, "b"));
    assert_true(text_is(entry.value, "x=y"));
    assert_int_equal(entry.metadata.length, 0);
    assert_true(baggage_next(&rest, &entry));
    assert_true(text_is(entry.key, "c"));
    assert_int_equal(entry.value.length, 0);
    assert_false(baggage_next(&rest, &entry));
    baggage.length_bytes = 0;
    rest = baggage_list(&baggage);
    assert_false(baggage_next(&rest, &entry));
}

/* ---- changing */

static const struct change {
    const char *it, *list, *key, *value, *metadata;
    enum status status;
    const char *expected;
} changes[] = {
    {"it adds to nothing", "", "k", "v", "", STATUS_OK, "k=v"},
    {"it adds at the end", "a=1", "k", "v", "", STATUS_OK, "a=1,k=v"},
    {"it replaces, at the end", "k=1;p,a=1", "k", "v", "", STATUS_OK, "a=1,k=v"},
    {"it replaces the only one", "k=1", "k", "", "", STATUS_OK, "k="},
    {"it adds metadata", "", "k", "v", "p=1;q", STATUS_OK, "k=v;p=1;q"},
    {"it writes metadata without white space", "", "k", "v", " p = 1 ;; q ", STATUS_OK,
     "k=v;p=1;q"},
    {"it leaves what may stand", "", "k", "!#$&'()*+-./09:<=>?@AZ[]^_`az{|}~", "", STATUS_OK,
     "k=!#$&'()*+-./09:<=>?@AZ[]^_`az{|}~"},
    {"it encodes what may not", "", "k", " \"%,;\\\t\r\n\x7f", "", STATUS_OK,
     "k=%20%22%25%2C%3B%5C%09%0D%0A%7F"},
    {"it encodes UTF-8", "", "k", "\xc3\xbc\xe2\x82\xac", "", STATUS_OK, "k=%C3%BC%E2%82%AC"},
    {"it refuses what is not UTF-8", "a=1", "k", "\xff", "", STATUS_INVALID, "a=1"},
    {"it takes every character of a token", "", "!#$%&'*+-.^_`|~09AZaz", "v", "", STATUS_OK,
     "!#$%&'*+-.^_`|~09AZaz=v"},
    {"it refuses an empty key", "a=1", "", "v", "", STATUS_INVALID, "a=1"},
    {"it refuses = in a key", "a=1", "k=", "v", "", STATUS_INVALID, "a=1"},
    {"it refuses a comma in a key", "a=1", "k,l", "v", "", STATUS_INVALID, "a=1"},
    {"it refuses a space in a key", "a=1", "k ", "v", "", STATUS_INVALID, "a=1"},
    {"it refuses a line end in a key", "a=1", "k\r\nX", "v", "", STATUS_INVALID, "a=1"},
    {"it refuses a comma in metadata", "a=1", "k", "v", "p,l=1", STATUS_INVALID, "a=1"},
    {"it refuses a line end in metadata", "a=1", "k", "v", "p\r\nX: 1", STATUS_INVALID, "a=1"},
    {"it refuses metadata that is no property", "a=1", "k", "v", "p q", STATUS_INVALID, "a=1"},
};

static void check_change(void **state)
{
    const struct change *row = *state;
    struct baggage baggage = baggage_of(row->list);
    struct guard key = guard_copy(row->key, strlen(row->key));
    struct guard value = guard_copy(row->value, strlen(row->value));
    struct guard metadata = guard_copy(row->metadata, strlen(row->metadata));
    assert_int_equal(baggage_set(&baggage, (struct text){(char *)key.bytes, strlen(row->key)},
                                 (struct text){(char *)value.bytes, strlen(row->value)},
                                 (struct text){(char *)metadata.bytes, strlen(row->metadata)}),
                     row->status);
    guard_release(&key);
    guard_release(&value);
    guard_release(&metadata);
    assert_true(text_is(baggage_list(&baggage), row->expected));
    char plain[64];
    if (row->status == STATUS_OK) {
        assert_int_equal(baggage_find(&baggage, row->key, plain, sizeof plain), STATUS_OK);
        assert_string_equal(plain, row->value);
    }
}

static const struct removal {
    const char *it, *list, *key;
    bool was_there;
    const char *expected;
} removals[] = {
    {"it removes the first", "a=1;p,b=2", "a", true, "b=2"},
    {"it removes the last", "a=1,b=2;p", "b", true, "a=1"},
    {"it removes from the middle", "a=1,b=2,c=3", "b", true, "a=1,c=3"},
    {"it removes the only one", "a=1", "a", true, ""},
    {"it removes nothing else", "a=1,b=2", "c", false, "a=1,b=2"},
    {"it removes nothing in another case", "a=1", "A", false, "a=1"},
    {"it removes nothing from nothing", "", "a", false, ""},
};

static void check_removal(void **state)
{
    const struct removal *row = *state;
    struct baggage baggage = baggage_of(row->list);
    assert_int_equal(baggage_remove(&baggage, text_of(row->key)), row->was_there);
    assert_true(text_is(baggage_list(&baggage), row->expected));
}

static void bounds_members(void **state)
{
    (void)state;
    struct baggage baggage = {.length_bytes = 0};
    char key[16];
    for (int i = 0; i < BAGGAGE_MEMBERS_MAX; i++) {
        snprintf(key, sizeof key, "k%d", i);
        assert_int_equal(baggage_set(&baggage, text_of(key), TEXT_LITERAL("v"), TEXT_LITERAL("")),
                         STATUS_OK);
    }
    struct baggage before = baggage;
    assert_int_equal(
        baggage_set(&baggage, TEXT_LITERAL("more"), TEXT_LITERAL("v"), TEXT_LITERAL("")),
        STATUS_TOO_LARGE);
    assert_int_equal(baggage.length_bytes, before.length_bytes);
    assert_memory_equal(baggage.text, before.text, before.length_bytes);
    assert_int_equal(baggage_set(&baggage, TEXT_LITERAL("k7"), TEXT_LITERAL("w"), TEXT_LITERAL("")),
                     STATUS_OK);
    assert_int_equal(baggage.length_bytes, before.length_bytes);
}

static void bounds_bytes(void **state)
{
    (void)state;
    static char value[BAGGAGE_MAX + 8];
    struct baggage baggage = baggage_of("a=1");
    struct text key = TEXT_LITERAL("k"), none = {NULL, 0};
    memset(value, 'v', sizeof value);
    size_t room = BAGGAGE_MAX - strlen("a=1,k=");
    assert_int_equal(baggage_set(&baggage, key, (struct text){value, room + 1}, none),
                     STATUS_TOO_LARGE);
    assert_true(text_is(baggage_list(&baggage), "a=1"));
    assert_int_equal(baggage_set(&baggage, key, (struct text){value, room}, none), STATUS_OK);
    assert_int_equal(baggage.length_bytes, BAGGAGE_MAX);
    /* Its own room counts when it is replaced. */
    assert_int_equal(baggage_set(&baggage, key, (struct text){value, room}, none), STATUS_OK);
    assert_int_equal(baggage_set(&baggage, TEXT_LITERAL("l"), none, none), STATUS_TOO_LARGE);
    /* An escape counts three. */
    memset(value, ' ', sizeof value);
    assert_int_equal(baggage_set(&baggage, key, (struct text){value, room / 3 + 1}, none),
                     STATUS_TOO_LARGE);
    assert_int_equal(baggage_set(&baggage, key, (struct text){value, room / 3}, none), STATUS_OK);
}

/* ---- context, and out */

static void attaches_to_the_context(void **state)
{
    (void)state;
    struct baggage baggage = baggage_of("a=1");
    struct span *span = (struct span *)(uintptr_t)16;
    struct context outer = context_attach((struct context){span, NULL});
    struct context before = baggage_attach(&baggage);
    assert_ptr_equal(context_current().baggage, &baggage);
    assert_ptr_equal(context_current().span, span);
    assert_ptr_equal(baggage_attach(NULL).baggage, &baggage);
    assert_null(context_current().baggage);
    assert_ptr_equal(context_current().span, span);
    context_attach(before);
    assert_null(context_current().baggage);
    context_attach(outer);
}

static void writes_the_header(void **state)
{
    (void)state;
    static struct fields fields;
    struct carrier_sink sink = fields_sink(&fields);
    struct baggage baggage = {.length_bytes = 0};
    baggage_header_inject(NULL, NULL, &sink);
    baggage_header_inject(NULL, &baggage, &sink);
    assert_int_equal(fields.count, 0);
    baggage = baggage_of(" k = v ; p , l=%20");
    baggage_header_inject(NULL, &baggage, &sink);
    assert_string_equal(fields_value(&fields, "baggage"), "k=v;p,l=%20");
    fields.count = 0;
    memcpy(baggage.text + 1, "\r\n", 2); /* made up by a program */
    baggage_header_inject(NULL, &baggage, &sink);
    assert_int_equal(fields.count, 0);
}

int main(void)
{
    static struct rows all;
    ROWS(&all, readings, check_reading);
    ROWS(&all, readings, check_reading_at_a_page);
    rows_one(&all, "it keeps what was there where nothing valid comes", keeps_what_was_there);
    rows_one(&all, "it bounds what it reads", bounds_what_it_reads);
    rows_one(&all, "it reads a flood quickly", reads_a_flood_quickly);
    rows_one(&all, "it finds values", finds_values);
    rows_one(&all, "it lists entries", lists_entries);
    ROWS(&all, changes, check_change);
    ROWS(&all, removals, check_removal);
    rows_one(&all, "it bounds members", bounds_members);
    rows_one(&all, "it bounds bytes", bounds_bytes);
    rows_one(&all, "it attaches to the context", attaches_to_the_context);
    rows_one(&all, "it writes the header", writes_the_header);
    return rows_run("baggage", &all);
}
