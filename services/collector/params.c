#include "services/collector/params.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/hex.h"

const char *params_query(const struct request *request, const char *const *names)
{
    for (size_t i = 0; names[i]; i++) {
        const char *value = request_query(request, names[i]);
        if (value)
            return value;
    }
    return NULL;
}

/* ---- times */

/* `count` digits and the character behind them, which is passed over; -1: not so. */
static int take_digits(const char **at, int count, char behind)
{
    int value = 0;
    for (int i = 0; i < count; i++) {
        if (!isdigit((unsigned char)(*at)[i]))
            return -1;
        value = value * 10 + ((*at)[i] - '0');
    }
    *at += count;
    if (behind) {
        if (**at != behind)
            return -1;
        ++*at;
    }
    return value;
}

/* Days since 1970-01-01 in the proleptic Gregorian calendar (Hinnant, days_from_civil). */
static int64_t days_of(int year, int month, int day)
{
    const int64_t y = month <= 2 ? year - 1 : year;
    const int64_t era = y / 400;
    const int64_t of_era = y - era * 400;
    const int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* Up to nine digits count; more are passed over. */
static uint64_t take_fraction(const char **at)
{
    uint64_t ns = 0, unit = NS_PER_S / 10;
    if (**at != '.')
        return 0;
    for (++*at; isdigit((unsigned char)**at); ++*at) {
        ns += (uint64_t)(**at - '0') * unit;
        unit /= 10;
    }
    return ns;
}

/* Seconds east of Greenwich. */
static bool take_zone(const char *at, int64_t *offset_s)
{
    *offset_s = 0;
    if (strcasecmp(at, "Z") == 0)
        return true;
    if (*at != '+' && *at != '-' && *at != ' ')
        return false;
    const int sign = *at++ == '-' ? -1 : 1;
    const int hours = take_digits(&at, 2, ':');
    const int minutes = hours < 0 ? -1 : take_digits(&at, 2, '\0');
    *offset_s = sign * (hours * 3600 + minutes * 60);
    return hours >= 0 && hours <= 23 && minutes >= 0 && minutes <= 59 && *at == '\0';
}

bool params_time(const char *text, uint64_t *wall_ns)
{
    static const struct {
        int digits;
        char behind;
        int least, most;
    } parts[] = {{4, '-', 1970, 9999}, {2, '-', 1, 12}, {2, 0, 1, 31},
                 {2, ':', 0, 23},      {2, ':', 0, 59}, {2, 0, 0, 60}};
    int values[6];
    const char *at = text;
    int64_t offset_s;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        values[i] = take_digits(&at, parts[i].digits, parts[i].behind);
        if (values[i] < parts[i].least || values[i] > parts[i].most)
            return false;
        if (i == 2 && *at != 'T' && *at != 't' && *at != ' ')
            return false;
        at += i == 2;
    }
    const uint64_t fraction_ns = take_fraction(&at);
    if (!take_zone(at, &offset_s))
        return false;
    const int64_t seconds = days_of(values[0], values[1], values[2]) * 86400 + values[3] * 3600 +
                            values[4] * 60 + values[5] - offset_s;
    if (seconds < 0 || (uint64_t)seconds > UINT64_MAX / NS_PER_S - 1)
        return false;
    *wall_ns = (uint64_t)seconds * NS_PER_S + fraction_ns;
    return true;
}

/* ---- durations */

static bool take_unit(const char **at, uint64_t *ns)
{
    static const struct {
        const char *word;
        uint64_t ns;
    } units[] = {
        {"ns", 1},           {"us", 1000},    {"\xc2\xb5s", 1000}, /* micro sign */
        {"\xce\xbcs", 1000},                                       /* Greek mu */
        {"ms", NS_PER_MS},   {"s", NS_PER_S}, {"m", 60 * NS_PER_S}, {"h", 3600 * NS_PER_S}};
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        const size_t length = strlen(units[i].word);
        if (strncmp(*at, units[i].word, length) == 0) {
            *at += length;
            *ns = units[i].ns;
            return true;
        }
    }
    return false;
}

static bool take_duration(const char **at, uint64_t *sum_ns)
{
    const char *begin = *at;
    double number;
    uint64_t unit_ns;
    while (isdigit((unsigned char)**at) || **at == '.')
        ++*at;
    if (text_to_double((struct text){begin, (size_t)(*at - begin)}, &number) != STATUS_OK ||
        !take_unit(at, &unit_ns))
        return false;
    const double ns = number * (double)unit_ns + (double)*sum_ns;
    if (ns >= 0x1p63)
        return false;
    *sum_ns = (uint64_t)(ns + 0.5);
    return true;
}

bool params_duration(const char *text, uint64_t *ns)
{
    const char *at = text;
    *ns = 0;
    if (strcmp(text, "0") == 0)
        return true;
    if (*at == '\0')
        return false;
    while (*at) {
        if (!take_duration(&at, ns))
            return false;
    }
    return true;
}

/* ---- ids and kinds */

static bool is_zero(const uint8_t id[16])
{
    uint8_t any = 0;
    for (int i = 0; i < 16; i++)
        any |= id[i];
    return any == 0;
}

/* 22 digits hold 16 bytes and 4 bits that must be zero; '+' may have become a space. */
static bool read_base64(const char *text, size_t length, uint8_t id[16])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t bits = 0;
    unsigned held = 0;
    size_t filled = 0;
    if (length == 24 && strcmp(text + 22, "==") != 0)
        return false;
    for (size_t i = 0; i < 22; i++) {
        char digit = text[i] == '-' || text[i] == ' ' ? '+' : text[i];
        digit = digit == '_' ? '/' : digit;
        const char *found = strchr(digits, digit);
        if (!found || digit == '\0')
            return false;
        bits = bits << 6 | (uint32_t)(found - digits);
        held += 6;
        if (held >= 8) {
            held -= 8;
            id[filled++] = (uint8_t)(bits >> held);
        }
    }
    return (bits & 0xf) == 0;
}

bool params_trace_id(const char *text, uint8_t id[16])
{
    const size_t length = strlen(text);
    char padded[32];
    if (length == 0)
        return false;
    if (length <= sizeof(padded)) {
        memset(padded, '0', sizeof(padded));
        for (size_t i = 0; i < length; i++)
            padded[sizeof(padded) - length + i] = text[i];
        if (hex_decode(padded, 16, true, id))
            return !is_zero(id);
    }
    return (length == 22 || length == 24) && read_base64(text, length, id) && !is_zero(id);
}

static const char *const kinds[] = {"unspecified", "internal", "server",
                                    "client",      "producer", "consumer"};

uint8_t params_kind(const char *text)
{
    static const char prefix[] = "SPAN_KIND_";
    if (strncasecmp(text, prefix, sizeof(prefix) - 1) == 0)
        text += sizeof(prefix) - 1;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcasecmp(text, kinds[i]) == 0)
            return (uint8_t)i;
    }
    return 0xff;
}

const char *params_kind_word(uint8_t kind)
{
    return kind > 0 && kind < sizeof(kinds) / sizeof(kinds[0]) ? kinds[kind] : kinds[1];
}
