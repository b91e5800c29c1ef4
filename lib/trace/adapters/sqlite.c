#include "trace/adapters/sqlite.h"

static const struct tracer tracer = {.name = "culprit.sqlite3", .version = "0.1.0"};

#define FIXED(literal)                                                                             \
    {                                                                                              \
        (literal), sizeof(literal) - 1                                                             \
    }

/* What sqlite counts for a statement, in the order of `before`. */
static const struct {
    int counter;
    struct text key;
} evidence[] = {
    {SQLITE_STMTSTATUS_FULLSCAN_STEP, FIXED("sqlite.fullscan_steps")},
    {SQLITE_STMTSTATUS_SORT, FIXED("sqlite.sorts")},
    {SQLITE_STMTSTATUS_AUTOINDEX, FIXED("sqlite.autoindex_rows")},
    {SQLITE_STMTSTATUS_VM_STEP, FIXED("sqlite.vm_steps")},
};
enum { EVIDENCE = sizeof evidence / sizeof evidence[0] };
_Static_assert(EVIDENCE == sizeof((struct trace_sqlite_execution *)0)->before / sizeof(int64_t),
               "one number before for each counter");

static struct attribute text_attribute(struct text key, struct text value)
{
    return (struct attribute){.key = key, .type = ATTRIBUTE_TEXT, .text = value};
}

void trace_sqlite_begin(struct trace_sqlite_execution *execution, sqlite3_stmt *statement,
                        const char *database, const char *summary)
{
    struct text table = text_of(summary);
    struct text operation = text_split(&table, ' ');
    struct attribute attributes[6] = {
        text_attribute(TEXT_LITERAL("db.system.name"), TEXT_LITERAL("sqlite")),
        text_attribute(TEXT_LITERAL("db.namespace"), text_of(database)),
        text_attribute(TEXT_LITERAL("db.query.text"), text_of(sqlite3_sql(statement))),
        text_attribute(TEXT_LITERAL("db.query.summary"), text_of(summary)),
        text_attribute(TEXT_LITERAL("db.operation.name"), operation),
        text_attribute(TEXT_LITERAL("db.collection.name"), table),
    };
    struct span_options options = {
        .kind = SPAN_CLIENT, .attributes = attributes, .attribute_count = table.length > 0 ? 6 : 5};
    execution->statement = statement;
    for (size_t i = 0; i < EVIDENCE; i++)
        execution->before[i] = sqlite3_stmt_status(statement, evidence[i].counter, 0);
    execution->span = span_start(&tracer, summary, &options);
}

/* sqlite3 has words for people only. */
static const char *code_name(int result)
{
    static const char *const names[] = {
        "SQLITE_OK",       "SQLITE_ERROR",     "SQLITE_INTERNAL", "SQLITE_PERM",
        "SQLITE_ABORT",    "SQLITE_BUSY",      "SQLITE_LOCKED",   "SQLITE_NOMEM",
        "SQLITE_READONLY", "SQLITE_INTERRUPT", "SQLITE_IOERR",    "SQLITE_CORRUPT",
        "SQLITE_NOTFOUND", "SQLITE_FULL",      "SQLITE_CANTOPEN", "SQLITE_PROTOCOL",
        "SQLITE_EMPTY",    "SQLITE_SCHEMA",    "SQLITE_TOOBIG",   "SQLITE_CONSTRAINT",
        "SQLITE_MISMATCH", "SQLITE_MISUSE",    "SQLITE_NOLFS",    "SQLITE_AUTH",
        "SQLITE_FORMAT",   "SQLITE_RANGE",     "SQLITE_NOTADB",
    };
    unsigned primary = (unsigned)result & 0xff;
    return primary < sizeof names / sizeof names[0] ? names[primary] : "_OTHER";
}

static void set_result(struct span *span, int result)
{
    int primary = result & 0xff; /* extended codes keep it in their low byte */
    if (primary == SQLITE_ROW || primary == SQLITE_DONE || primary == SQLITE_OK)
        return;
    struct text name = text_of(code_name(result));
    span_set_text(span, SPAN_KEY("error.type"), name);
    span_set_text(span, SPAN_KEY("db.response.status_code"), name);
    span_set_status(span, SPAN_ERROR, text_of(sqlite3_errstr(result)));
}

void trace_sqlite_busy(const struct trace_sqlite_execution *execution, uint64_t count,
                       uint64_t wait_ns)
{
    if (count == 0)
        return;
    span_set_i64(execution->span, SPAN_KEY("sqlite.busy_waits"), (int64_t)count);
    span_set_i64(execution->span, SPAN_KEY("sqlite.busy_wait_us"), (int64_t)(wait_ns / 1000));
}

void trace_sqlite_end(struct trace_sqlite_execution *execution, int result, int64_t rows)
{
    struct span *span = execution->span;
    for (size_t i = 0; i < EVIDENCE && span_is_recording(span); i++) {
        int64_t now = sqlite3_stmt_status(execution->statement, evidence[i].counter, 0);
        /* The counters are 32 bits wide and wrap. */
        uint32_t difference = (uint32_t)now - (uint32_t)execution->before[i];
        span_set_i64(span, evidence[i].key, difference);
    }
    if (rows >= 0)
        span_set_i64(span, SPAN_KEY("db.response.returned_rows"), rows);
    set_result(span, result);
    span_end(span);
    execution->span = NULL;
}
