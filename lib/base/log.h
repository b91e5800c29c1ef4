/* One JSON line an event, to standard error: ts, level, service, msg, trace_id and span_id where
 * the caller hands them, then the caller's fields. A line is at most 4 KiB (cut, with "cut":true)
 * and leaves in one write(2), so that lines of several threads and processes do not mix. Control
 * characters are escaped: one event is always one line. Never allocates; callable from any thread.
 */
#ifndef CULPRIT_BASE_LOG_H
#define CULPRIT_BASE_LOG_H

#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

struct log_field {
    const char *key;
    enum { LOG_FIELD_TEXT, LOG_FIELD_I64, LOG_FIELD_DOUBLE } type;
    struct text text;
    int64_t i64;
    double number;
};

#define LOG_TEXT(k, v)   ((struct log_field){.key = (k), .type = LOG_FIELD_TEXT, .text = text_of(v)})
#define LOG_SLICE(k, v)  ((struct log_field){.key = (k), .type = LOG_FIELD_TEXT, .text = (v)})
#define LOG_I64(k, v)    ((struct log_field){.key = (k), .type = LOG_FIELD_I64, .i64 = (v)})
#define LOG_DOUBLE(k, v) ((struct log_field){.key = (k), .type = LOG_FIELD_DOUBLE, .number = (v)})

/* Ids as bytes (16 and 8); NULL where there is no span. The W3C flags go to the sink alone. */
struct log_ids {
    const uint8_t *trace_id;
    const uint8_t *span_id;
    uint8_t trace_flags;
};

/* Once at start, before other threads: the service's name (copied, at most 63 bytes) and the lowest
 * level that is written. */
void log_start(const char *service, enum log_level lowest);

/* "debug", "info", "warn", "error"; anything else gives `otherwise`. */
enum log_level log_level_of(const char *word, enum log_level otherwise);

void log_write(enum log_level level, struct log_ids ids, const char *message,
               const struct log_field *fields, size_t count);

/* log_event(LOG_INFO, ids, "words", LOG_TEXT("key", value), ...); at least one field. */
#define log_event(level, ids, message, ...)                                                        \
    log_write((level), (ids), (message), (const struct log_field[]){__VA_ARGS__},                  \
              sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field))

#define LOG_NO_IDS ((struct log_ids){0})

/* ---- a second way out */

/* What a line says, before it was cut to its size. Borrowed. */
struct log_line {
    enum log_level level;
    uint64_t wall_ns;
    struct log_ids ids;
    const char *message;
    const struct log_field *fields;
    size_t count;
};

/* Gets each line, after it was written where it is, on the thread that logs. Must neither block nor
 * log. */
typedef void log_sink(const struct log_line *line);

/* Lines from `lowest` on, whether or not they are written. NULL: nobody, as at the start. A line
 * that is on its way may still go to the one before. */
void log_set_sink(log_sink *sink, enum log_level lowest);

#endif
