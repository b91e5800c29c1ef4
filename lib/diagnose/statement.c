#include "diagnose/statement.h"

#include <stdlib.h>

#include "diagnose/figures.h"
#include "diagnose/normal.h"

enum { CROWD_MAX = 64 };

static const struct fingerprint *print_of(const struct detect *detect, uint32_t print)
{
    return &detect->current->prints->items[print];
}

static bool same_database(const struct fingerprint *a, const struct fingerprint *b)
{
    return (a->flags & b->flags & FINGERPRINT_DATABASE) && text_equal(a->service, b->service) &&
           text_equal(a->peer, b->peer);
}

/* Its own fingerprint, or one of the same name that is gone now: the text was changed. */
static const struct calls_site *find_before(const struct detect *detect,
                                            const struct calls_site *site)
{
    const struct fingerprint *print = print_of(detect, site->print);
    const struct calls_site *found = calls_find(detect->old_calls, site);
    for (size_t i = 0; !found && detect->old_calls && i < detect->old_calls->site_count; i++) {
        const struct calls_site *old = &detect->old_calls->sites[i];
        const struct fingerprint *other = print_of(detect, old->print);
        if (old->entry == site->entry && old->parent == site->parent &&
            same_database(print, other) && text_equal(print->name, other->name) &&
            !calls_find(detect->calls, old))
            found = old;
    }
    return found;
}

static const struct otlp_attributes *attributes_of(const struct window *window,
                                                   const struct calls_ref *ref)
{
    return &window->forest.trees[ref->tree].nodes[ref->node].span->attributes;
}

/* Median over the executions of what `key` says; -1 where none has it. */
static double attribute_p50(const struct window *window, const struct calls_site *site,
                            const char *key, double *scratch)
{
    size_t count = 0;
    for (size_t i = 0; site && i < site->count; i++) {
        const int64_t value = otlp_find_i64(attributes_of(window, &site->refs[i]), key, -1);
        if (value >= 0)
            scratch[count++] = (double)value;
    }
    return count > 0 ? figures_median(scratch, count) : -1;
}

/* What was read by scanning, and for each row that came of it. */
static void measure_steps(struct statement *statement, const struct window *window, double *scratch)
{
    const struct calls_site *site = statement->site;
    size_t count = 0;
    for (size_t i = 0; i < site->count; i++) {
        const struct otlp_attributes *attributes = attributes_of(window, &site->refs[i]);
        const int64_t scanned = otlp_find_i64(attributes, "sqlite.fullscan_steps", -1);
        const int64_t indexed = otlp_find_i64(attributes, "sqlite.autoindex_rows", -1);
        if (scanned >= 0 || indexed >= 0)
            scratch[count++] =
                (double)(scanned > 0 ? scanned : 0) + (double)(indexed > 0 ? indexed : 0);
    }
    statement->counted = count > 0;
    statement->steps = figures_median(scratch, count);
    statement->steps_a_row = statement->steps / (statement->rows > 1 ? statement->rows : 1);
}

static bool is_lookup(const struct window *window, const struct calls_site *site)
{
    const struct otlp_attributes *attributes = attributes_of(window, &site->refs[0]);
    struct text query = otlp_find_text(attributes, "db.query.text");
    if (query.length == 0)
        query = otlp_find_text(attributes, "db.statement");
    return query.length == 0 || normal_contains(query, "where") || normal_contains(query, "join");
}

/* ---- beside the other statements */

static enum status p50_of(const struct window *window, const struct calls_site *site,
                          struct arena *arena, double *out)
{
    const double *durations = calls_durations_ms(window, site, arena);
    *out = durations ? figures_quantile(durations, site->count, 0.5) : 0;
    return durations ? STATUS_OK : STATUS_NO_MEMORY;
}

/* The lower median of the medians of other reads, of this database or of any. */
static enum status measure_keyed(struct statement *statement, const struct detect *detect,
                                 bool same, double *scratch)
{
    const struct fingerprint *print = print_of(detect, statement->site->print);
    size_t count = 0;
    for (size_t i = 0; i < detect->calls->site_count; i++) {
        const struct calls_site *site = &detect->calls->sites[i];
        const struct fingerprint *other = print_of(detect, site->print);
        if (site->print == statement->site->print || site->count < DETECT_SUPPORT_MIN ||
            (other->flags & (FINGERPRINT_DATABASE | FINGERPRINT_READS)) !=
                (FINGERPRINT_DATABASE | FINGERPRINT_READS) ||
            (same && !same_database(print, other)))
            continue;
        if (p50_of(detect->current, site, detect->arena, &scratch[count++]) != STATUS_OK)
            return STATUS_NO_MEMORY;
    }
    statement->keyed_p50_ms = figures_median(scratch, count);
    return STATUS_OK;
}

static enum status measure_others(struct statement *statement, const struct detect *detect,
                                  double *scratch)
{
    const struct fingerprint *print = print_of(detect, statement->site->print);
    size_t count = 0;
    for (size_t i = 0; detect->old_calls && i < detect->calls->site_count; i++) {
        const struct calls_site *site = &detect->calls->sites[i];
        const struct calls_site *old = calls_find(detect->old_calls, site);
        double now_ms, before_ms;
        if (site->print == statement->site->print || !old ||
            !same_database(print, print_of(detect, site->print)))
            continue;
        if (p50_of(detect->current, site, detect->arena, &now_ms) != STATUS_OK ||
            p50_of(detect->baseline, old, detect->arena, &before_ms) != STATUS_OK)
            return STATUS_NO_MEMORY;
        if (before_ms > 0)
            scratch[count++] = now_ms / before_ms;
    }
    statement->others_grew = figures_median(scratch, count);
    return STATUS_OK;
}

/* ---- while nobody else used the database */

struct use {
    uint64_t start_ns, end_ns; /* wall clock */
    bool ours;
};

static int order_uses(const void *left, const void *right)
{
    const struct use *a = left, *b = right;
    if (a->start_ns != b->start_ns)
        return a->start_ns < b->start_ns ? -1 : 1;
    return (a->end_ns > b->end_ns) - (a->end_ns < b->end_ns);
}

static size_t gather_uses(const struct statement *statement, const struct detect *detect,
                          struct use *out)
{
    const struct fingerprint *print = print_of(detect, statement->site->print);
    const struct forest *forest = &detect->current->forest;
    size_t count = 0;
    for (size_t t = 0; t < forest->count; t++) {
        for (uint32_t i = 0; i < forest->trees[t].count; i++) {
            const struct tree_node *node = &forest->trees[t].nodes[i];
            if (!same_database(print, print_of(detect, node->print)))
                continue;
            if (out)
                out[count] = (struct use){forest->trees[t].base_ns + (uint64_t)node->start_ns,
                                          forest->trees[t].base_ns + (uint64_t)node->end_ns,
                                          node->print == statement->site->print};
            count++;
        }
    }
    return count;
}

/* Uses in flight when number `at` began; of the latest CROWD_MAX. */
static double count_crowd(const struct use *uses, size_t at)
{
    double crowd = 0;
    for (size_t i = at; i > 0 && at - i < CROWD_MAX; i--)
        crowd += uses[i - 1].end_ns > uses[at].start_ns;
    return crowd;
}

static void measure_crowd(struct statement *statement, const struct use *uses, size_t count)
{
    struct figures_pairs pairs = {0};
    for (size_t i = 0; i < count; i++) {
        if (uses[i].ours)
            figures_add_pair(&pairs, count_crowd(uses, i),
                             (double)(uses[i].end_ns - uses[i].start_ns) / 1e6);
    }
    statement->crowd = figures_correlation(&pairs, 1);
}

static enum status measure_alone(struct statement *statement, const struct detect *detect)
{
    const size_t count = gather_uses(statement, detect, NULL);
    struct use *uses = arena_alloc_array(detect->arena, count, sizeof(*uses));
    double *alone = arena_alloc_array(detect->arena, count, sizeof(*alone));
    uint64_t busy_until_ns = 0;
    if (!uses || !alone)
        return STATUS_NO_MEMORY;
    gather_uses(statement, detect, uses);
    qsort(uses, count, sizeof(*uses), order_uses);
    for (size_t i = 0; i < count; i++) {
        const bool met = busy_until_ns > uses[i].start_ns ||
                         (i + 1 < count && uses[i + 1].start_ns < uses[i].end_ns);
        if (uses[i].ours && !met)
            alone[statement->alone++] = (double)(uses[i].end_ns - uses[i].start_ns) / 1e6;
        busy_until_ns = uses[i].end_ns > busy_until_ns ? uses[i].end_ns : busy_until_ns;
    }
    measure_crowd(statement, uses, count);
    statement->alone_p50_ms = figures_median(alone, statement->alone);
    return STATUS_OK;
}

static enum status measure_rest(struct statement *statement, const struct detect *detect)
{
    const struct calls_site *site = statement->site, *old = statement->old;
    const size_t old_count = old ? old->count : 0;
    const size_t most = site->count > old_count ? site->count : old_count;
    const size_t room = most > detect->calls->site_count ? most : detect->calls->site_count;
    double *scratch = arena_alloc_array(detect->arena, room, sizeof(*scratch));
    size_t trees = 0;
    if (!scratch)
        return STATUS_NO_MEMORY;
    for (size_t first = 0; first < site->count; first += calls_in_tree(site, first))
        trees++;
    statement->a_request = (double)site->count / (double)trees;
    statement->rows = attribute_p50(detect->current, site, "db.response.returned_rows", scratch);
    statement->before_rows =
        attribute_p50(detect->baseline, old, "db.response.returned_rows", scratch);
    statement->looks_up = is_lookup(detect->current, site);
    measure_steps(statement, detect->current, scratch);
    enum status status = measure_keyed(statement, detect, true, scratch);
    if (status == STATUS_OK && statement->keyed_p50_ms <= 0)
        status = measure_keyed(statement, detect, false, scratch);
    if (status == STATUS_OK)
        status = measure_others(statement, detect, scratch);
    return status == STATUS_OK ? measure_alone(statement, detect) : status;
}

enum status statement_measure(struct statement *statement, const struct detect *detect,
                              const struct calls_site *site)
{
    *statement = (struct statement){.site = site, .old = find_before(detect, site)};
    statement->now_ms = calls_durations_ms(detect->current, site, detect->arena);
    if (!statement->now_ms)
        return STATUS_NO_MEMORY;
    statement->p10_ms = figures_quantile(statement->now_ms, site->count, 0.1);
    statement->p50_ms = figures_quantile(statement->now_ms, site->count, 0.5);
    if (statement->old) {
        statement->before_ms = calls_durations_ms(detect->baseline, statement->old, detect->arena);
        if (!statement->before_ms)
            return STATUS_NO_MEMORY;
        statement->before_p50_ms =
            figures_quantile(statement->before_ms, statement->old->count, 0.5);
    }
    return measure_rest(statement, detect);
}
