#include "http/validate.h"

#include <string.h>

#include "tests/unit/rows.h"

struct sample {
    const char *word, *name, *upper;
    int64_t number;
    json_t *list;
};

static const struct validate_field fields[] = {
    VALIDATE_FIELD(struct sample, word, VALIDATE_TEXT, 0, 8),
    VALIDATE_FIELD(struct sample, name, VALIDATE_NAME, 1, 8),
    VALIDATE_FIELD(struct sample, upper, VALIDATE_UPPER, 2, 3),
    VALIDATE_FIELD(struct sample, number, VALIDATE_I64, -5, 5),
    VALIDATE_FIELD(struct sample, list, VALIDATE_ARRAY, 1, 2),
};

#define GOOD_REST "\"upper\":\"DE\",\"number\":3,\"list\":[1]}"

struct object_row {
    const char *it;
    const char *json;
    const char *words; /* of the error; NULL: it is good */
};

static const struct object_row object_rows[] = {
    {"it takes an object whose fields are all good",
     "{\"word\":\"a b\",\"name\":\"x-1_.\"," GOOD_REST, NULL},
    {"it takes an empty text where the bounds say so", "{\"word\":\"\",\"name\":\"x\"," GOOD_REST,
     NULL},
    {"it passes unknown fields over", "{\"more\":[{}],\"word\":\"a\",\"name\":\"x\"," GOOD_REST,
     NULL},
    {"it takes characters beyond ASCII in a text",
     "{\"word\":\"\\u00e4\",\"name\":\"x\"," GOOD_REST, NULL},
    {"it names a field that is missing", "{\"word\":\"a\"," GOOD_REST, "\"name\" is missing"},
    {"it takes null for missing", "{\"word\":\"a\",\"name\":null," GOOD_REST,
     "\"name\" is missing"},
    {"it refuses a number for a text", "{\"word\":1,\"name\":\"x\"," GOOD_REST,
     "\"word\" must be a string"},
    {"it refuses a text that is too long", "{\"word\":\"123456789\",\"name\":\"x\"," GOOD_REST,
     "\"word\": length must be 0 to 8"},
    {"it refuses a name that is empty", "{\"word\":\"a\",\"name\":\"\"," GOOD_REST,
     "\"name\": length must be 1 to 8"},
    {"it refuses a control character", "{\"word\":\"a\\nb\",\"name\":\"x\"," GOOD_REST,
     "\"word\" must be text without control characters"},
    {"it refuses DEL", "{\"word\":\"\\u007f\",\"name\":\"x\"," GOOD_REST,
     "\"word\" must be text without control characters"},
    {"it refuses a slash in a name", "{\"word\":\"a\",\"name\":\"a/b\"," GOOD_REST,
     "\"name\" must be letters, digits, '_', '-' and '.' only"},
    {"it refuses a character beyond ASCII in a name",
     "{\"word\":\"a\",\"name\":\"\\u00e4\"," GOOD_REST,
     "\"name\" must be letters, digits, '_', '-' and '.' only"},
    {"it refuses lower case where upper is asked",
     "{\"word\":\"a\",\"name\":\"x\",\"upper\":\"de\",\"number\":3,\"list\":[1]}",
     "\"upper\" must be upper-case letters only"},
    {"it refuses a number over its bound",
     "{\"word\":\"a\",\"name\":\"x\",\"upper\":\"DE\",\"number\":6,\"list\":[1]}",
     "\"number\": value must be -5 to 5"},
    {"it takes a number at its bound",
     "{\"word\":\"a\",\"name\":\"x\",\"upper\":\"DE\",\"number\":-5,\"list\":[1]}", NULL},
    {"it refuses a fraction",
     "{\"word\":\"a\",\"name\":\"x\",\"upper\":\"DE\",\"number\":1.0,\"list\":[1]}",
     "\"number\" must be a whole number"},
    {"it refuses a number in a text",
     "{\"word\":\"a\",\"name\":\"x\",\"upper\":\"DE\",\"number\":\"3\",\"list\":[1]}",
     "\"number\" must be a whole number"},
    {"it refuses true for a number",
     "{\"word\":\"a\",\"name\":\"x\",\"upper\":\"DE\",\"number\":true,\"list\":[1]}",
     "\"number\" must be a whole number"},
    {"it refuses an array that is empty",
     "{\"word\":\"a\",\"name\":\"x\",\"upper\":\"DE\",\"number\":3,\"list\":[]}",
     "\"list\": number of items must be 1 to 2"},
    {"it refuses an array that is too long",
     "{\"word\":\"a\",\"name\":\"x\",\"upper\":\"DE\",\"number\":3,\"list\":[1,2,3]}",
     "\"list\": number of items must be 1 to 2"},
    {"it refuses an object for an array",
     "{\"word\":\"a\",\"name\":\"x\",\"upper\":\"DE\",\"number\":3,\"list\":{}}",
     "\"list\" must be an array"},
    {"it refuses an array for an object", "[]", "must be an object"},
};

static void check_object(void **state)
{
    const struct object_row *row = *state;
    struct sample sample = {0};
    struct error error = {0};
    json_t *document = json_loads(row->json, 0, NULL);
    assert_non_null(document);
    enum status status =
        validate_object(document, fields, sizeof fields / sizeof *fields, &sample, &error);
    assert_int_equal(status, row->words ? STATUS_INVALID : STATUS_OK);
    assert_string_equal(error.text, row->words ? row->words : "");
    json_decref(document);
}

static void check_values(void **state)
{
    (void)state;
    struct sample sample = {0};
    json_t *document = json_loads("{\"word\":\"w\",\"name\":\"n\"," GOOD_REST, 0, NULL);
    assert_int_equal(
        validate_object(document, fields, sizeof fields / sizeof *fields, &sample, NULL),
        STATUS_OK);
    assert_string_equal(sample.word, "w");
    assert_string_equal(sample.name, "n");
    assert_string_equal(sample.upper, "DE");
    assert_int_equal(sample.number, 3);
    assert_int_equal(json_array_size(sample.list), 1);
    json_decref(document);
}

static void check_optional(void **state)
{
    (void)state;
    const struct validate_field optional =
        VALIDATE_OPTIONAL(struct sample, number, VALIDATE_I64, 1, 9);
    const char *const absent[] = {"{}", "{\"number\":null}"};
    for (size_t i = 0; i < 2; i++) {
        struct sample sample = {.number = 7};
        json_t *document = json_loads(absent[i], 0, NULL);
        assert_int_equal(validate_object(document, &optional, 1, &sample, NULL), STATUS_OK);
        assert_int_equal(sample.number, 7);
        json_decref(document);
    }
}

static void check_items(void **state)
{
    (void)state;
    const struct validate_field number = VALIDATE_FIELD(struct sample, number, VALIDATE_I64, 1, 9);
    struct sample samples[3] = {{0}};
    struct error error = {0};
    json_t *good = json_loads("[{\"number\":1},{\"number\":2},{\"number\":9}]", 0, NULL);
    json_t *bad = json_loads("[{\"number\":1},{\"number\":10}]", 0, NULL);
    assert_int_equal(validate_items(good, &number, 1, samples, sizeof *samples, &error), STATUS_OK);
    assert_int_equal(samples[0].number, 1);
    assert_int_equal(samples[2].number, 9);
    assert_int_equal(validate_items(bad, &number, 1, samples, sizeof *samples, &error),
                     STATUS_INVALID);
    assert_string_equal(error.text, "item 1: \"number\": value must be 1 to 9");
    json_decref(good);
    json_decref(bad);
}

struct key_row {
    const char *it;
    const char *value;
    bool key, name;
};

static const struct key_row key_rows[] = {
    {"it takes letters, digits, dash and underscore as a key", "aZ09_-", true, true},
    {"it takes a dot in a name alone", "a.b", false, true},
    {"it refuses nothing", "", false, false},
    {"it refuses none", NULL, false, false},
    {"it takes what just fits", "12345678", true, true},
    {"it refuses one character too many", "123456789", false, false},
    {"it refuses a space", "a b", false, false},
    {"it refuses a percent sign", "%41", false, false},
};

static void check_key(void **state)
{
    const struct key_row *row = *state;
    assert_int_equal(validate_is_key(row->value, 8), row->key);
    assert_int_equal(validate_is_name(row->value, 8), row->name);
}

int main(void)
{
    static struct rows all;
    ROWS(&all, object_rows, check_object);
    ROWS(&all, key_rows, check_key);
    rows_one(&all, "it hands out the values of an object", check_values);
    rows_one(&all, "it leaves what an optional field held when that is absent", check_optional);
    rows_one(&all, "it fills an array of structs and names a bad item's place", check_items);
    return rows_run("validate", &all);
}
