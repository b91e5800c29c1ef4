/* Objects of the topology file as tables of members: each known, none twice, none missing. Errors
 * say the file, the line, and which service and route it was about. One use on one thread. */
#ifndef CULPRIT_HTTP_TOPOLOGY_READER_H
#define CULPRIT_HTTP_TOPOLOGY_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/json_reader.h"
#include "base/status.h"

struct topology_reader {
    struct json_reader json;
    struct arena *arena; /* strings that are read live here */
    const char *name;    /* what errors call the file */
    const char *service; /* that it stands in, or NULL */
    const char *method;  /* of the route that it stands in, or NULL */
    const char *path;
    struct error *error;
    bool at_end; /* all is read: errors name no line any more */
};

struct topology_member {
    const char *name;
    bool required;
    /* The reader stands at the value's first token, and must be left at its last. */
    enum status (*read)(struct topology_reader *reader, void *into);
};

enum { TOPOLOGY_MEMBERS_MAX = 16 };

/* Sets "name:line: service ...: words" and gives STATUS_INVALID. */
enum status topology_reader_fail(const struct topology_reader *reader, const char *format, ...)
    PRINTF_LIKE(2, 3);

/* An object; the reader stands at its brace. */
MUST_CHECK enum status topology_reader_object(struct topology_reader *reader,
                                              const struct topology_member *members, size_t count,
                                              void *into);

/* The objects of an array, each through `read` into the next of at most `most` items of
 * `item_bytes`; the copy of them in the arena goes to *items. */
struct topology_items {
    size_t item_bytes, most;
    enum status (*read)(struct topology_reader *reader, void *item);
};
MUST_CHECK enum status topology_reader_items(struct topology_reader *reader,
                                             const struct topology_items *kind, const void **items,
                                             size_t *count);

/* A string of 1 to 255 printable ASCII characters, in the arena. */
MUST_CHECK enum status topology_reader_word(struct topology_reader *reader, const char **out);

/* A whole number in [lowest, highest]. */
MUST_CHECK enum status topology_reader_number(struct topology_reader *reader, uint32_t lowest,
                                              uint32_t highest, uint32_t *out);

#endif
