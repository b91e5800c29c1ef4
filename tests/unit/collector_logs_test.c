/* Log records between a request and the answer to a question: the inbox, and the store in a
 * directory of its own, written as the writer does. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "services/collector/log_inbox.h"
#include "services/collector/log_read.h"
#include "services/collector/store.h"
#include "tests/unit/rows.h"

enum { BYTES_MAX = 16 * 1024 * 1024 };

struct fixture {
    char directory[64], path[128];
    struct store *store;
    struct log_reader *reader;
};

static void open_store(struct fixture *fixture, uint64_t max_bytes)
{
    struct error error = {{0}};
    const struct store_config config = {.path = fixture->path, .max_bytes = max_bytes};
    assert_int_equal(store_open(&fixture->store, &config, &error), STATUS_OK);
    assert_int_equal(log_read_open(&fixture->reader, fixture->path, &error), STATUS_OK);
}

static void close_store(struct fixture *fixture)
{
    log_read_close(fixture->reader);
    store_close(fixture->store);
}

static void begin(struct fixture *fixture, uint64_t max_bytes)
{
    strcpy(fixture->directory, "/tmp/collector-logs-XXXXXX");
    assert_non_null(mkdtemp(fixture->directory));
    snprintf(fixture->path, sizeof(fixture->path), "%s/traces.db", fixture->directory);
    open_store(fixture, max_bytes);
}

static void end(struct fixture *fixture)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    char path[160];
    close_store(fixture);
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        snprintf(path, sizeof(path), "%s%s", fixture->path, suffixes[i]);
        unlink(path);
    }
    assert_int_equal(rmdir(fixture->directory), 0);
}

/* ---- questions */

static const struct otlp_resource cart = {.service = TEXT_CONSTANT("cart")};
static const struct otlp_resource bank = {.service = TEXT_CONSTANT("bank")};
static const struct otlp_scope scope = {TEXT_CONSTANT("shop"), TEXT_CONSTANT("")};

/* Trace, time, severity, service; the body is the row's number. */
static const struct {
    uint8_t trace;
    uint64_t time_ns;
    uint8_t severity;
    const struct otlp_resource *resource;
} records[] = {
    {1, 300, 9, &cart},  {1, 100, 17, &cart}, {2, 200, 9, &bank},
    {0, 250, 13, &cart}, {1, 300, 5, &bank},  {2, UINT64_MAX, 0, &cart},
};

static void fill(struct fixture *fixture)
{
    assert_int_equal(store_begin(fixture->store, NULL), STATUS_OK);
    for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
        struct otlp_log log = {.time_ns = records[i].time_ns,
                               .severity = records[i].severity,
                               .body = {.type = OTLP_I64, .i64 = (int64_t)i},
                               .resource = records[i].resource,
                               .scope = &scope};
        log.trace_id[0] = records[i].trace;
        log.span_id[7] = records[i].trace;
        assert_int_equal(store_add_log(fixture->store, &log), STATUS_OK);
    }
    assert_int_equal(store_commit(fixture->store, NULL), STATUS_OK);
}

struct query_row {
    const char *it;
    uint8_t trace; /* 0: by time */
    uint64_t start_ns, end_ns;
    const char *service;
    uint32_t severity;
    size_t limit;
    const char *found;
    bool truncated;
};

static const struct query_row query_rows[] = {
    {"it finds a trace's records in the order of time", 1, 0, 0, NULL, 0, 10, "1 0 4 ", false},
    {"it finds another trace's records", 2, 0, 0, NULL, 0, 10, "2 5 ", false},
    {"it finds none of a trace that is not there", 3, 0, 0, NULL, 0, 10, "", false},
    {"it leaves out what is not severe enough", 1, 0, 0, NULL, 9, 10, "1 0 ", false},
    {"it finds a service's records of a trace", 1, 0, 0, "bank", 0, 10, "4 ", false},
    {"it says that there are more", 1, 0, 0, NULL, 0, 2, "1 0 ", true},
    {"it says that there are no more", 1, 0, 0, NULL, 0, 3, "1 0 4 ", false},
    {"it finds records by time, newest first", 0, 0, 1000, NULL, 0, 10, "4 0 3 2 1 ", false},
    {"it leaves the end of a window out", 0, 200, 300, NULL, 0, 10, "3 2 ", false},
    {"it finds a service's records by time", 0, 0, 1000, "bank", 0, 10, "4 2 ", false},
    {"it finds warnings by time", 0, 0, 1000, NULL, 13, 10, "3 1 ", false},
    {"it keeps the newest", 0, 0, 1000, NULL, 0, 2, "4 0 ", true},
};

static void check_query(void **state)
{
    const struct query_row *row = *state;
    const uint8_t id[16] = {row->trace};
    struct fixture fixture;
    struct logs logs;
    char found[64] = "";
    bool truncated;
    begin(&fixture, UINT32_MAX);
    fill(&fixture);
    logs_init(&logs, 100, BYTES_MAX);
    const struct log_read_query query = {
        .trace_id = row->trace ? id : NULL,
        .start_ns = row->start_ns,
        .end_ns = row->end_ns,
        .service = row->service ? names_find(store_names(fixture.store), text_of(row->service))
                                : (uint32_t)NAMES_OTHER,
        .severity = row->severity,
        .limit = row->limit,
    };
    assert_int_equal(
        log_read_run(fixture.reader, store_names(fixture.store), &query, &logs, &truncated),
        STATUS_OK);
    for (size_t i = 0; i < logs.count; i++) {
        const struct otlp_log *log = &logs.items[i];
        const size_t length = strlen(found);
        snprintf(found + length, sizeof(found) - length, "%d ", (int)log->body.i64);
        assert_true(text_equal(log->resource->service, records[log->body.i64].resource->service));
        assert_true(text_is(log->scope->name, "shop"));
        assert_int_equal(log->trace_id[0], records[log->body.i64].trace);
        assert_int_equal(log->span_id[7], records[log->body.i64].trace);
        assert_int_equal(log->severity, records[log->body.i64].severity);
    }
    assert_string_equal(found, row->found);
    assert_int_equal(truncated, row->truncated);
    logs_release(&logs);
    end(&fixture);
}

/* ---- bounds */

static void add_large(struct fixture *fixture, size_t bytes, enum status expected)
{
    char *text = calloc(1, bytes + 1);
    assert_non_null(text);
    const struct otlp_log log = {.time_ns = 1,
                                 .body = {.type = OTLP_BYTES, .text = {text, bytes}},
                                 .resource = &cart,
                                 .scope = &scope};
    assert_int_equal(store_add_log(fixture->store, &log), expected);
    free(text);
}

/* A quarter of 4 MiB, at 10 KiB a record. */
static void keeps_its_share(void **state)
{
    struct fixture fixture;
    struct store_evicted evicted;
    uint64_t gone = 0;
    (void)state;
    begin(&fixture, 4 * 1024 * 1024);
    for (int i = 0; i < 300; i++) {
        assert_int_equal(store_begin(fixture.store, NULL), STATUS_OK);
        add_large(&fixture, 10 * 1024, STATUS_OK);
        assert_int_equal(store_retain(fixture.store, &evicted), STATUS_OK);
        gone += evicted.logs;
        assert_int_equal(store_commit(fixture.store, NULL), STATUS_OK);
    }
    const uint64_t kept = store_stats(fixture.store).logs;
    assert_int_equal(kept + gone, 300);
    assert_in_range(kept, 95, 102);
    close_store(&fixture);
    open_store(&fixture, 4 * 1024 * 1024); /* what was counted is counted again */
    assert_int_equal(store_stats(fixture.store).logs, kept);
    assert_int_equal(store_begin(fixture.store, NULL), STATUS_OK);
    add_large(&fixture, 500 * 1024, STATUS_OK);
    add_large(&fixture, 2 * 1024 * 1024, STATUS_TOO_LARGE);
    assert_int_equal(store_retain(fixture.store, &evicted), STATUS_OK);
    assert_in_range(evicted.logs, 45, 55);
    assert_int_equal(store_commit(fixture.store, NULL), STATUS_OK);
    end(&fixture);
}

static void forgets_what_is_taken_back(void **state)
{
    struct fixture fixture;
    struct store_evicted evicted;
    (void)state;
    begin(&fixture, 4 * 1024 * 1024);
    fill(&fixture);
    assert_int_equal(store_begin(fixture.store, NULL), STATUS_OK);
    add_large(&fixture, 900 * 1024, STATUS_OK);
    store_rollback(fixture.store);
    assert_int_equal(store_begin(fixture.store, NULL), STATUS_OK);
    add_large(&fixture, 900 * 1024, STATUS_OK);
    assert_int_equal(store_retain(fixture.store, &evicted), STATUS_OK);
    assert_int_equal(evicted.logs, 0); /* would be, were the first one still counted */
    assert_int_equal(store_commit(fixture.store, NULL), STATUS_OK);
    assert_int_equal(store_stats(fixture.store).logs, 7);
    end(&fixture);
}

/* ---- the inbox */

static void make_logs(struct logs *logs, size_t count, size_t bytes)
{
    logs_init(logs, 100, 64 * 1024 * 1024);
    for (size_t i = 0; i < count; i++) {
        assert_non_null(arena_alloc(&logs->strings.arena, bytes));
        assert_int_equal(logs_add(logs, &(struct otlp_log){.time_ns = i}), STATUS_OK);
    }
}

static void hands_parcels_on(void **state)
{
    struct log_inbox *inbox;
    struct logs logs;
    (void)state;
    assert_int_equal(log_inbox_new(&inbox), STATUS_OK);
    assert_null(log_inbox_take(inbox));
    make_logs(&logs, 2, 10);
    assert_int_equal(log_inbox_put(inbox, &logs), STATUS_OK);
    assert_int_equal(logs.count, 0);
    logs_release(&logs);
    make_logs(&logs, 3, 10);
    assert_int_equal(log_inbox_put(inbox, &logs), STATUS_OK);
    assert_int_equal(log_inbox_stats(inbox).records, 5);
    struct log_parcel *first = log_inbox_take(inbox), *second = log_inbox_take(inbox);
    assert_int_equal(first->logs.count, 2);
    assert_int_equal(second->logs.count, 3);
    assert_null(log_inbox_take(inbox));
    assert_int_equal(log_inbox_stats(inbox).records, 5); /* until they are written */
    log_inbox_done(inbox, first);
    log_inbox_done(inbox, second);
    assert_int_equal(log_inbox_stats(inbox).records, 0);
    assert_int_equal(log_inbox_stats(inbox).bytes, 0);
    make_logs(&logs, 1, 10);
    assert_int_equal(log_inbox_put(inbox, &logs), STATUS_OK);
    log_inbox_free(inbox); /* with what is left */
}

static void turns_away_when_full(void **state)
{
    struct log_inbox *inbox;
    struct logs logs;
    (void)state;
    assert_int_equal(log_inbox_new(&inbox), STATUS_OK);
    make_logs(&logs, 1, 40 * 1024 * 1024); /* alone it always fits */
    assert_int_equal(log_inbox_put(inbox, &logs), STATUS_OK);
    make_logs(&logs, 1, 10);
    assert_int_equal(log_inbox_put(inbox, &logs), STATUS_BUSY);
    assert_int_equal(logs.count, 1); /* still the caller's */
    log_inbox_done(inbox, log_inbox_take(inbox));
    assert_int_equal(log_inbox_put(inbox, &logs), STATUS_OK);
    log_inbox_free(inbox);
}

int main(void)
{
    static struct rows all;
    ROWS(&all, query_rows, check_query);
    rows_one(&all, "it keeps records to their share of the store", keeps_its_share);
    rows_one(&all, "it forgets what is taken back", forgets_what_is_taken_back);
    rows_one(&all, "it hands parcels from requests to the writer", hands_parcels_on);
    rows_one(&all, "it turns parcels away when it is full", turns_away_when_full);
    return rows_run("collector_logs", &all);
}
