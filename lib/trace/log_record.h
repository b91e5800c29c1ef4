/* Log records: OpenTelemetry's logs API for whoever bridges a logging library, and exceptions as
 * records. A record is encoded once, as OTLP, and queued; log_provider.h sends it. Never blocks,
 * never allocates; callable from any thread. Before log_provider_start and after its shutdown
 * nothing happens, at the price of one load. */
#ifndef CULPRIT_TRACE_LOG_RECORD_H
#define CULPRIT_TRACE_LOG_RECORD_H

#include "base/wire.h"
#include "trace/trace.h"

/* OpenTelemetry's severity numbers: each has three more above it. */
enum log_severity {
    LOG_SEVERITY_NONE = 0,
    LOG_SEVERITY_TRACE = 1,
    LOG_SEVERITY_DEBUG = 5,
    LOG_SEVERITY_INFO = 9,
    LOG_SEVERITY_WARN = 13,
    LOG_SEVERITY_ERROR = 17,
    LOG_SEVERITY_FATAL = 21,
};

/* Everything is borrowed and copied. Text that is not UTF-8 is exported with '?' for each bad byte;
 * attributes that do not fit into 8 KiB with the rest are dropped and counted in the record. */
struct log_record {
    uint64_t wall_ns;                   /* when it happened; 0: not known */
    uint64_t observed_wall_ns;          /* 0: now */
    unsigned severity;                  /* enum log_severity and what lies between */
    struct text severity_text;          /* the source's own word */
    struct attribute body;              /* key unused; a text without data: none */
    struct text event_name;             /* what kind of event, where it is one */
    const struct span_context *context; /* NULL: that of the thread's current span */
    const struct attribute *attributes;
    size_t attribute_count;
};

/* `scope` names the module as for spans: static storage. */
void log_record_emit(const struct tracer *scope, const struct log_record *record);

/* Records are taken; worth asking before work is put into one. */
bool log_record_is_on(void);

/* ---- exceptions */

struct log_exception {
    struct text type, message; /* one of them at least */
    struct text stacktrace;    /* may be empty */
};

/* An error that ended what `span` (NULL: the current one) stood for, with exception.type,
 * exception.message and exception.stacktrace. OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN decides where
 * it goes: a span event (the default), a log record ("logs"), or both ("logs/dup"); a record needs
 * log_provider_start. */
void log_record_exception(const struct tracer *scope, struct span *span,
                          const struct log_exception *exception);

/* ---- inside the library */

/* One LogRecord message. false: not even what is left without attributes fits. Pure. */
bool log_record_encode(const struct log_record *record, const struct span_context *context,
                       const struct log_limits *limits, struct wire_writer *writer);

#endif
