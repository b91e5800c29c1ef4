#include "services/orders/history.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "http/db.h"

enum {
    PATH_BYTES = 512,
    SCRIPT_BYTES = 4096,
    PROBE_ROWS = 50000, /* enough to time a look-up by */
    ROWS_MAX = 800000,  /* 30 MB in both files */
    PROBES = 15,
    LOOK_UP_US = 10000, /* of one product, without the index */
};

struct history {
    struct db *indexed, *plain;
};

/* The lines first, as a table of their own: each of them is looked up by itself then. */
static const struct db_query select_sales = {
    "SELECT history",
    "WITH line(at, sku) AS MATERIALIZED (SELECT key, value ->> 'sku' FROM json_each(?))"
    " SELECT line.at, (SELECT sum(history.quantity) FROM history WHERE history.sku = line.sku)"
    " FROM line",
};

/* ---- making the files */

/* The files while they are made, and under the names that they get in the end. */
struct making {
    const struct service_parts *parts;
    struct db *workshop; /* an empty database, to run scripts in */
    char plain[PATH_BYTES], indexed[PATH_BYTES];
    char new_plain[PATH_BYTES], new_indexed[PATH_BYTES];
    char plain_sql[2 * PATH_BYTES], indexed_sql[2 * PATH_BYTES]; /* the new ones, for a script */
};

/* As a script has it: 'it''s here'. */
static void quote(const char *text, char out[2 * PATH_BYTES])
{
    size_t used = 0;
    for (; *text; text++) {
        out[used++] = *text;
        if (*text == '\'') {
            out[used++] = '\'';
        }
    }
    out[used] = '\0';
}

static enum status name_files(struct making *making, const char *directory, struct error *error)
{
    int longest = snprintf(making->new_indexed, PATH_BYTES, "%s/history-indexed.db.new", directory);
    snprintf(making->indexed, PATH_BYTES, "%s/history-indexed.db", directory);
    snprintf(making->new_plain, PATH_BYTES, "%s/history-plain.db.new", directory);
    snprintf(making->plain, PATH_BYTES, "%s/history-plain.db", directory);
    quote(making->new_plain, making->plain_sql);
    quote(making->new_indexed, making->indexed_sql);
    return longest > 0 && longest < PATH_BYTES
               ? STATUS_OK
               : error_set(error, STATUS_TOO_LARGE, "%s: path is too long", directory);
}

#define HISTORY_TABLE                                                                              \
    "history(purchase_id INTEGER PRIMARY KEY, sku TEXT NOT NULL, quantity INTEGER NOT NULL);"

/* The 7919 spreads the purchases over the products: neighbours in the table are of different ones,
 * and each product has as many as any other. */
static enum status add_purchases(const struct making *making, int64_t first, int64_t end,
                                 struct error *error)
{
    char script[SCRIPT_BYTES];
    snprintf(script, sizeof script,
             "ATTACH '%s' AS plain; PRAGMA plain.journal_mode=MEMORY;"
             "PRAGMA plain.synchronous=OFF;"
             "CREATE TABLE IF NOT EXISTS plain." HISTORY_TABLE
             "WITH RECURSIVE n(i) AS (VALUES (%lld) UNION ALL SELECT i + 1 FROM n WHERE i < %lld)"
             " INSERT INTO plain.history SELECT i, printf('sku-%%04d', 1 + i * 7919 %% 5000),"
             " 1 + i * 31 %% 3 FROM n;"
             "DETACH plain;",
             making->plain_sql, (long long)first, (long long)end - 1);
    return db_script(making->workshop, script, error);
}

static enum status copy_with_index(const struct making *making, struct error *error)
{
    char script[SCRIPT_BYTES];
    snprintf(script, sizeof script,
             "ATTACH '%s' AS plain; ATTACH '%s' AS indexed;"
             "PRAGMA indexed.journal_mode=MEMORY; PRAGMA indexed.synchronous=OFF;"
             "CREATE TABLE indexed." HISTORY_TABLE
             "INSERT INTO indexed.history SELECT * FROM plain.history;"
             "CREATE INDEX indexed.history_by_sku ON history(sku, quantity);"
             "DETACH plain; DETACH indexed;",
             making->plain_sql, making->indexed_sql);
    return db_script(making->workshop, script, error);
}

static enum status look_up(struct db *db, const struct work *work, const char *lines_json,
                           json_t *lines)
{
    struct db_rows *found = NULL;
    enum status status = db_select_from(db, work, &select_sales, &found, "s", lines_json);
    while (status == STATUS_OK && db_next(found)) {
        json_object_set_new(json_array_get(lines, (size_t)db_i64(found, 0)), "sold_before",
                            json_integer((json_int_t)db_i64(found, 1)));
    }
    enum status done = db_done(found);
    return status == STATUS_OK ? done : status;
}

/* CPU time of one look-up without the index; the least of several, as whatever else runs on this
 * machine can only add to it. */
static enum status time_look_up(const struct making *making, uint64_t *least_ns,
                                struct error *error)
{
    struct work work = {.parts = making->parts}; /* no round trip */
    struct db *plain = NULL;
    enum status status = db_open_read_only(&plain, making->new_plain, "history.db", error);
    *least_ns = UINT64_MAX;
    for (int i = 0; i < PROBES && status == STATUS_OK; i++) {
        uint64_t start_ns = clock_thread_cpu_ns();
        status = look_up(plain, &work, "[{\"sku\":\"sku-0001\"}]", NULL);
        uint64_t took_ns = clock_thread_cpu_ns() - start_ns;
        *least_ns = took_ns < *least_ns ? took_ns : *least_ns;
    }
    db_free(plain);
    return status;
}

/* Rows for a look-up of LOOK_UP_US, when that many of PROBE_ROWS take `probe_ns`. */
static int64_t fitting_rows(uint64_t probe_ns)
{
    uint64_t rows = PROBE_ROWS * (uint64_t)LOOK_UP_US * 1000 / (probe_ns ? probe_ns : 1);
    return rows < PROBE_ROWS ? PROBE_ROWS : rows > ROWS_MAX ? ROWS_MAX : (int64_t)rows;
}

static enum status fill(const struct making *making, struct error *error)
{
    uint64_t probe_ns = 0;
    enum status status = add_purchases(making, 0, PROBE_ROWS, error);
    if (status == STATUS_OK) {
        status = time_look_up(making, &probe_ns, error);
    }
    int64_t rows = fitting_rows(probe_ns);
    if (status == STATUS_OK && rows > PROBE_ROWS) {
        status = add_purchases(making, PROBE_ROWS, rows, error);
    }
    return status == STATUS_OK ? copy_with_index(making, error) : status;
}

static void remove_workshop(const struct making *making)
{
    static const char *const endings[] = {"", "-wal", "-shm"};
    char path[PATH_BYTES];
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        snprintf(path, sizeof path, "%s/history-workshop.db%s", making->parts->directory,
                 endings[i]);
        unlink(path);
    }
}

/* The names come last, and that of the indexed file at the very end: a start that was cut short
 * begins anew. */
static enum status make_files(struct making *making, struct error *error)
{
    unlink(making->new_plain);
    unlink(making->new_indexed);
    enum status status =
        db_new(&making->workshop, making->parts->directory, "history-workshop", NULL, error);
    if (status == STATUS_OK) {
        status = fill(making, error);
    }
    db_free(making->workshop);
    remove_workshop(making);
    if (status == STATUS_OK && (rename(making->new_plain, making->plain) != 0 ||
                                rename(making->new_indexed, making->indexed) != 0)) {
        return error_set(error, STATUS_IO, "%s: cannot be renamed", making->new_plain);
    }
    return status;
}

/* ---- what the header says */

enum status history_open(struct history **out, const struct service_parts *parts,
                         struct error *error)
{
    struct making making = {.parts = parts};
    struct history *history = calloc(1, sizeof *history);
    *out = NULL;
    if (!history) {
        return error_set(error, STATUS_NO_MEMORY, "no memory for the history");
    }
    enum status status = name_files(&making, parts->directory, error);
    if (status == STATUS_OK && access(making.indexed, R_OK) != 0) {
        status = make_files(&making, error);
    }
    if (status == STATUS_OK) {
        status = db_open_read_only(&history->indexed, making.indexed, "history.db", error);
    }
    if (status == STATUS_OK) {
        status = db_open_read_only(&history->plain, making.plain, "history.db", error);
    }
    if (status != STATUS_OK) {
        history_close(history);
        return status;
    }
    *out = history;
    return STATUS_OK;
}

void history_close(struct history *history)
{
    if (history) {
        db_free(history->indexed);
        db_free(history->plain);
        free(history);
    }
}

enum status history_note_sales(struct history *history, const struct work *work, bool by_index,
                               json_t *lines)
{
    char *lines_json = json_dumps(lines, JSON_COMPACT);
    if (!lines_json) {
        return STATUS_NO_MEMORY;
    }
    enum status status =
        look_up(by_index ? history->indexed : history->plain, work, lines_json, lines);
    free(lines_json);
    return status;
}
