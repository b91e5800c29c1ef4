#include "loadgen/load/load_template.h"

#include <assert.h>
#include <string.h>

#include "base/rng.h"

enum form { FORM_PLAIN, FORM_PATH, FORM_HEADER, FORM_JSON, FORM_URL };

enum kind {
    PART_LITERAL,
    PART_VALUE,
    PART_CELL,
    PART_NUMBER,
    PART_NONCE,
    PART_RANDOM,
    PART_TRACE,
    PART_BODY,
};

struct load_part {
    enum kind kind;
    enum form form;
    uint16_t index, column; /* of a value, or feeder and column */
    struct text literal;
    uint64_t low, high, salt; /* RANDOM */
};

/* ---- compiling */

enum status load_template_init(struct load_template *template, struct arena *arena)
{
    template->parts = arena_alloc_array(arena, LOAD_PARTS_MAX, sizeof(*template->parts));
    template->count = 0;
    return template->parts != NULL ? STATUS_OK : STATUS_NO_MEMORY;
}

static enum status add_part(struct load_template *template, struct load_part part)
{
    assert(template->parts != NULL); /* load_template_init came before */
    if (template->count == LOAD_PARTS_MAX)
        return STATUS_TOO_LARGE;
    template->parts[template->count++] = part;
    return STATUS_OK;
}

/* Joins it to a literal before it. */
enum status load_template_add_plain(struct load_template *template, struct text source,
                                    struct arena *arena)
{
    struct load_part *last = template->count > 0 ? &template->parts[template->count - 1] : NULL;
    bool joins = last != NULL && last->kind == PART_LITERAL;
    size_t before = joins ? last->literal.length : 0;
    if (source.length == 0)
        return STATUS_OK;
    char *copy = arena_alloc(arena, before + source.length);
    if (copy == NULL)
        return STATUS_NO_MEMORY;
    if (joins)
        memcpy(copy, last->literal.data, before);
    memcpy(copy + before, source.data, source.length);
    struct load_part part = {.kind = PART_LITERAL, .literal = {copy, before + source.length}};
    if (!joins)
        return add_part(template, part);
    *last = part;
    return STATUS_OK;
}

enum status load_template_add_trace(struct load_template *template)
{
    return add_part(template, (struct load_part){.kind = PART_TRACE});
}

enum status load_template_add_body(struct load_template *template)
{
    return add_part(template, (struct load_part){.kind = PART_BODY});
}

static enum status find_value(struct load_part *part, struct text name,
                              const struct load_names *names, struct error *error)
{
    struct text column = name, feeder = text_split(&column, '.');
    part->kind = PART_VALUE;
    for (part->index = 0; part->index < names->value_count; part->index++)
        if (text_equal(names->values[part->index], name))
            return STATUS_OK;
    part->kind = PART_CELL;
    for (part->index = 0; part->index < names->feeder_count; part->index++) {
        const struct load_feeder *candidate = &names->feeders[part->index];
        if (!text_is(feeder, candidate->name) || column.data == NULL)
            continue;
        if (load_feeder_column(candidate, column, &part->column))
            return STATUS_OK;
        return error_set(error, STATUS_INVALID, "\"%.*s\" has no column \"%.*s\"",
                         TEXT_ARGS(feeder), TEXT_ARGS(column));
    }
    return error_set(error, STATUS_INVALID, "nobody sets \"${%.*s}\"", TEXT_ARGS(name));
}

/* "1:6" */
static enum status read_range(struct load_part *part, struct text range, struct error *error)
{
    part->kind = PART_RANDOM;
    struct text high = range, low = text_split(&high, ':');
    if (high.data == NULL || text_to_u64(low, &part->low) != STATUS_OK ||
        text_to_u64(high, &part->high) != STATUS_OK || part->low > part->high ||
        part->high == UINT64_MAX)
        return error_set(error, STATUS_INVALID, "must be ${random:LOW:HIGH}");
    return STATUS_OK;
}

static enum status read_form(struct load_part *part, struct text form,
                             const struct load_compiler *compiler)
{
    static const enum form forms[] = {
        [LOAD_IN_BODY] = FORM_PLAIN, [LOAD_IN_PATH] = FORM_PATH, [LOAD_IN_HEADER] = FORM_HEADER};
    if (form.data == NULL)
        part->form = forms[compiler->place];
    else if (text_is(form, "json"))
        part->form = FORM_JSON;
    else if (text_is(form, "url"))
        part->form = FORM_URL;
    else
        return error_set(compiler->error, STATUS_INVALID,
                         "after \"|\" comes json or url, not \"%.*s\"", TEXT_ARGS(form));
    return STATUS_OK;
}

static enum status add_hole(struct load_template *template, struct text hole,
                            const struct load_compiler *compiler)
{
    struct error *error = compiler->error;
    struct load_part part = {.salt = template->count};
    struct text form = hole, name = text_split(&form, '|');
    enum status status = read_form(&part, form, compiler);
    if (status != STATUS_OK)
        return status;
    if (text_is(name, "number"))
        part.kind = PART_NUMBER;
    else if (text_is(name, "nonce"))
        part.kind = PART_NONCE;
    else if (text_starts_with(name, "random:"))
        status = read_range(&part, (struct text){name.data + 7, name.length - 7}, error);
    else
        status = find_value(&part, name, compiler->names, error);
    if (status != STATUS_OK)
        return status;
    return add_part(template, part) == STATUS_OK
               ? STATUS_OK
               : error_set(error, STATUS_INVALID, "over %d parts", LOAD_PARTS_MAX);
}

enum status load_template_add(struct load_template *template, struct text source,
                              const struct load_compiler *compiler)
{
    enum status status = STATUS_OK;
    while (status == STATUS_OK && source.length > 0) {
        const char *hole = memmem(source.data, source.length, "${", 2);
        size_t before = hole != NULL ? (size_t)(hole - source.data) : source.length;
        bool is_escaped = hole != NULL && before > 0 && hole[-1] == '$';
        status = load_template_add_plain(template, (struct text){source.data, before - is_escaped},
                                         compiler->arena);
        if (hole == NULL || status != STATUS_OK)
            break;
        source = (struct text){hole, source.length - before};
        const char *end = memchr(hole, '}', source.length);
        if (is_escaped) {
            status = load_template_add_plain(template, (struct text){hole, 2}, compiler->arena);
            source = (struct text){hole + 2, source.length - 2};
            continue;
        }
        if (end == NULL)
            return error_set(compiler->error, STATUS_INVALID, "\"${\" without its \"}\"");
        status = add_hole(template, (struct text){hole + 2, (size_t)(end - hole) - 2}, compiler);
        source = (struct text){end + 1, source.length - (size_t)(end + 1 - hole)};
    }
    return status;
}

bool load_template_is_plain(const struct load_template *template)
{
    for (size_t i = 0; i < template->count; i++)
        if (template->parts[i].kind != PART_LITERAL)
            return false;
    return true;
}

/* ---- rendering */

static void append_json(struct text value, struct buffer *out)
{
    for (size_t i = 0; i < value.length; i++) {
        unsigned char c = (unsigned char)value.data[i];
        if (c < 0x20)
            buffer_printf(out, "\\u%04x", c);
        else if (c == '"' || c == '\\')
            buffer_printf(out, "\\%c", c);
        else
            buffer_append_byte(out, c);
    }
}

/* Unreserved characters of RFC 3986 stay. */
static void append_url(struct text value, struct buffer *out)
{
    static const char unreserved[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    for (size_t i = 0; i < value.length; i++) {
        unsigned char c = (unsigned char)value.data[i];
        if (c != '\0' && strchr(unreserved, c) != NULL)
            buffer_append_byte(out, c);
        else
            buffer_printf(out, "%%%02X", c);
    }
}

static void append_head(enum form form, struct text value, struct buffer *out)
{
    for (size_t i = 0; i < value.length; i++) {
        unsigned char c = (unsigned char)value.data[i];
        bool is_control = c < 0x20 || c == 0x7f;
        if (form == FORM_PATH && (is_control || c == ' '))
            buffer_printf(out, "%%%02X", c);
        else if (!is_control)
            buffer_append_byte(out, c);
    }
}

static void append_form(enum form form, struct text value, struct buffer *out)
{
    if (form == FORM_JSON)
        append_json(value, out);
    else if (form == FORM_URL)
        append_url(value, out);
    else if (form == FORM_PATH || form == FORM_HEADER)
        append_head(form, value, out);
    else if (value.length > 0)
        buffer_append(out, value.data, value.length);
}

static void append_number(uint64_t number, struct buffer *out)
{
    char digits[TEXT_U64_SIZE];
    buffer_append(out, digits, text_from_u64(number, digits));
}

static uint64_t draw(const struct load_part *part, const struct load_scope *scope)
{
    struct rng rng;
    rng_seed(&rng, scope->seed ^ (scope->number + 1) * 0xd1342543de82ef95u);
    rng_seed(&rng, rng_next(&rng) ^ (part->salt + 1) * 0x9e3779b97f4a7c15u);
    return part->low + rng_below(&rng, part->high - part->low + 1);
}

static void append_trace(struct text traceparent, struct buffer *out)
{
    static const char name[] = "traceparent: ", end[] = "\r\n";
    enum { NAME = sizeof(name) - 1, END = sizeof(end) - 1 };
    uint8_t *line;
    if (traceparent.length == 0 ||
        buffer_extend(out, NAME + traceparent.length + END, &line) != STATUS_OK)
        return;
    memcpy(line, name, NAME);
    memcpy(line + NAME, traceparent.data, traceparent.length);
    memcpy(line + NAME + traceparent.length, end, END);
}

static void append_body(struct text body, struct buffer *out)
{
    buffer_append(out, "Content-Length: ", 16);
    append_number(body.length, out);
    buffer_append(out, "\r\n\r\n", 4);
    if (body.length > 0)
        buffer_append(out, body.data, body.length);
}

static void render(const struct load_part *part, const struct load_scope *scope, struct buffer *out)
{
    switch (part->kind) {
    case PART_LITERAL:
        buffer_append(out, part->literal.data, part->literal.length);
        return;
    case PART_VALUE:
        append_form(part->form, scope->values[part->index], out);
        return;
    case PART_CELL:
        append_form(
            part->form,
            load_feeder_cell(&scope->feeders[part->index], scope->rows[part->index], part->column),
            out);
        return;
    case PART_NUMBER:
        append_number(scope->number, out);
        return;
    case PART_NONCE:
        append_form(part->form, text_of(scope->nonce), out);
        return;
    case PART_RANDOM:
        append_number(draw(part, scope), out);
        return;
    case PART_TRACE:
        append_trace(scope->traceparent, out);
        return;
    case PART_BODY:
        append_body(scope->body, out);
        return;
    }
}

void load_template_render(const struct load_template *template, const struct load_scope *scope,
                          struct buffer *out)
{
    for (size_t i = 0; i < template->count; i++)
        render(&template->parts[i], scope, out);
}
