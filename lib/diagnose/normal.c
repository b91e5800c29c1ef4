#include "diagnose/normal.h"

#include <string.h>

struct sink {
    char *out;
    size_t length, size;
};

static struct sink sink_of(char *out, size_t size)
{
    if (size > 0)
        out[0] = 0;
    return (struct sink){out, 0, size};
}

static void put(struct sink *sink, char c)
{
    if (sink->length + 1 < sink->size)
        sink->out[sink->length++] = c;
}

static size_t finish(struct sink *sink)
{
    if (sink->size > 0)
        sink->out[sink->length] = 0;
    return sink->length;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* A number, a UUID, or at least eight hex digits with a number among them. */
static bool is_id(const char *word, size_t length)
{
    size_t digits = 0, hex = 0, dashes = 0;
    for (size_t i = 0; i < length; i++) {
        digits += is_digit(word[i]);
        hex += is_hex(word[i]);
        dashes += word[i] == '-';
    }
    if (length == 0 || digits == 0)
        return false;
    return digits == length || (hex + dashes == length && hex >= 8);
}

static bool separates(char c)
{
    return c == '/' || c == ' ' || c == '?';
}

size_t normal_name(struct text name, char *out, size_t size)
{
    struct sink sink = sink_of(out, size);
    for (size_t at = 0; at < name.length && name.data[at] != '?';) {
        size_t end = at;
        while (end < name.length && !separates(name.data[end]))
            end++;
        if (is_id(name.data + at, end - at)) {
            put(&sink, '{');
            put(&sink, '}');
            at = end;
        }
        for (; at < end; at++)
            put(&sink, name.data[at]);
        if (at < name.length && name.data[at] != '?')
            put(&sink, name.data[at++]);
    }
    return finish(&sink);
}

size_t normal_path(struct text url, char *out, size_t size)
{
    for (size_t i = 0; i + 2 < url.length; i++) {
        if (memcmp(url.data + i, "://", 3) != 0)
            continue;
        i += 3;
        while (i < url.length && url.data[i] != '/' && url.data[i] != '?')
            i++;
        url = (struct text){url.data + i, url.length - i};
        break;
    }
    return normal_name(url, out, size);
}

/* Behind the quote that closes the one at `at`; a doubled quote is a part of the text. */
static size_t skip_quoted(struct text sql, size_t at)
{
    const char quote = sql.data[at++];
    while (at < sql.length) {
        if (sql.data[at++] != quote)
            continue;
        if (at >= sql.length || sql.data[at] != quote)
            return at;
        at++;
    }
    return at;
}

static size_t skip_word(struct text sql, size_t at)
{
    while (at < sql.length && (is_letter(sql.data[at]) || is_digit(sql.data[at]) ||
                               sql.data[at] == '.' || sql.data[at] == '$'))
        at++;
    return at;
}

/* "?, ?" and "(?), (?)" say no more than one of them. */
static void put_mark(struct sink *sink)
{
    size_t end = sink->length;
    while (end > 0 && (sink->out[end - 1] == ' ' || sink->out[end - 1] == ','))
        end--;
    if (end < sink->length && end > 0 && sink->out[end - 1] == '?')
        sink->length = end;
    else
        put(sink, '?');
}

size_t normal_sql(struct text sql, char *out, size_t size)
{
    struct sink sink = sink_of(out, size);
    for (size_t at = 0; at < sql.length;) {
        const char c = sql.data[at];
        const char next = at + 1 < sql.length ? sql.data[at + 1] : 0;
        if (c == '\'') {
            at = skip_quoted(sql, at);
            put_mark(&sink);
        } else if (is_digit(c) || c == '?' ||
                   ((c == '$' || c == '@' || c == ':') && next > ' ' &&
                    (is_letter(next) || is_digit(next)))) {
            at = skip_word(sql, at + 1);
            put_mark(&sink);
        } else if (is_letter(c)) {
            const size_t end = skip_word(sql, at);
            for (; at < end; at++)
                put(&sink, sql.data[at]);
        } else if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
            if (sink.length > 0 && sink.out[sink.length - 1] != ' ')
                put(&sink, ' ');
            at++;
        } else {
            put(&sink, c);
            at++;
        }
    }
    return finish(&sink);
}

static bool is_wild(struct text segment)
{
    return segment.length > 0 && segment.data &&
           (segment.data[0] == '{' || segment.data[0] == ':' || segment.data[0] == '<' ||
            segment.data[0] == '*');
}

static struct text without_last_slash(struct text route)
{
    if (route.length > 1 && route.data[route.length - 1] == '/')
        route.length--;
    return route;
}

bool normal_routes_match(struct text a, struct text b)
{
    a = without_last_slash(a);
    b = without_last_slash(b);
    while (a.data && b.data) {
        const struct text left = text_split(&a, '/'), right = text_split(&b, '/');
        if (!text_equal(left, right) && !is_wild(left) && !is_wild(right))
            return false;
    }
    return !a.data && !b.data;
}

bool normal_contains(struct text value, const char *word)
{
    const size_t length = strlen(word);
    for (size_t at = 0; at + length <= value.length; at++) {
        size_t same = 0;
        while (same < length && lower(value.data[at + same]) == word[same])
            same++;
        if (same == length)
            return true;
    }
    return false;
}

struct text normal_first_word(struct text value)
{
    size_t length = 0;
    while (length < value.length && value.data[length] != ' ')
        length++;
    return (struct text){value.data, length};
}
