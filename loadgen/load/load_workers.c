#include "loadgen/load/load_workers.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "loadgen/base/table.h"

bool load_workers_any_is_late(const struct load_workers *workers)
{
    for (size_t i = 0; i < workers->count; i++)
        if (workers->items[i].is_late)
            return true;
    return false;
}

void load_workers_release(struct load_workers *workers)
{
    free(workers->items);
    *workers = (struct load_workers){0};
}

/* ---- for people */

static void add_row(struct table *table, size_t index, const struct load_worker *worker)
{
    bool is_done = worker->state == WORKER_DONE;
    table_row(table);
    table_cell(table, TERMINAL_PLAIN, "%zu", index);
    table_cell(table, TERMINAL_PLAIN, "%s", worker->name.host);
    table_cell(table, TERMINAL_PLAIN, "%" PRIu64, worker->requests);
    table_cell(table, worker->failed > 0 ? TERMINAL_BAD : TERMINAL_PLAIN, "%" PRIu64,
               worker->failed);
    table_cell(table, TERMINAL_FAINT, "%.3f", clock_ms(worker->lag_p99_ns));
    table_cell(table, worker->is_late ? TERMINAL_BAD : TERMINAL_FAINT, "%.3f",
               clock_ms(worker->late_p99_ns));
    table_cell(table, TERMINAL_FAINT, "%.2f", (double)worker->cpu_ns / (double)NS_PER_S);
    table_cell(table, TERMINAL_FAINT, "%" PRIu64, worker->peak_rss_kib / 1024);
    table_cell(table, TERMINAL_FAINT, "%.3f", clock_ms(worker->clock_error_ns));
    table_cell(table, is_done ? TERMINAL_PLAIN : TERMINAL_BAD, "%s",
               worker_roll_state_words(worker->state));
}

static void print_trouble(const struct load_workers *workers, FILE *out)
{
    for (size_t i = 0; i < workers->count; i++) {
        const struct load_worker *worker = &workers->items[i];
        if (worker->state == WORKER_DONE)
            continue;
        fprintf(out,
                "  worker %zu (%s, pid %" PRIu64 ") %s%s%s: last heard %.1f s into the run, with "
                "%" PRIu64 " requests done\n",
                i, worker->name.host, worker->name.pid, worker_roll_state_words(worker->state),
                worker->words[0] ? ", " : "", worker->words, worker->heard_s, worker->requests);
    }
}

void load_workers_print(const struct load_workers *workers, FILE *out)
{
    static const struct table_column columns[] = {
        {"worker", true, true},    {"host", false, false},   {"requests", true, false},
        {"failed", true, false},   {"lag p99", true, false}, {"its own", true, false},
        {"CPU s", true, false},    {"MiB", true, false},     {"clock ms", true, false},
        {"came to", false, false},
    };
    struct table *table = workers->count > 0 ? malloc(sizeof(*table)) : NULL;
    if (table == NULL)
        return;
    table_init(table, columns, sizeof(columns) / sizeof(columns[0]));
    for (size_t i = 0; i < workers->count; i++)
        add_row(table, i, &workers->items[i]);
    fputc('\n', out);
    table_print(table, out, 0);
    print_trouble(workers, out);
    free(table);
}

/* ---- for programs */

static void write_worker(struct json_writer *writer, size_t index, const struct load_worker *worker)
{
    const struct {
        const char *key;
        uint64_t value;
    } counts[] = {{"worker", index},
                  {"pid", worker->name.pid},
                  {"requests", worker->requests},
                  {"failed", worker->failed},
                  {"spans_lost", worker->spans_lost},
                  {"peak_rss_kib", worker->peak_rss_kib}};
    const struct {
        const char *key;
        double value;
    } numbers[] = {{"lag_p99_ms", clock_ms(worker->lag_p99_ns)},
                   {"late_p99_ms", clock_ms(worker->late_p99_ns)},
                   {"cpu_s", (double)worker->cpu_ns / (double)NS_PER_S},
                   {"clock_error_ms", clock_ms(worker->clock_error_ns)},
                   {"last_heard_s", worker->heard_s}};
    json_begin_object(writer);
    json_field_cstring(writer, "host", worker->name.host);
    json_field_cstring(writer, "state", worker_roll_state_words(worker->state));
    json_field_cstring(writer, "words", worker->words);
    json_field_bool(writer, "trustworthy", !worker->is_late);
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
        json_field_u64(writer, counts[i].key, counts[i].value);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        json_field_fixed(writer, numbers[i].key, numbers[i].value, 6);
    }
    json_end_object(writer);
}

void load_workers_json(const struct load_workers *workers, struct json_writer *writer)
{
    if (workers->count == 0)
        return;
    json_key(writer, "workers");
    json_begin_array(writer);
    for (size_t i = 0; i < workers->count; i++)
        write_worker(writer, i, &workers->items[i]);
    json_end_array(writer);
}
