#include "base/json_reader.h"

#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "tests/unit/guard.h"
#include "tests/unit/rows.h"

/* One letter a token, so that a document's tokens are a word. */
static const char letters[] = {
    [JSON_END] = '.',         [JSON_OBJECT_BEGIN] = '{', [JSON_OBJECT_END] = '}',
    [JSON_ARRAY_BEGIN] = '[', [JSON_ARRAY_END] = ']',    [JSON_KEY] = 'k',
    [JSON_STRING] = 's',      [JSON_NUMBER] = '#',       [JSON_TRUE] = 't',
    [JSON_FALSE] = 'f',       [JSON_NULL] = 'n',         [JSON_ERROR] = '!',
};

static void read_all(const char *data, size_t length, char *out, size_t size)
{
    struct json_reader reader;
    enum json_token token;
    size_t count = 0;
    struct guard guard = guard_copy(data, length);
    json_reader_init(&reader, (const char *)guard.bytes, length);
    do {
        token = json_reader_next(&reader);
        if (count < size - 1)
            out[count++] = letters[token];
    } while (token != JSON_END && token != JSON_ERROR);
    out[count] = '\0';
    assert_int_equal(json_reader_next(&reader), token); /* both stay */
    assert_int_equal(reader.fault != NULL, token == JSON_ERROR);
    guard_release(&guard);
}

struct row {
    const char *it, *input, *tokens;
};

static const struct row good_rows[] = {
    {"it reads an empty object", "{}", "{}."},
    {"it reads an empty array", " [ ] ", "[]."},
    {"it reads a lone number", "0", "#."},
    {"it reads a lone string", "\"a\"", "s."},
    {"it reads the words", "[true,false,null]", "[tfn]."},
    {"it reads all white space", "\t\r\n {\t\"a\"\r:\n1 , \"b\" : [ ] }\n", "{k#k[]}."},
    {"it reads nested values", "{\"a\":{\"b\":[1,{\"c\":\"d\"}]},\"e\":null}", "{k{k[#{ks}]}kn}."},
    {"it reads all forms of numbers", "[0,-0,12,-3.25,1e5,1E+5,2e-0,0.0e00,10.01]", "[#########]."},
    {"it reads all escapes", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e4\\uD83D\\uDE00\"", "s."},
    {"it reads an escaped NUL", "\"\\u0000\"", "s."},
    {"it reads UTF-8", "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"", "s."},
    {"it reads DEL", "\"\x7f\"", "s."},
    {"it reads an empty key twice", "{\"\":1,\"\":2}", "{k#k#}."},
};

static const struct row bad_rows[] = {
    {"it refuses nothing", "", "!"},
    {"it refuses spaces alone", "  ", "!"},
    {"it refuses a byte order mark", "\xef\xbb\xbf{}", "!"},
    {"it refuses trailing text", "{} x", "{}!"},
    {"it refuses a second document", "1 2", "#!"},
    {"it refuses a trailing comma in an array", "[1,]", "[#!"},
    {"it refuses a trailing comma in an object", "{\"a\":1,}", "{k#!"},
    {"it refuses a leading comma", "[,1]", "[!"},
    {"it refuses a missing comma", "[1 2]", "[#!"},
    {"it refuses a missing colon", "{\"a\" 1}", "{!"},
    {"it refuses a missing value", "{\"a\":}", "{k!"},
    {"it refuses a key without quotes", "{a:1}", "{!"},
    {"it refuses a number as key", "{1:1}", "{!"},
    {"it refuses single quotes", "['a']", "[!"},
    {"it refuses comments", "[1 /* a */]", "[#!"},
    {"it refuses the wrong closing bracket", "[1}", "[#!"},
    {"it refuses the wrong closing brace", "{\"a\":1]", "{k#!"},
    {"it refuses a bracket too many", "[]]", "[]!"},
    {"it refuses a closing bracket alone", "]", "!"},
    {"it refuses an open array", "[1", "[#!"},
    {"it refuses an open array behind a comma", "[1,", "[#!"},
    {"it refuses an open object", "{\"a\":1", "{k#!"},
    {"it refuses an open object behind a key", "{\"a\"", "{!"},
    {"it refuses an open object behind a colon", "{\"a\":", "{k!"},
    {"it refuses an open string", "\"abc", "!"},
    {"it refuses a string that ends in a backslash", "\"abc\\", "!"},
    {"it refuses a string that ends in an escaped quote", "\"abc\\\"", "!"},
    {"it refuses a leading zero", "01", "!"},
    {"it refuses a negative leading zero", "-01", "!"},
    {"it refuses a lone minus", "-", "!"},
    {"it refuses a plus", "+1", "!"},
    {"it refuses a point without digits", "1.", "!"},
    {"it refuses a point at the start", ".5", "!"},
    {"it refuses an exponent without digits", "1e", "!"},
    {"it refuses an exponent of a sign", "1e-", "!"},
    {"it refuses two points", "1.2.3", "#!"},
    {"it refuses hex", "0x10", "#!"},
    {"it refuses NaN", "NaN", "!"},
    {"it refuses -NaN", "-NaN", "!"},
    {"it refuses Infinity", "Infinity", "!"},
    {"it refuses words in capitals", "True", "!"},
    {"it refuses a cut word", "tru", "!"},
    {"it refuses a word with more behind it", "truer", "t!"},
    {"it refuses a new line in a string", "\"a\nb\"", "!"},
    {"it refuses a tab in a string", "\"a\tb\"", "!"},
    {"it refuses 0x1f in a long string", "\"abcdefgh\x1fijklmnop\"", "!"},
    {"it refuses an unknown escape", "\"\\a\"", "!"},
    {"it refuses an escaped quote of the other kind", "\"\\'\"", "!"},
    {"it refuses \\x", "\"\\x41\"", "!"},
    {"it refuses \\U", "\"\\U0041\"", "!"},
    {"it refuses wrong digits", "\"\\u00g0\"", "!"},
    {"it refuses too few digits", "\"\\u00e\"", "!"},
    {"it refuses cut digits", "\"\\u00", "!"},
    {"it refuses a lone high surrogate", "\"\\ud83d\"", "!"},
    {"it refuses a high surrogate before text", "\"\\ud83dabcdefgh\"", "!"},
    {"it refuses a high surrogate before another", "\"\\ud83d\\ud83d\"", "!"},
    {"it refuses a high surrogate before another escape", "\"\\ud83d\\n12345\"", "!"},
    {"it refuses a lone low surrogate", "\"\\ude00\"", "!"},
    {"it refuses a bad byte", "\"a\xff\"", "!"},
    {"it refuses overlong UTF-8", "\"\xc0\xaf\"", "!"},
    {"it refuses a surrogate in UTF-8", "\"\xed\xa0\x80\"", "!"},
    {"it refuses cut UTF-8", "\"\xe2\x82", "!"},
    {"it refuses a quote within UTF-8", "\"\xe2\x82\"", "!"},
    {"it refuses bad UTF-8 in a key", "{\"\xff\":1}", "{!"},
    {"it refuses other white space",
     "[1,\x0b"
     "2]",
     "[#!"},
    {"it refuses a bare word", "[abc]", "[!"},
};

static void check_tokens(void **state)
{
    const struct row *row = *state;
    char tokens[64];
    read_all(row->input, strlen(row->input), tokens, sizeof(tokens));
    assert_string_equal(tokens, row->tokens);
}

static void check_nul(void **state)
{
    (void)state;
    char tokens[64];
    read_all("[1,\0 2]", 7, tokens, sizeof(tokens));
    assert_string_equal(tokens, "[#!");
    read_all("\"a\0b\"", 5, tokens, sizeof(tokens));
    assert_string_equal(tokens, "!");
    read_all("1\0", 2, tokens, sizeof(tokens));
    assert_string_equal(tokens, "#!");
}

static void check_no_input(void **state)
{
    (void)state;
    struct json_reader reader;
    json_reader_init(&reader, NULL, 0);
    assert_int_equal(json_reader_next(&reader), JSON_ERROR);
}

/* Each byte at each place of a long string: the eight-at-a-time step must see it as the slow one.
 */
static void check_every_byte(void **state)
{
    (void)state;
    for (unsigned place = 0; place < 20; place++) {
        for (unsigned byte = 0; byte < 256; byte++) {
            char input[24], tokens[8];
            memset(input, 'x', sizeof(input));
            input[0] = input[22] = '"';
            input[1 + place] = (char)byte;
            read_all(input, 23, tokens, sizeof(tokens));
            const bool good = byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
            /* Closed early, the rest follows the document. */
            assert_string_equal(tokens, good ? "s." : byte == '"' ? "s!" : "!");
        }
    }
}

static void check_depth(void **state)
{
    (void)state;
    char input[2 * JSON_DEPTH_MAX + 2], tokens[2 * JSON_DEPTH_MAX + 4];
    memset(input, '[', JSON_DEPTH_MAX);
    memset(input + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
    read_all(input, (size_t)2 * JSON_DEPTH_MAX, tokens, sizeof(tokens));
    assert_int_equal(tokens[2 * JSON_DEPTH_MAX], '.');
    memset(input, '[', JSON_DEPTH_MAX + 1);
    memset(input + JSON_DEPTH_MAX + 1, ']', JSON_DEPTH_MAX + 1);
    read_all(input, (size_t)2 * JSON_DEPTH_MAX + 2, tokens, sizeof(tokens));
    assert_int_equal(tokens[JSON_DEPTH_MAX], '!');
}

/* Objects and arrays in turn, past one word of the levels' bits. */
static void check_mixed_depth(void **state)
{
    (void)state;
    char input[1000] = "", tokens[1000];
    for (int i = 0; i < 60; i++)
        strcat(input, "[{\"a\":");
    strcat(input, "1");
    for (int i = 0; i < 60; i++)
        strcat(input, "}]");
    read_all(input, strlen(input), tokens, sizeof(tokens));
    assert_int_equal(tokens[strlen(tokens) - 1], '.');
    input[strlen(input) - 60] ^= '}' ^ ']'; /* one bracket of the wrong kind */
    read_all(input, strlen(input), tokens, sizeof(tokens));
    assert_int_equal(tokens[strlen(tokens) - 1], '!');
}

/* Every beginning of a good document is no document, and never reads past its end. */
static void check_beginnings(void **state)
{
    (void)state;
    static const char whole[] =
        "{\"key\\u00e4\":[-1.5e+3,true,false,null,\"\\ud83d\\ude00 \xe2\x82\xac\",{}]}";
    for (size_t length = 0; length < sizeof(whole) - 1; length++) {
        char tokens[64];
        read_all(whole, length, tokens, sizeof(tokens));
        assert_int_equal(tokens[strlen(tokens) - 1], '!');
    }
}

static void check_noise(void **state)
{
    (void)state;
    static const char whole[] =
        "{\"k\\u00e4\":[-1.5e+3,true,null,\"\\ud83d\\ude00 \xe2\x82\xac\\n\",{}],\"z\":{\"a\":0}}";
    struct rng rng;
    rng_seed(&rng, 3);
    for (int round = 0; round < 20000; round++) {
        char input[sizeof(whole)], tokens[128];
        memcpy(input, whole, sizeof(whole));
        for (int i = 0; i < 3; i++)
            input[rng_below(&rng, sizeof(whole))] = (char)(rng_next(&rng) >> 5);
        read_all(input, 1 + rng_below(&rng, sizeof(whole) - 1), tokens, sizeof(tokens));
    }
}

struct skip_row {
    const char *it, *value;
};

static const struct skip_row skip_rows[] = {
    {"it skips a number", "1"},
    {"it skips a string", "\"}]\""},
    {"it skips an empty object", "{}"},
    {"it skips nested values", "{\"x\":[1,{\"y\":[]}],\"z\":{}}"},
    {"it skips an array of arrays", "[[],[[]]]"},
};

static void check_skip(void **state)
{
    const struct skip_row *row = *state;
    for (int from_key = 0; from_key < 2; from_key++) {
        char json[128];
        struct json_reader reader;
        snprintf(json, sizeof(json), "{\"a\":%s,\"b\":2}", row->value);
        json_reader_init(&reader, json, strlen(json));
        assert_int_equal(json_reader_next(&reader), JSON_OBJECT_BEGIN);
        assert_int_equal(json_reader_next(&reader), JSON_KEY);
        if (!from_key)
            json_reader_next(&reader);
        assert_true(json_reader_skip(&reader));
        assert_int_equal(json_reader_next(&reader), JSON_KEY);
        assert_true(json_reader_is(&reader, "b"));
    }
}

static void check_skip_faults(void **state)
{
    (void)state;
    struct json_reader reader;
    json_reader_init(&reader, "[[1,2,x]]", 9);
    json_reader_next(&reader);
    assert_false(json_reader_skip(&reader));
    assert_int_equal(reader.token, JSON_ERROR);
    assert_false(json_reader_skip(&reader));
    json_reader_init(&reader, "{\"a\":x}", 7);
    json_reader_next(&reader);
    json_reader_next(&reader);
    assert_false(json_reader_skip(&reader));
}

struct where_row {
    const char *it, *input;
    unsigned line, column;
};

static const struct where_row where_rows[] = {
    {"it points at the first byte", "x", 1, 1},
    {"it points at a wrong value on a later line", "{\n  \"a\": 1,\n  \"b\": y\n}", 3, 8},
    {"it points at a bad byte within a string", "[\n\"ab\xff\"]", 2, 4},
    {"it points at an open string's begin", "[1,\n \"abc", 2, 2},
    {"it points at the end of what is cut", "[1,\n2", 2, 2},
    {"it points at a missing comma", "[1 2]", 1, 4},
    {"it points at what follows the document", "{}\n\nx", 3, 1},
};

static void check_where(void **state)
{
    const struct where_row *row = *state;
    struct json_reader reader;
    enum json_token token;
    unsigned line, column;
    json_reader_init(&reader, row->input, strlen(row->input));
    while ((token = json_reader_next(&reader)) != JSON_ERROR)
        assert_int_not_equal(token, JSON_END);
    json_reader_where(&reader, &line, &column);
    assert_int_equal(line, row->line);
    assert_int_equal(column, row->column);
    json_reader_next(&reader);
    json_reader_where(&reader, &line, &column); /* stays at the first place */
    assert_int_equal(line, row->line);
}

int main(void)
{
    static struct rows all;
    ROWS(&all, good_rows, check_tokens);
    ROWS(&all, bad_rows, check_tokens);
    rows_one(&all, "it refuses NUL bytes", check_nul);
    rows_one(&all, "it refuses no input", check_no_input);
    rows_one(&all, "it sees every byte at every place of a string", check_every_byte);
    rows_one(&all, "it nests to its limit and no deeper", check_depth);
    rows_one(&all, "it knows objects from arrays at every depth", check_mixed_depth);
    rows_one(&all, "it refuses every beginning of a document", check_beginnings);
    rows_one(&all, "it survives damaged documents", check_noise);
    ROWS(&all, skip_rows, check_skip);
    rows_one(&all, "it says that it could not skip", check_skip_faults);
    ROWS(&all, where_rows, check_where);
    return rows_run("json_reader", &all);
}
