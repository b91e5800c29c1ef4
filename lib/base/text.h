/* A borrowed run of characters with its length, and small helpers on text that a person or a wire
 * wrote. Never allocates. */
#ifndef CULPRIT_BASE_TEXT_H
#define CULPRIT_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct text {
    const char *data; /* may be NULL when length is 0; not always NUL-terminated */
    size_t length;
};

#define TEXT_LITERAL(literal) ((struct text){(literal), sizeof(literal) - 1})

/* The same as an initializer, for static tables: there C11 takes no compound literal. */
#define TEXT_CONSTANT(literal)                                                                     \
    {                                                                                              \
        (literal), sizeof(literal) - 1                                                             \
    }

/* For printf: "%.*s". */
#define TEXT_ARGS(value) (int)(value).length, ((value).data ? (value).data : "")

struct text text_of(const char *c_string); /* NULL gives the empty text */
bool text_equal(struct text a, struct text b);
bool text_is(struct text a, const char *c_string);
bool text_equal_ignore_case(struct text a, struct text b); /* ASCII */
bool text_starts_with(struct text a, const char *prefix);

/* Without spaces and tabs at both ends. */
struct text text_trim(struct text value);

/* Cuts *rest at the first `separator`: the part before it is returned, *rest is what follows, and
 * has data NULL when nothing followed. Call while rest->data is not NULL. */
struct text text_split(struct text *rest, char separator);

/* Whole decimal numbers, nothing around them. STATUS_INVALID, STATUS_TOO_LARGE. */
MUST_CHECK enum status text_to_u64(struct text value, uint64_t *out);
MUST_CHECK enum status text_to_i64(struct text value, int64_t *out);

/* The decimal digits of `value`, ended by a NUL; how many they are. */
enum { TEXT_U64_SIZE = 21 };
size_t text_from_u64(uint64_t value, char out[TEXT_U64_SIZE]);

/* Plain decimal as in JSON ("-0.5", "1e3", leading zeros pass), in any locale. STATUS_INVALID;
 * STATUS_TOO_LARGE when it is not finite or written with over 1,000 digits. */
MUST_CHECK enum status text_to_double(struct text value, double *out);

/* Percent-decoding (RFC 3986) into `out` of at least value.length bytes, which may be value.data
 * itself; *length gets the result's. STATUS_INVALID on a broken escape. */
MUST_CHECK enum status text_percent_decode(struct text value, char *out, size_t *length);

/* Bytes (1 to 4) of the UTF-8 character (RFC 3629) that `value` begins with; 0 when it is empty or
 * begins with none. */
size_t text_utf8_length(struct text value);

/* Length of the longest prefix that is valid UTF-8. */
size_t text_utf8_prefix(struct text value);

/* Copies at most size - 1 bytes and always terminates. */
void text_copy(struct text value, char *out, size_t size);

#endif
