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

/* A trailing space cannot occur: the member was trimmed. */
static bool value_is_valid(struct text value)
{
    if (value.length == 0 || value.length > VALUE_MAX)
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

static bool has_key(const struct trace_state *state, struct text key)
{
    for (size_t i = 0; i < state->count; i++)
        if (text_equal(key_of(state->members[i]), key))
            return true;
    return false;
}

void trace_state_add_line(struct trace_state *state, struct text line)
{
    struct text rest = line;
    while (rest.data != NULL && !state->invalid) {
        struct text member = text_trim(text_split(&rest, ','));
        if (member.length == 0)
            continue;
        /* Receivers may refuse a list with a key twice: the newest stays. */
        if (member_is_valid(member) && has_key(state, key_of(member)))
            continue;
        if (member_is_valid(member) && state->count < TRACE_STATE_MEMBERS_MAX)
            state->members[state->count++] = member;
        else
            state->invalid = true;
    }
}

static size_t list_length(const struct text *members, size_t count)
{
    size_t length = count ? count - 1 : 0;
    for (size_t i = 0; i < count; i++)
        length += members[i].length;
    return length;
}

/* Removes one member as the specification asks; returns the new count. */
static size_t drop_one(struct text *members, size_t count)
{
    size_t victim = count - 1;
    for (size_t i = count; i-- > 0;) {
        if (members[i].length > LONG_MEMBER) {
            victim = i;
            break;
        }
    }
    memmove(members + victim, members + victim + 1, (count - victim - 1) * sizeof members[0]);
    return count - 1;
}

size_t trace_state_write(const struct trace_state *state, char *out, size_t size)
{
    struct text members[TRACE_STATE_MEMBERS_MAX];
    size_t count = state->invalid ? 0 : state->count;
    memcpy(members, state->members, count * sizeof members[0]);
    while (list_length(members, count) > size - 1)
        count = drop_one(members, count);
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
