/* Reading JSON objects by tables: a row is a key and what reads its value. Keys without a row are
 * passed over. Shared by the readers of this room.
 *
 * A reading function is called with the reader at its value's first token and leaves it at the last
 * one. The first failure is kept: STATUS_INVALID (words from the reader or json_in_wrong) ends the
 * reading, STATUS_TOO_LARGE in `overfull` is for the caller to take back and count. */
#ifndef CULPRIT_OTLP_JSON_IN_H
#define CULPRIT_OTLP_JSON_IN_H

#include "base/buffer.h"
#include "base/json_reader.h"
#include "otlp/spans.h"

struct json_in {
    struct json_reader reader;
    struct spans *spans;
    struct buffer pile;  /* lists that grow */
    struct buffer plain; /* the last string, unescaped */
    bool overfull;       /* something of this span did not fit */
    uint64_t refused;    /* spans without ids */
    uint64_t rejected;   /* spans that did not fit */
    const char *wrong;   /* words of the first wrong value */
    unsigned wrong_line, wrong_column;
    void *context; /* the format's own */
};

typedef void json_in_function(struct json_in *in, void *target);

struct json_in_field {
    const char *key;
    json_in_function *read;
    size_t offset; /* added to the target */
};

void json_in_init(struct json_in *in, struct spans *spans, const char *json, size_t length);
void json_in_release(struct json_in *in);

/* false once anything was wrong: callers stop. */
bool json_in_fine(const struct json_in *in);

/* Notes that the value at hand is not what it must be; the first note stays. */
void json_in_wrong(struct json_in *in, const char *words);

/* STATUS_INVALID with "line L, column C: words", STATUS_TOO_LARGE when spans were rejected. */
enum status json_in_status(const struct json_in *in, struct error *error);

/* An object by its rows; null stands for one without keys. */
void json_in_object(struct json_in *in, const struct json_in_field *fields, size_t count,
                    void *target);
/* Calls for each item; null stands for an empty array. */
void json_in_array(struct json_in *in, json_in_function *each, void *target);

/* The string at hand, plain; borrowed until the next call. Anything else is wrong. null is "". */
struct text json_in_string(struct json_in *in);

/* Rows' functions: target is struct text (the set's own), uint64_t, uint32_t, bool. */
void json_in_text(struct json_in *in, void *target);
void json_in_name(struct json_in *in, void *target); /* interned whatever its length */
void json_in_u64(struct json_in *in, void *target);
void json_in_u32(struct json_in *in, void *target);
void json_in_bool(struct json_in *in, void *target);

/* Hex of exactly 2 * count digits in any case, or of 1 to 2 * count when `short_too` (Jaeger leaves
 * leading zeros out); false and all zero when it is not. */
bool json_in_hex(struct text value, uint8_t *out, size_t count, bool short_too);

#endif
