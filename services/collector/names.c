#include "services/collector/names.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/map.h"
#include "base/wire.h"

enum { TEXT_BYTES_MAX = 32 * 1024 * 1024, NAME_BYTES_MAX = 1024 };

/* Key of the map of operations: no padding, so that bytes compare. */
struct operation_key {
    uint32_t service, name, kind;
};

struct names {
    pthread_mutex_t lock;
    struct arena arena;
    struct map by_text;       /* -> id */
    struct buffer texts;      /* struct text by id - 1 */
    struct map known;         /* struct operation_key */
    struct buffer operations; /* struct operation_key * */
    sqlite3_stmt *add_name, *add_operation;
};

const char names_schema[] =
    "CREATE TABLE IF NOT EXISTS name(id INTEGER PRIMARY KEY, text BLOB NOT NULL);"
    "CREATE TABLE IF NOT EXISTS operation(service INTEGER, name INTEGER, kind INTEGER,"
    " PRIMARY KEY(service, name, kind)) WITHOUT ROWID;";

static void start_empty(struct names *names)
{
    arena_init(&names->arena, TEXT_BYTES_MAX);
    map_init(&names->by_text, NAMES_MAX);
    map_init(&names->known, NAMES_OPERATIONS_MAX);
    buffer_init(&names->texts, NAMES_MAX * sizeof(struct text) * 2);
    buffer_init(&names->operations, NAMES_OPERATIONS_MAX * sizeof(void *) * 2);
}

static void forget(struct names *names)
{
    arena_release(&names->arena);
    map_release(&names->by_text);
    map_release(&names->known);
    buffer_release(&names->texts);
    buffer_release(&names->operations);
}

enum status names_new(struct names **out)
{
    struct names *names = calloc(1, sizeof(*names));
    *out = names;
    if (!names)
        return STATUS_NO_MEMORY;
    pthread_mutex_init(&names->lock, NULL);
    start_empty(names);
    return STATUS_OK;
}

void names_unload(struct names *names)
{
    sqlite3_finalize(names->add_name);
    sqlite3_finalize(names->add_operation);
    names->add_name = names->add_operation = NULL;
}

void names_free(struct names *names)
{
    if (!names)
        return;
    names_unload(names);
    forget(names);
    pthread_mutex_destroy(&names->lock);
    free(names);
}

/* ---- memory; the lock is held */

static bool keep_name(struct names *names, struct text name, uint32_t id)
{
    const char *copy = arena_copy(&names->arena, name.data, name.length);
    const struct text own = {copy, name.length};
    if (!copy || names->texts.length_bytes / sizeof(struct text) != id - 1)
        return false;
    uint64_t *slot = map_put(&names->by_text, own.data, own.length, NULL);
    if (!slot || buffer_append(&names->texts, &own, sizeof(own)) != STATUS_OK)
        return false;
    *slot = id;
    return true;
}

static bool keep_operation(struct names *names, struct operation_key key)
{
    const struct operation_key *own = (const void *)arena_copy(&names->arena, &key, sizeof(key));
    return own && map_put(&names->known, own, sizeof(*own), NULL) &&
           buffer_append(&names->operations, &own, sizeof(own)) == STATUS_OK;
}

static struct text text_by_id(const struct names *names, uint32_t id)
{
    const struct text *texts = (const void *)names->texts.data;
    const size_t count = names->texts.length_bytes / sizeof(struct text);
    return id > 0 && id <= count ? texts[id - 1] : (struct text){"", 0};
}

/* ---- the store */

static enum status load_names(struct names *names, sqlite3 *db, struct error *error)
{
    sqlite3_stmt *statement;
    enum status status =
        sql_prepare(db, "SELECT id, text FROM name ORDER BY id", &statement, error);
    if (status != STATUS_OK)
        return status;
    while (sqlite3_step(statement) == SQLITE_ROW)
        (void)keep_name(names, sql_column(statement, 1),
                        (uint32_t)sqlite3_column_int64(statement, 0));
    sqlite3_finalize(statement);
    return STATUS_OK;
}

static enum status load_operations(struct names *names, sqlite3 *db, struct error *error)
{
    sqlite3_stmt *statement;
    enum status status =
        sql_prepare(db, "SELECT service, name, kind FROM operation", &statement, error);
    if (status != STATUS_OK)
        return status;
    while (sqlite3_step(statement) == SQLITE_ROW)
        (void)keep_operation(names,
                             (struct operation_key){(uint32_t)sqlite3_column_int64(statement, 0),
                                                    (uint32_t)sqlite3_column_int64(statement, 1),
                                                    (uint32_t)sqlite3_column_int64(statement, 2)});
    sqlite3_finalize(statement);
    return STATUS_OK;
}

enum status names_load(struct names *names, sqlite3 *db, struct error *error)
{
    pthread_mutex_lock(&names->lock);
    names_unload(names);
    forget(names);
    start_empty(names);
    enum status status = load_names(names, db, error);
    if (status == STATUS_OK)
        status = load_operations(names, db, error);
    pthread_mutex_unlock(&names->lock);
    if (status == STATUS_OK)
        status =
            sql_prepare(db, "INSERT INTO name(id, text) VALUES(?1, ?2)", &names->add_name, error);
    if (status == STATUS_OK)
        status = sql_prepare(db, "INSERT OR IGNORE INTO operation VALUES(?1, ?2, ?3)",
                             &names->add_operation, error);
    return status;
}

static enum status store_name(struct names *names, struct text name, uint32_t id)
{
    sqlite3_bind_int64(names->add_name, 1, id);
    sql_bind_blob(names->add_name, 2, name);
    return sql_step(names->add_name);
}

enum status names_add(struct names *names, struct text name, uint32_t *id)
{
    if (name.length > NAME_BYTES_MAX) {
        *id = NAMES_OTHER;
        return STATUS_OK;
    }
    pthread_mutex_lock(&names->lock);
    const uint64_t *found = map_find(&names->by_text, name.data, name.length);
    const uint32_t next = (uint32_t)(names->texts.length_bytes / sizeof(struct text)) + 1;
    *id = found ? (uint32_t)*found : NAMES_OTHER;
    const bool is_new = !found && keep_name(names, name, next);
    pthread_mutex_unlock(&names->lock);
    if (!is_new)
        return STATUS_OK;
    *id = next;
    return store_name(names, name, next);
}

enum status names_add_operation(struct names *names, uint32_t service, uint32_t name, uint8_t kind)
{
    const struct operation_key key = {service, name, kind};
    pthread_mutex_lock(&names->lock);
    const bool is_new = !map_find(&names->known, &key, sizeof(key)) && keep_operation(names, key);
    pthread_mutex_unlock(&names->lock);
    if (!is_new)
        return STATUS_OK;
    sqlite3_bind_int64(names->add_operation, 1, service);
    sqlite3_bind_int64(names->add_operation, 2, name);
    sqlite3_bind_int64(names->add_operation, 3, kind);
    return sql_step(names->add_operation);
}

void names_put_id(struct buffer *list, uint32_t id)
{
    uint8_t bytes[10];
    buffer_append(list, bytes, (size_t)(wire_put_varint_raw(bytes, id) - bytes));
}

bool names_take_id(struct text *list, uint32_t *id)
{
    uint64_t value = 0;
    for (unsigned shift = 0; list->length > 0 && shift < 35; shift += 7) {
        const uint8_t byte = (uint8_t)*list->data++;
        list->length--;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *id = (uint32_t)value;
            return true;
        }
    }
    return false;
}

/* ---- reading */

uint32_t names_find(struct names *names, struct text name)
{
    pthread_mutex_lock(&names->lock);
    const uint64_t *found = map_find(&names->by_text, name.data, name.length);
    const uint32_t id = found ? (uint32_t)*found : (uint32_t)NAMES_OTHER;
    pthread_mutex_unlock(&names->lock);
    return id;
}

/* Names past the limits were stored as NAMES_OTHER. */
bool names_may_have(struct names *names, struct text name)
{
    pthread_mutex_lock(&names->lock);
    const bool may = name.length > NAME_BYTES_MAX || names->by_text.count == NAMES_MAX ||
                     map_find(&names->by_text, name.data, name.length);
    pthread_mutex_unlock(&names->lock);
    return may;
}

void names_text(struct names *names, uint32_t id, char *out, size_t size)
{
    pthread_mutex_lock(&names->lock);
    text_copy(text_by_id(names, id), out, size);
    pthread_mutex_unlock(&names->lock);
}

void names_each_operation(struct names *names, names_visitor *each, void *context)
{
    pthread_mutex_lock(&names->lock);
    const struct operation_key *const *operations = (const void *)names->operations.data;
    const size_t count = names->operations.length_bytes / sizeof(*operations);
    for (size_t i = 0; i < count; i++)
        each(context, text_by_id(names, operations[i]->service),
             text_by_id(names, operations[i]->name), (uint8_t)operations[i]->kind);
    pthread_mutex_unlock(&names->lock);
}
