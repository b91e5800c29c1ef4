#include "trace/trace_state.h"

#include <string.h>

enum { KEY_MAX = 256, VALUE_MAX = 256, LONG_MEMBER = 128 };

static bool is_key_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_key_char(char c)
{
    return is_key_start(c) || c == '_' || c == '-' || c == '*' || c == '/' || c == '@';
}

static bool is_value_char(char c)
{
    return c >= 0x20 && c <= 0x7e && c != ',' && c != '=';
}

static bool key_is_valid(struct text key)
{
    if (key.length == 0 || key.length > KEY_MAX || !is_key_start(key.data[0]))
        return false;
    for (size_t i = 1; i < key.length; i++)
        if (!is_key_char(key.data[i]))
            return false;
    return true;
}

static bool value_is_valid(struct text value)
{
    if (value.length == 0 || value.length > VALUE_MAX || value.data[value.length - 1] == ' ')
        return false;
    for (size_t i = 0; i < value.length; i++)
        if (!is_value_char(value.data[i]))
            return false;
    return true;
}

static struct text key_of(struct text member)
{
    const char *equals = member.length ? memchr(member.data, '=', member.length) : NULL;
    return (struct text){member.data, equals ? (size_t)(equals - member.data) : 0};
}

static bool member_is_valid(struct text member)
{
    struct text key = key_of(member);
    if (!key_is_valid(key))
        return false;
    return value_is_valid(
        (struct text){member.data + key.length + 1, member.length - key.length - 1});
}

static bool has_key(const struct trace_state_reader *reader, struct text key)
{
    for (size_t i = 0; i < reader->count; i++)
        if (text_equal(key_of(reader->members[i]), key))
            return true;
    return false;
}

void trace_state_reader_init(struct trace_state_reader *reader)
{
    reader->count = 0;
    reader->invalid = false;
}

void trace_state_reader_add_line(struct trace_state_reader *reader, struct text line)
{
    struct text rest = line;
    while (rest.data != NULL && !reader->invalid) {
        struct text member = text_trim(text_split(&rest, ','));
        if (member.length == 0)
            continue;
        /* Receivers may refuse a list with a key twice: the newest stays. */
        if (member_is_valid(member) && has_key(reader, key_of(member)))
            continue;
        if (member_is_valid(member) && reader->count < TRACE_STATE_MEMBERS_MAX)
            reader->members[reader->count++] = member;
        else
            reader->invalid = true;
    }
}

static size_t list_length(const struct text *members, size_t count)
{
    size_t length = count ? count - 1 : 0;
    for (size_t i = 0; i < count; i++)
        length += members[i].length;
    return length;
}

/* Removes one member behind the first `kept` ones as the specification asks; returns the new
 * count. */
static size_t drop_one(struct text *members, size_t count, size_t kept)
{
    size_t victim = count - 1;
    for (size_t i = count; i-- > kept;) {
        if (members[i].length > LONG_MEMBER) {
            victim = i;
            break;
        }
    }
    memmove(members + victim, members + victim + 1, (count - victim - 1) * sizeof members[0]);
    return count - 1;
}

/* The first `kept` members fit. */
static size_t write_members(struct text *members, size_t count, size_t kept, char *out, size_t size)
{
    while (list_length(members, count) > size - 1)
        count = drop_one(members, count, kept);
    size_t length = 0;
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            out[length++] = ',';
        memcpy(out + length, members[i].data, members[i].length);
        length += members[i].length;
    }
    out[length] = '\0';
    return length;
}

size_t trace_state_reader_write(const struct trace_state_reader *reader, char *out, size_t size)
{
    if (reader->invalid || reader->count == 0) {
        out[0] = '\0';
        return 0;
    }
    struct text members[TRACE_STATE_MEMBERS_MAX] = {{NULL, 0}};
    memcpy(members, reader->members, reader->count * sizeof members[0]);
    return write_members(members, reader->count, 0, out, size);
}

/* ---- a list as a value */

struct text trace_state_list(const struct trace_state *state)
{
    return (struct text){state->text, state->length_bytes};
}

static bool read_list(struct text list, struct trace_state_reader *reader)
{
    trace_state_reader_init(reader);
    trace_state_reader_add_line(reader, list);
    return !reader->invalid;
}

bool trace_state_get(struct text list, struct text key, struct text *value)
{
    struct trace_state_reader reader;
    *value = (struct text){NULL, 0};
    for (size_t i = 0; read_list(list, &reader) && i < reader.count; i++) {
        struct text member = reader.members[i];
        if (text_equal(key_of(member), key)) {
            *value = (struct text){member.data + key.length + 1, member.length - key.length - 1};
            return true;
        }
    }
    return false;
}

/* Writes `first` (may be empty) and the members of `reader` that have another key. */
static void write_changed(const struct trace_state_reader *reader, struct text first,
                          struct text key, struct trace_state *out)
{
    struct text members[TRACE_STATE_MEMBERS_MAX] = {{NULL, 0}};
    struct trace_state made;
    size_t kept = first.length > 0, count = kept;
    if (kept > 0)
        members[0] = first;
    for (size_t i = 0; i < reader->count && count < TRACE_STATE_MEMBERS_MAX; i++)
        if (!text_equal(key_of(reader->members[i]), key))
            members[count++] = reader->members[i];
    made.length_bytes = (uint16_t)write_members(members, count, kept, made.text, sizeof made.text);
    memcpy(out->text, made.text, made.length_bytes + 1u);
    out->length_bytes = made.length_bytes;
}

enum status trace_state_set(struct text list, struct text key, struct text value,
                            struct trace_state *out)
{
    struct trace_state_reader reader;
    char member[KEY_MAX + 1 + VALUE_MAX];
    if (!key_is_valid(key) || !value_is_valid(value) || !read_list(list, &reader))
        return STATUS_INVALID;
    size_t length = key.length + 1 + value.length;
    if (length > TRACE_STATE_MAX)
        return STATUS_TOO_LARGE;
    memcpy(member, key.data, key.length);
    member[key.length] = '=';
    memcpy(member + key.length + 1, value.data, value.length);
    write_changed(&reader, (struct text){member, length}, key, out);
    return STATUS_OK;
}

enum status trace_state_delete(struct text list, struct text key, struct trace_state *out)
{
    struct trace_state_reader reader;
    if (!read_list(list, &reader))
        return STATUS_INVALID;
    write_changed(&reader, (struct text){NULL, 0}, key, out);
    return STATUS_OK;
}
