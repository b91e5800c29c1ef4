#include "trace/baggage.h"

#include <string.h>

/* RFC 9110 token. */
static bool is_token_char(char c)
{
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
        return true;
    return c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

static bool is_value_char(char c)
{
    return c > 0x20 && c < 0x7f && c != '"' && c != ',' && c != ';' && c != '\\';
}

static bool is_token(struct text text)
{
    for (size_t i = 0; i < text.length; i++)
        if (!is_token_char(text.data[i]))
            return false;
    return text.length > 0;
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_value(struct text text)
{
    for (size_t i = 0; i < text.length; i++) {
        if (!is_value_char(text.data[i]))
            return false;
        if (text.data[i] == '%' &&
            (i + 2 >= text.length || !is_hex(text.data[i + 1]) || !is_hex(text.data[i + 2])))
            return false;
    }
    return true;
}

/* Cuts "name = value" at its first '=': false where there is none. */
static bool cut_pair(struct text pair, struct text *name, struct text *value)
{
    struct text rest = pair;
    *name = text_trim(text_split(&rest, '='));
    *value = text_trim(rest);
    return rest.data != NULL;
}

static bool property_is_valid(struct text property)
{
    struct text name, value;
    bool has_value = cut_pair(property, &name, &value);
    return is_token(name) && (!has_value || is_value(value));
}

static size_t put(char *out, size_t at, struct text text)
{
    memcpy(out + at, text.data, text.length);
    return at + text.length;
}

static size_t put_pair(char *out, size_t at, struct text pair)
{
    struct text name, value;
    bool has_value = cut_pair(pair, &name, &value);
    at = put(out, at, name);
    if (!has_value)
        return at;
    out[at++] = '=';
    return value.length ? put(out, at, value) : at;
}

/* Writes one member without optional white space, at most as long as it came; 0 where it is not
 * valid. */
static size_t rewrite_member(struct text member, char *out)
{
    struct text rest = member, name, value;
    struct text pair = text_split(&rest, ';');
    if (!cut_pair(pair, &name, &value) || !is_token(name) || !is_value(value))
        return 0;
    size_t length = put_pair(out, 0, pair);
    while (rest.data != NULL) {
        struct text property = text_trim(text_split(&rest, ';'));
        if (property.length == 0)
            continue;
        if (!property_is_valid(property))
            return 0;
        out[length++] = ';';
        length = put_pair(out, length, property);
    }
    return length;
}

static struct text content(const struct baggage *baggage)
{
    return (struct text){baggage->text, baggage->length_bytes};
}

static struct text key_of(struct text member)
{
    struct text rest = member;
    return text_split(&rest, '=');
}

/* The member with that key, data NULL where there is none. */
static struct text find_member(const struct baggage *baggage, struct text key)
{
    struct text rest = content(baggage);
    while (rest.data != NULL && rest.length > 0) {
        struct text member = text_split(&rest, ',');
        if (text_equal(key_of(member), key))
            return member;
    }
    return (struct text){NULL, 0};
}

static void remove_member(struct baggage *baggage, struct text member)
{
    size_t begin = (size_t)(member.data - baggage->text);
    size_t end = begin + member.length;
    if (end < baggage->length_bytes)
        end++; /* the comma behind it */
    else if (begin > 0)
        begin--; /* the comma before it */
    memmove(baggage->text + begin, baggage->text + end, baggage->length_bytes - end);
    baggage->length_bytes = (uint16_t)(baggage->length_bytes - (end - begin));
}

static void add_member(struct baggage *baggage, struct text member)
{
    struct text old = find_member(baggage, key_of(member));
    if (old.data != NULL)
        remove_member(baggage, old);
    size_t at = baggage->length_bytes;
    if (at + (at > 0) + member.length > BAGGAGE_MAX)
        return;
    if (at > 0)
        baggage->text[at++] = ',';
    baggage->length_bytes = (uint16_t)put(baggage->text, at, member);
}

void baggage_reader_init(struct baggage_reader *reader, struct baggage *into)
{
    *reader = (struct baggage_reader){.into = into};
    into->length_bytes = 0;
}

void baggage_reader_add_line(struct baggage_reader *reader, struct text line)
{
    struct text rest = line;
    while (rest.data != NULL && reader->seen_members < BAGGAGE_MEMBERS_MAX) {
        struct text raw = text_split(&rest, ',');
        struct text member = text_trim(raw);
        if (reader->seen_bytes + raw.length > BAGGAGE_MAX) {
            reader->seen_members = BAGGAGE_MEMBERS_MAX; /* over the limit: no more of it */
            return;
        }
        reader->seen_bytes += raw.length + 1;
        if (member.length == 0)
            continue;
        reader->seen_members++;
        char plain[BAGGAGE_MAX];
        size_t length = rewrite_member(member, plain);
        if (length > 0)
            add_member(reader->into, (struct text){plain, length});
    }
}

enum status baggage_find(const struct baggage *baggage, const char *key, char *out, size_t size)
{
    struct text member = find_member(baggage, text_of(key));
    if (member.data == NULL)
        return STATUS_NOT_FOUND;
    struct text pair = text_split(&member, ';'), name, value;
    (void)cut_pair(pair, &name, &value);
    char plain[BAGGAGE_MAX];
    size_t length = 0;
    if (value.length > 0 && text_percent_decode(value, plain, &length) != STATUS_OK)
        return STATUS_NOT_FOUND; /* cannot be: members were checked when they came in */
    if (length + 1 > size)
        return STATUS_TOO_LARGE;
    memcpy(out, plain, length);
    out[length] = '\0';
    return STATUS_OK;
}
