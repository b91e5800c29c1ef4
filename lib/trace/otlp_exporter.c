#include "trace/otlp_exporter.h"

#include "base/clock.h"

static enum status export_batch(void *self, const struct span_export *batch)
{
    struct otlp_exporter *exporter = self;
    uint64_t now_ns = clock_mono_ns(), due_ns = otlp_sender_due_ns(&exporter->sender);
    uint64_t wait_ns = exporter->is_alone && due_ns > now_ns ? due_ns - now_ns : 0;
    struct text otlp = {(const char *)batch->otlp, batch->length_bytes};
    return otlp_sender_send(&exporter->sender, otlp, batch->span_count,
                            batch->deadline_ns + wait_ns);
}

static void stop(void *self, uint64_t limit_ns)
{
    struct otlp_exporter *exporter = self;
    otlp_sender_stop(&exporter->sender, limit_ns);
}

static void stats(void *self, struct span_exporter_stats *out)
{
    const struct otlp_sender *sender = &((struct otlp_exporter *)self)->sender;
    *out = (struct span_exporter_stats){.exported = atomic_load(&sender->exported),
                                        .failed = atomic_load(&sender->failed),
                                        .rejected = atomic_load(&sender->rejected),
                                        .requests = atomic_load(&sender->requests),
                                        .retries = atomic_load(&sender->retries),
                                        .durations = otlp_sender_durations(sender)};
}

static const char *const names[] = {
    [OTLP_TRACES] = "otlp_http_span_exporter", [OTLP_LOGS] = "otlp_http_log_exporter"};

enum status otlp_exporter_init(struct otlp_exporter *exporter, enum otlp_signal signal,
                               const struct otlp_settings *settings, struct error *error)
{
    exporter->is_alone = false;
    exporter->exporter = (struct span_exporter){.name = names[signal],
                                                .self = exporter,
                                                .export_batch = export_batch,
                                                .stop = stop,
                                                .stats = stats};
    return otlp_sender_init(&exporter->sender, signal, settings, error);
}

void otlp_exporter_release(struct otlp_exporter *exporter, bool in_child)
{
    otlp_sender_release(&exporter->sender, in_child);
}
