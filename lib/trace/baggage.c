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

struct text baggage_list(const struct baggage *baggage)
{
    return (struct text){baggage->text, baggage->length_bytes};
}

static struct text key_of(struct text member)
{
    struct text rest = member;
    return text_split(&rest, '=');
}

/* The member with that key, data NULL where there is none; *others counts those before it, or all.
 */
static struct text find_member(const struct baggage *baggage, struct text key, size_t *others)
{
    struct text rest = baggage_list(baggage);
    *others = 0;
    while (rest.data != NULL && rest.length > 0) {
        struct text member = text_split(&rest, ',');
        if (text_equal(key_of(member), key))
            return member;
        ++*others;
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

/* Puts it last, in place of that of the same key. STATUS_TOO_LARGE: nothing is changed. */
static enum status put_member(struct baggage *baggage, struct text member)
{
    size_t others;
    struct text old = find_member(baggage, key_of(member), &others);
    size_t length = baggage->length_bytes;
    if (old.data != NULL)
        length -= old.length + (old.length < length);
    if (length + (length > 0) + member.length > BAGGAGE_MAX ||
        (old.data == NULL && others >= BAGGAGE_MEMBERS_MAX))
        return STATUS_TOO_LARGE;
    if (old.data != NULL)
        remove_member(baggage, old);
    size_t at = baggage->length_bytes;
    if (at > 0)
        baggage->text[at++] = ',';
    baggage->length_bytes = (uint16_t)put(baggage->text, at, member);
    return STATUS_OK;
}

/* ---- header lines */

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
            (void)put_member(reader->into, (struct text){plain, length});
    }
}

/* ---- the value */

struct line {
    char text[BAGGAGE_MAX];
    size_t length;
    bool too_long;
};

static void add(struct line *line, struct text text)
{
    line->too_long = line->too_long || text.length > sizeof line->text - line->length;
    if (!line->too_long && text.length > 0)
        line->length = put(line->text, line->length, text);
}

static void add_encoded(struct line *line, struct text value)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < value.length; i++) {
        unsigned char c = (unsigned char)value.data[i];
        const char escape[] = {'%', digits[c >> 4], digits[c & 15]};
        if (is_value_char(value.data[i]) && c != '%')
            add(line, (struct text){value.data + i, 1});
        else
            add(line, (struct text){escape, sizeof escape});
    }
}

enum status baggage_set(struct baggage *baggage, struct text key, struct text value,
                        struct text metadata)
{
    struct line line;
    char plain[BAGGAGE_MAX];
    line.length = 0;
    line.too_long = false;
    if (!is_token(key) || text_utf8_prefix(value) != value.length)
        return STATUS_INVALID;
    add(&line, key);
    add(&line, TEXT_LITERAL("="));
    add_encoded(&line, value);
    if (metadata.length > 0)
        add(&line, TEXT_LITERAL(";"));
    add(&line, metadata);
    if (line.too_long)
        return STATUS_TOO_LARGE;
    size_t length = rewrite_member((struct text){line.text, line.length}, plain);
    return length > 0 ? put_member(baggage, (struct text){plain, length}) : STATUS_INVALID;
}

bool baggage_remove(struct baggage *baggage, struct text key)
{
    size_t others;
    struct text member = find_member(baggage, key, &others);
    if (member.data != NULL)
        remove_member(baggage, member);
    return member.data != NULL;
}

bool baggage_next(struct text *rest, struct baggage_entry *entry)
{
    if (rest->data == NULL || rest->length == 0)
        return false;
    struct text member = text_split(rest, ',');
    struct text pair = text_split(&member, ';');
    entry->metadata = member;
    (void)cut_pair(pair, &entry->key, &entry->value);
    return true;
}

static size_t put_character(char *out, size_t at, struct text *rest)
{
    size_t length = text_utf8_length(*rest);
    struct text character = {rest->data, length};
    if (length == 0) {
        character = TEXT_LITERAL("\xef\xbf\xbd");
        length = 1;
    }
    rest->data += length;
    rest->length -= length;
    return put(out, at, character);
}

enum status baggage_decode(struct text value, char *out, size_t size)
{
    char plain[BAGGAGE_MAX], clean[BAGGAGE_MAX];
    size_t length = 0, clean_length = 0;
    if (value.length > sizeof plain ||
        (value.length > 0 && text_percent_decode(value, plain, &length) != STATUS_OK))
        return STATUS_TOO_LARGE; /* cannot be: values were checked when they came in */
    struct text rest = {plain, length};
    while (rest.length > 0) /* a byte that is replaced was an escape of three */
        clean_length = put_character(clean, clean_length, &rest);
    if (clean_length + 1 > size)
        return STATUS_TOO_LARGE;
    memcpy(out, clean, clean_length);
    out[clean_length] = '\0';
    return STATUS_OK;
}

enum status baggage_find(const struct baggage *baggage, const char *key, char *out, size_t size)
{
    size_t others;
    struct baggage_entry entry;
    struct text member = find_member(baggage, text_of(key), &others);
    if (!baggage_next(&member, &entry))
        return STATUS_NOT_FOUND;
    return baggage_decode(entry.value, out, size);
}

struct context baggage_attach(const struct baggage *baggage)
{
    struct context next = context_current();
    next.baggage = baggage;
    return context_attach(next);
}
