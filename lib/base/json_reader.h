/* Pull reader for JSON from outside (RFC 8259, strict): bounded depth, no recursion in the caller's
 * stack, no allocation; knows where it stands, so that errors can name a line.
 *
 * The input is borrowed and must outlive the reader. A string token is a slice of the input with
 * its escapes still in it; json_reader_unescape makes it plain. After the first error every call
 * returns JSON_ERROR, and `fault` and json_reader_where stay at the first place. Not in one source
 * file with jansson.h, which has tokens of the same names. */
#ifndef CULPRIT_BASE_JSON_READER_H
#define CULPRIT_BASE_JSON_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/text.h"

enum { JSON_DEPTH_MAX = 384 };

enum json_token {
    JSON_END, /* after the whole document */
    JSON_OBJECT_BEGIN,
    JSON_OBJECT_END,
    JSON_ARRAY_BEGIN,
    JSON_ARRAY_END,
    JSON_KEY,
    JSON_STRING,
    JSON_NUMBER,
    JSON_TRUE,
    JSON_FALSE,
    JSON_NULL,
    JSON_ERROR,
};

struct json_reader {
    const char *begin, *at, *end;
    unsigned depth;
    uint64_t in_object[JSON_DEPTH_MAX / 64]; /* bit per level */
    uint8_t expect;                          /* inner state */
    enum json_token token;                   /* the last one read */
    struct text text;     /* of KEY, STRING (without quotes, escapes kept) and NUMBER */
    bool has_escapes;     /* of KEY and STRING */
    const char *token_at; /* where the last token began */
    const char *fault;    /* words of the first error, NULL while fine */
};

void json_reader_init(struct json_reader *reader, const char *data, size_t length);

/* The next token; JSON_ERROR on anything that is not strict JSON, too deep, or bad UTF-8. */
enum json_token json_reader_next(struct json_reader *reader);

/* Call with `token` at a value's first token (or at a key: then its value is skipped too): leaves
 * the reader at the value's last token. false: error. */
bool json_reader_skip(struct json_reader *reader);

/* Writes the plain form of the last KEY or STRING to `out` (at least text.length bytes, never more
 * are needed); returns its length. Escapes were checked by json_reader_next. */
size_t json_reader_unescape(const struct json_reader *reader, char *out);

/* true when the last KEY or STRING is `word` (escapes honoured). */
bool json_reader_is(const struct json_reader *reader, const char *word);

/* Line (from 1) and column (from 1) of the last token, or of the error. */
void json_reader_where(const struct json_reader *reader, unsigned *line, unsigned *column);

/* The last NUMBER (or STRING, as OTLP writes 64-bit numbers) as an integer; 1.0 and 1e3 are whole
 * up to 2^53. json_reader_double reads the strings "NaN", "Infinity" and "-Infinity" too.
 * STATUS_INVALID, STATUS_TOO_LARGE; *out is then undefined. */
MUST_CHECK enum status json_reader_i64(const struct json_reader *reader, int64_t *out);
MUST_CHECK enum status json_reader_u64(const struct json_reader *reader, uint64_t *out);
MUST_CHECK enum status json_reader_double(const struct json_reader *reader, double *out);

#endif
