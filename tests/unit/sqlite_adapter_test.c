/* Database spans of real statements, with the evidence that sqlite keeps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "trace/adapters/sqlite.h"
#include "trace_sink.h"

static struct sink sink;
static sqlite3 *database;

static int start(void **state)
{
    (void)state;
    static const char *const script[] = {SINK_OK};
    sink_start(&sink, script, 1);
    sink_trace(&sink, NULL);
    if (sqlite3_open(":memory:", &database) != SQLITE_OK)
        return -1;
    return sqlite3_exec(database,
                        "CREATE TABLE stock(id INTEGER PRIMARY KEY, sku TEXT, n INTEGER UNIQUE);"
                        "CREATE TABLE other(sku TEXT);"
                        "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM c WHERE i<500)"
                        "INSERT INTO stock SELECT i, 'sku' || i, i FROM c;"
                        "INSERT INTO other SELECT sku FROM stock LIMIT 20;",
                        NULL, NULL, NULL) == SQLITE_OK
               ? 0
               : -1;
}

static int stop(void **state)
{
    (void)state;
    sqlite3_close(database);
    enum status status = tracing_shutdown(sink_soon());
    sink_stop(&sink);
    return status == STATUS_OK ? 0 : -1;
}

static struct sink_span arrived(const char *name)
{
    struct sink_span span;
    assert_int_equal(tracing_flush(sink_soon()), STATUS_OK);
    assert_int_equal(sink_find(&sink, name, &span), 1);
    return span;
}

static void execute(sqlite3_stmt *statement, const char *summary)
{
    struct trace_sqlite_execution execution;
    int64_t rows = 0;
    int result;
    trace_sqlite_begin(&execution, statement, "stock.db", summary);
    while ((result = sqlite3_step(statement)) == SQLITE_ROW)
        rows++;
    trace_sqlite_end(&execution, result, rows);
    sqlite3_reset(statement);
}

static sqlite3_stmt *prepare(const char *sql)
{
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_prepare_v2(database, sql, -1, &statement, NULL), SQLITE_OK);
    return statement;
}

static void tells_how_a_statement_worked(void **state)
{
    (void)state;
    static const struct {
        const char *name, *sql, *summary;
        int64_t scans, sorts, rows;
        bool autoindex;
    } rows[] = {
        {"it counts a full scan", "SELECT * FROM stock WHERE sku = 'sku9'", "SELECT scanned", 499,
         0, 1, false},
        {"it counts no scan with a key", "SELECT * FROM stock WHERE id = 9", "SELECT found", 0, 0,
         1, false},
        {"it counts a sort", "SELECT * FROM stock WHERE id < 10 ORDER BY sku", "SELECT sorted", 0,
         1, 9, false},
        {"it counts an automatic index",
         "SELECT count(*) FROM other a, other b WHERE a.sku = b.sku", "SELECT joined", 19, 0, 1,
         true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        sqlite3_stmt *statement = prepare(rows[i].sql);
        execute(statement, rows[i].summary);
        struct sink_span span = arrived(rows[i].summary);
        const struct sink_attribute *autoindex = sink_attribute(&span, "sqlite.autoindex_rows");
        const struct sink_attribute *steps = sink_attribute(&span, "sqlite.vm_steps");
        bool scans_fit =
            rows[i].autoindex || sink_has_i64(&span, "sqlite.fullscan_steps", rows[i].scans);
        if (!scans_fit || !sink_has_i64(&span, "sqlite.sorts", rows[i].sorts) ||
            !sink_has_i64(&span, "db.response.returned_rows", rows[i].rows) || autoindex == NULL ||
            (autoindex->number > 0) != rows[i].autoindex || steps == NULL || steps->number == 0)
            fail_msg("%s", rows[i].name);
        assert_int_equal(span.kind, OTLP_KIND_CLIENT);
        assert_int_equal(span.status_code, OTLP_STATUS_UNSET);
        assert_true(sink_has_text(&span, "db.system.name", "sqlite"));
        assert_true(sink_has_text(&span, "db.namespace", "stock.db"));
        assert_true(sink_has_text(&span, "db.query.text", rows[i].sql));
        assert_true(sink_has_text(&span, "db.query.summary", rows[i].summary));
        assert_true(sink_has_text(&span, "db.operation.name", "SELECT"));
        assert_true(sink_has_text(&span, "db.collection.name", rows[i].summary + 7));
        sqlite3_finalize(statement);
    }
}

static void counts_each_execution_alone(void **state)
{
    (void)state;
    sqlite3_stmt *statement = prepare("SELECT * FROM stock WHERE sku = ?");
    execute(statement, "SELECT first");
    execute(statement, "SELECT second");
    struct sink_span span = arrived("SELECT second");
    assert_true(sink_has_i64(&span, "sqlite.fullscan_steps", 499));
    assert_true(sink_has_text(&span, "db.query.text", "SELECT * FROM stock WHERE sku = ?"));
    sqlite3_finalize(statement);
}

static void names_an_error(void **state)
{
    (void)state;
    sqlite3_stmt *statement = prepare("INSERT INTO stock VALUES(1000, 'x', 1)");
    execute(statement, "INSERT stock");
    struct sink_span span = arrived("INSERT stock");
    assert_int_equal(span.status_code, OTLP_STATUS_ERROR);
    assert_true(sink_has_text(&span, "error.type", "SQLITE_CONSTRAINT"));
    assert_true(sink_has_text(&span, "db.response.status_code", "SQLITE_CONSTRAINT"));
    sqlite3_finalize(statement);
}

static void takes_a_summary_of_one_word(void **state)
{
    (void)state;
    sqlite3_stmt *statement = prepare("BEGIN");
    execute(statement, "BEGIN");
    sqlite3_exec(database, "ROLLBACK", NULL, NULL, NULL);
    struct sink_span span = arrived("BEGIN");
    assert_true(sink_has_text(&span, "db.operation.name", "BEGIN"));
    assert_null(sink_attribute(&span, "db.collection.name"));
    sqlite3_finalize(statement);
}

static void tells_of_waits_for_the_file(void **state)
{
    (void)state;
    static const struct {
        const char *summary;
        uint64_t count, wait_ns;
    } rows[] = {{"SELECT waited", 3, 8000000}, {"SELECT at once", 0, 0}};
    for (size_t i = 0; i < 2; i++) {
        struct trace_sqlite_execution execution;
        sqlite3_stmt *statement = prepare("SELECT 1");
        trace_sqlite_begin(&execution, statement, "stock.db", rows[i].summary);
        trace_sqlite_busy(&execution, rows[i].count, rows[i].wait_ns);
        trace_sqlite_end(&execution, sqlite3_step(statement), 1);
        sqlite3_finalize(statement);
        struct sink_span span = arrived(rows[i].summary);
        if (rows[i].count == 0) {
            assert_null(sink_attribute(&span, "sqlite.busy_waits"));
            assert_null(sink_attribute(&span, "sqlite.busy_wait_us"));
        } else {
            assert_true(sink_has_i64(&span, "sqlite.busy_waits", 3));
            assert_true(sink_has_i64(&span, "sqlite.busy_wait_us", 8000));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_how_a_statement_worked),
        cmocka_unit_test(counts_each_execution_alone),
        cmocka_unit_test(names_an_error),
        cmocka_unit_test(takes_a_summary_of_one_word),
        cmocka_unit_test(tells_of_waits_for_the_file),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
