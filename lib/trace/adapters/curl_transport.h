/* https for the OTLP exporters, by libcurl: TLS 1.2 or newer, the receiver's certificate always
 * verified, and a certificate of ours where the settings name one. Its transfers make no spans,
 * raise no SIGPIPE and end when the exporter is stopped. */
#ifndef CULPRIT_TRACE_ADAPTERS_CURL_TRANSPORT_H
#define CULPRIT_TRACE_ADAPTERS_CURL_TRANSPORT_H

/* From now on endpoints that begin with https:// are served. Before tracing_start. */
void curl_transport_register(void);

#endif
