/* The store in a directory of its own, written as the writer does. */
#include "services/collector/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/otlp_fields.h"
#include "base/rng.h"
#include "otlp/proto_out.h"
#include "services/collector/store_read.h"
#include "tests/unit/rows.h"

enum { BYTES_MAX = 16 * 1024 * 1024 };

struct fixture {
    char directory[64], path[128];
    struct store *store;
    struct store_readers *readers;
    struct digest digest;
};

static void begin(struct fixture *fixture, uint64_t max_bytes)
{
    struct error error = {{0}};
    strcpy(fixture->directory, "/tmp/collector-store-XXXXXX");
    assert_non_null(mkdtemp(fixture->directory));
    snprintf(fixture->path, sizeof(fixture->path), "%s/traces.db", fixture->directory);
    const struct store_config config = {.path = fixture->path, .max_bytes = max_bytes};
    assert_int_equal(store_open(&fixture->store, &config, &error), STATUS_OK);
    assert_int_equal(store_read_open(&fixture->readers, fixture->path, &error), STATUS_OK);
    digest_init(&fixture->digest);
}

static void end(struct fixture *fixture)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    char path[160];
    store_read_close(fixture->readers);
    store_close(fixture->store);
    digest_release(&fixture->digest);
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        snprintf(path, sizeof(path), "%s%s", fixture->path, suffixes[i]);
        unlink(path);
    }
    assert_int_equal(rmdir(fixture->directory), 0);
}

/* A trace of one span of `service` that starts at `start_ns`, with `ballast` bytes. */
static struct open_trace *make_trace(uint8_t number, const char *service, uint64_t start_ns,
                                     size_t ballast)
{
    struct buffer attribute, span;
    const uint8_t id[16] = {[15] = number};
    struct rng rng;
    char *text = malloc(ballast + 1);
    assert_non_null(text);
    rng_seed(&rng, number);
    for (size_t i = 0; i < ballast; i++) /* does not pack well */
        text[i] = (char)('0' + rng_below(&rng, 64));
    buffer_init(&attribute, BYTES_MAX);
    buffer_init(&span, BYTES_MAX);
    proto_out_head(&attribute, OTLP_RESOURCE_ATTRIBUTES, 14 + 4 + strlen(service));
    proto_out_text(&attribute, OTLP_KEY_VALUE_KEY, text_of("service.name"));
    proto_out_head(&attribute, OTLP_KEY_VALUE_VALUE, 2 + strlen(service));
    proto_out_text(&attribute, OTLP_VALUE_STRING, text_of(service));
    proto_out_bytes(&span, OTLP_SPAN_TRACE_ID, id, 16);
    proto_out_bytes(&span, OTLP_SPAN_SPAN_ID, id + 8, 8);
    proto_out_text(&span, OTLP_SPAN_NAME, text_of(number % 2 ? "odd" : "even"));
    proto_out_fixed64(&span, OTLP_SPAN_START_TIME, start_ns);
    proto_out_fixed64(&span, OTLP_SPAN_END_TIME, start_ns + number);
    proto_out_bytes(&span, OTLP_SPAN_TRACE_STATE, text, ballast);
    const struct batch_span one = {.start_ns = start_ns,
                                   .end_ns = start_ns + number,
                                   .bytes = {buffer_text(&span), span.length_bytes}};
    const struct batch_origin origin = {
        .resource = {buffer_text(&attribute), attribute.length_bytes}, .scope = {"", 0}};
    struct open_trace *trace = open_trace_new(id);
    assert_non_null(trace);
    assert_true(open_trace_add(trace, &one, &origin));
    buffer_release(&attribute);
    buffer_release(&span);
    free(text);
    return trace;
}

static void add(struct fixture *fixture, struct open_trace *trace)
{
    struct buffer body;
    buffer_init(&body, BYTES_MAX);
    open_trace_write(trace, &body);
    assert_int_equal(digest_read(&fixture->digest, trace), STATUS_OK);
    assert_int_equal(store_add(fixture->store, trace, &fixture->digest,
                               (struct text){buffer_text(&body), body.length_bytes}),
                     STATUS_OK);
    buffer_release(&body);
    open_trace_free(trace);
}

/* A record of the trace of that number; 0: of none. */
static void add_log(struct fixture *fixture, uint8_t number)
{
    static const struct otlp_resource resource = {.service = TEXT_CONSTANT("cart")};
    static const struct otlp_scope scope = {TEXT_CONSTANT("log"), TEXT_CONSTANT("")};
    struct otlp_log log = {.time_ns = 7, .resource = &resource, .scope = &scope};
    log.trace_id[15] = number;
    assert_int_equal(store_add_log(fixture->store, &log), STATUS_OK);
}

static bool has_trace(struct fixture *fixture, uint8_t number)
{
    const uint8_t id[16] = {[15] = number};
    struct buffer body;
    buffer_init(&body, BYTES_MAX);
    const enum status status = store_read_trace(fixture->readers, id, &body);
    assert_true(status == STATUS_OK || status == STATUS_NOT_FOUND);
    buffer_release(&body);
    return status == STATUS_OK;
}

static void check_commit(void **state)
{
    struct fixture fixture;
    (void)state;
    begin(&fixture, UINT32_MAX);
    assert_int_equal(store_begin(fixture.store, NULL), STATUS_OK);
    add(&fixture, make_trace(1, "cart", 1000, 10));
    assert_int_equal(store_commit(fixture.store, NULL), STATUS_OK);
    assert_true(has_trace(&fixture, 1));
    assert_false(has_trace(&fixture, 2));
    assert_int_equal(store_stats(fixture.store).traces, 1);
    end(&fixture);
}

/* Names of a transaction that was taken back are not in the file: the next one adds them again. */
static void check_rollback(void **state)
{
    struct fixture fixture;
    (void)state;
    begin(&fixture, UINT32_MAX);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(store_begin(fixture.store, NULL), STATUS_OK);
        add(&fixture, make_trace(1, "cart", 1000, 10));
        if (round == 0)
            store_rollback(fixture.store);
        else
            assert_int_equal(store_commit(fixture.store, NULL), STATUS_OK);
        const bool known = names_find(store_names(fixture.store), text_of("cart")) != NAMES_OTHER;
        assert_int_equal(known, round == 1);
        assert_int_equal(has_trace(&fixture, 1), round == 1);
    }
    end(&fixture);
}

struct query_row {
    const char *it;
    const char *service, *operation;
    uint64_t start_ns, end_ns, shortest_ns, longest_ns;
    size_t limit;
    const char *found; /* last digits, newest first */
};

/* Traces 1..6 start at 1000, 2000, ...; odd ones are of "cart", even ones of "pay". */
static const struct query_row query_rows[] = {
    {"it finds a service's traces, newest first", "cart", "", 0, UINT64_MAX, 0, UINT64_MAX, 9,
     "531"},
    {"it finds any service's traces", "", "", 0, UINT64_MAX, 0, UINT64_MAX, 9, "654321"},
    {"it goes on page by page", "cart", "", 0, UINT64_MAX, 0, UINT64_MAX, 1, "531"},
    {"it goes on page by page without a service", "", "", 0, UINT64_MAX, 0, UINT64_MAX, 2,
     "654321"},
    {"it holds to the time", "pay", "", 3000, 5000, 0, UINT64_MAX, 9, "4"},
    {"it looks at the operation", "cart", "odd", 0, UINT64_MAX, 0, UINT64_MAX, 9, "531"},
    {"it knows operations of other services", "cart", "even", 0, UINT64_MAX, 0, UINT64_MAX, 9, ""},
    {"it looks at durations", "cart", "", 0, UINT64_MAX, 3, 4, 9, "3"},
};

static void check_query(void **state)
{
    const struct query_row *row = *state;
    struct fixture fixture;
    struct buffer rows, found;
    enum status status = STATUS_OK;
    begin(&fixture, UINT32_MAX);
    struct names *names = store_names(fixture.store);
    assert_int_equal(store_begin(fixture.store, NULL), STATUS_OK);
    for (uint8_t i = 1; i <= 6; i++)
        add(&fixture, make_trace(i, i % 2 ? "cart" : "pay", i * 1000u, 10));
    assert_int_equal(store_commit(fixture.store, NULL), STATUS_OK);
    struct store_read_query query = {names_find(names, text_of(row->service)),
                                     names_find(names, text_of(row->operation)),
                                     row->start_ns,
                                     row->end_ns,
                                     row->shortest_ns,
                                     row->longest_ns,
                                     INT64_MAX,
                                     INT64_MAX,
                                     row->limit};
    buffer_init(&rows, BYTES_MAX);
    buffer_init(&found, 64);
    while (status == STATUS_OK) {
        buffer_clear(&rows);
        status = store_read_rows(fixture.readers, &query, &rows);
        const struct store_read_row *items = (const void *)rows.data;
        for (size_t i = 0; i < rows.length_bytes / sizeof(*items); i++) {
            buffer_printf(&found, "%u", items[i].id[15]);
            query.before_start = items[i].start_ns;
            query.before_rid = items[i].rid;
        }
    }
    assert_int_equal(status, STATUS_END);
    assert_string_equal(buffer_text(&found), row->found);
    buffer_release(&rows);
    buffer_release(&found);
    end(&fixture);
}

static void check_retention(void **state)
{
    struct fixture fixture;
    struct store_evicted evicted;
    uint64_t traces = 0, logs = 0;
    (void)state;
    begin(&fixture, 512 * 1024);
    for (uint8_t i = 1; i <= 100; i++) {
        assert_int_equal(store_begin(fixture.store, NULL), STATUS_OK);
        add(&fixture, make_trace(i, "cart", i * 1000u, 20000));
        add_log(&fixture, i);
        add_log(&fixture, 0);
        assert_int_equal(store_retain(fixture.store, &evicted), STATUS_OK);
        assert_int_equal(evicted.traces, evicted.spans);
        traces += evicted.traces;
        logs += evicted.logs;
        assert_int_equal(store_commit(fixture.store, NULL), STATUS_OK);
        assert_true(store_stats(fixture.store).bytes <= 512 * 1024);
    }
    assert_true(traces > 0);
    assert_int_equal(store_stats(fixture.store).traces, 100 - traces);
    assert_int_equal(logs, traces); /* a record goes with its trace */
    assert_int_equal(store_stats(fixture.store).logs, 200 - logs);
    assert_false(has_trace(&fixture, 1));
    assert_true(has_trace(&fixture, 100));
    end(&fixture);
}

int main(void)
{
    static struct rows all;
    rows_one(&all, "it keeps what is committed", check_commit);
    rows_one(&all, "it forgets what is taken back", check_rollback);
    ROWS(&all, query_rows, check_query);
    rows_one(&all, "it evicts the oldest when it is full", check_retention);
    return rows_run("collector_store", &all);
}
