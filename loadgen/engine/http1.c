#include "loadgen/engine/http1.h"

#include <string.h>

enum state {
    STATE_STATUS_LINE,
    STATE_HEADER,
    STATE_LENGTH_BODY,
    STATE_CLOSE_BODY,
    STATE_CHUNK_SIZE,
    STATE_CHUNK_DATA,
    STATE_CHUNK_END,
    STATE_TRAILER,
    STATE_DONE,
};

enum { CHUNK_DIGITS_MAX = 15 };

void http1_init(struct http1 *parser, uint64_t body_max_bytes, bool no_body)
{
    *parser = (struct http1){.body_max_bytes = body_max_bytes, .no_body = no_body};
}

/* ---- characters */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* tchar of RFC 9110, section 5.6.2: a bit for each character from 0 to 127 */
static bool is_token_char(char c)
{
    static const uint64_t token[] = {0x03ff6cfa00000000u, 0x57ffffffc7fffffeu};
    unsigned char byte = (unsigned char)c;
    return byte < 128 && (token[byte >> 6] >> (byte & 63) & 1) != 0;
}

static bool is_value_char(char c)
{
    unsigned char byte = (unsigned char)c;
    return (byte >= 0x20 && byte != 0x7f) || byte == '\t';
}

/* Whether one of eight bytes is a control character; the tab counts. */
static bool has_control(const char *eight)
{
    const uint64_t ones = 0x0101010101010101u;
    uint64_t word;
    memcpy(&word, eight, sizeof(word));
    uint64_t deleted = word ^ 0x7f * ones;
    return (((word - 0x20 * ones) & ~word) | ((deleted - ones) & ~deleted)) & 0x80 * ones;
}

/* Field values: everything but control characters, the tab excepted. */
static bool is_value(struct text value)
{
    const char *at = value.data, *end = value.data + value.length;
    while (at < end) {
        if (end - at >= 8 && !has_control(at))
            at += 8;
        else if (is_value_char(*at))
            at++;
        else
            return false;
    }
    return true;
}

/* ---- lines */

/* Finds a line that is there whole. STATUS_OK with *used 0: it is not. A bare LF ends one too (RFC
 * 9112, section 2.2). */
static enum status find_line(struct text input, struct text *line, size_t *used)
{
    size_t window = input.length < HTTP1_LINE_MAX ? input.length : HTTP1_LINE_MAX;
    const char *end = window > 0 ? memchr(input.data, '\n', window) : NULL;
    if (end == NULL)
        return window == HTTP1_LINE_MAX ? STATUS_TOO_LARGE : STATUS_OK;
    *used = (size_t)(end - input.data) + 1;
    *line = (struct text){input.data, *used - 1};
    if (line->length > 0 && line->data[line->length - 1] == '\r')
        line->length--;
    return STATUS_OK;
}

/* "HTTP/1.1 200 OK"; the reason and the space before it may be missing. */
static enum status read_status_line(struct http1 *parser, struct text line)
{
    const size_t version = sizeof("HTTP/1.") - 1;
    if (!text_starts_with(line, "HTTP/1.") || line.length < version + 5)
        return STATUS_INVALID;
    const char *at = line.data + version;
    if ((at[0] != '0' && at[0] != '1') || at[1] != ' ')
        return STATUS_INVALID;
    parser->is_http10 = at[0] == '0';
    at += 2;
    if (at[0] < '1' || at[0] > '9' || !is_digit(at[1]) || !is_digit(at[2]))
        return STATUS_INVALID;
    parser->http_status = (uint16_t)((at[0] - '0') * 100 + (at[1] - '0') * 10 + (at[2] - '0'));
    struct text reason = {at + 3, (size_t)(line.data + line.length - (at + 3))};
    if (reason.length > 0 && (reason.data[0] != ' ' || !is_value(reason)))
        return STATUS_INVALID;
    parser->state = STATE_HEADER;
    return STATUS_OK;
}

/* ---- the fields that decide where a body ends */

static enum status read_length(struct http1 *parser, struct text value)
{
    uint64_t length_bytes;
    if (text_to_u64(value, &length_bytes) != STATUS_OK)
        return STATUS_INVALID;
    if (parser->has_length && parser->left_bytes != length_bytes)
        return STATUS_INVALID;
    parser->has_length = true;
    parser->left_bytes = length_bytes;
    return STATUS_OK;
}

static enum status read_coding(struct http1 *parser, struct text value)
{
    if (parser->is_chunked || !text_equal_ignore_case(value, TEXT_LITERAL("chunked")))
        parser->has_other_coding = true;
    else
        parser->is_chunked = true;
    return STATUS_OK;
}

static enum status read_connection(struct http1 *parser, struct text value)
{
    while (value.data != NULL) {
        struct text option = text_trim(text_split(&value, ','));
        parser->said_close |= text_equal_ignore_case(option, TEXT_LITERAL("close"));
        parser->said_keep_alive |= text_equal_ignore_case(option, TEXT_LITERAL("keep-alive"));
    }
    return STATUS_OK;
}

static const struct field {
    struct text name;
    enum status (*read)(struct http1 *parser, struct text value);
} fields[] = {
    {TEXT_CONSTANT("content-length"), read_length},
    {TEXT_CONSTANT("transfer-encoding"), read_coding},
    {TEXT_CONSTANT("connection"), read_connection},
};

/* Also of a trailer, whose fields are checked and mean nothing here. */
static enum status read_field(struct http1 *parser, struct text line)
{
    size_t name_length = 0;
    while (name_length < line.length && is_token_char(line.data[name_length]))
        name_length++;
    if (name_length == 0 || name_length == line.length || line.data[name_length] != ':')
        return STATUS_INVALID; /* a folded line and a space before the colon too */
    struct text name = {line.data, name_length};
    struct text value =
        text_trim((struct text){line.data + name_length + 1, line.length - name_length - 1});
    if (!is_value(value))
        return STATUS_INVALID;
    if (parser->state == STATE_TRAILER)
        return STATUS_OK;
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        if (name.length == fields[i].name.length && text_equal_ignore_case(name, fields[i].name))
            return fields[i].read(parser, value);
    return STATUS_OK;
}

/* ---- where the body ends: RFC 9112, section 6.3 */

static bool has_no_body(const struct http1 *parser)
{
    return parser->no_body || parser->http_status == 204 || parser->http_status == 304;
}

/* An interim response: forget it and read the next one, under the same limit for all heads. */
static enum status pass_interim(struct http1 *parser)
{
    if (parser->http_status == 101)
        return STATUS_UNSUPPORTED;
    uint32_t head_bytes = parser->head_bytes;
    http1_init(parser, parser->body_max_bytes, parser->no_body);
    parser->head_bytes = head_bytes;
    return STATUS_OK;
}

static enum status end_head(struct http1 *parser)
{
    if (parser->http_status < 200)
        return pass_interim(parser);
    if (parser->is_chunked && (parser->has_length || parser->is_http10))
        return STATUS_INVALID; /* two ends, or one that 1.0 does not know */
    if (parser->has_other_coding)
        return STATUS_UNSUPPORTED;
    if (has_no_body(parser) || (parser->has_length && parser->left_bytes == 0))
        parser->state = STATE_DONE;
    else if (parser->is_chunked)
        parser->state = STATE_CHUNK_SIZE;
    else
        parser->state = parser->has_length ? STATE_LENGTH_BODY : STATE_CLOSE_BODY;
    bool over = parser->state == STATE_LENGTH_BODY && parser->left_bytes > parser->body_max_bytes;
    return over ? STATUS_TOO_LARGE : STATUS_OK;
}

static enum status read_header(struct http1 *parser, struct text line)
{
    return line.length == 0 ? end_head(parser) : read_field(parser, line);
}

static int hex_value(char c)
{
    if (is_digit(c))
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "1a;name=value": extensions are passed over. */
static enum status read_chunk_size(struct http1 *parser, struct text line)
{
    uint64_t size = 0;
    size_t digits = 0;
    for (; digits < line.length && hex_value(line.data[digits]) >= 0; digits++) {
        if (digits == CHUNK_DIGITS_MAX)
            return STATUS_TOO_LARGE;
        size = size << 4 | (uint64_t)hex_value(line.data[digits]);
    }
    struct text rest = {line.data + digits, line.length - digits};
    if (digits == 0 || !is_value(rest))
        return STATUS_INVALID;
    rest = text_trim(rest);
    if (rest.length > 0 && rest.data[0] != ';')
        return STATUS_INVALID;
    parser->head_bytes += (uint32_t)rest.length;
    if (parser->head_bytes > HTTP1_HEAD_MAX)
        return STATUS_TOO_LARGE;
    if (size > parser->body_max_bytes - parser->body_bytes)
        return STATUS_TOO_LARGE;
    parser->left_bytes = size;
    parser->state = size > 0 ? STATE_CHUNK_DATA : STATE_TRAILER;
    return STATUS_OK;
}

static enum status read_chunk_end(struct http1 *parser, struct text line)
{
    parser->state = STATE_CHUNK_SIZE;
    return line.length == 0 ? STATUS_OK : STATUS_INVALID;
}

static enum status read_trailer(struct http1 *parser, struct text line)
{
    if (line.length > 0)
        return read_field(parser, line);
    parser->state = STATE_DONE;
    return STATUS_OK;
}

typedef enum status line_reader(struct http1 *parser, struct text line);

static line_reader *const line_readers[STATE_DONE] = {
    [STATE_STATUS_LINE] = read_status_line, [STATE_HEADER] = read_header,
    [STATE_CHUNK_SIZE] = read_chunk_size,   [STATE_CHUNK_END] = read_chunk_end,
    [STATE_TRAILER] = read_trailer,
};

/* ---- feeding */

static enum status feed_line(struct http1 *parser, struct text input, size_t *used)
{
    struct text line = {0};
    uint8_t state = parser->state;
    enum status status = find_line(input, &line, used);
    if (status != STATUS_OK || *used == 0)
        return status;
    if (state != STATE_CHUNK_SIZE && state != STATE_CHUNK_END) {
        parser->head_bytes += (uint32_t)*used;
        if (parser->head_bytes > HTTP1_HEAD_MAX)
            return STATUS_TOO_LARGE;
    }
    return line_readers[state](parser, line);
}

static enum status feed_body(struct http1 *parser, struct text input, size_t *used,
                             struct text *body)
{
    bool until_close = parser->state == STATE_CLOSE_BODY;
    uint64_t most = until_close ? parser->body_max_bytes - parser->body_bytes : parser->left_bytes;
    if (until_close && input.length > most)
        return STATUS_TOO_LARGE;
    size_t take = input.length < most ? input.length : (size_t)most;
    *body = (struct text){input.data, take};
    *used = take;
    parser->body_bytes += take;
    if (until_close)
        return STATUS_OK;
    parser->left_bytes -= take;
    if (parser->left_bytes == 0)
        parser->state = parser->state == STATE_CHUNK_DATA ? STATE_CHUNK_END : STATE_DONE;
    return STATUS_OK;
}

enum status http1_feed(struct http1 *parser, struct text input, size_t *used, struct text *body)
{
    *used = 0;
    *body = (struct text){0};
    if (parser->state == STATE_DONE)
        return STATUS_END;
    enum status status = line_readers[parser->state] != NULL ? feed_line(parser, input, used)
                                                             : feed_body(parser, input, used, body);
    return status == STATUS_OK && parser->state == STATE_DONE ? STATUS_END : status;
}

bool http1_in_head(const struct http1 *parser)
{
    return parser->state == STATE_STATUS_LINE || parser->state == STATE_HEADER;
}

enum status http1_close(const struct http1 *parser)
{
    bool done = parser->state == STATE_CLOSE_BODY || parser->state == STATE_DONE;
    return done ? STATUS_END : STATUS_CLOSED;
}

bool http1_keeps_alive(const struct http1 *parser)
{
    return parser->state == STATE_DONE && !parser->said_close &&
           (!parser->is_http10 || parser->said_keep_alive);
}
