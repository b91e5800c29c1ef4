/* Rows of data for load flows, read once before the run from a CSV file (RFC 4180, the first line
 * names the columns) or a JSON array of flat objects with equal keys. Read only afterwards, by any
 * thread. Bounded: LOAD_FEEDER_BYTES_MAX, _ROWS_MAX, _COLUMNS_MAX. */
#ifndef CULPRIT_LOADGEN_LOAD_LOAD_FEEDER_H
#define CULPRIT_LOADGEN_LOAD_LOAD_FEEDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"
#include "base/text.h"

enum {
    LOAD_FEEDER_BYTES_MAX = 64 * 1024 * 1024,
    LOAD_FEEDER_ROWS_MAX = 1000000,
    LOAD_FEEDER_COLUMNS_MAX = 32,
};

struct load_feeder {
    const char *name; /* the caller's */
    bool is_random;   /* the caller's: rows by chance (of the seed) instead of in turn */
    struct text columns[LOAD_FEEDER_COLUMNS_MAX];
    size_t column_count, row_count, row_capacity;
    struct text *cells; /* row after row; malloced */
    struct arena arena; /* of the texts */
};

/* `file_name` ends in ".csv" or ".json", and is what errors call it. STATUS_INVALID with
 * "file:line: words", STATUS_TOO_LARGE, STATUS_NO_MEMORY. The feeder is to be released in any case.
 */
MUST_CHECK enum status load_feeder_parse(struct load_feeder *feeder, struct text content,
                                         const char *file_name, struct error *error);
/* The same from a file; STATUS_NOT_FOUND, STATUS_IO besides. */
MUST_CHECK enum status load_feeder_read(struct load_feeder *feeder, const char *path,
                                        struct error *error);
void load_feeder_release(struct load_feeder *feeder);

/* false: no such column. */
bool load_feeder_column(const struct load_feeder *feeder, struct text name, uint16_t *column);

/* The row of arrival `number`, of a feeder with rows. */
size_t load_feeder_row(const struct load_feeder *feeder, uint64_t seed, uint64_t number);

static inline struct text load_feeder_cell(const struct load_feeder *feeder, size_t row,
                                           uint16_t column)
{
    return feeder->cells[row * feeder->column_count + column];
}

#endif
