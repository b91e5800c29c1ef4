#include "services/collector/store_rows.h"

#include <string.h>

#include "base/clock.h"

enum {
    SERVICES_MAX = 256,  /* of a trace, found by service */
    OPERATIONS_MAX = 64, /* of a service in a trace; more count as "any" */
    SCRATCH_MAX = 1024 * 1024,
};

/* trace_service has no rowid: its key is the search itself, newest last. `operations` are numbers
 * of names, or NAMES_OTHER for any. trace.services says which rows to delete with the trace. */
const char store_rows_schema[] =
    "CREATE TABLE IF NOT EXISTS trace(rid INTEGER PRIMARY KEY, id BLOB NOT NULL,"
    " start_ns INTEGER NOT NULL, end_ns INTEGER NOT NULL, span_count INTEGER NOT NULL,"
    " error_count INTEGER NOT NULL, services BLOB NOT NULL, coding INTEGER NOT NULL,"
    " body BLOB NOT NULL);"
    "CREATE INDEX IF NOT EXISTS trace_by_id ON trace(id);"
    "CREATE TABLE IF NOT EXISTS trace_service(service INTEGER, start_ns INTEGER, rid INTEGER,"
    " shortest_ns INTEGER, longest_ns INTEGER, operations BLOB,"
    " PRIMARY KEY(service, start_ns, rid)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS edge(minute INTEGER, parent INTEGER, child INTEGER,"
    " calls INTEGER, PRIMARY KEY(minute, parent, child)) WITHOUT ROWID;";

static const char add_edge_sql[] =
    "INSERT INTO edge VALUES(?1, ?2, ?3, ?4)"
    " ON CONFLICT(minute, parent, child) DO UPDATE SET calls = calls + excluded.calls";

enum status store_rows_prepare(struct store_rows *rows, sqlite3 *db, struct error *error)
{
    const struct {
        sqlite3_stmt **statement;
        const char *text;
    } table[] = {
        {&rows->add_trace, "INSERT INTO trace(id, start_ns, end_ns, span_count, error_count,"
                           " services, coding, body) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"},
        {&rows->add_service, "INSERT INTO trace_service VALUES(?1, ?2, ?3, ?4, ?5, ?6)"},
        {&rows->add_edge, add_edge_sql},
        {&rows->oldest,
         "SELECT rid, start_ns, services, span_count, id FROM trace ORDER BY rid LIMIT 1"},
        {&rows->delete_trace, "DELETE FROM trace WHERE rid = ?1"},
        {&rows->delete_service,
         "DELETE FROM trace_service WHERE service = ?1 AND start_ns = ?2 AND rid = ?3"},
        {&rows->page_count, "PRAGMA page_count"},
        {&rows->free_count, "PRAGMA freelist_count"},
        {&rows->page_size, "PRAGMA page_size"},
        {&rows->trace_count, "SELECT COUNT(*) FROM trace"},
    };
    rows->db = db;
    buffer_init(&rows->scratch, SCRATCH_MAX);
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        const enum status status = sql_prepare(db, table[i].text, table[i].statement, error);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

void store_rows_release(struct store_rows *rows)
{
    sqlite3_stmt *const statements[] = {rows->add_trace,  rows->add_service,  rows->add_edge,
                                        rows->oldest,     rows->delete_trace, rows->delete_service,
                                        rows->page_count, rows->free_count,   rows->page_size,
                                        rows->trace_count};
    for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++)
        sqlite3_finalize(statements[i]);
    buffer_release(&rows->scratch);
    memset(rows, 0, sizeof(*rows));
}

/* ---- what a trace comes to, by service */

struct service_row {
    uint32_t service;
    uint32_t operation_count;
    uint32_t operations[OPERATIONS_MAX];
    uint64_t shortest_ns, longest_ns;
};

struct service_rows {
    struct service_row items[SERVICES_MAX];
    size_t count;
};

static struct service_row *row_of(struct service_rows *rows, uint32_t service)
{
    for (size_t i = rows->count; i-- > 0;) {
        if (rows->items[i].service == service)
            return &rows->items[i];
    }
    if (rows->count == SERVICES_MAX)
        return NULL;
    struct service_row *row = &rows->items[rows->count++];
    row->service = service;
    row->operation_count = 0;
    row->shortest_ns = UINT64_MAX;
    row->longest_ns = 0;
    return row;
}

static void add_operation(struct service_row *row, uint32_t name,
                          const struct digest_operation *operation)
{
    bool known = row->operation_count > OPERATIONS_MAX;
    for (uint32_t i = 0; i < row->operation_count && !known; i++)
        known = row->operations[i] == name;
    if (!known && row->operation_count < OPERATIONS_MAX)
        row->operations[row->operation_count++] = name;
    else if (!known)
        row->operations[0] = NAMES_OTHER;
    if (operation->shortest_ns < row->shortest_ns)
        row->shortest_ns = operation->shortest_ns;
    if (operation->longest_ns > row->longest_ns)
        row->longest_ns = operation->longest_ns;
}

static enum status gather(struct service_rows *rows, struct names *names,
                          const struct digest *digest)
{
    const struct digest_operation *operations = digest_operations(digest);
    const size_t count = digest_operation_count(digest);
    rows->count = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t service, name;
        enum status status = names_add(names, operations[i].service, &service);
        if (status == STATUS_OK)
            status = names_add(names, operations[i].name, &name);
        if (status == STATUS_OK)
            status = names_add_operation(names, service, name, operations[i].kind);
        if (status != STATUS_OK)
            return status;
        struct service_row *row = row_of(rows, service);
        if (row)
            add_operation(row, name, &operations[i]);
    }
    return STATUS_OK;
}

/* ---- writing */

/* sqlite's integers end at 2^63 - 1: times beyond it are hostile and only have to stay in order. */
static int64_t clamp(uint64_t value)
{
    return value > INT64_MAX ? INT64_MAX : (int64_t)value;
}

static enum status add_trace(struct store_rows *rows, const struct store_trace *row,
                             const struct service_rows *services)
{
    sqlite3_stmt *statement = rows->add_trace;
    buffer_clear(&rows->scratch);
    for (size_t i = 0; i < services->count; i++)
        names_put_id(&rows->scratch, services->items[i].service);
    sql_bind_blob(statement, 1, (struct text){(const char *)row->trace->id, 16});
    sqlite3_bind_int64(statement, 2, clamp(row->trace->start_ns));
    sqlite3_bind_int64(statement, 3, clamp(row->trace->end_ns));
    sqlite3_bind_int64(statement, 4, row->trace->span_count);
    sqlite3_bind_int64(statement, 5, row->trace->error_count);
    sql_bind_blob(statement, 6,
                  (struct text){buffer_text(&rows->scratch), rows->scratch.length_bytes});
    sqlite3_bind_int(statement, 7, (int)row->coding);
    sql_bind_blob(statement, 8, row->body);
    return sql_step(statement);
}

static enum status add_service(struct store_rows *rows, const struct store_trace *trace,
                               const struct service_row *row, int64_t rid)
{
    sqlite3_stmt *statement = rows->add_service;
    buffer_clear(&rows->scratch);
    for (uint32_t i = 0; i < row->operation_count; i++)
        names_put_id(&rows->scratch, row->operations[i]);
    sqlite3_bind_int64(statement, 1, row->service);
    sqlite3_bind_int64(statement, 2, clamp(trace->trace->start_ns));
    sqlite3_bind_int64(statement, 3, rid);
    sqlite3_bind_int64(statement, 4, clamp(row->shortest_ns));
    sqlite3_bind_int64(statement, 5, clamp(row->longest_ns));
    sql_bind_blob(statement, 6,
                  (struct text){buffer_text(&rows->scratch), rows->scratch.length_bytes});
    return sql_step(statement);
}

static enum status count_edge(struct store_rows *rows, int64_t minute, uint32_t parent,
                              uint32_t child)
{
    for (size_t i = 0; i < rows->edge_count; i++) {
        struct store_edge *edge = &rows->edges[i];
        if (edge->minute == minute && edge->parent == parent && edge->child == child) {
            edge->calls++;
            return STATUS_OK;
        }
    }
    if (rows->edge_count == STORE_ROWS_EDGES_MAX) {
        const enum status status = store_rows_write_edges(rows);
        if (status != STATUS_OK)
            return status;
    }
    rows->edges[rows->edge_count++] = (struct store_edge){minute, parent, child, 1};
    return STATUS_OK;
}

static enum status add_edges(struct store_rows *rows, struct names *names,
                             const struct store_trace *row)
{
    const struct digest_edge *edges = digest_edges(row->digest);
    const size_t count = digest_edge_count(row->digest);
    const int64_t minute = clamp(row->trace->start_ns / (60 * NS_PER_S));
    for (size_t i = 0; i < count; i++) {
        uint32_t parent, child;
        enum status status = names_add(names, edges[i].parent, &parent);
        if (status == STATUS_OK)
            status = names_add(names, edges[i].child, &child);
        if (status == STATUS_OK && parent != NAMES_OTHER && child != NAMES_OTHER)
            status = count_edge(rows, minute, parent, child);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

enum status store_rows_add(struct store_rows *rows, struct names *names,
                           const struct store_trace *row)
{
    struct service_rows services;
    enum status status = gather(&services, names, row->digest);
    if (status == STATUS_OK)
        status = add_trace(rows, row, &services);
    const int64_t rid = sqlite3_last_insert_rowid(rows->db);
    for (size_t i = 0; i < services.count && status == STATUS_OK; i++)
        status = add_service(rows, row, &services.items[i], rid);
    if (status == STATUS_OK)
        status = add_edges(rows, names, row);
    if (status == STATUS_OK)
        rows->traces_added++;
    return status;
}

enum status store_rows_write_edges(struct store_rows *rows)
{
    for (size_t i = 0; i < rows->edge_count; i++) {
        const struct store_edge *edge = &rows->edges[i];
        sqlite3_bind_int64(rows->add_edge, 1, edge->minute);
        sqlite3_bind_int64(rows->add_edge, 2, edge->parent);
        sqlite3_bind_int64(rows->add_edge, 3, edge->child);
        sqlite3_bind_int64(rows->add_edge, 4, (int64_t)edge->calls);
        const enum status status = sql_step(rows->add_edge);
        if (status != STATUS_OK)
            return status;
    }
    rows->edge_count = 0;
    return STATUS_OK;
}

void store_rows_forget(struct store_rows *rows)
{
    rows->edge_count = 0;
    rows->traces_added = 0;
}

/* ---- eviction */

static enum status delete_services(struct store_rows *rows, int64_t rid, int64_t start_ns,
                                   struct text services)
{
    uint32_t service;
    while (names_take_id(&services, &service)) {
        sqlite3_bind_int64(rows->delete_service, 1, service);
        sqlite3_bind_int64(rows->delete_service, 2, start_ns);
        sqlite3_bind_int64(rows->delete_service, 3, rid);
        const enum status status = sql_step(rows->delete_service);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

/* STATUS_END: there is none. */
static enum status evict_oldest(struct store_rows *rows, struct log_rows *logs,
                                struct store_evicted *evicted)
{
    const int result = sqlite3_step(rows->oldest);
    if (result != SQLITE_ROW) {
        sqlite3_reset(rows->oldest);
        return result == SQLITE_DONE ? STATUS_END : STATUS_IO;
    }
    const int64_t rid = sqlite3_column_int64(rows->oldest, 0);
    const int64_t start_ns = sqlite3_column_int64(rows->oldest, 1);
    evicted->spans += (uint64_t)sqlite3_column_int64(rows->oldest, 3);
    enum status status = delete_services(rows, rid, start_ns, sql_column(rows->oldest, 2));
    if (status == STATUS_OK)
        status = log_rows_delete_trace(logs, sql_column(rows->oldest, 4), &evicted->logs);
    sqlite3_reset(rows->oldest);
    sqlite3_bind_int64(rows->delete_trace, 1, rid);
    if (status == STATUS_OK)
        status = sql_step(rows->delete_trace);
    return status;
}

enum status store_rows_evict(struct store_rows *rows, struct log_rows *logs, int count,
                             struct store_evicted *evicted)
{
    for (int i = 0; i < count; i++) {
        const enum status status = evict_oldest(rows, logs, evicted);
        if (status == STATUS_END)
            return STATUS_OK;
        if (status != STATUS_OK)
            return status;
        evicted->traces++;
        rows->traces_added--;
    }
    return STATUS_OK;
}
