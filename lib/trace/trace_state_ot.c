#include "trace/trace_state_ot.h"

#include <string.h>

#include "base/hex.h"

enum { DIGITS = 14, BYTES = 7 };

static const struct text entry_key = TEXT_CONSTANT("ot");

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_value_char(char c)
{
    return is_lower(c) || is_digit(c) || (c >= 'A' && c <= 'Z') || c == '.' || c == '_' || c == '-';
}

/* Cuts "key:value"; false where it breaks the grammar. */
static bool cut(struct text part, struct text *key, struct text *value)
{
    struct text rest = part;
    *key = text_split(&rest, ':');
    *value = rest;
    if (rest.data == NULL || key->length == 0 || !is_lower(key->data[0]))
        return false;
    for (size_t i = 1; i < key->length; i++)
        if (!is_lower(key->data[i]) && !is_digit(key->data[i]))
            return false;
    for (size_t i = 0; i < value->length; i++)
        if (!is_value_char(value->data[i]))
            return false;
    return true;
}

static size_t count_key(struct text entry, struct text key)
{
    struct text rest = entry, found, value;
    size_t count = 0;
    while (rest.data != NULL)
        count += cut(text_split(&rest, ';'), &found, &value) && text_equal(found, key);
    return count;
}

/* `fewest` to 14 digits, filled up with zeros at the end. */
static bool read_digits(struct text value, size_t fewest, uint64_t *out)
{
    char digits[DIGITS];
    uint8_t bytes[BYTES];
    if (value.length < fewest || value.length > DIGITS)
        return false;
    memset(digits, '0', sizeof digits);
    memcpy(digits, value.data, value.length);
    if (!hex_decode(digits, BYTES, true, bytes))
        return false;
    *out = 0;
    for (size_t i = 0; i < BYTES; i++)
        *out = *out << 8 | bytes[i];
    return true;
}

bool trace_state_ot_read(struct text list, struct trace_state_ot *out)
{
    struct text entry, key, value;
    *out = (struct trace_state_ot){.threshold = 0};
    if (list.length == 0 || !trace_state_get(list, entry_key, &entry))
        return false;
    struct text rest = entry;
    while (rest.data != NULL) {
        if (!cut(text_split(&rest, ';'), &key, &value) || count_key(entry, key) != 1)
            continue;
        if (text_is(key, "th"))
            out->has_threshold = read_digits(value, 1, &out->threshold);
        else if (text_is(key, "rv"))
            out->has_randomness = read_digits(value, DIGITS, &out->randomness);
    }
    return out->has_threshold || out->has_randomness;
}

/* ---- writing */

struct line {
    char text[TRACE_STATE_OT_MAX];
    size_t length;
    bool too_long;
};

static void put(struct line *line, struct text text)
{
    if (line->too_long || text.length > sizeof line->text - line->length) {
        line->too_long = true;
        return;
    }
    if (text.length > 0)
        memcpy(line->text + line->length, text.data, text.length);
    line->length += text.length;
}

static void put_pair(struct line *line, struct text key, struct text value)
{
    if (line->length > 0)
        put(line, TEXT_LITERAL(";"));
    put(line, key);
    put(line, TEXT_LITERAL(":"));
    put(line, value);
}

/* Zeros at the end are left out down to `fewest` digits. */
static void put_digits(struct line *line, struct text key, uint64_t number, size_t fewest)
{
    char digits[DIGITS];
    uint8_t bytes[BYTES];
    for (size_t i = 0; i < BYTES; i++)
        bytes[i] = (uint8_t)(number >> 8 * (BYTES - 1 - i));
    hex_encode(bytes, BYTES, digits);
    size_t length = DIGITS;
    while (length > fewest && digits[length - 1] == '0')
        length--;
    put_pair(line, key, (struct text){digits, length});
}

static void put_others(struct line *line, struct text entry)
{
    struct text rest = entry, key, value;
    while (rest.data != NULL) {
        struct text part = text_split(&rest, ';');
        if (cut(part, &key, &value) && !text_is(key, "th") && !text_is(key, "rv") &&
            count_key((struct text){entry.data, (size_t)(part.data - entry.data)}, key) == 0)
            put_pair(line, key, value);
    }
}

enum status trace_state_ot_write(struct text list, const struct trace_state_ot *entry,
                                 struct trace_state *out)
{
    struct line line;
    struct text old;
    line.length = 0;
    line.too_long = false;
    if ((entry->has_threshold && entry->threshold >= TRACE_STATE_OT_LIMIT) ||
        (entry->has_randomness && entry->randomness >= TRACE_STATE_OT_LIMIT))
        return STATUS_INVALID;
    if (entry->has_threshold)
        put_digits(&line, TEXT_LITERAL("th"), entry->threshold, 1);
    if (entry->has_randomness)
        put_digits(&line, TEXT_LITERAL("rv"), entry->randomness, DIGITS);
    if (list.length > 0 && trace_state_get(list, entry_key, &old))
        put_others(&line, old);
    if (line.too_long)
        return STATUS_TOO_LARGE;
    if (line.length == 0)
        return trace_state_delete(list, entry_key, out);
    return trace_state_set(list, entry_key, (struct text){line.text, line.length}, out);
}
