/* Tables for people, as plain text: columns as wide as their widest cell, the whole at most 110
 * columns wide (the widest flexible column gives way). Bounded; what does not fit is left out.
 * Colour only where the output is a terminal and NO_COLOR is not set. One owner. */
#ifndef CULPRIT_LOADGEN_BASE_TABLE_H
#define CULPRIT_LOADGEN_BASE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/status.h"
#include "loadgen/base/terminal.h"

enum {
    TABLE_COLUMNS_MAX = 12,
    TABLE_ROWS_MAX = 96,
    TABLE_CELL_MAX = 128,
    TABLE_WIDTH_MAX = 110,
    TABLE_PROSE_MAX = 100
};

struct table_column {
    const char *title;
    bool is_number;   /* to the right */
    bool is_flexible; /* may be cut, with an ellipsis */
};

struct table_cell {
    char text[TABLE_CELL_MAX];
    enum terminal_colour colour;
    bool is_wide;
};

struct table {
    const struct table_column *columns;
    size_t column_count;
    struct table_cell cells[TABLE_ROWS_MAX][TABLE_COLUMNS_MAX];
    size_t row_count;
    size_t filled; /* cells of the last row */
};

/* Columns are borrowed, at most TABLE_COLUMNS_MAX. */
void table_init(struct table *table, const struct table_column *columns, size_t count);

/* Begins a row; cells not given stay empty. */
void table_row(struct table *table);
void table_cell(struct table *table, enum terminal_colour colour, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* Like table_cell, but reaches over the columns behind it, which stay empty in this row: never cut,
 * and no column is wider for it. */
void table_wide(struct table *table, enum terminal_colour colour, const char *format, ...)
    PRINTF_LIKE(3, 4);

void table_print(const struct table *table, FILE *out, unsigned indent);

/* One word in its colour, where `out` shows colours. */
void table_word(FILE *out, enum terminal_colour colour, const char *word);

/* Prose, filled to the width with an indent, two more from the second line on. */
void table_prose(FILE *out, unsigned indent, const char *text);

#endif
