/* Reads JSON that a person wrote into plain structs, strictly, by tables of fields: what is
 * unknown, missing, written twice, of a wrong type or out of range is an error with file, line and
 * key. On base/json_reader.h; allocates nothing. */
#ifndef CULPRIT_LOADGEN_BASE_FIELDS_H
#define CULPRIT_LOADGEN_BASE_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json_reader.h"
#include "base/status.h"

enum { FIELDS_KEY_MAX = 96, FIELDS_MAX = 32 };

struct fields {
    struct json_reader reader;
    const char *file;         /* what errors call it */
    char key[FIELDS_KEY_MAX]; /* the one whose value is being read; "" at the top */
    struct error *error;
    bool skips_unknown; /* what a later version wrote is no error */
};

/* Reads the value whose first token is the reader's current one; leaves the reader at its last. */
typedef enum status field_reader(struct fields *fields, void *into);

/* A key of an object and where its value goes. At most FIELDS_MAX in a table. */
struct field {
    const char *key;
    field_reader *read;
    size_t offset;
    bool required;
};

/* A table and its rows' count, as fields_object wants them. */
#define FIELDS_OF(table) (table), sizeof(table) / sizeof((table)[0])

/* Stands before the first token. */
void fields_init(struct fields *fields, const char *json, size_t length, const char *file,
                 struct error *error);

/* STATUS_INVALID with "file:line: key "x": words"; the reader's own fault wins. */
enum status fields_fail(const struct fields *fields, const char *format, ...) PRINTF_LIKE(2, 3);

/* *seen (may be NULL) gets a bit for each row of the table that was there. */
MUST_CHECK enum status fields_object(struct fields *fields, const struct field *table, size_t count,
                                     void *into, uint32_t *seen);

/* Nothing but white space may follow. */
MUST_CHECK enum status fields_end(struct fields *fields);

/* Call with the reader at a key: remembers it for errors. */
void fields_take_key(struct fields *fields);

struct field_items {
    void *first;
    size_t item_bytes, max_count;
    size_t *count; /* grows */
};
MUST_CHECK enum status fields_array(struct fields *fields, field_reader *read,
                                    const struct field_items *items);

/* Text of 1 to size - 1 bytes without NUL, terminated. */
MUST_CHECK enum status fields_text(struct fields *fields, char *out, size_t size);
MUST_CHECK enum status fields_number(struct fields *fields, double lowest, double highest,
                                     double *out);

/* Of whole numbers (uint64_t), as a number or, above 2^53, a string; of true and false (bool). */
enum status fields_read_u64(struct fields *fields, void *into);
enum status fields_read_bool(struct fields *fields, void *into);

/* The very text `word`: what a "schema" must be. */
MUST_CHECK enum status fields_word(struct fields *fields, const char *word);

/* Of "$schema", which is for editors alone: any string. */
enum status fields_editor_hint(struct fields *fields, void *into);

#endif
