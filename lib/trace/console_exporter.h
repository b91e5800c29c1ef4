/* Writes spans or log records to standard output, or to another descriptor, as lines of JSON: one
 * for each, with its resource and scope, or one for each batch, which is OTLP's file format. A
 * reader that does not read costs a batch its deadline and no more; what is left of a line is then
 * cut off by a line end before the next one. */
#ifndef CULPRIT_TRACE_CONSOLE_EXPORTER_H
#define CULPRIT_TRACE_CONSOLE_EXPORTER_H

#include <stdatomic.h>

#include "base/buffer.h"
#include "trace/otlp_body.h"
#include "trace/span_exporter.h"

enum { CONSOLE_LINES_MAX = 64 << 20 }; /* bytes of a batch's lines */

struct console_exporter {
    struct span_exporter exporter; /* its self is this */
    enum otlp_signal signal;
    int descriptor; /* borrowed */
    bool whole_batches;
    bool is_cut; /* the last line has no end */
    struct buffer lines;
    _Atomic uint64_t limit_ns;
};

void console_exporter_init(struct console_exporter *exporter, enum otlp_signal signal,
                           int descriptor, bool whole_batches);

/* May be called twice. `in_child`: of a fork, which may have met it in the middle. */
void console_exporter_release(struct console_exporter *exporter, bool in_child);

#endif
