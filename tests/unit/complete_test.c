#include "loadgen/window/complete.h"

#include <string.h>

#include "tests/unit/rows.h"

/* edge calls a, a calls the partner p twice and sends a message to b; b calls nobody. */
static const char topology_json[] =
    "{\"services\": ["
    "{\"name\": \"edge\", \"kind\": \"service\", \"port\": 1001, \"routes\": ["
    "  {\"method\": \"POST\", \"path\": \"/in\", \"calls\": ["
    "    {\"to\": \"a\", \"method\": \"POST\", \"path\": \"/a\"}]}]},"
    "{\"name\": \"a\", \"kind\": \"service\", \"port\": 1002, \"routes\": ["
    "  {\"method\": \"POST\", \"path\": \"/a\", \"calls\": ["
    "    {\"to\": \"p\", \"method\": \"GET\", \"path\": \"/p\", \"count\": 1, \"per_line\": 1},"
    "    {\"to\": \"b\", \"queue\": \"topic\"}]}]},"
    "{\"name\": \"b\", \"kind\": \"service\", \"port\": 1003, \"routes\": ["
    "  {\"method\": \"PROCESS\", \"path\": \"topic\", \"calls\": []}]},"
    "{\"name\": \"p\", \"kind\": \"partner\", \"port\": 1004, \"routes\": ["
    "  {\"method\": \"GET\", \"path\": \"/p\", \"calls\": []}]}"
    "]}";

struct span_row {
    uint8_t id, parent; /* parent 0: root */
    uint8_t kind;
    const char *service, *name;
};

/* The whole trace of a request with one line: root, edge, edge -> a, a, a -> p twice, the queue. */
static const struct span_row whole[] = {
    {1, 0, OTLP_KIND_CLIENT, "loadgen", "POST /in"},
    {2, 1, OTLP_KIND_SERVER, "edge", "POST /in"},
    {3, 2, OTLP_KIND_CLIENT, "edge", "POST /a"},
    {4, 3, OTLP_KIND_SERVER, "a", "POST /a"},
    {5, 4, OTLP_KIND_CLIENT, "a", "GET /p"},
    {6, 4, OTLP_KIND_CLIENT, "a", "GET /p"},
    {7, 4, OTLP_KIND_PRODUCER, "a", "send topic"},
    {8, 7, OTLP_KIND_CONSUMER, "b", "process topic"},
    {9, 4, OTLP_KIND_CLIENT, "a", "SELECT stock"},
};
enum { WHOLE = sizeof whole / sizeof whole[0] };

struct row {
    const char *it;
    uint32_t without;        /* bit per span of `whole` that is left out */
    struct span_row more[2]; /* added where the service is set */
    uint32_t found, lost, never_made, extra;
    bool arrived, connected, as_expected;
};

#define NO(n) (1u << ((n)-1))

static const struct row rows[] = {
    {"it finds a whole trace complete", 0, {{0}}, 8, 0, 0, 0, true, true, true},
    {"it does not count spans that are no edges", NO(9), {{0}}, 8, 0, 0, 0, true, true, true},
    {"it tells a lost server span from a call never made",
     NO(4),
     {{0}},
     7,
     1,
     0,
     0,
     false,
     false,
     true},
    {"it counts a lost client span", NO(3), {{0}}, 7, 1, 0, 0, false, false, true},
    {"it takes a call to a partner that is not there for never made",
     NO(6),
     {{0}},
     7,
     0,
     1,
     0,
     true,
     true,
     false},
    {"it takes a call without both sides for never made, with what lies behind it",
     NO(3) | NO(4) | NO(5) | NO(6) | NO(7) | NO(8) | NO(9),
     {{0}},
     2,
     0,
     6,
     0,
     true,
     true,
     false},
    {"it cannot know of calls behind a server span that is missing",
     NO(4) | NO(5) | NO(6) | NO(7) | NO(8) | NO(9),
     {{0}},
     3,
     5,
     0,
     0,
     false,
     true,
     true},
    {"it counts a lost consumer", NO(8), {{0}}, 7, 1, 0, 0, false, true, true},
    {"it counts calls that nobody expected",
     0,
     {{11, 4, OTLP_KIND_CLIENT, "a", "GET /p"}},
     8,
     0,
     0,
     1,
     true,
     true,
     false},
    {"it counts a span that came twice once",
     0,
     {{6, 4, OTLP_KIND_CLIENT, "a", "GET /p"}},
     8,
     0,
     0,
     0,
     true,
     true,
     true},
    {"it sees a second root",
     0,
     {{11, 0, OTLP_KIND_SERVER, "b", "GET /x"}},
     8,
     0,
     0,
     0,
     true,
     false,
     true},
    {"it sees an orphan",
     0,
     {{11, 77, OTLP_KIND_INTERNAL, "b", "work"}},
     8,
     0,
     0,
     0,
     true,
     false,
     true},
    {"it calls a trace that never came lost, not never made",
     0x1ff,
     {{0}},
     0,
     8,
     0,
     0,
     false,
     false,
     true},
    {"it counts a lost root", NO(1), {{0}}, 7, 1, 0, 0, false, false, true},
};

static void add(struct spans *spans, const struct span_row *row)
{
    struct otlp_attribute name = {.key = text_of("service.name"),
                                  .value = {.type = OTLP_TEXT, .text = text_of(row->service)}};
    struct otlp_resource resource = {.attributes = {.items = &name, .count = 1},
                                     .service = text_of(row->service)};
    static const struct otlp_scope scope;
    struct otlp_span span = {.kind = row->kind,
                             .name = text_of(row->name),
                             .resource = &resource,
                             .scope = &scope,
                             .start_ns = 1,
                             .end_ns = 2};
    span.trace_id[0] = 1;
    span.span_id[0] = row->id;
    span.parent_id[0] = row->parent;
    assert_int_equal(spans_copy(spans, &span), STATUS_OK);
}

static void build(struct plan *plan, struct topology *topology)
{
    struct error error = {0};
    if (topology_parse(topology, topology_json, strlen(topology_json), "t", &error) != STATUS_OK)
        fail_msg("%s", error.text);
    assert_int_equal(plan_build(plan, topology, "edge", "POST", "/in", &error), STATUS_OK);
}

static void check(void **state)
{
    const struct row *row = *state;
    struct topology topology;
    static struct plan plan;
    struct completeness got;
    struct spans spans;
    build(&plan, &topology);
    spans_init(&spans, 100, 1 << 20);
    for (size_t i = 0; i < WHOLE; i++)
        if (!(row->without & 1u << i))
            add(&spans, &whole[i]);
    for (size_t i = 0; i < 2; i++)
        if (row->more[i].service)
            add(&spans, &row->more[i]);
    complete_check(&plan, 1, &spans, &got);
    assert_int_equal(got.expected, 8);
    assert_int_equal(got.found, row->found);
    assert_int_equal(got.lost, row->lost);
    assert_int_equal(got.never_made, row->never_made);
    assert_int_equal(got.extra, row->extra);
    assert_int_equal(complete_has_arrived(&got), row->arrived);
    assert_int_equal(complete_is_connected(&got), row->connected);
    assert_int_equal(complete_is_as_expected(&got), row->as_expected);
    spans_release(&spans);
    topology_release(&topology);
}

static void check_lines(void **state)
{
    (void)state;
    struct topology topology;
    static struct plan plan;
    struct completeness got;
    struct spans spans;
    build(&plan, &topology);
    spans_init(&spans, 100, 1 << 20);
    complete_check(&plan, 7, &spans, &got);
    assert_int_equal(got.expected, 4 + 8 + 2);
    spans_release(&spans);
    topology_release(&topology);
}

static void check_unknown(void **state)
{
    (void)state;
    struct topology topology;
    static struct plan plan;
    struct error error = {0};
    build(&plan, &topology);
    assert_int_equal(plan_build(&plan, &topology, "edge", "GET", "/none", &error),
                     STATUS_NOT_FOUND);
    assert_non_null(strstr(error.text, "edge has no route GET /none"));
    topology_release(&topology);
}

int main(void)
{
    static struct rows all;
    ROWS(&all, rows, check);
    rows_one(&all, "it expects more calls of a longer cart", check_lines);
    rows_one(&all, "it names a route that is not there", check_unknown);
    return rows_run("complete", &all);
}
