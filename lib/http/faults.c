#include "http/faults.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

static const struct fault_row round_trip_row = {
    .name = "database_round_trip_us",
    .type = FAULT_NUMBER,
    .environment = true,
    .lowest = 0,
    .highest = 1000000,
    .usual = 0,
    .stands_for = "how far away the database is: what each read waits for, in microseconds",
    .trace_shows = "a lower bound under every database span that reads",
};

struct faults {
    const char *service;
    struct fault_row rows[FAULT_ROWS_MAX];
    size_t count;
    size_t round_trip_index; /* FAULT_ROWS_MAX: there is no database */
    pthread_mutex_t mutex;   /* guards what follows */
    struct fault_value values[FAULT_ROWS_MAX];
};

static const char *const type_words[] = {
    [FAULT_FLAG] = "flag", [FAULT_NUMBER] = "number", [FAULT_WORD] = "word"};

/* ---- one value */

static struct fault_value usual_value(const struct fault_row *row)
{
    return (struct fault_value){.on = row->environment && row->type == FAULT_NUMBER,
                                .number = row->usual};
}

static enum status fail(const struct faults *faults, const struct fault_row *row,
                        struct error *error)
{
    if (row->type == FAULT_NUMBER)
        return error_set(error, STATUS_INVALID,
                         "%s.%s: a whole number from %" PRId64 " to %" PRId64 " is needed",
                         faults->service, row->name, row->lowest, row->highest);
    if (row->type == FAULT_WORD)
        return error_set(error, STATUS_INVALID, "%s.%s: a word of 1 to %d characters is needed",
                         faults->service, row->name, FAULT_WORD_MAX);
    return error_set(error, STATUS_INVALID, "%s.%s: true or false is needed", faults->service,
                     row->name);
}

static bool set_number(const struct fault_row *row, int64_t number, struct fault_value *value)
{
    *value = (struct fault_value){.on = true, .number = number};
    return row->type == FAULT_NUMBER && number >= row->lowest && number <= row->highest;
}

static bool set_word(const struct fault_row *row, struct text word, struct fault_value *value)
{
    *value = (struct fault_value){.on = true};
    if (row->type != FAULT_WORD || word.length == 0 || word.length > FAULT_WORD_MAX)
        return false;
    for (size_t i = 0; i < word.length; i++)
        if (word.data[i] <= ' ' || word.data[i] > '~')
            return false;
    text_copy(word, value->word, sizeof value->word);
    return true;
}

static bool set_on(const struct fault_row *row, struct fault_value *value)
{
    *value = (struct fault_value){.on = true};
    if (row->type == FAULT_NUMBER)
        return !row->environment && set_number(row, row->when_on, value);
    return row->type == FAULT_FLAG || set_word(row, text_of(row->word_when_on), value);
}

static bool set_from_json(const struct fault_row *row, const json_t *json,
                          struct fault_value *value)
{
    *value = usual_value(row);
    if (json_is_null(json) || (json_is_false(json) && !row->environment))
        return true;
    if (json_is_false(json))
        return row->type == FAULT_FLAG;
    if (json_is_true(json))
        return set_on(row, value);
    if (json_is_integer(json))
        return set_number(row, json_integer_value(json), value);
    if (json_is_string(json))
        return set_word(row, (struct text){json_string_value(json), json_string_length(json)},
                        value);
    return false;
}

static bool set_from_text(const struct fault_row *row, struct text text, struct fault_value *value)
{
    int64_t number;
    *value = usual_value(row);
    if (text.data == NULL || text_is(text, "true"))
        return set_on(row, value);
    if (text_is(text, "false"))
        return !row->environment || row->type == FAULT_FLAG;
    if (row->type == FAULT_NUMBER)
        return text_to_i64(text, &number) == STATUS_OK && set_number(row, number, value);
    return set_word(row, text, value);
}

/* ---- the table */

/* FAULT_ROWS_MAX: there is none of that name and class. */
static size_t find_row(const struct faults *faults, struct text name, bool environment)
{
    for (size_t i = 0; i < faults->count; i++)
        if (text_is(name, faults->rows[i].name) && faults->rows[i].environment == environment)
            return i;
    return FAULT_ROWS_MAX;
}

static enum status fail_unknown(const struct faults *faults, struct text name, bool environment,
                                struct error *error)
{
    return error_set(error, STATUS_INVALID, "%s has no %s \"%.*s\"", faults->service,
                     environment ? "environment setting" : "fault",
                     (int)(name.length < 64 ? name.length : 64), name.data ? name.data : "");
}

/* "service.row" or "service.row=value"; those of other services are passed over. */
static enum status read_entry(struct faults *faults, struct text entry, bool environment,
                              struct error *error)
{
    struct text value = entry;
    struct text name = text_split(&value, '=');
    struct text row = name;
    struct text service = text_split(&row, '.');
    if (row.data == NULL || service.length == 0 || row.length == 0)
        return error_set(error, STATUS_INVALID, "%s: \"%.*s\" is not SERVICE.NAME[=VALUE]",
                         environment ? "CULPRIT_ENVIRONMENT" : "CULPRIT_FAULTS",
                         (int)(entry.length < 64 ? entry.length : 64), entry.data);
    if (!text_is(service, faults->service))
        return STATUS_OK;
    size_t index = find_row(faults, row, environment);
    if (index == FAULT_ROWS_MAX)
        return fail_unknown(faults, row, environment, error);
    if (!set_from_text(&faults->rows[index], value, &faults->values[index]))
        return fail(faults, &faults->rows[index], error);
    return STATUS_OK;
}

static enum status read_variable(struct faults *faults, const char *variable, bool environment,
                                 struct error *error)
{
    struct text rest = text_of(getenv(variable));
    enum status status = STATUS_OK;
    while (status == STATUS_OK && rest.data != NULL) {
        struct text entry = text_trim(text_split(&rest, ','));
        if (entry.length > 0)
            status = read_entry(faults, entry, environment, error);
    }
    return status;
}

enum status faults_new(struct faults **out, const char *service, const struct fault_row *rows,
                       size_t count, bool has_database, struct error *error)
{
    *out = NULL;
    if (count + has_database > FAULT_ROWS_MAX)
        return error_set(error, STATUS_TOO_LARGE, "%s: over %d faults", service, FAULT_ROWS_MAX);
    struct faults *faults = calloc(1, sizeof *faults);
    if (faults == NULL)
        return error_set(error, STATUS_NO_MEMORY, "%s: out of memory", service);
    pthread_mutex_init(&faults->mutex, NULL);
    faults->service = service;
    faults->round_trip_index = FAULT_ROWS_MAX;
    if (count > 0)
        memcpy(faults->rows, rows, count * sizeof *rows);
    faults->count = count;
    if (has_database) {
        faults->round_trip_index = count;
        faults->rows[faults->count++] = round_trip_row;
    }
    for (size_t i = 0; i < faults->count; i++)
        faults->values[i] = usual_value(&faults->rows[i]);
    enum status status = read_variable(faults, "CULPRIT_FAULTS", false, error);
    if (status == STATUS_OK)
        status = read_variable(faults, "CULPRIT_ENVIRONMENT", true, error);
    if (status == STATUS_OK)
        *out = faults;
    else
        faults_free(faults);
    return status;
}

void faults_free(struct faults *faults)
{
    if (faults)
        pthread_mutex_destroy(&faults->mutex);
    free(faults);
}

void faults_snapshot(struct faults *faults, struct fault_values *out)
{
    out->database_round_trip_us = 0;
    memset(out->rows, 0, sizeof out->rows);
    pthread_mutex_lock(&faults->mutex);
    memcpy(out->rows, faults->values, faults->count * sizeof out->rows[0]);
    pthread_mutex_unlock(&faults->mutex);
    if (faults->round_trip_index < FAULT_ROWS_MAX)
        out->database_round_trip_us = (uint32_t)out->rows[faults->round_trip_index].number;
}

bool fault_word_is(const struct fault_values *values, size_t index, const char *word)
{
    return values->rows[index].on && strcmp(values->rows[index].word, word) == 0;
}

/* ---- replacing */

/* All rows of the class: as the object says, else usual. `values` is a draft. */
static enum status replace_class(const struct faults *faults, const json_t *object,
                                 bool environment, struct fault_value *values, struct error *error)
{
    const char *name;
    json_t *json;
    if (!json_is_object(object))
        return error_set(error, STATUS_INVALID, "\"%s\" must be an object",
                         environment ? "environment" : "faults");
    for (size_t i = 0; i < faults->count; i++)
        if (faults->rows[i].environment == environment)
            values[i] = usual_value(&faults->rows[i]);
    json_object_foreach((json_t *)(uintptr_t)object, name, json)
    {
        size_t index = find_row(faults, text_of(name), environment);
        if (index == FAULT_ROWS_MAX)
            return fail_unknown(faults, text_of(name), environment, error);
        if (!set_from_json(&faults->rows[index], json, &values[index]))
            return fail(faults, &faults->rows[index], error);
    }
    return STATUS_OK;
}

static enum status read_document(const struct faults *faults, const json_t *document,
                                 struct fault_value *values, struct error *error)
{
    const char *key;
    json_t *object;
    if (!json_is_object(document))
        return error_set(error, STATUS_INVALID, "an object is needed");
    json_object_foreach((json_t *)(uintptr_t)document, key, object)
    {
        bool environment = strcmp(key, "environment") == 0;
        if (!environment && strcmp(key, "faults") != 0)
            return error_set(error, STATUS_INVALID, "unknown key \"%.64s\"", key);
        enum status status = replace_class(faults, object, environment, values, error);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

/* The lock is held while the document is read, so that two writers cannot mix their classes. */
enum status faults_replace(struct faults *faults, const json_t *document, struct error *error)
{
    struct fault_value draft[FAULT_ROWS_MAX];
    pthread_mutex_lock(&faults->mutex);
    memcpy(draft, faults->values, sizeof draft);
    enum status status = read_document(faults, document, draft, error);
    if (status == STATUS_OK)
        memcpy(faults->values, draft, sizeof draft);
    pthread_mutex_unlock(&faults->mutex);
    return status;
}

/* ---- describing */

static json_t *describe_value(const struct fault_row *row, const struct fault_value *value)
{
    if (row->type == FAULT_NUMBER && (value->on || row->environment))
        return json_integer(value->number);
    if (row->type == FAULT_WORD && value->on)
        return json_string(value->word);
    return json_boolean(value->on);
}

static json_t *describe_row(const struct fault_row *row, const struct fault_value *value)
{
    json_t *object =
        json_pack("{s:s, s:s, s:b, s:o, s:s, s:s}", "name", row->name, "type",
                  type_words[row->type], "environment", (int)row->environment, "value",
                  describe_value(row, value), "stands_for", row->stands_for ? row->stands_for : "",
                  "trace_shows", row->trace_shows ? row->trace_shows : "");
    if (object && row->type == FAULT_NUMBER) {
        json_object_set_new(object, "lowest", json_integer(row->lowest));
        json_object_set_new(object, "highest", json_integer(row->highest));
    }
    return object;
}

json_t *faults_describe(struct faults *faults)
{
    struct fault_values now;
    json_t *rows = json_array();
    faults_snapshot(faults, &now);
    for (size_t i = 0; i < faults->count; i++)
        json_array_append_new(rows, describe_row(&faults->rows[i], &now.rows[i]));
    return json_pack("{s:s, s:o}", "service", faults->service, "rows", rows);
}
