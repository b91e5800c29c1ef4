#include "services/collector/criteria.h"
#include "services/collector/criteria_tags.h"

#include <string.h>

#include "tests/unit/rows.h"

enum { ARENA_MAX = 64 * 1024 };

struct match_row {
    const char *it;
    const char *service, *operation, *tags;
    uint64_t start_ns, end_ns, shortest_ns, longest_ns; /* 0: not asked */
    bool matches;
};

/* All against one span: service "cart", "GET /", starts at 1000, lasts 50, failed. */
static const struct match_row match_rows[] = {
    {"it takes a span when nothing is asked", "", "", "", 0, 0, 0, 0, true},
    {"it takes the service", "cart", "", "", 0, 0, 0, 0, true},
    {"it refuses another service", "car", "", "", 0, 0, 0, 0, false},
    {"it takes the operation", "cart", "GET /", "", 0, 0, 0, 0, true},
    {"it refuses another operation", "cart", "GET", "", 0, 0, 0, 0, false},
    {"it counts both ends of the time", "", "", "", 1000, 1000, 0, 0, true},
    {"it refuses what starts before", "", "", "", 1001, 0, 0, 0, false},
    {"it refuses what starts behind", "", "", "", 0, 999, 0, 0, false},
    {"it counts both ends of the duration", "", "", "", 0, 0, 50, 50, true},
    {"it refuses what is too short", "", "", "", 0, 0, 51, 0, false},
    {"it refuses what is too long", "", "", "", 0, 0, 0, 49, false},
    {"it finds a text", "", "", "{\"t\":\"x\"}", 0, 0, 0, 0, true},
    {"it finds a number", "", "", "{\"n\":\"-7\"}", 0, 0, 0, 0, true},
    {"it finds a number that is asked as one", "", "", "{\"n\":-7}", 0, 0, 0, 0, true},
    {"it finds a fraction", "", "", "{\"d\":\"0.50\"}", 0, 0, 0, 0, true},
    {"it finds a truth", "", "", "{\"b\":true}", 0, 0, 0, 0, true},
    {"it finds the resource's attributes", "", "", "{\"host\":\"h\"}", 0, 0, 0, 0, true},
    {"it finds an event's attributes", "", "", "{\"e\":\"v\"}", 0, 0, 0, 0, true},
    {"it finds errors", "", "", "{\"error\":\"true\"}", 0, 0, 0, 0, true},
    {"it finds kinds", "", "", "{\"span.kind\":\"server\"}", 0, 0, 0, 0, true},
    {"it reads escapes", "", "", "{\"\\u0074\":\"\\u0078\"}", 0, 0, 0, 0, true},
    {"it wants all of them", "", "", "{\"t\":\"x\",\"n\":\"8\"}", 0, 0, 0, 0, false},
    {"it refuses another value", "", "", "{\"t\":\"y\"}", 0, 0, 0, 0, false},
    {"it refuses a key that is not there", "", "", "{\"zz\":\"y\"}", 0, 0, 0, 0, false},
};

static const struct otlp_attribute span_items[] = {
    {{"t", 1}, {.type = OTLP_TEXT, .text = {"x", 1}}},
    {{"n", 1}, {.type = OTLP_I64, .i64 = -7}},
    {{"d", 1}, {.type = OTLP_DOUBLE, .number = 0.5}},
    {{"b", 1}, {.type = OTLP_BOOL, .boolean = true}},
};
static const struct otlp_attribute resource_items[] = {
    {{"host", 4}, {.type = OTLP_TEXT, .text = {"h", 1}}}};
static const struct otlp_attribute event_items[] = {
    {{"e", 1}, {.type = OTLP_TEXT, .text = {"v", 1}}}};

static void check_match(void **state)
{
    const struct match_row *row = *state;
    const struct otlp_resource resource = {{resource_items, 1, 0}, {"cart", 4}};
    const struct otlp_scope scope = {{"", 0}, {"", 0}};
    const struct otlp_event event = {1, {"e", 1}, {event_items, 1, 0}};
    const struct otlp_span span = {.kind = OTLP_KIND_SERVER,
                                   .status = OTLP_STATUS_ERROR,
                                   .start_ns = 1000,
                                   .end_ns = 1050,
                                   .name = {"GET /", 5},
                                   .resource = &resource,
                                   .scope = &scope,
                                   .attributes = {span_items, 4, 0},
                                   .events = &event,
                                   .event_count = 1};
    struct criteria criteria;
    struct arena arena;
    arena_init(&arena, ARENA_MAX);
    criteria_init(&criteria);
    criteria.service = text_of(row->service);
    criteria.operation = text_of(row->operation);
    criteria.start_ns = row->start_ns;
    criteria.end_ns = row->end_ns ? row->end_ns : criteria.end_ns;
    criteria.shortest_ns = row->shortest_ns;
    criteria.longest_ns = row->longest_ns ? row->longest_ns : criteria.longest_ns;
    if (row->tags[0])
        assert_int_equal(criteria_tags_read(&criteria, &arena, text_of(row->tags)), STATUS_OK);
    assert_int_equal(criteria_match(&criteria, &span), row->matches);
    arena_release(&arena);
}

struct tags_row {
    const char *it;
    const char *json;
    enum status status;
    size_t count;
};

static const struct tags_row tags_rows[] = {
    {"it reads no tags", "{}", STATUS_OK, 0},
    {"it reads tags", "{\"a\":\"b\",\"c\":1}", STATUS_OK, 2},
    {"it refuses an array", "[]", STATUS_INVALID, 0},
    {"it refuses nested tags", "{\"a\":{}}", STATUS_INVALID, 0},
    {"it refuses null", "{\"a\":null}", STATUS_INVALID, 0},
    {"it refuses what follows", "{}x", STATUS_INVALID, 0},
    {"it refuses nothing", "", STATUS_INVALID, 0},
};

static void check_tags(void **state)
{
    const struct tags_row *row = *state;
    struct criteria criteria;
    struct arena arena;
    arena_init(&arena, ARENA_MAX);
    criteria_init(&criteria);
    assert_int_equal(criteria_tags_read(&criteria, &arena, text_of(row->json)), row->status);
    if (row->status == STATUS_OK)
        assert_int_equal(criteria.tag_count, row->count);
    arena_release(&arena);
}

static void check_many(void **state)
{
    struct criteria criteria;
    (void)state;
    criteria_init(&criteria);
    for (int i = 0; i < CRITERIA_TAGS_MAX; i++)
        assert_true(criteria_tags_add(&criteria, text_of("k"), text_of("v")));
    assert_false(criteria_tags_add(&criteria, text_of("k"), text_of("v")));
}

int main(void)
{
    static struct rows all;
    ROWS(&all, match_rows, check_match);
    ROWS(&all, tags_rows, check_tags);
    rows_one(&all, "it takes so many tags and no more", check_many);
    return rows_run("collector_criteria", &all);
}
