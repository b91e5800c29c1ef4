#include "services/collector/store.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "services/collector/store_rows.h"

enum {
    EVICT_AT_ONCE = 64, /* traces between two looks at the size */
    EVICT_ROUNDS_MAX = 8,
    LOG_SHARE = 4, /* log records may take a quarter of the bytes */
};

struct store {
    sqlite3 *db;
    struct store_rows rows;
    struct log_rows log_rows;
    struct names *names;
    struct body_packer *packer;
    char *path;
    uint64_t max_bytes;
    atomic_uint_fast64_t traces, bytes, logs; /* as of the last commit */
};

/* Pages of 8 KiB: a usual trace fits into one. */
static const char setup[] = "PRAGMA page_size=8192;"
                            "PRAGMA journal_mode=WAL;"
                            "PRAGMA cache_size=-16384;"
                            "PRAGMA temp_store=MEMORY;"
                            "PRAGMA journal_size_limit=16777216;";

static enum status open_tables(struct store *store, const struct store_config *config,
                               struct error *error)
{
    enum status status = sql_run(store->db, setup, error);
    if (status == STATUS_OK)
        status =
            sql_run(store->db,
                    config->sync ? "PRAGMA synchronous=NORMAL" : "PRAGMA synchronous=OFF", error);
    if (status == STATUS_OK)
        status = sql_run(store->db, names_schema, error);
    if (status == STATUS_OK)
        status = sql_run(store->db, store_rows_schema, error);
    if (status == STATUS_OK)
        status = names_load(store->names, store->db, error);
    if (status == STATUS_OK)
        status = sql_run(store->db, log_rows_schema, error);
    if (status == STATUS_OK)
        status = store_rows_prepare(&store->rows, store->db, error);
    if (status == STATUS_OK)
        status =
            log_rows_prepare(&store->log_rows, store->db, config->max_bytes / LOG_SHARE, error);
    return status;
}

/* Whatever else the file is, nothing shall be written into it. */
static enum status check_kept(const char *path, struct error *error)
{
    struct error inner = {{0}};
    sqlite3 *db = NULL;
    enum status status = sql_open(path, true, &db, error);
    if (status != STATUS_OK)
        return status;
    if (sql_run(db, "SELECT rid FROM trace_service LIMIT 0", &inner) != STATUS_OK)
        status =
            error_set(error, STATUS_INVALID, "%s: not a store of traces (%s)", path, inner.text);
    sqlite3_close(db);
    return status;
}

static void note_size(struct store *store)
{
    const int64_t pages = sql_number(store->rows.page_count);
    const int64_t free_pages = sql_number(store->rows.free_count);
    const int64_t page_bytes = sql_number(store->rows.page_size);
    atomic_store_explicit(&store->bytes, (uint64_t)((pages - free_pages) * page_bytes),
                          memory_order_relaxed);
}

enum status store_open(struct store **out, const struct store_config *config, struct error *error)
{
    struct store *store = calloc(1, sizeof(*store));
    *out = NULL;
    if (!store)
        return error_set(error, STATUS_NO_MEMORY, "out of memory");
    store->max_bytes = config->max_bytes;
    store->path = strdup(config->path);
    enum status status = store->path ? STATUS_OK : STATUS_NO_MEMORY;
    if (status == STATUS_OK)
        status = names_new(&store->names);
    if (status == STATUS_OK)
        status = body_packer_new(&store->packer);
    if (status == STATUS_OK && config->kept)
        status = check_kept(config->path, error);
    if (status == STATUS_OK)
        status = sql_open(config->path, false, &store->db, error);
    if (status == STATUS_OK)
        status = open_tables(store, config, error);
    if (status != STATUS_OK) {
        store_close(store);
        return status;
    }
    note_size(store);
    atomic_store_explicit(&store->logs, store->log_rows.count, memory_order_relaxed);
    atomic_store_explicit(&store->traces, (uint64_t)sql_number(store->rows.trace_count),
                          memory_order_relaxed);
    *out = store;
    return STATUS_OK;
}

void store_close(struct store *store)
{
    if (!store)
        return;
    store_rows_release(&store->rows);
    log_rows_release(&store->log_rows);
    if (store->names)
        names_unload(store->names);
    if (store->db) /* into the one file, so that it can be copied alone */
        sql_attempt(store->db, "PRAGMA wal_checkpoint(TRUNCATE)");
    sqlite3_close(store->db);
    names_free(store->names);
    body_packer_free(store->packer);
    free(store->path);
    free(store);
}

struct names *store_names(struct store *store)
{
    return store->names;
}

const char *store_path(const struct store *store)
{
    return store->path;
}

enum status store_begin(struct store *store, struct error *error)
{
    return sql_run(store->db, "BEGIN IMMEDIATE", error);
}

enum status store_commit(struct store *store, struct error *error)
{
    enum status status = store_rows_write_edges(&store->rows);
    if (status == STATUS_OK)
        status = sql_run(store->db, "COMMIT", error);
    else
        (void)error_set(error, status, "sqlite: %s", sqlite3_errmsg(store->db));
    if (status == STATUS_OK) {
        note_size(store);
        atomic_fetch_add_explicit(&store->traces, (uint64_t)store->rows.traces_added,
                                  memory_order_relaxed);
        store->rows.traces_added = 0;
        atomic_store_explicit(&store->logs, store->log_rows.count, memory_order_relaxed);
    }
    return status;
}

/* Names that the transaction added are not in the file: memory is read anew. */
void store_rollback(struct store *store)
{
    sql_attempt(store->db, "ROLLBACK");
    store_rows_forget(&store->rows);
    log_rows_recount(&store->log_rows);
    struct error error = {{0}};
    if (names_load(store->names, store->db, &error) != STATUS_OK)
        log_event(LOG_ERROR, LOG_NO_IDS, "names cannot be read", LOG_TEXT("error", error.text));
}

enum status store_add(struct store *store, const struct open_trace *trace,
                      const struct digest *digest, struct text body)
{
    struct store_trace row = {.trace = trace, .digest = digest};
    row.coding = body_pack(store->packer, body, &row.body);
    return store_rows_add(&store->rows, store->names, &row);
}

enum status store_add_log(struct store *store, const struct otlp_log *log)
{
    return log_rows_add(&store->log_rows, store->names, log);
}

static bool is_too_large(struct store *store)
{
    note_size(store);
    return atomic_load_explicit(&store->bytes, memory_order_relaxed) > store->max_bytes;
}

enum status store_retain(struct store *store, struct store_evicted *evicted)
{
    *evicted = (struct store_evicted){0};
    enum status status = log_rows_retain(&store->log_rows, &evicted->logs);
    for (int round = 0; status == STATUS_OK && round < EVICT_ROUNDS_MAX && is_too_large(store);
         round++) {
        const uint64_t before = evicted->traces;
        status = store_rows_evict(&store->rows, &store->log_rows, EVICT_AT_ONCE, evicted);
        if (evicted->traces == before)
            break;
    }
    return status;
}

struct store_stats store_stats(const struct store *store)
{
    return (struct store_stats){atomic_load_explicit(&store->traces, memory_order_relaxed),
                                atomic_load_explicit(&store->bytes, memory_order_relaxed),
                                atomic_load_explicit(&store->logs, memory_order_relaxed)};
}
