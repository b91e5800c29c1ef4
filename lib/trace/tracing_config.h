/* What a provider is started with: the settings of the specification's OTEL_* variables but for
 * OTEL_LOG_LEVEL and OTEL_CONFIG_FILE, and what only code can give. Plain values. */
#ifndef CULPRIT_TRACE_TRACING_CONFIG_H
#define CULPRIT_TRACE_TRACING_CONFIG_H

#include "trace/propagation.h"
#include "trace/sampling.h"

/* Where random ids come from, if not from the library: static storage, callable from any thread.
 * An id that is all zero is asked for once more and then replaced by a random one. */
struct id_generator {
    void *self;
    bool is_random; /* the trace ids' last 56 bits are: the W3C random flag is set on roots */
    void (*trace_id)(void *self, struct trace_id *out);
    void (*span_id)(void *self, struct span_id *out);
};

/* 0 is allowed: none is kept. Resource attributes have no limit. */
struct span_limits {
    uint32_t attribute_count; /* 128, as are the next four */
    uint32_t event_count;
    uint32_t link_count;
    uint32_t event_attribute_count;
    uint32_t link_attribute_count;
    uint32_t value_length; /* characters of text, bytes of bytes; UINT32_MAX: no limit */
    uint32_t value_depth;  /* 64: arrays and maps within each other, see attribute.h; at most 128 */
};

struct log_limits {
    uint32_t attribute_count; /* 128 */
    uint32_t value_length;    /* UINT32_MAX: no limit */
    uint32_t value_depth;     /* 64 */
};

/* One signal's OTLP/HTTP exporter. */
struct otlp_settings {
    char endpoint[512];    /* full URL: http://host:port/v1/traces */
    char headers[2048];    /* k=v,k=v, percent-encoded */
    uint32_t timeout_ms;   /* 10000: of a batch with all its repetitions; 0 as below */
    bool gzip;             /* level 1: a fifth of the bytes for five times a span's CPU */
    bool json;             /* http/json in place of http/protobuf */
    char certificate[256]; /* PEM files, for https; empty: the system's */
    char client_key[256];
    char client_certificate[256];
};

/* A queue and the batches that leave it. */
struct batch_settings {
    uint32_t delay_ms;    /* 5000; of logs 1000; 0: each goes at once */
    uint32_t timeout_ms;  /* 30000: of one export; INT32_MAX where the variable says 0, no limit */
    uint32_t queue_count; /* 2048 */
    uint32_t batch_count; /* 512 */
};

/* Bits: which exporters a signal has besides those given in code. */
enum {
    TRACING_EXPORT_OTLP = 1,
    TRACING_EXPORT_CONSOLE = 2,     /* a JSON line a span, on standard output */
    TRACING_EXPORT_OTLP_STDOUT = 4, /* a JSON line a batch, there too: OTLP's file format */
};

/* Bits: what is found out about the process for the resource. */
enum {
    RESOURCE_SERVICE = 1,   /* service.instance.id */
    RESOURCE_PROCESS = 2,   /* process.* */
    RESOURCE_HOST = 4,      /* host.*, os.* */
    RESOURCE_CONTAINER = 8, /* container.id */
    RESOURCE_ALL = 15,
};

struct span_exporter;  /* span_exporter.h */
struct span_processor; /* span_processor.h */

enum { TRACING_PLUGINS_MAX = 4 };

struct tracing_config {
    char service_name[256];         /* OTEL_SERVICE_NAME */
    char resource_attributes[2048]; /* OTEL_RESOURCE_ATTRIBUTES, as written: k=v,k=v */
    unsigned resource_detectors;    /* RESOURCE_ALL */
    bool disabled;                  /* OTEL_SDK_DISABLED */
    struct sampling sampling;       /* OTEL_TRACES_SAMPLER, OTEL_TRACES_SAMPLER_ARG */
    struct span_limits limits;      /* OTEL_SPAN_*_LIMIT, OTEL_ATTRIBUTE_*_LIMIT, ... */
    const struct id_generator *ids; /* NULL: random */
    bool plain_clock;               /* clock_gettime also where the cheaper counter would do */

    /* OTEL_PROPAGATORS: tracecontext, baggage. NULL ends the list; static storage. In use from the
     * start on, also of a disabled provider. */
    const struct propagator *propagators[PROPAGATORS_MAX];

    unsigned exporters;          /* OTEL_TRACES_EXPORTER: TRACING_EXPORT_OTLP */
    struct otlp_settings otlp;   /* OTEL_EXPORTER_OTLP_[TRACES_]* */
    struct batch_settings batch; /* OTEL_BSP_* */
    bool exports_at_end;         /* each span at once, by the thread that ends it: for tests */

    /* In order, NULL ends the list; static storage. Exporters get whole batches. */
    const struct span_exporter *more_exporters[TRACING_PLUGINS_MAX];
    const struct span_processor *processors[TRACING_PLUGINS_MAX];

    /* OTEL_LOGS_EXPORTER: none, where the specification has otlp. A service of ours writes its
     * lines to standard error, where whoever runs it collects them already: that they leave twice
     * is for a person to ask for. */
    unsigned log_exporters;
    struct otlp_settings log_otlp;   /* OTEL_EXPORTER_OTLP_[LOGS_]* */
    struct batch_settings log_batch; /* OTEL_BLRP_* */
    struct log_limits log_limits;    /* OTEL_LOGRECORD_ATTRIBUTE_* */
};

/* Defaults of the specification, then the OTEL_* variables; a wrong value is logged and ignored.
 * `service_name` is used where the environment names none. */
void tracing_config_from_environment(struct tracing_config *config, const char *service_name);

#endif
