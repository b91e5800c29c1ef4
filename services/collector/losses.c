#include "services/collector/losses.h"

#include <string.h>

#include "services/collector/sql.h"

/* ---- gathering */

static struct losses_sender *find(struct losses *losses, const char *name)
{
    for (size_t i = 0; i < losses->count; i++)
        if (strcmp(losses->senders[i].name, name) == 0)
            return &losses->senders[i];
    if (losses->count == LOSSES_SENDERS_MAX)
        return NULL;
    struct losses_sender *sender = &losses->senders[losses->count++];
    *sender = (struct losses_sender){.spans = 0};
    text_copy(text_of(name), sender->name, sizeof(sender->name));
    return sender;
}

static uint64_t greater(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static void add_sender(struct losses *losses, const struct losses_sender *said)
{
    struct losses_sender *sender = find(losses, said->name);
    if (sender == NULL)
        return;
    sender->spans = greater(sender->spans, said->spans);
    sender->logs = greater(sender->logs, said->logs);
    sender->is_silent |= said->is_silent;
}

static void visit(void *context, const struct sender *sender)
{
    struct losses_sender said = {
        .spans = sender->lost.dropped, .logs = sender->lost.logs, .is_silent = sender->is_silent};
    text_copy(text_of(sender->name), said.name, sizeof(said.name));
    add_sender(context, &said);
}

void losses_gather(struct losses *out, const struct losses *earlier,
                   const struct counters *counters, struct senders *senders, bool asks)
{
    *out = (struct losses){
        .spans_refused = earlier->spans_refused + counters_get(counters, COUNTER_REFUSED),
        .spans_dropped = earlier->spans_dropped + counters_get(counters, COUNTER_DROPPED_STORE) +
                         counters_get(counters, COUNTER_DROPPED_MEMORY),
        .logs = earlier->logs + counters_get(counters, COUNTER_LOGS_REFUSED) +
                counters_get(counters, COUNTER_LOGS_DROPPED),
        .requests_refused = earlier->requests_refused +
                            counters_get(counters, COUNTER_REQUESTS_INVALID) +
                            counters_get(counters, COUNTER_REQUESTS_TOO_LARGE),
    };
    if (asks)
        senders_visit(senders, visit, out);
    else
        senders_recall(senders, visit, out);
    for (size_t i = 0; i < earlier->count; i++)
        add_sender(out, &earlier->senders[i]);
}

uint64_t losses_spans(const struct losses *losses)
{
    uint64_t spans = losses->spans_refused + losses->spans_dropped;
    for (size_t i = 0; i < losses->count; i++)
        spans += losses->senders[i].spans;
    return spans;
}

uint64_t losses_logs(const struct losses *losses)
{
    uint64_t logs = losses->logs;
    for (size_t i = 0; i < losses->count; i++)
        logs += losses->senders[i].logs;
    return logs;
}

/* ---- keeping: the collector's own row has no name */

enum { COLUMN_NAME, COLUMN_SPANS, COLUMN_LOGS, COLUMN_REFUSED, COLUMN_REQUESTS };

static const char create[] = "CREATE TABLE IF NOT EXISTS loss (name TEXT PRIMARY KEY, spans "
                             "INTEGER, logs INTEGER, refused INTEGER, requests INTEGER)";
static const char query[] = "SELECT name, spans, logs, refused, requests FROM loss ORDER BY rowid";
static const char insert[] = "INSERT INTO loss VALUES (?1, ?2, ?3, ?4, ?5)";

static uint64_t number_of(sqlite3_stmt *row, int column)
{
    int64_t number = sqlite3_column_int64(row, column);
    return number > 0 ? (uint64_t)number : 0;
}

static void read_row(struct losses *losses, sqlite3_stmt *row)
{
    struct losses_sender sender = {.spans = number_of(row, COLUMN_SPANS),
                                   .logs = number_of(row, COLUMN_LOGS)};
    struct text name = sql_column(row, COLUMN_NAME);
    if (name.length == 0) {
        losses->spans_dropped = sender.spans;
        losses->logs = sender.logs;
        losses->spans_refused = number_of(row, COLUMN_REFUSED);
        losses->requests_refused = number_of(row, COLUMN_REQUESTS);
        return;
    }
    text_copy(name, sender.name, sizeof(sender.name));
    add_sender(losses, &sender);
}

void losses_read(struct losses *out, const char *store_path)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *rows = NULL;
    struct error ignored;
    *out = (struct losses){.count = 0};
    if (sql_open(store_path, true, &db, &ignored) != STATUS_OK)
        return;
    if (sql_prepare(db, query, &rows, &ignored) == STATUS_OK)
        while (sqlite3_step(rows) == SQLITE_ROW)
            read_row(out, rows);
    sqlite3_finalize(rows);
    sqlite3_close(db);
}

static enum status write_row(sqlite3_stmt *row, const char *name, const uint64_t numbers[4])
{
    sqlite3_bind_text(row, COLUMN_NAME + 1, name, -1, SQLITE_STATIC);
    for (int i = 0; i < 4; i++)
        sqlite3_bind_int64(row, COLUMN_SPANS + 1 + i, (sqlite3_int64)numbers[i]);
    return sql_step(row);
}

static enum status write_rows(const struct losses *losses, sqlite3 *db, struct error *error)
{
    sqlite3_stmt *row = NULL;
    enum status status = sql_prepare(db, insert, &row, error);
    if (status == STATUS_OK)
        status = write_row(row, "",
                           (const uint64_t[]){losses->spans_dropped, losses->logs,
                                              losses->spans_refused, losses->requests_refused});
    for (size_t i = 0; i < losses->count && status == STATUS_OK; i++) {
        const struct losses_sender *sender = &losses->senders[i];
        if (sender->spans > 0 || sender->logs > 0)
            status =
                write_row(row, sender->name, (const uint64_t[]){sender->spans, sender->logs, 0, 0});
    }
    sqlite3_finalize(row);
    return status;
}

enum status losses_write(const struct losses *losses, const char *store_path, struct error *error)
{
    sqlite3 *db = NULL;
    enum status status = sql_open(store_path, false, &db, error);
    if (status != STATUS_OK)
        return status;
    status = sql_run(db, "BEGIN IMMEDIATE", error);
    if (status == STATUS_OK)
        status = sql_run(db, create, error);
    if (status == STATUS_OK)
        status = sql_run(db, "DELETE FROM loss", error);
    if (status == STATUS_OK)
        status = write_rows(losses, db, error);
    if (status == STATUS_OK)
        status = sql_run(db, "COMMIT", error);
    sqlite3_close(db);
    return status;
}
