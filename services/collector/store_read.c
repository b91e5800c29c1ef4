#include "services/collector/store_read.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "services/collector/body.h"
#include "services/collector/names.h"
#include "services/collector/sql.h"

enum { READERS = 4 };

struct reader {
    pthread_mutex_t lock;
    sqlite3 *db;
    sqlite3_stmt *by_id, *by_service, *id_of, *by_time, *edges;
};

struct store_readers {
    struct reader readers[READERS];
    atomic_uint turn;
};

static const char by_service_sql[] =
    "SELECT start_ns, rid, shortest_ns, longest_ns, operations FROM trace_service"
    " WHERE service = ?1 AND (start_ns, rid) < (?2, ?3) AND start_ns >= ?4 AND start_ns <= ?5"
    " ORDER BY start_ns DESC, rid DESC";

/* Rows come in about the order of time: the newest row first is the newest trace first, nearly. */
static const char by_time_sql[] =
    "SELECT start_ns, rid, id FROM trace WHERE rid < ?1 AND start_ns >= ?2 AND start_ns <= ?3"
    " ORDER BY rid DESC";

static enum status open_reader(struct reader *reader, const char *path, struct error *error)
{
    const struct {
        sqlite3_stmt **statement;
        const char *text;
    } table[] = {
        {&reader->by_id, "SELECT coding, body FROM trace WHERE id = ?1 ORDER BY rid"},
        {&reader->by_service, by_service_sql},
        {&reader->id_of, "SELECT id FROM trace WHERE rid = ?1"},
        {&reader->by_time, by_time_sql},
        {&reader->edges, "SELECT parent, child, SUM(calls) FROM edge WHERE minute BETWEEN ?1 AND ?2"
                         " GROUP BY parent, child"},
    };
    enum status status = sql_open(path, true, &reader->db, error);
    if (status == STATUS_OK)
        status = sql_run(reader->db, "PRAGMA cache_size=-2048", error);
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]) && status == STATUS_OK; i++)
        status = sql_prepare(reader->db, table[i].text, table[i].statement, error);
    return status;
}

static void close_reader(struct reader *reader)
{
    sqlite3_finalize(reader->by_id);
    sqlite3_finalize(reader->by_service);
    sqlite3_finalize(reader->id_of);
    sqlite3_finalize(reader->by_time);
    sqlite3_finalize(reader->edges);
    sqlite3_close(reader->db);
    pthread_mutex_destroy(&reader->lock);
}

enum status store_read_open(struct store_readers **out, const char *path, struct error *error)
{
    struct store_readers *readers = calloc(1, sizeof(*readers));
    enum status status = STATUS_OK;
    *out = NULL;
    if (!readers)
        return error_set(error, STATUS_NO_MEMORY, "out of memory");
    for (size_t i = 0; i < READERS; i++)
        pthread_mutex_init(&readers->readers[i].lock, NULL);
    for (size_t i = 0; i < READERS && status == STATUS_OK; i++)
        status = open_reader(&readers->readers[i], path, error);
    if (status != STATUS_OK) {
        store_read_close(readers);
        return status;
    }
    *out = readers;
    return STATUS_OK;
}

void store_read_close(struct store_readers *readers)
{
    if (!readers)
        return;
    for (size_t i = 0; i < READERS; i++)
        close_reader(&readers->readers[i]);
    free(readers);
}

/* A free one, or the wait for one in turn. Give it back by unlocking. */
static struct reader *take(struct store_readers *readers)
{
    for (size_t i = 0; i < READERS; i++) {
        if (pthread_mutex_trylock(&readers->readers[i].lock) == 0)
            return &readers->readers[i];
    }
    struct reader *reader = &readers->readers[atomic_fetch_add(&readers->turn, 1) % READERS];
    pthread_mutex_lock(&reader->lock);
    return reader;
}

enum status store_read_trace(struct store_readers *readers, const uint8_t id[16],
                             struct buffer *out)
{
    struct reader *reader = take(readers);
    enum status status = STATUS_NOT_FOUND;
    int result;
    sql_bind_blob(reader->by_id, 1, (struct text){(const char *)id, 16});
    while ((result = sqlite3_step(reader->by_id)) == SQLITE_ROW) {
        status = body_unpack((enum body_coding)sqlite3_column_int(reader->by_id, 0),
                             sql_column(reader->by_id, 1), out);
        if (status != STATUS_OK)
            break;
    }
    if (result != SQLITE_ROW && result != SQLITE_DONE)
        status = STATUS_IO;
    sqlite3_reset(reader->by_id);
    pthread_mutex_unlock(&reader->lock);
    return status;
}

static int64_t clamp(uint64_t value)
{
    return value > INT64_MAX ? INT64_MAX : (int64_t)value;
}

/* The first look: durations, and the operation among the row's. */
static bool may_match(sqlite3_stmt *row, const struct store_read_query *query)
{
    struct text operations = sql_column(row, 4);
    uint32_t operation;
    if (sqlite3_column_int64(row, 3) < clamp(query->shortest_ns) ||
        sqlite3_column_int64(row, 2) > clamp(query->longest_ns))
        return false;
    if (query->operation == NAMES_OTHER)
        return true;
    while (names_take_id(&operations, &operation)) {
        if (operation == query->operation || operation == NAMES_OTHER)
            return true;
    }
    return false;
}

static bool id_of(struct reader *reader, struct store_read_row *row)
{
    sqlite3_bind_int64(reader->id_of, 1, row->rid);
    const bool found = sqlite3_step(reader->id_of) == SQLITE_ROW;
    if (found) {
        const struct text id = sql_column(reader->id_of, 0);
        memcpy(row->id, id.data, id.length < sizeof(row->id) ? id.length : sizeof(row->id));
    }
    sqlite3_reset(reader->id_of);
    return found;
}

static enum status rows_by_service(struct reader *reader, const struct store_read_query *query,
                                   struct buffer *out)
{
    sqlite3_stmt *statement = reader->by_service;
    int result = SQLITE_DONE;
    sqlite3_bind_int64(statement, 1, query->service);
    sqlite3_bind_int64(statement, 2, query->before_start);
    sqlite3_bind_int64(statement, 3, query->before_rid);
    sqlite3_bind_int64(statement, 4, clamp(query->start_ns));
    sqlite3_bind_int64(statement, 5, clamp(query->end_ns));
    for (size_t found = 0;
         found < query->limit && (result = sqlite3_step(statement)) == SQLITE_ROW;) {
        struct store_read_row row = {.start_ns = sqlite3_column_int64(statement, 0),
                                     .rid = sqlite3_column_int64(statement, 1)};
        if (!may_match(statement, query) || !id_of(reader, &row))
            continue;
        buffer_append(out, &row, sizeof(row));
        found++;
    }
    sqlite3_reset(statement);
    if (result == SQLITE_DONE)
        return STATUS_END;
    return result == SQLITE_ROW ? out->failed : STATUS_IO;
}

static enum status rows_by_time(struct reader *reader, const struct store_read_query *query,
                                struct buffer *out)
{
    sqlite3_stmt *statement = reader->by_time;
    int result = SQLITE_DONE;
    sqlite3_bind_int64(statement, 1, query->before_rid);
    sqlite3_bind_int64(statement, 2, clamp(query->start_ns));
    sqlite3_bind_int64(statement, 3, clamp(query->end_ns));
    for (size_t found = 0; found < query->limit && (result = sqlite3_step(statement)) == SQLITE_ROW;
         found++) {
        struct store_read_row row = {.start_ns = sqlite3_column_int64(statement, 0),
                                     .rid = sqlite3_column_int64(statement, 1)};
        const struct text id = sql_column(statement, 2);
        memcpy(row.id, id.data, id.length < sizeof(row.id) ? id.length : sizeof(row.id));
        buffer_append(out, &row, sizeof(row));
    }
    sqlite3_reset(statement);
    if (result == SQLITE_DONE)
        return STATUS_END;
    return result == SQLITE_ROW ? out->failed : STATUS_IO;
}

enum status store_read_rows(struct store_readers *readers, const struct store_read_query *query,
                            struct buffer *out)
{
    struct reader *reader = take(readers);
    const enum status status = query->service == NAMES_OTHER ? rows_by_time(reader, query, out)
                                                             : rows_by_service(reader, query, out);
    pthread_mutex_unlock(&reader->lock);
    return status;
}

enum status store_read_edges(struct store_readers *readers, int64_t from_minute, int64_t to_minute,
                             store_read_edge *each, void *context)
{
    struct reader *reader = take(readers);
    int result;
    sqlite3_bind_int64(reader->edges, 1, from_minute);
    sqlite3_bind_int64(reader->edges, 2, to_minute);
    while ((result = sqlite3_step(reader->edges)) == SQLITE_ROW)
        each(context, (uint32_t)sqlite3_column_int64(reader->edges, 0),
             (uint32_t)sqlite3_column_int64(reader->edges, 1),
             (uint64_t)sqlite3_column_int64(reader->edges, 2));
    sqlite3_reset(reader->edges);
    pthread_mutex_unlock(&reader->lock);
    return result == SQLITE_DONE ? STATUS_OK : STATUS_IO;
}
