#include "base/json_reader.h"

#include <math.h>
#include <string.h>

#include "base/json_scan.h"

/* What may come next. */
enum expect {
    EXPECT_VALUE,        /* at the start, behind a key */
    EXPECT_VALUE_OR_END, /* after '[' */
    EXPECT_KEY_OR_END,   /* after '{' */
    EXPECT_COMMA_OR_END, /* after an item */
    EXPECT_NOTHING,      /* after the document */
    EXPECT_FAILED,
};

enum { ESCAPED_NUMBER_MAX = 256 };

void json_reader_init(struct json_reader *reader, const char *data, size_t length)
{
    const char *begin = data ? data : "";
    *reader =
        (struct json_reader){.begin = begin, .at = begin, .end = begin + length, .token_at = begin};
}

static enum json_token fail(struct json_reader *reader, const char *at, const char *fault)
{
    reader->fault = fault;
    reader->token_at = at;
    reader->expect = EXPECT_FAILED;
    return JSON_ERROR;
}

static void skip_space(struct json_reader *reader)
{
    const char *at = reader->at;
    while (at < reader->end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t'))
        at++;
    reader->at = at;
}

static bool in_object(const struct json_reader *reader)
{
    const unsigned level = reader->depth - 1;
    return reader->in_object[level / 64] >> (level % 64) & 1;
}

static void after_value(struct json_reader *reader)
{
    reader->expect = reader->depth ? EXPECT_COMMA_OR_END : EXPECT_NOTHING;
}

static enum json_token begin_level(struct json_reader *reader, bool object)
{
    const unsigned level = reader->depth;
    const uint64_t bit = (uint64_t)1 << (level % 64);
    if (level == JSON_DEPTH_MAX)
        return fail(reader, reader->at, "nested too deep");
    if (object)
        reader->in_object[level / 64] |= bit;
    else
        reader->in_object[level / 64] &= ~bit;
    reader->depth++;
    reader->at++;
    reader->expect = object ? EXPECT_KEY_OR_END : EXPECT_VALUE_OR_END;
    return object ? JSON_OBJECT_BEGIN : JSON_ARRAY_BEGIN;
}

static enum json_token end_level(struct json_reader *reader)
{
    const bool object = in_object(reader);
    reader->depth--;
    reader->at++;
    after_value(reader);
    return object ? JSON_OBJECT_END : JSON_ARRAY_END;
}

/* From the opening quote on. */
static bool read_string(struct json_reader *reader)
{
    const char *begin = reader->at + 1;
    const char *fault;
    const char *stop = json_scan_string(begin, reader->end, &reader->has_escapes, &fault);
    if (fault) {
        fail(reader, stop == reader->end ? reader->at : stop, fault);
        return false;
    }
    reader->text = (struct text){begin, (size_t)(stop - begin)};
    reader->at = stop + 1;
    return true;
}

static enum json_token read_string_value(struct json_reader *reader)
{
    if (!read_string(reader))
        return JSON_ERROR;
    after_value(reader);
    return JSON_STRING;
}

static enum json_token read_number(struct json_reader *reader)
{
    const char *behind = json_scan_number(reader->at, reader->end);
    if (!behind)
        return fail(reader, reader->at, "not a number as JSON writes it");
    reader->text = (struct text){reader->at, (size_t)(behind - reader->at)};
    reader->has_escapes = false;
    reader->at = behind;
    after_value(reader);
    return JSON_NUMBER;
}

static enum json_token read_word(struct json_reader *reader)
{
    static const struct {
        struct text word;
        enum json_token token;
    } words[] = {
        {TEXT_CONSTANT("true"), JSON_TRUE},
        {TEXT_CONSTANT("false"), JSON_FALSE},
        {TEXT_CONSTANT("null"), JSON_NULL},
    };
    const size_t left = (size_t)(reader->end - reader->at);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        const struct text word = words[i].word;
        if (left < word.length || memcmp(reader->at, word.data, word.length) != 0)
            continue;
        reader->at += word.length;
        after_value(reader);
        return words[i].token;
    }
    return fail(reader, reader->at, "expected a value");
}

static enum json_token read_value(struct json_reader *reader)
{
    const char first = *reader->at;
    if (first == '"')
        return read_string_value(reader);
    if (first == '-' || (first >= '0' && first <= '9'))
        return read_number(reader);
    if (first == '{' || first == '[')
        return begin_level(reader, first == '{');
    return read_word(reader);
}

/* With its colon. */
static enum json_token read_key(struct json_reader *reader)
{
    if (*reader->at != '"')
        return fail(reader, reader->at, "expected a key in quotes");
    if (!read_string(reader))
        return JSON_ERROR;
    skip_space(reader);
    if (reader->at == reader->end || *reader->at != ':')
        return fail(reader, reader->at, "expected ':'");
    reader->at++;
    reader->expect = EXPECT_VALUE;
    return JSON_KEY;
}

/* Behind an item: its level ends, or a comma and the next item come. */
static enum json_token read_next_item(struct json_reader *reader)
{
    const bool object = in_object(reader);
    if (*reader->at == (object ? '}' : ']'))
        return end_level(reader);
    if (*reader->at != ',')
        return fail(reader, reader->at, object ? "expected ',' or '}'" : "expected ',' or ']'");
    reader->at++;
    skip_space(reader);
    reader->token_at = reader->at;
    if (reader->at == reader->end)
        return fail(reader, reader->at, "ends too early");
    return object ? read_key(reader) : read_value(reader);
}

static enum json_token read_token(struct json_reader *reader)
{
    if (reader->expect == EXPECT_FAILED)
        return JSON_ERROR;
    skip_space(reader);
    reader->token_at = reader->at;
    if (reader->expect == EXPECT_NOTHING)
        return reader->at == reader->end
                   ? JSON_END
                   : fail(reader, reader->at, "something follows the document");
    if (reader->at == reader->end)
        return fail(reader, reader->at, "ends too early");
    switch ((enum expect)reader->expect) {
    case EXPECT_VALUE_OR_END:
        return *reader->at == ']' ? end_level(reader) : read_value(reader);
    case EXPECT_KEY_OR_END:
        return *reader->at == '}' ? end_level(reader) : read_key(reader);
    case EXPECT_COMMA_OR_END:
        return read_next_item(reader);
    default:
        return read_value(reader);
    }
}

enum json_token json_reader_next(struct json_reader *reader)
{
    reader->token = read_token(reader);
    return reader->token;
}

bool json_reader_skip(struct json_reader *reader)
{
    if (reader->token == JSON_KEY)
        json_reader_next(reader);
    if (reader->token == JSON_OBJECT_BEGIN || reader->token == JSON_ARRAY_BEGIN) {
        const unsigned outside = reader->depth - 1;
        while (reader->depth > outside && reader->token != JSON_ERROR)
            json_reader_next(reader);
    }
    return reader->token != JSON_ERROR;
}

/* One step of making a string plain: a run without escapes (borrowed), or one escape (in `own`). */
static struct text next_piece(const char **at, const char *end, char own[4])
{
    const char *begin = *at;
    if (*begin == '\\') {
        size_t own_bytes = 0;
        const size_t length = json_scan_escape(begin, end, own, &own_bytes);
        *at += length ? length : (size_t)(end - begin);
        return (struct text){own, own_bytes};
    }
    const char *slash = memchr(begin, '\\', (size_t)(end - begin));
    *at = slash ? slash : end;
    return (struct text){begin, (size_t)(*at - begin)};
}

size_t json_reader_unescape(const struct json_reader *reader, char *out)
{
    char own[4];
    size_t filled = 0;
    const char *end = reader->text.data + reader->text.length;
    for (const char *at = reader->text.data; at < end;) {
        const struct text piece = next_piece(&at, end, own);
        memcpy(out + filled, piece.data, piece.length);
        filled += piece.length;
    }
    return filled;
}

bool json_reader_is(const struct json_reader *reader, const char *word)
{
    if (!reader->has_escapes)
        return text_is(reader->text, word);
    char own[4];
    struct text rest = text_of(word);
    const char *end = reader->text.data + reader->text.length;
    for (const char *at = reader->text.data; at < end;) {
        const struct text piece = next_piece(&at, end, own);
        if (piece.length > rest.length || memcmp(piece.data, rest.data, piece.length) != 0)
            return false;
        rest.data += piece.length;
        rest.length -= piece.length;
    }
    return rest.length == 0;
}

void json_reader_where(const struct json_reader *reader, unsigned *line, unsigned *column)
{
    const char *line_begin = reader->begin;
    *line = 1;
    for (const char *at = reader->begin; at < reader->token_at; at++) {
        if (*at == '\n') {
            ++*line;
            line_begin = at + 1;
        }
    }
    *column = (unsigned)(reader->token_at - line_begin) + 1;
}

/* The digits of the last NUMBER or STRING; an escaped string is made plain in `plain`. */
static struct text number_text(const struct json_reader *reader, char plain[ESCAPED_NUMBER_MAX])
{
    const bool is_string = reader->token == JSON_STRING;
    if (reader->token != JSON_NUMBER && !is_string)
        return (struct text){NULL, 0};
    if (!reader->has_escapes)
        return reader->text;
    if (reader->text.length > ESCAPED_NUMBER_MAX)
        return (struct text){NULL, 0};
    return (struct text){plain, json_reader_unescape(reader, plain)};
}

/* 1.0 and 1e3 are whole numbers too; a double holds them exactly below 2^53. */
static enum status whole_double(struct text digits, double *out)
{
    const enum status status = text_to_double(digits, out);
    if (status != STATUS_OK)
        return status;
    if (*out != trunc(*out))
        return STATUS_INVALID;
    return fabs(*out) <= 0x1p53 ? STATUS_OK : STATUS_TOO_LARGE;
}

enum status json_reader_i64(const struct json_reader *reader, int64_t *out)
{
    char plain[ESCAPED_NUMBER_MAX];
    double whole;
    const struct text digits = number_text(reader, plain);
    enum status status = text_to_i64(digits, out);
    if (status != STATUS_INVALID)
        return status;
    status = whole_double(digits, &whole);
    if (status == STATUS_OK)
        *out = (int64_t)whole;
    return status;
}

enum status json_reader_u64(const struct json_reader *reader, uint64_t *out)
{
    char plain[ESCAPED_NUMBER_MAX];
    double whole;
    const struct text digits = number_text(reader, plain);
    enum status status = text_to_u64(digits, out);
    if (status != STATUS_INVALID)
        return status;
    status = whole_double(digits, &whole);
    if (status == STATUS_OK && whole < 0)
        return STATUS_INVALID;
    if (status == STATUS_OK)
        *out = (uint64_t)whole;
    return status;
}

enum status json_reader_double(const struct json_reader *reader, double *out)
{
    static const struct {
        const char *word;
        double value;
    } words[] = {{"NaN", NAN}, {"Infinity", INFINITY}, {"-Infinity", -INFINITY}};
    char plain[ESCAPED_NUMBER_MAX];
    const struct text digits = number_text(reader, plain);
    for (size_t i = 0; reader->token == JSON_STRING && i < sizeof(words) / sizeof(words[0]); i++) {
        if (text_is(digits, words[i].word)) {
            *out = words[i].value;
            return STATUS_OK;
        }
    }
    return text_to_double(digits, out);
}
