#include "base/text.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIGITS_MAX = 1000, EXPONENT_MAX = 100000 };

struct text text_of(const char *c_string)
{
    return (struct text){c_string, c_string ? strlen(c_string) : 0};
}

bool text_equal(struct text a, struct text b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
}

bool text_is(struct text a, const char *c_string)
{
    return text_equal(a, text_of(c_string));
}

static unsigned char lower(char letter)
{
    const unsigned char byte = (unsigned char)letter;
    return byte >= 'A' && byte <= 'Z' ? (unsigned char)(byte | 0x20) : byte;
}

bool text_equal_ignore_case(struct text a, struct text b)
{
    if (a.length != b.length)
        return false;
    for (size_t i = 0; i < a.length; i++) {
        if (lower(a.data[i]) != lower(b.data[i]))
            return false;
    }
    return true;
}

bool text_starts_with(struct text a, const char *prefix)
{
    const size_t length = strlen(prefix);
    return a.length >= length && (length == 0 || memcmp(a.data, prefix, length) == 0);
}

static bool is_blank(char letter)
{
    return letter == ' ' || letter == '\t';
}

struct text text_trim(struct text value)
{
    while (value.length > 0 && is_blank(value.data[0])) {
        value.data++;
        value.length--;
    }
    while (value.length > 0 && is_blank(value.data[value.length - 1]))
        value.length--;
    return value;
}

struct text text_split(struct text *rest, char separator)
{
    const struct text whole = *rest;
    const char *cut = whole.length ? memchr(whole.data, separator, whole.length) : NULL;
    if (!cut) {
        *rest = (struct text){NULL, 0};
        return whole;
    }
    const size_t length = (size_t)(cut - whole.data);
    *rest = (struct text){cut + 1, whole.length - length - 1};
    return (struct text){whole.data, length};
}

static bool is_digit(char letter)
{
    return letter >= '0' && letter <= '9';
}

/* All digits are looked at before a value is called too large, so that "99...9x" is invalid. */
static enum status parse_digits(struct text value, uint64_t max, uint64_t *out)
{
    uint64_t sum = 0;
    bool over = false;
    if (value.length == 0)
        return STATUS_INVALID;
    for (size_t i = 0; i < value.length; i++) {
        if (!is_digit(value.data[i]))
            return STATUS_INVALID;
        const uint64_t digit = (uint64_t)(value.data[i] - '0');
        over = over || sum > (max - digit) / 10;
        sum = over ? 0 : sum * 10 + digit;
    }
    if (over)
        return STATUS_TOO_LARGE;
    *out = sum;
    return STATUS_OK;
}

enum status text_to_u64(struct text value, uint64_t *out)
{
    return parse_digits(value, UINT64_MAX, out);
}

enum status text_to_i64(struct text value, int64_t *out)
{
    const bool negative = value.length > 0 && value.data[0] == '-';
    uint64_t magnitude = 0;
    if (negative) {
        value.data++;
        value.length--;
    }
    const uint64_t max = (uint64_t)INT64_MAX + (negative ? 1 : 0);
    const enum status status = parse_digits(value, max, &magnitude);
    if (status != STATUS_OK)
        return status;
    *out = (int64_t)(negative ? 0 - magnitude : magnitude);
    return STATUS_OK;
}

size_t text_from_u64(uint64_t value, char out[TEXT_U64_SIZE])
{
    size_t length = 1;
    for (uint64_t rest = value; rest >= 10; rest /= 10)
        length++;
    out[length] = '\0';
    for (size_t i = length; i > 0; value /= 10)
        out[--i] = (char)('0' + value % 10);
    return length;
}

/* A decimal as sign and digits without their point, which the exponent makes up for: strtod() then
 * reads the same in every locale. */
struct decimal {
    char digits[DIGITS_MAX + 16]; /* room for "e-123456" and the NUL */
    size_t count;
    long exponent;
    bool too_long;
};

static size_t take_digits(struct decimal *decimal, struct text value, size_t at)
{
    for (; at < value.length && is_digit(value.data[at]); at++) {
        if (decimal->count < DIGITS_MAX)
            decimal->digits[decimal->count++] = value.data[at];
        else
            decimal->too_long = true;
    }
    return at;
}

/* Reads what follows 'e'; 0 when that is no exponent. */
static size_t take_exponent(struct decimal *decimal, struct text value, size_t at)
{
    long exponent = 0;
    const bool negative = at < value.length && value.data[at] == '-';
    if (at < value.length && (negative || value.data[at] == '+'))
        at++;
    const size_t first = at;
    for (; at < value.length && is_digit(value.data[at]); at++) {
        if (exponent < EXPONENT_MAX)
            exponent = exponent * 10 + (value.data[at] - '0');
    }
    decimal->exponent += negative ? -exponent : exponent;
    return at == first ? 0 : at;
}

static bool take_decimal(struct decimal *decimal, struct text value)
{
    size_t at = value.length > 0 && value.data[0] == '-' ? 1 : 0;
    const size_t whole = at;
    at = take_digits(decimal, value, at);
    if (at == whole)
        return false;
    if (at < value.length && value.data[at] == '.') {
        const size_t fraction = at + 1;
        at = take_digits(decimal, value, fraction);
        if (at == fraction)
            return false;
        decimal->exponent -= (long)(at - fraction);
    }
    if (at < value.length && (value.data[at] | 0x20) == 'e') {
        at = take_exponent(decimal, value, at + 1);
        if (at == 0)
            return false;
    }
    return at == value.length;
}

enum status text_to_double(struct text value, double *out)
{
    struct decimal decimal;
    decimal.count = 0;
    decimal.exponent = 0;
    decimal.too_long = false;
    if (!take_decimal(&decimal, value))
        return STATUS_INVALID;
    if (decimal.too_long)
        return STATUS_TOO_LARGE;
    snprintf(decimal.digits + decimal.count, sizeof(decimal.digits) - decimal.count, "e%ld",
             decimal.exponent);
    const int saved = errno; /* strtod() sets it on underflow, which is no failure here */
    const double magnitude = strtod(decimal.digits, NULL);
    errno = saved;
    if (!isfinite(magnitude))
        return STATUS_TOO_LARGE;
    *out = value.data[0] == '-' ? -magnitude : magnitude;
    return STATUS_OK;
}

static int hex_value(char letter)
{
    if (is_digit(letter))
        return letter - '0';
    const int low = lower(letter);
    return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

enum status text_percent_decode(struct text value, char *out, size_t *length)
{
    size_t filled = 0;
    *length = 0;
    for (size_t i = 0; i < value.length; i++) {
        char letter = value.data[i];
        if (letter == '%') {
            if (value.length - i < 3)
                return STATUS_INVALID;
            const int high = hex_value(value.data[i + 1]);
            const int low = hex_value(value.data[i + 2]);
            if (high < 0 || low < 0)
                return STATUS_INVALID;
            letter = (char)(high * 16 + low);
            i += 2;
        }
        out[filled++] = letter;
    }
    *length = filled;
    return STATUS_OK;
}

/* First bytes of several-byte characters, and what their second byte may be (RFC 3629, section 4):
 * this is where overlong forms, surrogates and what is above U+10FFFF drop out. */
static const struct lead {
    uint8_t first, last, length, second_low, second_high;
} leads[] = {
    {0xc2, 0xdf, 2, 0x80, 0xbf}, {0xe0, 0xe0, 3, 0xa0, 0xbf}, {0xe1, 0xec, 3, 0x80, 0xbf},
    {0xed, 0xed, 3, 0x80, 0x9f}, {0xee, 0xef, 3, 0x80, 0xbf}, {0xf0, 0xf0, 4, 0x90, 0xbf},
    {0xf1, 0xf3, 4, 0x80, 0xbf}, {0xf4, 0xf4, 4, 0x80, 0x8f},
};

static const struct lead *lead_of(uint8_t byte)
{
    for (size_t i = 0; i < sizeof(leads) / sizeof(leads[0]); i++) {
        if (byte >= leads[i].first && byte <= leads[i].last)
            return &leads[i];
    }
    return NULL;
}

size_t text_utf8_length(struct text value)
{
    const uint8_t *bytes = (const uint8_t *)value.data;
    if (value.length == 0)
        return 0;
    if (bytes[0] < 0x80)
        return 1;
    const struct lead *lead = lead_of(bytes[0]);
    if (!lead || value.length < lead->length)
        return 0;
    if (bytes[1] < lead->second_low || bytes[1] > lead->second_high)
        return 0;
    for (size_t i = 2; i < lead->length; i++) {
        if ((bytes[i] & 0xc0) != 0x80)
            return 0;
    }
    return lead->length;
}

size_t text_utf8_prefix(struct text value)
{
    size_t at = 0;
    while (at < value.length) {
        uint64_t eight;
        if (value.length - at >= sizeof(eight)) {
            memcpy(&eight, value.data + at, sizeof(eight));
            if ((eight & 0x8080808080808080u) == 0) {
                at += sizeof(eight);
                continue;
            }
        }
        const size_t length = text_utf8_length((struct text){value.data + at, value.length - at});
        if (length == 0)
            break;
        at += length;
    }
    return at;
}

void text_copy(struct text value, char *out, size_t size)
{
    if (size == 0)
        return;
    const size_t length = value.length < size - 1 ? value.length : size - 1;
    if (length > 0)
        memcpy(out, value.data, length);
    out[length] = '\0';
}
