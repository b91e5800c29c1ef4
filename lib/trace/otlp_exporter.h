/* The exporter of spans or log records over OTLP/HTTP: a sender in the shape of an exporter. */
#ifndef CULPRIT_TRACE_OTLP_EXPORTER_H
#define CULPRIT_TRACE_OTLP_EXPORTER_H

#include "trace/otlp_sender.h"
#include "trace/span_exporter.h"

struct otlp_exporter {
    struct otlp_sender sender;
    struct span_exporter exporter; /* its self is this */
    bool
        is_alone; /* nobody else waits while the receiver is spared: a wait for it costs no batch */
};

/* Statuses and release as those of the sender. */
MUST_CHECK enum status otlp_exporter_init(struct otlp_exporter *exporter, enum otlp_signal signal,
                                          const struct otlp_settings *settings,
                                          struct error *error);
void otlp_exporter_release(struct otlp_exporter *exporter, bool in_child);

#endif
