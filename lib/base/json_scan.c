#include "base/json_scan.h"

#include <endian.h>
#include <stdint.h>
#include <string.h>

#include "base/text.h"

/* Moves on over bytes that need no look: eight at a time (after Mycroft 1987), lowest byte first.
 * Stops at a quote, a backslash, a control character, a byte above 0x7f, or the end. */
static const char *skip_plain(const char *at, const char *end)
{
    const uint64_t ones = 0x0101010101010101u;
    const uint64_t highs = 0x8080808080808080u;
    while (end - at >= 8) {
        uint64_t word;
        memcpy(&word, at, sizeof(word));
        word = le64toh(word);
        const uint64_t quote = word ^ ones * '"';
        const uint64_t slash = word ^ ones * '\\';
        const uint64_t stop = (((quote - ones) & ~quote) | ((slash - ones) & ~slash) |
                               ((word - ones * 0x20) & ~word) | word) &
                              highs;
        if (stop)
            return at + __builtin_ctzll(stop) / 8;
        at += 8;
    }
    while (at < end && *at != '"' && *at != '\\' && (unsigned char)*at >= 0x20 &&
           (unsigned char)*at < 0x80)
        at++;
    return at;
}

/* Length of the escape or of the several-byte character at `at`; 0 with *fault set. */
static size_t check_special(const char *at, const char *end, const char **fault)
{
    char plain[4];
    size_t plain_bytes;
    size_t length;
    if ((unsigned char)*at < 0x20) {
        *fault = "control character in a string";
        return 0;
    }
    if (*at == '\\') {
        length = json_scan_escape(at, end, plain, &plain_bytes);
        *fault = length ? NULL : "wrong escape in a string";
    } else {
        length = text_utf8_length((struct text){at, (size_t)(end - at)});
        *fault = length ? NULL : "not UTF-8";
    }
    return length;
}

const char *json_scan_string(const char *at, const char *end, bool *has_escapes, const char **fault)
{
    *has_escapes = false;
    *fault = NULL;
    for (;;) {
        at = skip_plain(at, end);
        if (at == end) {
            *fault = "string without an end";
            return at;
        }
        if (*at == '"')
            return at;
        *has_escapes = *has_escapes || *at == '\\';
        const size_t length = check_special(at, end, fault);
        if (length == 0)
            return at;
        at += length;
    }
}

/* Four hex digits; -1 when they are not all there. */
static int32_t hex4(const char *at, const char *end)
{
    int32_t value = 0;
    if (end - at < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        const char letter = at[i];
        const char low = (char)(letter | 0x20);
        if (letter >= '0' && letter <= '9')
            value = value * 16 + (letter - '0');
        else if (low >= 'a' && low <= 'f')
            value = value * 16 + (low - 'a' + 10);
        else
            return -1;
    }
    return value;
}

/* `at` is behind "\u". Returns how many bytes follow (4, or 10 for a pair of surrogates), 0 when
 * they are no character. */
static size_t read_unicode(const char *at, const char *end, uint32_t *code)
{
    const int32_t first = hex4(at, end);
    if (first < 0 || (first >= 0xdc00 && first <= 0xdfff))
        return 0;
    *code = (uint32_t)first;
    if (first < 0xd800 || first > 0xdbff)
        return 4;
    if (end - at < 10 || at[4] != '\\' || at[5] != 'u')
        return 0;
    const int32_t second = hex4(at + 6, end);
    if (second < 0xdc00 || second > 0xdfff)
        return 0;
    *code = 0x10000 + ((uint32_t)(first - 0xd800) << 10) + (uint32_t)(second - 0xdc00);
    return 10;
}

static size_t put_utf8(uint32_t code, char out[4])
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    const size_t length = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = length - 1; i > 0; i--, code >>= 6)
        out[i] = (char)(0x80 | (code & 0x3f));
    static const unsigned char leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
    out[0] = (char)(leads[length] | code);
    return length;
}

size_t json_scan_escape(const char *at, const char *end, char out[4], size_t *out_bytes)
{
    static const char from[] = "\"\\/bfnrt";
    static const char to[] = "\"\\/\b\f\n\r\t";
    if (end - at < 2)
        return 0;
    if (at[1] == 'u') {
        uint32_t code;
        const size_t length = read_unicode(at + 2, end, &code);
        if (length == 0)
            return 0;
        *out_bytes = put_utf8(code, out);
        return length + 2;
    }
    const char *found = memchr(from, at[1], sizeof(from) - 1);
    if (!found)
        return 0;
    out[0] = to[found - from];
    *out_bytes = 1;
    return 2;
}

/* The end of the digits that begin at `at`; NULL when there are none. */
static const char *some_digits(const char *at, const char *end)
{
    const char *behind = at;
    while (behind < end && *behind >= '0' && *behind <= '9')
        behind++;
    return behind == at ? NULL : behind;
}

const char *json_scan_number(const char *at, const char *end)
{
    if (at < end && *at == '-')
        at++;
    const char *first = at;
    at = some_digits(at, end);
    if (!at || (*first == '0' && at - first > 1))
        return NULL;
    if (at < end && *at == '.')
        at = some_digits(at + 1, end);
    if (!at || at == end || (*at | 0x20) != 'e')
        return at;
    at++;
    if (at < end && (*at == '+' || *at == '-'))
        at++;
    return some_digits(at, end);
}
