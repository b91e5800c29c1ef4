#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json_reader.h"
#include "tests/unit/rows.h"

/* Standard error goes to a pipe while a line is written; a line fits the pipe, so this never
 * blocks. */
static struct {
    int saved, pipe[2];
    char text[3 * 4096 + 1];
    size_t length;
} caught;

static void catch_begin(void)
{
    fflush(stderr);
    caught.saved = dup(STDERR_FILENO);
    assert_int_equal(pipe(caught.pipe), 0);
    dup2(caught.pipe[1], STDERR_FILENO);
}

static void catch_end(void)
{
    ssize_t count;
    dup2(caught.saved, STDERR_FILENO);
    close(caught.saved);
    close(caught.pipe[1]);
    caught.length = 0;
    while ((count = read(caught.pipe[0], caught.text + caught.length,
                         sizeof(caught.text) - 1 - caught.length)) > 0)
        caught.length += (size_t)count;
    close(caught.pipe[0]);
    caught.text[caught.length] = '\0';
}

/* One line of strict JSON, at most 4 KiB. */
static void check_line(void)
{
    struct json_reader reader;
    enum json_token token;
    assert_in_range(caught.length, 2, 4096);
    assert_ptr_equal(strchr(caught.text, '\n'), caught.text + caught.length - 1);
    json_reader_init(&reader, caught.text, caught.length);
    do {
        token = json_reader_next(&reader);
        assert_int_not_equal(token, JSON_ERROR);
    } while (token != JSON_END);
}

static void check_whole(void **state)
{
    (void)state;
    static const uint8_t trace_id[16] = {0x4b, 0xf9, [15] = 0x36};
    static const uint8_t span_id[8] = {0x00, 0xf0, [7] = 0xb7};
    log_start("cart", LOG_INFO);
    catch_begin();
    errno = EAGAIN;
    log_event(LOG_WARN, ((struct log_ids){trace_id, span_id, 1}), "slow\nquery",
              LOG_TEXT("sql", "a \"b\""), LOG_I64("rows", -3), LOG_DOUBLE("ms", 1.5),
              LOG_SLICE("part", ((struct text){"abcdef", 3})), LOG_TEXT("none", NULL));
    assert_int_equal(errno, EAGAIN);
    catch_end();
    check_line();
    assert_memory_equal(caught.text, "{\"ts\":\"20", 9);
    assert_string_equal(strstr(caught.text, "Z\","),
                        "Z\",\"level\":\"warn\",\"service\":\"cart\",\"msg\":\"slow\\nquery\","
                        "\"trace_id\":\"4bf90000000000000000000000000036\","
                        "\"span_id\":\"00f00000000000b7\",\"sql\":\"a \\\"b\\\"\",\"rows\":-3,"
                        "\"ms\":1.5,\"part\":\"abc\",\"none\":\"\"}\n");
}

static void check_no_ids(void **state)
{
    (void)state;
    log_start("cart", LOG_INFO);
    catch_begin();
    log_write(LOG_INFO, LOG_NO_IDS, "plain", NULL, 0);
    catch_end();
    check_line();
    assert_non_null(strstr(caught.text, "\"msg\":\"plain\"}"));
}

struct level_row {
    const char *it;
    enum log_level lowest, level;
    bool written;
};

static const struct level_row level_rows[] = {
    {"it writes the lowest level", LOG_WARN, LOG_WARN, true},
    {"it writes above the lowest level", LOG_DEBUG, LOG_ERROR, true},
    {"it is silent below the lowest level", LOG_WARN, LOG_INFO, false},
    {"it is silent at no level", LOG_DEBUG, (enum log_level)17, false},
};

static void check_level(void **state)
{
    const struct level_row *row = *state;
    log_start("cart", row->lowest);
    catch_begin();
    log_write(row->level, LOG_NO_IDS, "words", NULL, 0);
    catch_end();
    assert_int_equal(caught.length > 0, row->written);
}

static void check_words(void **state)
{
    (void)state;
    assert_int_equal(log_level_of("debug", LOG_INFO), LOG_DEBUG);
    assert_int_equal(log_level_of("error", LOG_INFO), LOG_ERROR);
    assert_int_equal(log_level_of("loud", LOG_WARN), LOG_WARN);
    assert_int_equal(log_level_of("", LOG_WARN), LOG_WARN);
    assert_int_equal(log_level_of(NULL, LOG_WARN), LOG_WARN);
}

/* The clock cannot be set here, so the date that was written is held against strftime()'s. */
static void check_time(void **state)
{
    (void)state;
    struct tm parts = {0};
    log_start("cart", LOG_INFO);
    const time_t before = (time_t)(clock_wall_ns() / NS_PER_S);
    catch_begin();
    log_write(LOG_INFO, LOG_NO_IDS, "now", NULL, 0);
    catch_end();
    const time_t after = (time_t)(clock_wall_ns() / NS_PER_S);
    const char *rest = strptime(caught.text, "{\"ts\":\"%Y-%m-%dT%H:%M:%S.", &parts);
    assert_non_null(rest);
    assert_int_equal(strspn(rest, "0123456789"), 6);
    assert_memory_equal(rest + 6, "Z\"", 2);
    assert_in_range(timegm(&parts), before, after);
}

struct long_row {
    const char *it;
    size_t message_length, field_length;
    char fill;
    bool cut;
};

static const struct long_row long_rows[] = {
    {"it keeps what fits", 100, 3000, 'x', false},
    {"it cuts a long message", 10000, 10, 'x', true},
    {"it cuts a long field", 10, 10000, 'x', true},
    {"it cuts both", 10000, 10000, 'x', true},
    {"it cuts what grows by escapes", 10, 3000, '\x01', true},
    {"it cuts a message that grows by escapes", 3000, 3000, '\x02', true},
    {"it cuts bytes that are no text", 3000, 3000, '\xff', true},
};

static void check_long(void **state)
{
    const struct long_row *row = *state;
    static const uint8_t ids[16];
    char message[10001], field[10001];
    memset(message, row->fill, row->message_length);
    memset(field, row->fill, row->field_length);
    message[row->message_length] = field[row->field_length] = '\0';
    log_start("cart", LOG_INFO);
    catch_begin();
    log_event(LOG_INFO, ((struct log_ids){ids, ids, 1}), message, LOG_TEXT("field", field),
              LOG_I64("last", 1));
    catch_end();
    check_line();
    assert_int_equal(strstr(caught.text, "\"cut\":true}\n") != NULL, row->cut);
    assert_non_null(strstr(caught.text, "\"span_id\":\"0000000000000000\"")); /* is never cut */
    if (!row->cut)
        assert_non_null(strstr(caught.text, "\"last\":1}"));
}

/* Every length around the line's end: the line stays whole JSON of at most 4 KiB. */
static void check_border(void **state)
{
    (void)state;
    char field[4200];
    log_start("cart", LOG_INFO);
    for (size_t length = 3800; length < 4150; length++) {
        memset(field, 'x', length);
        memcpy(field + length / 2 - 1, "\xe2\x82\xac", 3);
        field[length] = '\0';
        catch_begin();
        log_event(LOG_INFO, LOG_NO_IDS, "m", LOG_TEXT("field", field));
        catch_end();
        check_line();
        assert_null(strstr(caught.text, "\xef\xbf\xbd")); /* no character was cut in two */
    }
}

/* A message of any length leaves room for the ids. */
static void check_message_border(void **state)
{
    (void)state;
    static const uint8_t ids[16];
    char message[4200];
    log_start("cart", LOG_INFO);
    for (size_t length = 3800; length < 4150; length++) {
        memset(message, 'x', length);
        message[length] = '\0';
        catch_begin();
        log_write(LOG_INFO, (struct log_ids){ids, ids, 1}, message, NULL, 0);
        catch_end();
        check_line();
        assert_non_null(strstr(caught.text, "\"span_id\":\"0000000000000000\""));
    }
}

static void check_service(void **state)
{
    (void)state;
    char name[200];
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    log_start(name, LOG_INFO);
    catch_begin();
    log_write(LOG_INFO, LOG_NO_IDS, "words", NULL, 0);
    catch_end();
    check_line();
    name[63] = '\0';
    const char *service = strstr(caught.text, name);
    assert_non_null(service);
    assert_int_equal(service[63], '"');
}

static void check_closed(void **state)
{
    (void)state;
    log_start("cart", LOG_INFO);
    const int saved = dup(STDERR_FILENO);
    close(STDERR_FILENO);
    errno = 0;
    log_write(LOG_ERROR, LOG_NO_IDS, "nobody reads this", NULL, 0);
    const int after = errno;
    dup2(saved, STDERR_FILENO);
    close(saved);
    assert_int_equal(after, 0);
}

static struct log_line seen;
static unsigned seen_count;

static void note(const struct log_line *line)
{
    seen = *line;
    seen_count++;
    errno = EBADF;
}

/* The sink gets what is written, whole, and cannot be heard by the caller. */
static void check_sink(void **state)
{
    static char message[8000];
    static const uint8_t trace_id[16] = {1}, span_id[8] = {2};
    (void)state;
    memset(message, 'm', sizeof message - 1);
    log_start("cart", LOG_INFO);
    log_set_sink(note, LOG_INFO);
    catch_begin();
    errno = EAGAIN;
    log_event(LOG_WARN, ((struct log_ids){trace_id, span_id, 3}), message, LOG_I64("rows", 7));
    assert_int_equal(errno, EAGAIN);
    log_event(LOG_DEBUG, LOG_NO_IDS, "too quiet", LOG_I64("rows", 8));
    catch_end();
    check_line();
    assert_int_equal(seen_count, 1);
    assert_int_equal(seen.level, LOG_WARN);
    assert_true(seen.wall_ns > 1700000000 * NS_PER_S);
    assert_ptr_equal(seen.ids.trace_id, trace_id);
    assert_int_equal(seen.ids.trace_flags, 3);
    assert_int_equal(strlen(seen.message), sizeof message - 1);
    assert_int_equal(seen.count, 1);
    log_set_sink(note, LOG_DEBUG);
    catch_begin();
    log_event(LOG_DEBUG, LOG_NO_IDS, "for the sink alone", LOG_I64("rows", 8));
    catch_end();
    assert_int_equal(caught.length, 0);
    assert_int_equal(seen_count, 2);
    log_set_sink(note, LOG_ERROR);
    catch_begin();
    log_event(LOG_WARN, LOG_NO_IDS, "not for the sink", LOG_I64("rows", 8));
    catch_end();
    check_line();
    assert_int_equal(seen_count, 2);
    log_set_sink(NULL, LOG_DEBUG);
    catch_begin();
    log_event(LOG_WARN, LOG_NO_IDS, "alone", LOG_I64("rows", 9));
    catch_end();
    assert_int_equal(seen_count, 2);
}

int main(void)
{
    static struct rows all;
    rows_one(&all, "it writes one line with ids and fields, and leaves errno", check_whole);
    rows_one(&all, "it leaves ids out where there are none", check_no_ids);
    ROWS(&all, level_rows, check_level);
    rows_one(&all, "it knows the words of levels", check_words);
    rows_one(&all, "it tells the time", check_time);
    ROWS(&all, long_rows, check_long);
    rows_one(&all, "it cuts at every length", check_border);
    rows_one(&all, "it leaves room for ids behind every message", check_message_border);
    rows_one(&all, "it cuts the service's name", check_service);
    rows_one(&all, "it hands each line that is written to the sink", check_sink);
    rows_one(&all, "it survives a closed standard error", check_closed);
    return rows_run("log", &all);
}
