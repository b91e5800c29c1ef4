#include "services/collector/search.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

enum {
    ROWS_AT_ONCE = 512,
    ROWS_BYTES_MAX = 128 * 1024 * 1024,
    EARLIER_S = 60, /* a span that is meant may start so long after its trace */
};

struct run {
    struct collector *collector;
    const struct criteria *search;
    struct spans *spans;
    struct buffer *found;
    struct map seen; /* ids that were looked at; keys lie in `rows` or `open` */
    struct arena ids;
    uint64_t deadline_ns;
    size_t found_count;
};

static bool is_done(const struct run *run)
{
    return run->found_count >= run->search->limit || clock_mono_ns() > run->deadline_ns;
}

static bool any_matches(const struct criteria *search, const struct spans *spans)
{
    for (size_t i = 0; i < spans->count; i++) {
        if (criteria_match(search, &spans->items[i]))
            return true;
    }
    return false;
}

/* Into a set of its own first: what does not match must not fill the answer's. */
static enum status look_at(struct run *run, const uint8_t id[16])
{
    struct spans trace;
    spans_init(&trace, TRACES_SPANS_MAX, TRACES_BYTES_MAX);
    enum status status = traces_find(run->collector, id, &trace);
    if (status == STATUS_OK && any_matches(run->search, &trace)) {
        const struct search_found found = {run->spans->count, trace.count};
        for (size_t i = 0; i < trace.count && status == STATUS_OK; i++)
            status = spans_copy(run->spans, &trace.items[i]);
        if (status == STATUS_OK) {
            buffer_append(run->found, &found, sizeof(found));
            run->found_count++;
        }
    }
    spans_release(&trace);
    /* One that is gone meanwhile, or damaged, does not spoil the others. */
    return status == STATUS_NOT_FOUND || status == STATUS_INVALID ? STATUS_OK : status;
}

/* Each trace once, however many rows it has. */
static enum status look_at_new(struct run *run, const uint8_t id[16])
{
    bool added = false;
    const char *own = arena_copy(&run->ids, id, 16);
    if (!own || !map_put(&run->seen, own, 16, &added))
        return STATUS_NO_MEMORY;
    return added ? look_at(run, own ? (const uint8_t *)own : id) : STATUS_OK;
}

static int newest_first(const void *left, const void *right)
{
    const struct open_traces_row *a = left, *b = right;
    if (a->start_ns != b->start_ns)
        return a->start_ns > b->start_ns ? -1 : 1;
    return memcmp(a->id, b->id, sizeof(a->id));
}

static enum status look_at_open(struct run *run)
{
    struct buffer rows;
    enum status status = STATUS_OK;
    buffer_init(&rows, ROWS_BYTES_MAX);
    open_traces_list(run->collector->open, run->search->start_ns, run->search->end_ns, &rows);
    struct open_traces_row *items = (void *)rows.data;
    const size_t count = rows.length_bytes / sizeof(*items);
    if (count > 1)
        qsort(items, count, sizeof(*items), newest_first);
    for (size_t i = 0; i < count && status == STATUS_OK && !is_done(run); i++)
        status = look_at_new(run, items[i].id);
    buffer_release(&rows);
    return status;
}

static void query_of(const struct run *run, struct store_read_query *query)
{
    const struct criteria *search = run->search;
    struct names *names = store_names(run->collector->store);
    const uint64_t earlier_ns = EARLIER_S * NS_PER_S;
    *query = (struct store_read_query){
        .service = search->service.length > 0 ? names_find(names, search->service) : NAMES_OTHER,
        .operation =
            search->operation.length > 0 ? names_find(names, search->operation) : NAMES_OTHER,
        .start_ns = search->start_ns > earlier_ns ? search->start_ns - earlier_ns : 0,
        .end_ns = search->end_ns,
        .shortest_ns = search->shortest_ns,
        .longest_ns = search->longest_ns,
        .before_start = INT64_MAX,
        .before_rid = INT64_MAX,
        .limit = ROWS_AT_ONCE,
    };
}

static enum status look_at_rows(struct run *run, const struct buffer *rows,
                                struct store_read_query *query)
{
    const struct store_read_row *items = (const void *)rows->data;
    const size_t count = rows->length_bytes / sizeof(*items);
    enum status status = STATUS_OK;
    for (size_t i = 0; i < count && status == STATUS_OK && !is_done(run); i++) {
        query->before_start = items[i].start_ns;
        query->before_rid = items[i].rid;
        status = look_at_new(run, items[i].id);
    }
    return status;
}

static enum status look_at_stored(struct run *run)
{
    struct store_read_query query;
    struct buffer rows;
    enum status read = STATUS_OK, status = STATUS_OK;
    query_of(run, &query);
    buffer_init(&rows, ROWS_BYTES_MAX);
    while (read == STATUS_OK && status == STATUS_OK && !is_done(run)) {
        buffer_clear(&rows);
        read = store_read_rows(run->collector->readers, &query, &rows);
        status = look_at_rows(run, &rows, &query);
    }
    buffer_release(&rows);
    return status == STATUS_OK && read != STATUS_END ? read : status;
}

static bool may_be_stored(const struct run *run)
{
    struct names *names = store_names(run->collector->store);
    const struct criteria *search = run->search;
    return (search->service.length == 0 || names_may_have(names, search->service)) &&
           (search->operation.length == 0 || names_may_have(names, search->operation));
}

enum status search_run(struct collector *collector, const struct criteria *search,
                       struct spans *spans, struct buffer *found)
{
    struct run run = {.collector = collector, .search = search, .spans = spans, .found = found};
    run.deadline_ns = clock_mono_ns() + SEARCH_TIME_MS * NS_PER_MS;
    map_init(&run.seen, 1 << 22);
    arena_init(&run.ids, ROWS_BYTES_MAX);
    enum status status = look_at_open(&run);
    if (status == STATUS_OK && may_be_stored(&run))
        status = look_at_stored(&run);
    map_release(&run.seen);
    arena_release(&run.ids);
    return status == STATUS_OK ? found->failed : status;
}
