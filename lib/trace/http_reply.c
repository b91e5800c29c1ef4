#include "trace/http_reply.h"

#include <string.h>
#include <time.h>

#include "base/clock.h"

enum { RETRY_AFTER_MAX_S = 24 * 3600, HEADER_MAX = 64 * 1024 };

struct framing {
    uint64_t length;
    bool has_length, is_chunked, is_bad;
};

uint64_t http_reply_retry_after_ns(struct text value, uint64_t wall_ns)
{
    uint64_t seconds;
    value = text_trim(value);
    if (text_to_u64(value, &seconds) == STATUS_OK)
        return (seconds < RETRY_AFTER_MAX_S ? seconds : RETRY_AFTER_MAX_S) * NS_PER_S;
    char date[40];
    struct tm parts = {.tm_sec = 0};
    text_copy(value, date, sizeof date);
    const char *end = strptime(date, "%a, %d %b %Y %H:%M:%S GMT", &parts);
    if (value.length >= sizeof date || end == NULL || *end != '\0')
        return 0;
    int64_t then_s = timegm(&parts), now_s = (int64_t)(wall_ns / NS_PER_S);
    if (then_s <= now_s)
        return 0;
    uint64_t wait_s = (uint64_t)(then_s - now_s);
    return (wait_s < RETRY_AFTER_MAX_S ? wait_s : RETRY_AFTER_MAX_S) * NS_PER_S;
}

/* true when the comma-separated list has the word. */
static bool list_has(struct text list, const char *word)
{
    struct text rest = list;
    while (rest.data != NULL)
        if (text_equal_ignore_case(text_trim(text_split(&rest, ',')), text_of(word)))
            return true;
    return false;
}

static void take_header(struct text line, uint64_t wall_ns, struct http_reply *reply,
                        struct framing *framing)
{
    struct text value = line;
    struct text name = text_split(&value, ':');
    value = text_trim(value);
    if (text_equal_ignore_case(name, TEXT_LITERAL("content-length"))) {
        uint64_t length;
        if (text_to_u64(value, &length) != STATUS_OK ||
            (framing->has_length && length != framing->length))
            framing->is_bad = true;
        else
            framing->length = length;
        framing->has_length = true;
    } else if (text_equal_ignore_case(name, TEXT_LITERAL("transfer-encoding"))) {
        framing->is_chunked = true;
        framing->is_bad |= !text_equal_ignore_case(value, TEXT_LITERAL("chunked"));
    } else if (text_equal_ignore_case(name, TEXT_LITERAL("connection"))) {
        if (list_has(value, "close"))
            reply->keep_alive = false;
        else if (list_has(value, "keep-alive"))
            reply->keep_alive = true;
    } else if (text_equal_ignore_case(name, TEXT_LITERAL("retry-after"))) {
        reply->retry_after_ns = http_reply_retry_after_ns(value, wall_ns);
    }
}

static bool take_status_line(struct text line, struct http_reply *reply)
{
    if (!text_starts_with(line, "HTTP/1.") || line.length < 12 || line.data[8] != ' ')
        return false;
    unsigned code = 0;
    for (size_t i = 9; i < 12; i++) {
        if (line.data[i] < '0' || line.data[i] > '9')
            return false;
        code = code * 10 + (unsigned)(line.data[i] - '0');
    }
    reply->status_code = code;
    reply->keep_alive = line.data[7] == '1';
    return code >= 100 && (line.length == 12 || line.data[12] == ' ');
}

/* The next line without its end, false where it is not whole yet. */
static bool next_line(const char *bytes, size_t length, size_t *at, struct text *line)
{
    const char *end = length > *at ? memchr(bytes + *at, '\n', length - *at) : NULL;
    if (end == NULL)
        return false;
    *line = (struct text){bytes + *at, (size_t)(end - (bytes + *at))};
    *at += line->length + 1;
    if (line->length > 0 && line->data[line->length - 1] == '\r')
        line->length--;
    return true;
}

/* One header section. STATUS_OK with *at behind it; STATUS_BUSY, STATUS_INVALID. */
static enum status parse_head(const char *bytes, size_t length, uint64_t wall_ns, size_t *at,
                              struct http_reply *reply, struct framing *framing)
{
    struct text line;
    *reply = (struct http_reply){0};
    *framing = (struct framing){0};
    for (bool first = true; next_line(bytes, length, at, &line); first = false) {
        if (first && !take_status_line(line, reply))
            return STATUS_INVALID;
        if (!first && line.length == 0)
            return framing->is_bad ? STATUS_INVALID : STATUS_OK;
        if (!first)
            take_header(line, wall_ns, reply, framing);
    }
    return length > HEADER_MAX ? STATUS_INVALID : STATUS_BUSY;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static bool chunk_size(struct text line, size_t *out)
{
    size_t size = 0, digits = 0;
    for (; digits < line.length && hex_value(line.data[digits]) >= 0; digits++) {
        if (digits == 8)
            return false;
        size = size << 4 | (size_t)hex_value(line.data[digits]);
    }
    *out = size;
    return digits > 0 && (digits == line.length || strchr("; \t", line.data[digits]) != NULL);
}

/* Walks the chunks; with `join` the pieces are moved together at bytes + begin. */
static enum status walk_chunks(char *bytes, size_t length, size_t begin, bool join,
                               size_t *body_length)
{
    size_t at = begin, size = 0, total = 0;
    struct text line;
    while (next_line(bytes, length, &at, &line)) {
        if (!chunk_size(line, &size))
            return STATUS_INVALID;
        if (size == 0) { /* trailers, then an empty line */
            while (next_line(bytes, length, &at, &line))
                if (line.length == 0) {
                    *body_length = total;
                    return STATUS_OK;
                }
            return STATUS_BUSY;
        }
        if (length - at < size)
            return STATUS_BUSY;
        if (join)
            memmove(bytes + begin + total, bytes + at, size);
        total += size;
        at += size;
        if (length - at >= 2 && memcmp(bytes + at, "\r\n", 2) != 0)
            return STATUS_INVALID;
        if (length - at < 2)
            return STATUS_BUSY;
        at += 2;
    }
    return length - at > HEADER_MAX ? STATUS_INVALID : STATUS_BUSY;
}

static enum status parse_body(char *bytes, size_t length, size_t at, bool closed,
                              const struct framing *framing, struct http_reply *reply)
{
    size_t body_length = length - at;
    enum status status = STATUS_OK;
    if (framing->is_chunked) {
        status = walk_chunks(bytes, length, at, false, &body_length);
        if (status == STATUS_OK)
            status = walk_chunks(bytes, length, at, true, &body_length);
    } else if (reply->status_code == 204 || reply->status_code == 304) {
        body_length = 0;
    } else if (framing->has_length) {
        if (body_length < framing->length)
            status = STATUS_BUSY;
        body_length = (size_t)framing->length;
    } else { /* until the end of the connection */
        reply->keep_alive = false;
        return closed ? (reply->body = (struct text){bytes + at, body_length}, STATUS_OK)
                      : STATUS_BUSY;
    }
    reply->body = (struct text){bytes + at, body_length};
    return status;
}

enum status http_reply_parse(char *bytes, size_t length, bool closed, uint64_t wall_ns,
                             struct http_reply *reply)
{
    struct framing framing;
    size_t at = 0;
    enum status status;
    do { /* interim answers (1xx) come before the one that counts */
        status = parse_head(bytes, length, wall_ns, &at, reply, &framing);
    } while (status == STATUS_OK && reply->status_code < 200);
    if (status == STATUS_OK && framing.is_chunked && framing.has_length)
        reply->keep_alive = false;
    if (status == STATUS_OK)
        status = parse_body(bytes, length, at, closed, &framing, reply);
    return status == STATUS_BUSY && closed ? STATUS_CLOSED : status;
}
