/* Checks of JSON that came from outside, as tables: a row names a field, its type and its bounds,
 * and where in the caller's struct the value goes. Unknown fields are passed over. Texts and arrays
 * that are handed out are borrowed from the document. Never allocates; callable from any thread. */
#ifndef CULPRIT_HTTP_VALIDATE_H
#define CULPRIT_HTTP_VALIDATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/status.h"
#include "http/server.h"

enum validate_type {
    VALIDATE_TEXT,  /* const char *: any characters but control ones; bounds are bytes */
    VALIDATE_NAME,  /* const char *: [A-Za-z0-9_.-]; bounds are bytes */
    VALIDATE_UPPER, /* const char *: [A-Z]; bounds are bytes */
    VALIDATE_I64,   /* int64_t: bounds are values */
    VALIDATE_ARRAY, /* json_t *: bounds are items */
};

struct validate_field {
    const char *name;
    size_t offset; /* of the value in the caller's struct */
    int64_t lowest, highest;
    enum validate_type type;
    bool optional; /* may be absent or null: the struct keeps what it held */
};

/* A row for the member `member` of `struct type`, whose field has the same name. */
#define VALIDATE_FIELD(holder, member, field_type, low, high)                                      \
    {                                                                                              \
        .name = #member, .type = (field_type), .offset = offsetof(holder, member),                 \
        .lowest = (low), .highest = (high)                                                         \
    }
#define VALIDATE_OPTIONAL(holder, member, field_type, low, high)                                   \
    {                                                                                              \
        .name = #member, .type = (field_type), .offset = offsetof(holder, member),                 \
        .lowest = (low), .highest = (high), .optional = true                                       \
    }

/* Fills `out` from an object. STATUS_INVALID with words that name the field; `out` is then partly
 * filled. */
MUST_CHECK enum status validate_object(const json_t *object, const struct validate_field *fields,
                                       size_t count, void *out, struct error *error);

/* The objects of an array of checked length into an array of structs of `item_bytes` each; words
 * name the item's place, from 0. */
MUST_CHECK enum status validate_items(const json_t *array, const struct validate_field *fields,
                                      size_t count, void *items, size_t item_bytes,
                                      struct error *error);

/* A request's body. false: the answer is set already (400 without an object, 422 "invalid" with
 * words about the field). */
bool validate_body(struct request *request, struct response *response,
                   const struct validate_field *fields, size_t count, void *out);

/* 1 to `longest` characters of [A-Za-z0-9_-]; NULL is none. */
bool validate_is_key(const char *value, size_t longest);

/* The same with dots. */
bool validate_is_name(const char *value, size_t longest);

#endif
