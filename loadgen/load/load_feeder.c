#include "loadgen/load/load_feeder.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/json_reader.h"
#include "base/rng.h"

enum { ARENA_BYTES_MAX = 2 * LOAD_FEEDER_BYTES_MAX, FIRST_ROWS = 64 };

/* Where reading stands. */
struct source {
    struct load_feeder *feeder;
    const char *file;
    const char *at, *end;
    unsigned line;
    struct error *error;
};

#define FAIL(source, ...) fail((source), STATUS_INVALID, __VA_ARGS__)

static enum status fail(const struct source *source, enum status status, const char *words)
{
    return error_set(source->error, status, "%s:%u: %s", source->file, source->line, words);
}

/* ---- rows */

static struct text *new_row(struct load_feeder *feeder)
{
    if (feeder->row_count == feeder->row_capacity) {
        size_t capacity = feeder->row_capacity ? feeder->row_capacity * 2 : FIRST_ROWS;
        struct text *cells =
            reallocarray(feeder->cells, capacity * feeder->column_count, sizeof(*cells));
        if (cells == NULL)
            return NULL;
        feeder->cells = cells;
        feeder->row_capacity = capacity;
    }
    struct text *row = feeder->cells + feeder->row_count++ * feeder->column_count;
    memset(row, 0, feeder->column_count * sizeof(*row));
    return row;
}

/* Takes a row of `count` texts: the first one names the columns. */
static enum status take_row(struct source *source, const struct text *texts, size_t count)
{
    struct load_feeder *feeder = source->feeder;
    if (feeder->column_count == 0) {
        memcpy(feeder->columns, texts, count * sizeof(*texts));
        feeder->column_count = count;
        return STATUS_OK;
    }
    if (count != feeder->column_count)
        return FAIL(source, "not as many fields as columns");
    if (feeder->row_count == LOAD_FEEDER_ROWS_MAX)
        return fail(source, STATUS_TOO_LARGE, "more than a million rows");
    struct text *row = new_row(feeder);
    if (row == NULL)
        return fail(source, STATUS_NO_MEMORY, "no memory");
    memcpy(row, texts, count * sizeof(*texts));
    return STATUS_OK;
}

/* ---- CSV */

/* Behind the opening quote; doubled ones stand for one. */
static enum status read_quoted(struct source *source, struct text *out)
{
    char *copy = arena_alloc(&source->feeder->arena, (size_t)(source->end - source->at));
    size_t length = 0;
    if (copy == NULL)
        return fail(source, STATUS_NO_MEMORY, "no memory");
    for (; source->at < source->end; source->at++) {
        if (*source->at == '"') {
            if (source->at + 1 == source->end || source->at[1] != '"')
                break;
            source->at++;
        }
        source->line += *source->at == '\n';
        copy[length++] = *source->at;
    }
    if (source->at == source->end)
        return FAIL(source, "a quote without its end");
    source->at++;
    *out = (struct text){copy, length};
    return STATUS_OK;
}

static bool ends_field(const struct source *source)
{
    return source->at == source->end || *source->at == ',' || *source->at == '\n' ||
           (*source->at == '\r' && source->at + 1 < source->end && source->at[1] == '\n');
}

static enum status read_csv_field(struct source *source, struct text *out)
{
    if (source->at < source->end && *source->at == '"') {
        source->at++;
        const char *begin = source->at;
        const char *end = memchr(begin, '"', (size_t)(source->end - begin));
        if (end != NULL && (end + 1 == source->end || end[1] != '"')) {
            *out = (struct text){begin, (size_t)(end - begin)}; /* nothing doubled: no copy */
            for (const char *at = begin; at < end; at++)
                source->line += *at == '\n';
            source->at = end + 1;
        } else {
            enum status status = read_quoted(source, out);
            if (status != STATUS_OK)
                return status;
        }
        return ends_field(source) ? STATUS_OK : FAIL(source, "words behind a quoted field");
    }
    const char *begin = source->at;
    while (!ends_field(source))
        source->at++;
    *out = (struct text){begin, (size_t)(source->at - begin)};
    return STATUS_OK;
}

static enum status read_csv_row(struct source *source)
{
    struct text texts[LOAD_FEEDER_COLUMNS_MAX];
    size_t count = 0;
    for (;;) {
        if (count == LOAD_FEEDER_COLUMNS_MAX)
            return FAIL(source, "too many fields");
        enum status status = read_csv_field(source, &texts[count++]);
        if (status != STATUS_OK)
            return status;
        if (source->at == source->end || *source->at != ',')
            break;
        source->at++;
    }
    enum status status = take_row(source, texts, count);
    if (source->at < source->end && *source->at == '\r')
        source->at++;
    if (source->at < source->end) {
        source->at++;
        source->line++;
    }
    return status;
}

static enum status read_csv(struct source *source)
{
    enum status status = STATUS_OK;
    while (status == STATUS_OK && source->at < source->end)
        status = read_csv_row(source);
    return status;
}

/* ---- JSON */

static enum status json_fail(struct source *source, const struct json_reader *reader,
                             const char *words)
{
    unsigned column;
    json_reader_where(reader, &source->line, &column);
    return FAIL(source, reader->fault != NULL ? reader->fault : words);
}

/* A key or a plain value as text of the feeder's own. */
static bool take_text(struct source *source, const struct json_reader *reader, struct text *out)
{
    static const struct text words[] = {[JSON_TRUE] = TEXT_CONSTANT("true"),
                                        [JSON_FALSE] = TEXT_CONSTANT("false"),
                                        [JSON_NULL] = TEXT_CONSTANT("null")};
    *out = reader->text;
    if (reader->token == JSON_TRUE || reader->token == JSON_FALSE || reader->token == JSON_NULL)
        *out = words[reader->token];
    else if (reader->token != JSON_KEY && reader->token != JSON_STRING &&
             reader->token != JSON_NUMBER)
        return false;
    if (reader->token == JSON_NUMBER || !reader->has_escapes)
        return true;
    char *copy = arena_alloc(&source->feeder->arena, reader->text.length + 1);
    if (copy == NULL)
        return false;
    *out = (struct text){copy, json_reader_unescape(reader, copy)};
    return true;
}

static enum status read_json_row(struct source *source, struct json_reader *reader)
{
    struct text names[LOAD_FEEDER_COLUMNS_MAX], texts[LOAD_FEEDER_COLUMNS_MAX];
    size_t count = 0;
    if (reader->token != JSON_OBJECT_BEGIN)
        return json_fail(source, reader, "a row must be an object");
    for (; json_reader_next(reader) == JSON_KEY; count++) {
        if (count == LOAD_FEEDER_COLUMNS_MAX)
            return json_fail(source, reader, "too many keys");
        if (!take_text(source, reader, &names[count]))
            return json_fail(source, reader, "no memory");
        (void)json_reader_next(reader);
        if (!take_text(source, reader, &texts[count]))
            return json_fail(source, reader, "a value must be a string, a number or a boolean");
    }
    if (reader->token != JSON_OBJECT_END || count == 0)
        return json_fail(source, reader, "a row must be an object with keys");
    if (source->feeder->column_count == 0)
        (void)take_row(source, names, count);
    if (count != source->feeder->column_count)
        return json_fail(source, reader, "not the keys of the first row");
    struct text ordered[LOAD_FEEDER_COLUMNS_MAX] = {{0}};
    for (size_t i = 0; i < count; i++) {
        uint16_t column;
        if (!load_feeder_column(source->feeder, names[i], &column) || ordered[column].data != NULL)
            return json_fail(source, reader, "not the keys of the first row");
        ordered[column] = texts[i];
    }
    return take_row(source, ordered, count);
}

static enum status read_json(struct source *source)
{
    struct json_reader reader;
    json_reader_init(&reader, source->at, (size_t)(source->end - source->at));
    if (json_reader_next(&reader) != JSON_ARRAY_BEGIN)
        return json_fail(source, &reader, "must be an array of objects");
    while (json_reader_next(&reader) != JSON_ARRAY_END) {
        enum status status = read_json_row(source, &reader);
        if (status != STATUS_OK)
            return status;
    }
    return json_reader_next(&reader) == JSON_END
               ? STATUS_OK
               : json_fail(source, &reader, "something follows the end");
}

/* ---- from outside */

static bool ends_with(const char *name, const char *end)
{
    size_t length = strlen(name), end_length = strlen(end);
    return length >= end_length && strcmp(name + length - end_length, end) == 0;
}

enum status load_feeder_parse(struct load_feeder *feeder, struct text content,
                              const char *file_name, struct error *error)
{
    arena_init(&feeder->arena, ARENA_BYTES_MAX);
    struct source source = {.feeder = feeder, .file = file_name, .line = 1, .error = error};
    const char *own = arena_copy(&feeder->arena, content.data, content.length);
    if (own == NULL)
        return fail(&source, STATUS_NO_MEMORY, "no memory");
    source.at = own;
    source.end = own + content.length;
    bool is_csv = ends_with(file_name, ".csv");
    if (!is_csv && !ends_with(file_name, ".json"))
        return FAIL(&source, "data must be a .csv or a .json file");
    enum status status = is_csv ? read_csv(&source) : read_json(&source);
    if (status == STATUS_OK && feeder->row_count == 0)
        return FAIL(&source, "no rows");
    return status;
}

enum status load_feeder_read(struct load_feeder *feeder, const char *path, struct error *error)
{
    struct buffer file;
    buffer_init(&file, LOAD_FEEDER_BYTES_MAX);
    enum status status = buffer_read_file(&file, path, error);
    if (status == STATUS_OK)
        status = load_feeder_parse(feeder, (struct text){buffer_text(&file), file.length_bytes},
                                   path, error);
    buffer_release(&file);
    return status;
}

void load_feeder_release(struct load_feeder *feeder)
{
    free(feeder->cells);
    feeder->cells = NULL;
    feeder->row_count = feeder->row_capacity = feeder->column_count = 0;
    arena_release(&feeder->arena);
}

bool load_feeder_column(const struct load_feeder *feeder, struct text name, uint16_t *column)
{
    for (size_t i = 0; i < feeder->column_count; i++) {
        if (!text_equal(feeder->columns[i], name))
            continue;
        *column = (uint16_t)i;
        return true;
    }
    return false;
}

size_t load_feeder_row(const struct load_feeder *feeder, uint64_t seed, uint64_t number)
{
    if (!feeder->is_random)
        return (size_t)(number % feeder->row_count);
    struct rng rng;
    rng_seed(&rng, seed ^ (number + 1) * 0xd1342543de82ef95u);
    return (size_t)rng_below(&rng, feeder->row_count);
}
