/* The database helper on real files: rows in and out, transactions, many writers, many readers. */
#include "rows.h"

#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "http/db.h"

static char directory[64];
static struct db *db;
static struct service_parts parts;

static const char schema[] = "CREATE TABLE IF NOT EXISTS stock("
                             "sku TEXT PRIMARY KEY, units INTEGER NOT NULL CHECK(units >= 0),"
                             "weight REAL, note TEXT);";

static const struct db_query insert = {"INSERT stock", "INSERT INTO stock VALUES(?, ?, ?, ?)"};
static const struct db_query select_one = {
    "SELECT stock", "SELECT sku, units, weight, note FROM stock WHERE sku = ?"};
static const struct db_query select_all = {"SELECT stock", "SELECT sku, units FROM stock"};
static const struct db_query select_total = {"SELECT stock", "SELECT sum(units) FROM stock"};
static const struct db_query take = {"UPDATE stock",
                                     "UPDATE stock SET units = units - ? WHERE sku = ?"};
static const struct db_query broken = {"SELECT nothing", "SELECT nothing FROM nowhere"};

static int unlink_one(const char *path, const struct stat *about, int type, struct FTW *walk)
{
    (void)about, (void)type, (void)walk;
    return remove(path);
}

static int open_db(void **state)
{
    (void)state;
    snprintf(directory, sizeof directory, "/tmp/culprit-db-test-XXXXXX");
    struct error error = {0};
    if (!mkdtemp(directory)) {
        return -1;
    }
    char inner[96];
    snprintf(inner, sizeof inner, "%s/made/on/the/way", directory);
    enum status status = db_new(&db, inner, "stock", schema, &error);
    parts = (struct service_parts){.service = "stock", .db = db};
    return status == STATUS_OK ? 0 : -1;
}

static int close_db(void **state)
{
    (void)state;
    db_free(db);
    db = NULL;
    return nftw(directory, unlink_one, 8, FTW_DEPTH | FTW_PHYS);
}

static struct work new_work(uint64_t timeout_ms)
{
    return (struct work){.parts = &parts, .deadline_ns = clock_mono_ns() + timeout_ms * NS_PER_MS};
}

static enum status add(const char *sku, int64_t units)
{
    struct work work = new_work(5000);
    struct db_transaction *transaction = NULL;
    enum status status = db_begin(&work, &transaction);
    if (status != STATUS_OK) {
        return status;
    }
    status = db_execute(transaction, &insert, NULL, "sids", sku, units, 1.5, NULL);
    if (status != STATUS_OK) {
        db_rollback(transaction);
        return status;
    }
    return db_commit(transaction);
}

static int64_t total(void)
{
    struct work work = new_work(5000);
    struct db_rows *rows = NULL;
    assert_int_equal(db_select(&work, &select_total, &rows, ""), STATUS_OK);
    assert_true(db_next(rows));
    int64_t units = db_i64(rows, 0);
    assert_int_equal(db_done(rows), STATUS_OK);
    return units;
}

static void test_round_trip(void **state)
{
    (void)state;
    assert_int_equal(add("a", 7), STATUS_OK);
    struct work work = new_work(1000);
    struct db_rows *rows = NULL;
    assert_int_equal(db_select(&work, &select_one, &rows, "t", TEXT_LITERAL("a")), STATUS_OK);
    assert_true(db_next(rows));
    assert_string_equal(db_text(rows, 0), "a");
    assert_int_equal(db_i64(rows, 1), 7);
    assert_true(db_double(rows, 2) == 1.5);
    assert_true(db_is_null(rows, 3));
    assert_string_equal(db_text(rows, 3), "");
    assert_false(db_next(rows));
    assert_false(db_next(rows));
    assert_int_equal(db_done(rows), STATUS_OK);
}

static void test_empty(void **state)
{
    (void)state;
    struct work work = new_work(1000);
    struct db_rows *rows = NULL;
    assert_int_equal(db_select(&work, &select_one, &rows, "s", "none"), STATUS_OK);
    assert_false(db_next(rows));
    assert_int_equal(db_done(rows), STATUS_OK);
    assert_int_equal(db_done(NULL), STATUS_OK);
}

static void test_constraints(void **state)
{
    (void)state;
    assert_int_equal(add("a", 7), STATUS_OK);
    assert_int_equal(add("a", 8), STATUS_EXISTS);
    assert_int_equal(add("b", -1), STATUS_INVALID);
    assert_int_equal(total(), 7);
}

static void test_bad_statement(void **state)
{
    (void)state;
    struct work work = new_work(1000);
    struct db_rows *rows = (void *)1;
    assert_int_equal(db_select(&work, &broken, &rows, ""), STATUS_INVALID);
    assert_null(rows);
    assert_int_equal(db_select(&work, &select_one, &rows, "x", 1), STATUS_INVALID);
    assert_int_equal(db_select(&work, &select_one, &rows, "ss", "a", "b"), STATUS_INVALID);
    /* ... and the connection is as good as before. */
    assert_int_equal(add("a", 1), STATUS_OK);
    assert_int_equal(total(), 1);
}

static void test_rollback(void **state)
{
    (void)state;
    struct work work = new_work(1000);
    struct db_transaction *transaction = NULL;
    assert_int_equal(db_begin(&work, &transaction), STATUS_OK);
    assert_int_equal(db_execute(transaction, &insert, NULL, "sids", "a", (int64_t)1, 0.0, "x"),
                     STATUS_OK);
    struct db_rows *rows = NULL;
    assert_int_equal(db_select_in(transaction, &select_one, &rows, "s", "a"), STATUS_OK);
    assert_true(db_next(rows));
    assert_int_equal(db_done(rows), STATUS_OK);
    db_rollback(transaction);
    db_rollback(NULL);
    assert_int_equal(add("a", 2), STATUS_OK);
    assert_int_equal(total(), 2);
}

static void test_nested_statements(void **state)
{
    (void)state;
    assert_int_equal(add("a", 1), STATUS_OK);
    assert_int_equal(add("b", 2), STATUS_OK);
    struct work work = new_work(1000);
    struct db_transaction *transaction = NULL;
    struct db_rows *outer = NULL;
    assert_int_equal(db_begin(&work, &transaction), STATUS_OK);
    assert_int_equal(db_select_in(transaction, &select_all, &outer, ""), STATUS_OK);
    int outer_count = 0, inner_count = 0;
    while (db_next(outer)) {
        struct db_rows *inner = NULL;
        outer_count++;
        assert_int_equal(db_select_in(transaction, &select_all, &inner, ""), STATUS_OK);
        while (db_next(inner)) {
            inner_count++;
        }
        assert_int_equal(db_done(inner), STATUS_OK);
    }
    assert_int_equal(db_done(outer), STATUS_OK);
    assert_int_equal(db_commit(transaction), STATUS_OK);
    assert_int_equal(outer_count, 2);
    assert_int_equal(inner_count, 4);
}

static void test_writer_deadline(void **state)
{
    (void)state;
    struct work work = new_work(1000), hurried = new_work(20);
    struct db_transaction *holder = NULL, *waiter = NULL;
    assert_int_equal(db_begin(&work, &holder), STATUS_OK);
    assert_int_equal(db_begin(&hurried, &waiter), STATUS_TIMEOUT);
    assert_null(waiter);
    assert_int_equal(db_commit(holder), STATUS_OK);
    assert_int_equal(add("a", 1), STATUS_OK);
}

static void test_stats(void **state)
{
    (void)state;
    struct work work = new_work(1000);
    struct db_transaction *transaction = NULL;
    struct db_stats before = db_stats(db);
    assert_int_equal(add("a", 5), STATUS_OK);
    assert_int_equal(total(), 5);
    assert_int_equal(db_begin(&work, &transaction), STATUS_OK);
    assert_int_equal(db_execute(transaction, &take, NULL, "is", (int64_t)9, "a"), STATUS_INVALID);
    struct work hurried = new_work(10);
    struct db_transaction *second = NULL;
    assert_int_equal(db_begin(&hurried, &second), STATUS_TIMEOUT);
    db_rollback(transaction);
    struct db_stats after = db_stats(db);
    assert_int_equal(after.statements - before.statements, 3);
    assert_int_equal(after.failed_statements - before.failed_statements, 1);
    assert_int_equal(after.commits - before.commits, 1);
    assert_int_equal(after.writer_timeouts - before.writer_timeouts, 1);
}

static void test_changes(void **state)
{
    (void)state;
    assert_int_equal(add("a", 5), STATUS_OK);
    struct work work = new_work(1000);
    struct db_transaction *transaction = NULL;
    int64_t changes = -1;
    assert_int_equal(db_begin(&work, &transaction), STATUS_OK);
    assert_int_equal(db_execute(transaction, &take, &changes, "is", (int64_t)2, "a"), STATUS_OK);
    assert_int_equal(changes, 1);
    assert_int_equal(db_execute(transaction, &take, &changes, "is", (int64_t)2, "no"), STATUS_OK);
    assert_int_equal(changes, 0);
    assert_int_equal(db_execute(transaction, &take, NULL, "is", (int64_t)9, "a"), STATUS_INVALID);
    assert_int_equal(db_commit(transaction), STATUS_OK);
    assert_int_equal(total(), 3);
}

static void test_round_trip_is_waited_for_in_reads(void **state)
{
    (void)state;
    assert_int_equal(add("a", 5), STATUS_OK);
    struct work work = new_work(5000);
    work.faults.database_round_trip_us = 30000;
    uint64_t began_ns = clock_mono_ns();
    struct db_rows *rows = NULL;
    assert_int_equal(db_select(&work, &select_one, &rows, "s", "a"), STATUS_OK);
    assert_int_equal(db_done(rows), STATUS_OK);
    assert_true(clock_mono_ns() - began_ns >= 30 * NS_PER_MS);
}

enum { THREADS = 8, TURNS = 100 };

static void *write_many(void *context)
{
    (void)context;
    for (int i = 0; i < TURNS; i++) {
        struct work work = new_work(20000);
        struct db_transaction *transaction = NULL;
        if (db_begin(&work, &transaction) != STATUS_OK ||
            db_execute(transaction, &take, NULL, "is", (int64_t)1, "a") != STATUS_OK ||
            db_commit(transaction) != STATUS_OK) {
            return (void *)1;
        }
    }
    return NULL;
}

static void *read_many(void *context)
{
    (void)context;
    for (int i = 0; i < TURNS; i++) {
        struct work work = new_work(20000);
        struct db_rows *rows = NULL;
        if (db_select(&work, &select_one, &rows, "s", "a") != STATUS_OK) {
            return (void *)1;
        }
        bool found = db_next(rows);
        if (db_done(rows) != STATUS_OK || !found) {
            return (void *)1;
        }
    }
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    assert_int_equal(add("a", 2 * THREADS * TURNS), STATUS_OK);
    pthread_t threads[2 * THREADS];
    for (int i = 0; i < 2 * THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, i % 2 ? write_many : read_many, NULL),
                         0);
    }
    for (int i = 0; i < 2 * THREADS; i++) {
        void *failed = NULL;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    assert_int_equal(total(), THREADS * TURNS);
}

static void test_bad_schema(void **state)
{
    (void)state;
    struct error error = {0};
    struct db *other = NULL;
    assert_int_equal(db_new(&other, directory, "other", "CREATE NONSENSE;", &error),
                     STATUS_INVALID);
    assert_non_null(strstr(error.text, "schema"));
    assert_null(other);
    assert_int_equal(db_new(&other, "/proc/nowhere", "other", NULL, &error), STATUS_IO);
}

static void test_script(void **state)
{
    (void)state;
    struct error error = {0};
    assert_int_equal(db_script(db, "INSERT INTO stock VALUES('s', 3, 0, '');", &error), STATUS_OK);
    assert_int_equal(db_script(db, "INSERT INTO stock VALUES('s', 3, 0, '');", &error),
                     STATUS_EXISTS);
    assert_int_equal(total(), 3);
}

#define ON_A_FILE(test) cmocka_unit_test_setup_teardown(test, open_db, close_db)

/* ---- files that nobody writes to */

static const struct db_query count_lines = {"SELECT stock", "SELECT count(*) FROM stock"};
static const struct db_query self_join = {
    "SELECT stock", "SELECT count(*) FROM stock a JOIN stock b ON a.units = b.units"};

/* A finished file; its database is closed. */
static void make_facts(char path[128])
{
    struct db *made = NULL;
    struct error error = {0};
    snprintf(path, 128, "%s/facts.db", directory);
    assert_int_equal(db_new(&made, directory, "facts", schema, &error), STATUS_OK);
    assert_int_equal(db_script(made,
                               "INSERT INTO stock(sku, units) VALUES('a', 1);"
                               "INSERT INTO stock(sku, units) VALUES('b', 1);",
                               &error),
                     STATUS_OK);
    db_free(made);
}

static int64_t count_from(struct db *from, const struct db_query *query)
{
    struct work work = new_work(1000);
    struct db_rows *rows = NULL;
    int64_t count = -1;
    assert_int_equal(db_select_from(from, &work, query, &rows, ""), STATUS_OK);
    if (db_next(rows)) {
        count = db_i64(rows, 0);
    }
    assert_int_equal(db_done(rows), STATUS_OK);
    return count;
}

static void reads_another_file(void **state)
{
    (void)state;
    char path[128];
    struct db *facts = NULL;
    struct error error = {0};
    make_facts(path);
    assert_int_equal(db_open_read_only(&facts, path, "facts.db", &error), STATUS_OK);
    assert_int_equal(count_from(facts, &count_lines), 2);
    assert_int_equal(count_from(facts, &self_join), 4);
    assert_int_equal(count_from(db, &count_lines), 0);
    db_free(facts);
}

static void does_not_make_what_is_missing(void **state)
{
    (void)state;
    struct db *facts = NULL;
    struct error error = {0};
    char path[128];
    snprintf(path, sizeof path, "%s/nowhere.db", directory);
    assert_int_equal(db_open_read_only(&facts, path, "nowhere.db", &error), STATUS_IO);
    assert_null(facts);
    assert_non_null(strstr(error.text, "nowhere.db"));
    assert_int_not_equal(access(path, F_OK), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_A_FILE(test_round_trip),
        ON_A_FILE(test_empty),
        ON_A_FILE(test_constraints),
        ON_A_FILE(test_bad_statement),
        ON_A_FILE(test_rollback),
        ON_A_FILE(test_nested_statements),
        ON_A_FILE(test_writer_deadline),
        ON_A_FILE(test_changes),
        ON_A_FILE(test_threads),
        ON_A_FILE(test_round_trip_is_waited_for_in_reads),
        ON_A_FILE(test_bad_schema),
        ON_A_FILE(test_script),
        ON_A_FILE(test_stats),
        ON_A_FILE(reads_another_file),
        ON_A_FILE(does_not_make_what_is_missing),
    };
    return cmocka_run_group_tests_name("db", tests, NULL, NULL);
}
