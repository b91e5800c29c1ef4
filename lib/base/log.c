#include "base/log.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/json_writer.h"

enum {
    LINE_MAX_BYTES = 4096, /* what one write(2) to a pipe keeps together */
    TAIL_BYTES = 16,       /* ,"cut":true} and the end of the line */
    IDS_BYTES = 96,        /* trace_id and span_id with their keys */
    SERVICE_SIZE = 64,
};

static struct {
    char service[SERVICE_SIZE];
    enum log_level lowest;
} settings = {.lowest = LOG_INFO}; /* written by log_start alone, before there are threads */

static log_sink *_Atomic second_sink;
static _Atomic int second_lowest; /* enum log_level, of the sink; written before it */

static const char *const level_words[] = {
    [LOG_DEBUG] = "debug", [LOG_INFO] = "info", [LOG_WARN] = "warn", [LOG_ERROR] = "error"};

enum { LEVEL_COUNT = sizeof(level_words) / sizeof(level_words[0]) };

/* The line that grows on the caller's stack: a buffer that is as large as it may become, and so
 * never asks for memory. */
struct line {
    struct buffer out;
    struct json_writer json;
    bool cut;
};

void log_start(const char *service, enum log_level lowest)
{
    text_copy(text_of(service), settings.service, sizeof(settings.service));
    settings.lowest = lowest;
}

void log_set_sink(log_sink *sink, enum log_level lowest)
{
    atomic_store_explicit(&second_lowest, (int)lowest, memory_order_relaxed);
    atomic_store_explicit(&second_sink, sink, memory_order_release);
}

enum log_level log_level_of(const char *word, enum log_level otherwise)
{
    for (int i = 0; word && i < LEVEL_COUNT; i++) {
        if (strcmp(word, level_words[i]) == 0)
            return (enum log_level)i;
    }
    return otherwise;
}

static void limit(struct line *line, size_t max_bytes)
{
    line->out.max_bytes = line->out.capacity_bytes = max_bytes;
}

/* 2026-11-23T18:30:27.123456Z. Not gmtime_r(), which takes the time zone's lock. Days to date after
 * Hinnant's "chrono-compatible low-level date algorithms": years begin in March, eras are 400
 * years. */
static void format_time(uint64_t wall_ns, char *out, size_t size)
{
    const uint64_t seconds = wall_ns / NS_PER_S;
    const uint64_t days = seconds / 86400 + 719468;
    const uint64_t era = days / 146097;
    const unsigned day_of_era = (unsigned)(days % 146097);
    const unsigned year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    const unsigned day_of_year =
        day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const unsigned shifted_month = (5 * day_of_year + 2) / 153;
    const unsigned day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    const unsigned month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
    const unsigned year = (unsigned)era * 400 + year_of_era + (month <= 2);
    const unsigned in_day = (unsigned)(seconds % 86400);
    snprintf(out, size, "%04u-%02u-%02uT%02u:%02u:%02u.%06uZ", year, month, day, in_day / 3600,
             in_day / 60 % 60, in_day % 60, (unsigned)(wall_ns % NS_PER_S / 1000));
}

/* Half as much, without half a character at its end. */
static struct text halved(struct text value)
{
    value.length /= 2;
    while (value.length > 0 && ((unsigned char)value.data[value.length] & 0xc0) == 0x80)
        value.length--;
    return value;
}

static void put_value(struct line *line, const struct log_field *field, struct text text)
{
    json_key(&line->json, field->key);
    if (field->type == LOG_FIELD_I64)
        json_i64(&line->json, field->i64);
    else if (field->type == LOG_FIELD_DOUBLE)
        json_double(&line->json, field->number);
    else
        json_text(&line->json, text);
}

/* Whole, else as much of a text as there is room for, else not at all. */
static void put_field(struct line *line, const struct log_field *field)
{
    const size_t length_before = line->out.length_bytes;
    struct text text = field->text;
    for (;;) {
        put_value(line, field, text);
        if (line->out.failed == STATUS_OK)
            return;
        line->cut = true;
        line->out.failed = STATUS_OK;
        line->out.length_bytes = length_before;
        if (field->type != LOG_FIELD_TEXT || text.length == 0)
            return;
        text = halved(text);
    }
}

static void put_ids(struct line *line, struct log_ids ids)
{
    if (ids.trace_id)
        json_field_hex(&line->json, "trace_id", ids.trace_id, 16);
    if (ids.span_id) {
        json_field_hex(&line->json, "span_id", ids.span_id, 8);
    }
}

static void put_head(struct line *line, enum log_level level, uint64_t wall_ns, const char *message)
{
    char now[40];
    format_time(wall_ns, now, sizeof(now));
    json_begin_object(&line->json);
    put_field(line, &LOG_TEXT("ts", now));
    put_field(line, &LOG_TEXT("level", level_words[level]));
    if (settings.service[0])
        put_field(line, &LOG_TEXT("service", settings.service));
    put_field(line, &LOG_TEXT("msg", message));
}

static void put_tail(struct line *line)
{
    if (line->cut)
        json_field_bool(&line->json, "cut", true);
    json_end_object(&line->json);
    buffer_append_byte(&line->out, '\n');
}

/* A line that cannot be written is lost: there is nowhere left to say so. */
static void write_line(const struct line *line)
{
    while (write(STDERR_FILENO, line->out.data, line->out.length_bytes) < 0 && errno == EINTR)
        continue;
}

/* NULL: the line is not for it. */
static log_sink *sink_for(enum log_level level)
{
    log_sink *sink = atomic_load_explicit(&second_sink, memory_order_acquire);
    if (sink && (int)level < atomic_load_explicit(&second_lowest, memory_order_relaxed))
        return NULL;
    return sink;
}

static void write_out(const struct log_line *said)
{
    uint8_t bytes[LINE_MAX_BYTES + 1]; /* and the NUL that a buffer keeps */
    struct line line = {.out = {.data = bytes}};
    json_writer_init(&line.json, &line.out, 0);
    limit(&line, LINE_MAX_BYTES - TAIL_BYTES - IDS_BYTES);
    put_head(&line, said->level, said->wall_ns, said->message);
    limit(&line, LINE_MAX_BYTES - TAIL_BYTES);
    put_ids(&line, said->ids);
    for (size_t i = 0; i < said->count; i++)
        put_field(&line, &said->fields[i]);
    limit(&line, LINE_MAX_BYTES);
    put_tail(&line);
    write_line(&line);
}

void log_write(enum log_level level, struct log_ids ids, const char *message,
               const struct log_field *fields, size_t count)
{
    if ((unsigned)level >= LEVEL_COUNT)
        return;
    log_sink *sink = sink_for(level);
    if (level < settings.lowest && !sink)
        return;
    const int saved = errno;
    const struct log_line said = {level, clock_wall_ns(), ids, message, fields, count};
    if (level >= settings.lowest)
        write_out(&said);
    if (sink)
        sink(&said);
    errno = saved;
}
