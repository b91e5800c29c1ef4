/* The OTEL_EXPORTER_OTLP_* variables of one signal. */
#ifndef CULPRIT_TRACE_OTLP_SETTINGS_H
#define CULPRIT_TRACE_OTLP_SETTINGS_H

#include "trace/otlp_body.h"

/* The specification's defaults, then the variables of all signals, then the signal's own. The
 * general endpoint is a base, the signal's own one is taken as it is. */
void otlp_settings_read(struct otlp_settings *settings, enum otlp_signal signal);

#endif
