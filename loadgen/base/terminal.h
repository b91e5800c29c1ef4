/* What the other end of a file can show, lines that fit into it, and a block of lines that is
 * redrawn in place with one write.
 *
 * Nothing needs to be restored: the cursor is hidden only within that one write, and no mode of the
 * terminal is changed, so a program that dies at any moment leaves a usable terminal. The size is
 * asked for at each redraw, which is what SIGWINCH would be for. Never allocates but for the
 * block's buffer; the terminal may block it. One thread. */
#ifndef CULPRIT_LOADGEN_BASE_TERMINAL_H
#define CULPRIT_LOADGEN_BASE_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/buffer.h"
#include "base/status.h"

enum { TERMINAL_LINE_MAX = 1024, TERMINAL_COLUMNS_MAX = 160, TERMINAL_LINES_MAX = 64 };

struct terminal_style {
    bool redraws, colours, is_utf8;
    unsigned columns, rows; /* of a terminal; 0 rows: not known */
};

/* Redraws on a terminal, unless TERM is "dumb" or not set, or CI is set (its terminals are logs).
 * Colours unless NO_COLOR says otherwise (no-color.org). As wide as the window and as COLUMNS, the
 * smaller of both; UTF-8 where LC_ALL, LC_CTYPE or LANG name it. */
struct terminal_style terminal_style_of(FILE *file);

/* It is a terminal, and NO_COLOR does not say otherwise. */
bool terminal_has_colours(FILE *file);

/* false: this process is in the background of that terminal, which somebody else uses now. */
bool terminal_is_ours(FILE *file);

/* Takes the window's size anew. */
void terminal_measure(struct terminal_style *style, FILE *file);

enum terminal_colour {
    TERMINAL_PLAIN,
    TERMINAL_GOOD,
    TERMINAL_BAD,
    TERMINAL_UNSURE,
    TERMINAL_FAINT,
    TERMINAL_STRONG,
};

/* What begins a colour, "" of TERMINAL_PLAIN, and what ends each. */
const char *terminal_colour_code(enum terminal_colour colour);
#define TERMINAL_RESET "\x1b[0m"

/* A line made of pieces; colours take bytes but no columns. */
struct terminal_line {
    char text[TERMINAL_LINE_MAX];
    size_t length;
    unsigned columns, columns_max;
    bool colours, is_full;
};

/* An empty line for `style`; it never reaches the last column, where it would wrap. Endless where
 * nothing is redrawn. */
void terminal_line_begin(struct terminal_line *line, const struct terminal_style *style);

/* Adds a piece. One that does not fit is left out, with all behind it: false. What is no character
 * that can be shown becomes a question mark. */
bool terminal_add(struct terminal_line *line, enum terminal_colour colour, const char *format, ...)
    PRINTF_LIKE(3, 4);
/* The same, cut to what fits. */
void terminal_add_cut(struct terminal_line *line, enum terminal_colour colour, const char *text);
/* Spaces up to a column; at least none. */
void terminal_add_gap(struct terminal_line *line, unsigned column);

/* How many columns it has left. */
unsigned terminal_room(const struct terminal_line *line);

struct terminal_block {
    FILE *out; /* borrowed */
    struct buffer frame;
    unsigned widths[TERMINAL_LINES_MAX]; /* of the lines that stand there */
    size_t line_count;
    unsigned columns; /* of the window when they were drawn */
};

void terminal_block_init(struct terminal_block *block, FILE *out);
void terminal_block_release(struct terminal_block *block);

/* Shows these lines in the place of those before, the cursor under them. At most
 * TERMINAL_LINES_MAX, and what fits into the window's height. */
void terminal_block_draw(struct terminal_block *block, const struct terminal_style *style,
                         const struct terminal_line *lines, size_t count);

/* Writes a line on `out`. Where a block stands there, it comes in the block's place, and the block
 * under it with the next that is drawn. At most TERMINAL_LINE_MAX; from the thread that draws. */
void terminal_say(FILE *out, const char *format, ...) PRINTF_LIKE(2, 3);

/* What was drawn stays where it is, and the next block begins under the cursor. */
void terminal_block_forget(struct terminal_block *block);

/* Shows a last line in the place of the block, NULL: nothing; it stays. */
void terminal_block_end(struct terminal_block *block, const struct terminal_style *style,
                        const struct terminal_line *line);

#endif
