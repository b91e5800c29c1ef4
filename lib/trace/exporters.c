#include "trace/exporters.h"

#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

static const uint64_t log_gap_ns = 10 * NS_PER_S;

static void add(struct exporters *exporters, const struct span_exporter *exporter)
{
    exporters->slots[exporters->count++].exporter = exporter;
}

static void add_consoles(struct exporters *exporters, unsigned chosen)
{
    console_exporter_init(&exporters->console, exporters->signal, STDOUT_FILENO, false);
    console_exporter_init(&exporters->otlp_stdout, exporters->signal, STDOUT_FILENO, true);
    if (chosen & TRACING_EXPORT_CONSOLE)
        add(exporters, &exporters->console.exporter);
    if (chosen & TRACING_EXPORT_OTLP_STDOUT)
        add(exporters, &exporters->otlp_stdout.exporter);
}

/* Somebody may be reading the three sums. */
static void clear(struct exporters *exporters)
{
    memset(exporters->slots, 0, sizeof exporters->slots);
    exporters->count = 0;
    exporters->logged_ns = 0;
    exporters->otlp = (struct otlp_exporter){0};
    exporters->console = exporters->otlp_stdout = (struct console_exporter){0};
    atomic_store(&exporters->limit_ns, UINT64_MAX);
    atomic_store(&exporters->exported, 0);
    atomic_store(&exporters->rejected, 0);
    atomic_store(&exporters->failed, 0);
}

enum status exporters_init(struct exporters *exporters, enum otlp_signal signal,
                           const struct tracing_config *config, struct error *error)
{
    const bool logs = signal == OTLP_LOGS;
    const unsigned chosen = logs ? config->log_exporters : config->exporters;
    const uint64_t timeout_ms = logs ? config->log_batch.timeout_ms : config->batch.timeout_ms;
    clear(exporters);
    exporters->signal = signal;
    exporters->timeout_ns = timeout_ms * NS_PER_MS;
    if (chosen & TRACING_EXPORT_OTLP) {
        enum status status = otlp_exporter_init(&exporters->otlp, signal,
                                                logs ? &config->log_otlp : &config->otlp, error);
        if (status != STATUS_OK)
            return status;
        add(exporters, &exporters->otlp.exporter);
    }
    add_consoles(exporters, chosen);
    for (size_t i = 0; !logs && i < TRACING_PLUGINS_MAX && config->more_exporters[i] != NULL; i++)
        add(exporters, config->more_exporters[i]);
    exporters->otlp.is_alone = exporters->count == 1;
    return STATUS_OK;
}

void exporters_release(struct exporters *exporters, bool in_child)
{
    otlp_exporter_release(&exporters->otlp, in_child);
    console_exporter_release(&exporters->console, in_child);
    console_exporter_release(&exporters->otlp_stdout, in_child);
}

static struct span_exporter_stats stats_of(const struct exporters_slot *slot)
{
    struct span_exporter_stats stats = {0};
    if (slot->exporter->stats != NULL) {
        slot->exporter->stats(slot->exporter->self, &stats);
    } else {
        stats.exported = atomic_load(&slot->exported);
        stats.failed = atomic_load(&slot->failed);
        stats.durations.sum_ns = atomic_load(&slot->durations_ns);
        for (size_t i = 0; i <= DURATIONS_BOUNDS; i++) {
            stats.durations.buckets[i] = atomic_load(&slot->durations[i]);
            stats.durations.count += stats.durations.buckets[i];
        }
    }
    stats.failed += atomic_load(&slot->dropped);
    return stats;
}

static enum status export_timed(struct exporters_slot *slot, const struct span_export *batch)
{
    uint64_t began_ns = clock_mono_ns();
    enum status status = slot->exporter->export_batch(slot->exporter->self, batch);
    uint64_t duration_ns = clock_mono_ns() - began_ns;
    atomic_fetch_add(&slot->durations_ns, duration_ns);
    atomic_fetch_add(&slot->durations[durations_bucket(duration_ns)], 1);
    atomic_fetch_add(status == STATUS_OK ? &slot->exported : &slot->failed, batch->span_count);
    return status;
}

/* For an exporter that does not speak for itself. One line in ten seconds. */
static void log_failure(struct exporters *exporters, const struct span_exporter *exporter,
                        enum status status)
{
    uint64_t now_ns = clock_mono_ns();
    if (exporter->stats != NULL ||
        (exporters->logged_ns != 0 && now_ns - exporters->logged_ns < log_gap_ns))
        return;
    exporters->logged_ns = now_ns;
    log_event(LOG_WARN, LOG_NO_IDS,
              exporters->signal == OTLP_LOGS ? "log records could not be exported and were dropped"
                                             : "spans could not be exported and were dropped",
              LOG_TEXT("exporter", exporter->name), LOG_TEXT("reason", status_words(status)));
}

/* Spans of this batch that the exporter's receiver did not take. */
static uint64_t export_one(struct exporters *exporters, struct exporters_slot *slot,
                           struct span_export *batch, bool *failed)
{
    uint64_t limit_ns = atomic_load(&exporters->limit_ns);
    uint64_t rejected = stats_of(slot).rejected;
    batch->deadline_ns = clock_mono_ns() + exporters->timeout_ns;
    if (batch->deadline_ns > limit_ns)
        batch->deadline_ns = limit_ns;
    enum status status = export_timed(slot, batch);
    if (status != STATUS_OK) {
        *failed = true;
        log_failure(exporters, slot->exporter, status);
    }
    return stats_of(slot).rejected - rejected;
}

void exporters_export(struct exporters *exporters, struct text otlp, uint32_t span_count)
{
    struct span_export batch = {(const uint8_t *)otlp.data, otlp.length, span_count, 0};
    uint64_t rejected = 0;
    bool failed = false;
    for (size_t i = 0; i < exporters->count; i++) {
        uint64_t here = export_one(exporters, &exporters->slots[i], &batch, &failed);
        rejected = here > rejected ? here : rejected;
    }
    rejected = rejected < span_count ? rejected : span_count;
    if (failed) {
        atomic_fetch_add(&exporters->failed, span_count);
        return;
    }
    atomic_fetch_add(&exporters->rejected, rejected);
    atomic_fetch_add(&exporters->exported, span_count - rejected);
}

void exporters_drop(struct exporters *exporters, uint32_t span_count)
{
    atomic_fetch_add(&exporters->failed, span_count);
    for (size_t i = 0; i < exporters->count; i++)
        atomic_fetch_add(&exporters->slots[i].dropped, span_count);
}

enum status exporters_flush(struct exporters *exporters, uint64_t deadline_ns)
{
    enum status first = STATUS_OK;
    for (size_t i = 0; i < exporters->count; i++) {
        const struct span_exporter *exporter = exporters->slots[i].exporter;
        if (exporter->flush == NULL)
            continue;
        enum status status = exporter->flush(exporter->self, deadline_ns);
        if (first == STATUS_OK)
            first = status;
    }
    return first;
}

void exporters_stop(struct exporters *exporters, uint64_t limit_ns)
{
    atomic_store(&exporters->limit_ns, limit_ns);
    for (size_t i = 0; i < exporters->count; i++) {
        const struct span_exporter *exporter = exporters->slots[i].exporter;
        if (exporter->stop != NULL)
            exporter->stop(exporter->self, limit_ns);
    }
}

void exporters_shutdown(struct exporters *exporters, uint64_t deadline_ns)
{
    for (size_t i = 0; i < exporters->count; i++) {
        const struct span_exporter *exporter = exporters->slots[i].exporter;
        if (exporter->shutdown != NULL)
            exporter->shutdown(exporter->self, deadline_ns);
    }
}

void exporters_stats(struct exporters *exporters, struct tracing_stats *stats)
{
    stats->exported = atomic_load(&exporters->exported);
    stats->rejected = atomic_load(&exporters->rejected);
    stats->dropped_export_failed = atomic_load(&exporters->failed);
    stats->export_durations = (struct durations){0};
    for (size_t i = 0; i < exporters->count; i++) {
        struct span_exporter_stats one = stats_of(&exporters->slots[i]);
        stats->export_requests += one.requests;
        stats->export_retries += one.retries;
        stats->export_durations.count += one.durations.count;
        stats->export_durations.sum_ns += one.durations.sum_ns;
        for (size_t k = 0; k <= DURATIONS_BOUNDS; k++)
            stats->export_durations.buckets[k] += one.durations.buckets[k];
    }
}

const char *exporters_stats_of(struct exporters *exporters, size_t index,
                               struct span_exporter_stats *stats)
{
    if (index >= exporters->count)
        return NULL;
    *stats = stats_of(&exporters->slots[index]);
    return exporters->slots[index].exporter->name;
}
