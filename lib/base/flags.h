/* Command-line flags as a table of rows, on getopt_long: parsing, --help and defaults come from the
 * same rows; a default of 0 or "" is not shown: the words say what it means. One use at the start
 * of a program. */
#ifndef CULPRIT_BASE_FLAGS_H
#define CULPRIT_BASE_FLAGS_H

#include <stddef.h>
#include <stdio.h>

#include "base/status.h"

enum flag_type { FLAG_BOOL, FLAG_TEXT, FLAG_TEXTS, FLAG_U64, FLAG_DOUBLE };

/* A flag that may be given several times. */
enum { FLAG_TEXTS_MAX = 32 };
struct flag_texts {
    const char *items[FLAG_TEXTS_MAX];
    size_t count;
};

struct flag {
    const char *name; /* long name without dashes */
    char letter;      /* short form or 0 */
    enum flag_type type;
    void *target; /* bool *, const char **, struct flag_texts *, uint64_t *, double *: holds the
                     default before */
    const char *argument; /* word for --help: "FILE"; NULL for FLAG_BOOL */
    const char *help;     /* one line */
};

struct flags_usage {
    const char *program;  /* "culprit run" */
    const char *operands; /* "SCENARIO" or "" */
    const char *about;    /* one sentence */
    const char *more;     /* text under the flags, or NULL */
};

/* Fills the targets; *first_operand is the index of the first word that is no flag (they are moved
 * behind the flags). `--help` gives STATUS_END: the caller prints flags_help to stdout and leaves
 * with 0. STATUS_INVALID: unknown flag, missing or wrong value; `error` says which. */
MUST_CHECK enum status flags_parse(const struct flag *table, size_t count, int argc, char **argv,
                                   int *first_operand, struct error *error);

void flags_help(FILE *out, const struct flags_usage *usage, const struct flag *table, size_t count);

#endif
