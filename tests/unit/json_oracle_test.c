/* Our JSON reader and writer against jansson: on damaged documents both must say the same, and what
 * we write of any bytes must be what jansson reads. */
#include <string.h>

/* Four names of jansson's are ours too. */
#define JSON_STRING JANSSON_STRING
#define JSON_TRUE   JANSSON_TRUE
#define JSON_FALSE  JANSSON_FALSE
#define JSON_NULL   JANSSON_NULL
#include <jansson.h>
#undef JSON_STRING
#undef JSON_TRUE
#undef JSON_FALSE
#undef JSON_NULL

#include "base/json_reader.h"
#include "base/json_writer.h"
#include "base/rng.h"
#include "tests/unit/rows.h"

static bool we_take(const char *data, size_t length)
{
    struct json_reader reader;
    enum json_token token;
    json_reader_init(&reader, data, length);
    do {
        token = json_reader_next(&reader);
    } while (token != JSON_END && token != JSON_ERROR);
    return token == JSON_END;
}

/* jansson refuses numbers that it cannot hold, which is its limit and not the grammar's. */
static bool jansson_takes(const char *data, size_t length, bool *limit)
{
    json_error_t error;
    json_t *value = json_loadb(data, length, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    *limit = !value && json_error_code(&error) == json_error_numeric_overflow;
    json_decref(value);
    return value != NULL;
}

struct row {
    const char *it, *document;
};

static const struct row rows[] = {
    {"it agrees on a document of everything",
     "{\"k\\u00e4\":[-1.5e+3,0,true,false,null,\"\\ud83d\\ude00 \xe2\x82\xac\\n\\\"\",{}],\"z\":{"
     "\"a\":0,\"b\":[]}}"},
    {"it agrees on numbers", "[0,-0,10,1.0,-1.25E-7,1e5,0.001,123456789]"},
    {"it agrees on strings",
     "[\"\",\"\\\\\",\"\\/\",\"\\u0000\",\"\\uDBFF\\uDFFF\",\"\xc3\xa4\xf0\x9f\x98\x80 and "
     "more\"]"},
    {"it agrees on brackets", "[[[]],[{}],{\"a\":[{\"b\":[[],{}]}]}]"},
};

static void check_row(void **state)
{
    /* What damage is made of: mostly what means something to JSON. */
    static const char spice[] =
        "{}[]\",:\\u0123456789abcdefDdEe+-.tfn /\n\t\x01\x80\xc3\xed\xf4\xff";
    const struct row *row = *state;
    struct rng rng;
    bool limit;
    unsigned taken = 0;
    const size_t length = strlen(row->document);
    assert_true(we_take(row->document, length));
    assert_true(jansson_takes(row->document, length, &limit));
    rng_seed(&rng, length);
    for (int round = 0; round < 60000; round++) {
        char damaged[256];
        memcpy(damaged, row->document, length);
        for (uint64_t left = 1 + rng_below(&rng, 2); left > 0; left--)
            damaged[rng_below(&rng, length)] = spice[rng_below(&rng, sizeof(spice) - 1)];
        const bool theirs = jansson_takes(damaged, length, &limit);
        if (limit)
            continue;
        const bool ours = we_take(damaged, length);
        if (ours != theirs)
            print_error("%.*s\n", (int)length, damaged);
        assert_int_equal(ours, theirs);
        taken += ours;
    }
    assert_in_range(taken, 100, 59900); /* both answers were met */
}

static void check_writer(void **state)
{
    (void)state;
    struct rng rng;
    struct buffer out;
    struct json_writer writer;
    char noise[64];
    buffer_init(&out, 1000);
    rng_seed(&rng, 8);
    for (int round = 0; round < 20000; round++) {
        const size_t length = rng_below(&rng, sizeof(noise));
        for (size_t i = 0; i < length; i++)
            noise[i] = (char)rng_next(&rng);
        buffer_clear(&out);
        json_writer_init(&writer, &out, 0);
        json_text(&writer, (struct text){noise, length});
        json_t *value =
            json_loadb(buffer_text(&out), out.length_bytes, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
        assert_non_null(value);
        if (text_utf8_prefix((struct text){noise, length}) == length) {
            assert_int_equal(json_string_length(value), length);
            assert_memory_equal(json_string_value(value), noise, length);
        }
        json_decref(value);
        assert_true(we_take(buffer_text(&out), out.length_bytes));
    }
    buffer_release(&out);
}

int main(void)
{
    static struct rows all;
    ROWS(&all, rows, check_row);
    rows_one(&all, "it agrees on what we write of any bytes", check_writer);
    return rows_run("json_oracle", &all);
}
