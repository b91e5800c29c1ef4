#include "loadgen/load/load_template.h"

#include <string.h>

#include "tests/unit/rows.h"

struct row {
    const char *it, *source;
    enum load_place place;
    const char *rendered; /* NULL: refused */
    const char *words;
};

static const struct row rows[] = {
    {"it leaves plain text alone", "GET $ {x} $", LOAD_IN_BODY, "GET $ {x} $", NULL},
    {"it fills a value in", "a${token}b", LOAD_IN_BODY, "aT \"1\"\r\nb", NULL},
    {"it fills a cell in", "${users.name}-${users.id}", LOAD_IN_BODY, "eve-2", NULL},
    {"it knows the number and the nonce", "${number}/${nonce}", LOAD_IN_BODY, "4/00ff", NULL},
    {"it escapes for JSON", "\"${token|json}\"", LOAD_IN_BODY, "\"T \\\"1\\\"\\u000d\\u000a\"",
     NULL},
    {"it escapes for a URL", "/${token|url}", LOAD_IN_PATH, "/T%20%221%22%0D%0A", NULL},
    {"it lets no value break a request line", "/${token}", LOAD_IN_PATH, "/T%20\"1\"%0D%0A", NULL},
    {"it lets no value add a header", "${token}", LOAD_IN_HEADER, "T \"1\"", NULL},
    {"it knows an escaped hole", "$${token}", LOAD_IN_BODY, "${token}", NULL},
    {"it draws a single number", "${random:7:7}", LOAD_IN_BODY, "7", NULL},
    {"it refuses a name that nobody sets", "${tokem}", LOAD_IN_BODY, NULL,
     "nobody sets \"${tokem}\""},
    {"it refuses a column that is not there", "${users.age}", LOAD_IN_BODY, NULL,
     "\"users\" has no column \"age\""},
    {"it refuses a hole without an end", "${token", LOAD_IN_BODY, NULL, "\"${\" without its \"}\""},
    {"it refuses another form", "${token|html}", LOAD_IN_BODY, NULL,
     "after \"|\" comes json or url, not \"html\""},
    {"it refuses a range that is none", "${random:9:1}", LOAD_IN_BODY, NULL,
     "must be ${random:LOW:HIGH}"},
};

struct kit {
    struct arena arena;
    struct load_feeder feeder;
    struct load_names names;
    struct load_scope scope;
    struct load_template template;
    struct error error;
};

static void open_kit(struct kit *kit)
{
    memset(kit, 0, sizeof(*kit));
    arena_init(&kit->arena, 1 << 20);
    assert_int_equal(
        load_feeder_parse(&kit->feeder, text_of("id,name\n1,bob\n2,eve\n"), "u.csv", NULL),
        STATUS_OK);
    kit->feeder.name = "users";
    kit->names = (struct load_names){.values = {TEXT_CONSTANT("other"), TEXT_CONSTANT("token")},
                                     .value_count = 2,
                                     .feeders = &kit->feeder,
                                     .feeder_count = 1};
    kit->scope = (struct load_scope){.seed = 1,
                                     .number = 4,
                                     .nonce = "00ff",
                                     .feeders = &kit->feeder,
                                     .rows = {1},
                                     .values = {{0}, TEXT_CONSTANT("T \"1\"\r\n")}};
    assert_int_equal(load_template_init(&kit->template, &kit->arena), STATUS_OK);
}

static void close_kit(struct kit *kit)
{
    load_feeder_release(&kit->feeder);
    arena_release(&kit->arena);
}

static enum status add(struct kit *kit, const char *source, enum load_place place)
{
    const struct load_compiler compiler = {
        .names = &kit->names, .arena = &kit->arena, .place = place, .error = &kit->error};
    return load_template_add(&kit->template, text_of(source), &compiler);
}

static void check_row(void **state)
{
    const struct row *row = *state;
    struct kit kit;
    struct buffer out;
    open_kit(&kit);
    buffer_init(&out, 1024);
    assert_int_equal(add(&kit, row->source, row->place),
                     row->rendered ? STATUS_OK : STATUS_INVALID);
    if (row->rendered) {
        load_template_render(&kit.template, &kit.scope, &out);
        assert_string_equal(buffer_text(&out), row->rendered);
    } else {
        assert_string_equal(kit.error.text, row->words);
    }
    buffer_release(&out);
    close_kit(&kit);
}

static void check_request(void **state)
{
    (void)state;
    struct kit kit;
    struct buffer out;
    open_kit(&kit);
    buffer_init(&out, 1024);
    assert_int_equal(add(&kit, "POST / HTTP/1.1\r\n", LOAD_IN_HEADER), STATUS_OK);
    assert_true(load_template_is_plain(&kit.template));
    assert_int_equal(load_template_add_trace(&kit.template), STATUS_OK);
    assert_int_equal(load_template_add_body(&kit.template), STATUS_OK);
    assert_false(load_template_is_plain(&kit.template));
    kit.scope.body = text_of("hello");
    load_template_render(&kit.template, &kit.scope, &out);
    assert_string_equal(buffer_text(&out), "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello");
    buffer_clear(&out);
    kit.scope.traceparent = TEXT_LITERAL("00-x");
    load_template_render(&kit.template, &kit.scope, &out);
    assert_string_equal(buffer_text(&out),
                        "POST / HTTP/1.1\r\ntraceparent: 00-x\r\nContent-Length: 5\r\n\r\nhello");
    buffer_release(&out);
    close_kit(&kit);
}

/* The same number and seed give the same, others give others, within the range. */
static void check_random(void **state)
{
    (void)state;
    struct kit kit;
    struct buffer out, again;
    unsigned seen[6] = {0};
    open_kit(&kit);
    buffer_init(&out, 1024);
    buffer_init(&again, 1024);
    assert_int_equal(add(&kit, "${random:1:6}", LOAD_IN_BODY), STATUS_OK);
    for (kit.scope.number = 0; kit.scope.number < 600; kit.scope.number++) {
        buffer_clear(&out);
        buffer_clear(&again);
        load_template_render(&kit.template, &kit.scope, &out);
        load_template_render(&kit.template, &kit.scope, &again);
        assert_string_equal(buffer_text(&out), buffer_text(&again));
        assert_true(out.length_bytes == 1 && out.data[0] >= '1' && out.data[0] <= '6');
        seen[out.data[0] - '1']++;
    }
    for (unsigned i = 0; i < 6; i++)
        assert_true(seen[i] > 60 && seen[i] < 140);
    buffer_release(&out);
    buffer_release(&again);
    close_kit(&kit);
}

static void check_many_parts(void **state)
{
    (void)state;
    struct kit kit;
    enum status status = STATUS_OK;
    open_kit(&kit);
    for (unsigned i = 0; i < LOAD_PARTS_MAX && status == STATUS_OK; i++)
        status = add(&kit, "${number}", LOAD_IN_BODY);
    assert_int_equal(status, STATUS_OK);
    assert_int_equal(add(&kit, "${number}", LOAD_IN_BODY), STATUS_INVALID);
    close_kit(&kit);
}

int main(void)
{
    static struct rows all;
    ROWS(&all, rows, check_row);
    rows_one(&all, "it puts trace and body into a request", check_request);
    rows_one(&all, "it draws by seed and number alone", check_random);
    rows_one(&all, "it refuses too many parts", check_many_parts);
    return rows_run("load_template", &all);
}
