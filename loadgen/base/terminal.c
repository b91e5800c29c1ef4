#include "loadgen/base/terminal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/text.h"

enum {
    COLUMNS_DEFAULT = 80,
    COLUMNS_LEAST = 20, /* taken for a width of 0 */
    CODE_BYTES_MAX = 16,
    FRAME_BYTES_MAX = (TERMINAL_LINES_MAX + 1) * (TERMINAL_LINE_MAX + CODE_BYTES_MAX),
};

#define HIDE_CURSOR "\x1b[?25l"
#define SHOW_CURSOR "\x1b[?25h"
#define ERASE_LINE  "\x1b[K" /* from here on */
#define ERASE_BELOW "\x1b[J"

/* ---- style */

const char *terminal_colour_code(enum terminal_colour colour)
{
    static const char *const codes[] = {
        [TERMINAL_PLAIN] = "",          [TERMINAL_GOOD] = "\x1b[32m", [TERMINAL_BAD] = "\x1b[31m",
        [TERMINAL_UNSURE] = "\x1b[33m", [TERMINAL_FAINT] = "\x1b[2m", [TERMINAL_STRONG] = "\x1b[1m",
    };
    return codes[colour];
}

static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

bool terminal_has_colours(FILE *file)
{
    return variable("NO_COLOR") == NULL && isatty(fileno(file));
}

static bool is_ci(void)
{
    const char *value = variable("CI");
    return value != NULL && strcmp(value, "false") != 0 && strcmp(value, "0") != 0;
}

/* Read from the variables, not asked of the C library: a terminal speaks UTF-8 whether or not the
 * locale's files are installed. */
static bool names_utf8(void)
{
    const char *locale = variable("LC_ALL");
    if (locale == NULL)
        locale = variable("LC_CTYPE");
    if (locale == NULL)
        locale = variable("LANG");
    const char *dot = locale != NULL ? strchr(locale, '.') : NULL;
    return dot != NULL && (strncasecmp(dot, ".UTF-8", 6) == 0 || strncasecmp(dot, ".utf8", 5) == 0);
}

void terminal_measure(struct terminal_style *style, FILE *file)
{
    struct winsize size = {0};
    uint64_t columns = 0;
    int fd = fileno(file);
    if (fd < 0 || ioctl(fd, TIOCGWINSZ, &size) != 0)
        return;
    style->columns = size.ws_col > 0 ? size.ws_col : COLUMNS_DEFAULT;
    style->rows = size.ws_row;
    if (text_to_u64(text_of(variable("COLUMNS")), &columns) == STATUS_OK && columns > 0 &&
        (columns < style->columns || size.ws_col == 0))
        style->columns =
            (unsigned)(columns < TERMINAL_COLUMNS_MAX ? columns : TERMINAL_COLUMNS_MAX);
}

struct terminal_style terminal_style_of(FILE *file)
{
    struct terminal_style style = {.columns = COLUMNS_DEFAULT};
    int fd = fileno(file);
    const char *terminal = variable("TERM");
    if (fd < 0 || !isatty(fd) || terminal == NULL || strcmp(terminal, "dumb") == 0 || is_ci())
        return style;
    style.redraws = true;
    style.colours = terminal_has_colours(file);
    style.is_utf8 = names_utf8();
    terminal_measure(&style, file);
    return style;
}

bool terminal_is_ours(FILE *file)
{
    pid_t group = tcgetpgrp(fileno(file)); /* -1: not our controlling terminal, or none at all */
    return group < 0 || group == getpgrp();
}

/* ---- lines */

void terminal_line_begin(struct terminal_line *line, const struct terminal_style *style)
{
    unsigned columns = style->columns > 0 ? style->columns : COLUMNS_LEAST;
    line->text[0] = '\0';
    line->length = 0;
    line->columns = 0;
    line->columns_max = TERMINAL_LINE_MAX;
    if (style->redraws)
        line->columns_max = (columns < TERMINAL_COLUMNS_MAX ? columns : TERMINAL_COLUMNS_MAX) - 1;
    line->colours = style->colours;
    line->is_full = false;
}

/* Columns of the character of `length` bytes; at most, where terminals differ. UTF-8 sorts as its
 * code points do: below U+1100, and punctuation up to the block elements, they are narrow. */
static unsigned width_of(const char *character, size_t length)
{
    if (length < 3)
        return 1;
    if (length == 3 && memcmp(character, "\xe1\x84\x80", 3) < 0)
        return 1;
    return length == 3 && memcmp(character, "\xe2\x80\x80", 3) >= 0 &&
                   memcmp(character, "\xe2\x97\xbf", 3) <= 0
               ? 1
               : 2;
}

static bool is_control(const char *character, size_t length)
{
    unsigned char first = (unsigned char)character[0];
    return first < 0x20 || first == 0x7f ||
           (length == 2 && first == 0xc2 && (unsigned char)character[1] < 0xa0);
}

/* Replaces what cannot be shown, in place, and cuts it to `columns_max`; its width. */
static unsigned make_showable(char *text, unsigned columns_max)
{
    size_t from = 0, to = 0;
    unsigned columns = 0;
    while (text[from] != '\0') {
        size_t length = text_utf8_length(text_of(text + from));
        bool is_bad = length == 0 || is_control(text + from, length);
        unsigned width = is_bad ? 1 : width_of(text + from, length);
        if (columns + width > columns_max)
            break;
        if (is_bad)
            text[to++] = '?';
        for (size_t i = 0; i < length && !is_bad; i++)
            text[to++] = text[from + i];
        from += length == 0 ? 1 : length;
        columns += width;
    }
    text[to] = '\0';
    return columns;
}

static bool append(struct terminal_line *line, enum terminal_colour colour, const char *piece,
                   unsigned columns)
{
    const char *code = line->colours ? terminal_colour_code(colour) : "",
               *reset = code[0] ? TERMINAL_RESET : "";
    size_t room = sizeof(line->text) - line->length;
    size_t bytes = strlen(code) + strlen(piece) + strlen(reset);
    line->is_full |= bytes >= room || line->columns + columns > line->columns_max;
    if (line->is_full)
        return false;
    (void)snprintf(line->text + line->length, room, "%s%s%s", code, piece, reset);
    line->length += bytes;
    line->columns += columns;
    return true;
}

bool terminal_add(struct terminal_line *line, enum terminal_colour colour, const char *format, ...)
{
    char piece[TERMINAL_LINE_MAX];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(piece, sizeof(piece), format, arguments);
    va_end(arguments);
    unsigned columns = make_showable(piece, TERMINAL_LINE_MAX);
    return append(line, colour, piece, columns);
}

void terminal_add_cut(struct terminal_line *line, enum terminal_colour colour, const char *text)
{
    char piece[TERMINAL_LINE_MAX];
    text_copy(text_of(text), piece, sizeof(piece));
    unsigned columns = make_showable(piece, terminal_room(line));
    (void)append(line, colour, piece, columns);
}

void terminal_add_gap(struct terminal_line *line, unsigned column)
{
    while (line->columns < column && append(line, TERMINAL_PLAIN, " ", 1))
        continue;
}

unsigned terminal_room(const struct terminal_line *line)
{
    return line->is_full ? 0 : line->columns_max - line->columns;
}

/* ---- the block */

static struct terminal_block *standing; /* the one that is on the screen; of the drawing thread */

void terminal_block_init(struct terminal_block *block, FILE *out)
{
    *block = (struct terminal_block){.out = out};
    buffer_init(&block->frame, FRAME_BYTES_MAX);
}

void terminal_block_release(struct terminal_block *block)
{
    buffer_release(&block->frame);
    terminal_block_forget(block);
}

/* To the block's first line. A window that became narrower has wrapped its lines. */
static void go_up(struct terminal_block *block, unsigned columns)
{
    unsigned up = 0;
    columns = columns > 0 ? columns : COLUMNS_LEAST;
    buffer_clear(&block->frame);
    for (size_t i = 0; i < block->line_count; i++)
        up += block->widths[i] > columns ? (block->widths[i] + columns - 1) / columns : 1;
    buffer_append_text(&block->frame, HIDE_CURSOR "\r");
    if (up > 0)
        buffer_printf(&block->frame, "\x1b[%uA", up);
}

static void show(struct terminal_block *block)
{
    buffer_append_text(&block->frame, ERASE_BELOW SHOW_CURSOR);
    if (block->frame.failed == STATUS_OK) { /* nobody can be told that it failed */
        (void)fwrite(block->frame.data, 1, block->frame.length_bytes, block->out);
        (void)fflush(block->out);
    }
}

void terminal_block_draw(struct terminal_block *block, const struct terminal_style *style,
                         const struct terminal_line *lines, size_t count)
{
    size_t most = style->rows > 1 ? style->rows - 1 : TERMINAL_LINES_MAX;
    if (most > TERMINAL_LINES_MAX)
        most = TERMINAL_LINES_MAX;
    go_up(block, style->columns);
    block->line_count = count < most ? count : most;
    block->columns = style->columns;
    standing = block->line_count > 0 ? block : NULL;
    for (size_t i = 0; i < block->line_count; i++) {
        buffer_append_text(&block->frame, lines[i].text);
        buffer_append_text(&block->frame, ERASE_LINE "\n");
        block->widths[i] = lines[i].columns;
    }
    show(block);
}

void terminal_say(FILE *out, const char *format, ...)
{
    char words[TERMINAL_LINE_MAX];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(words, sizeof(words), format, arguments);
    va_end(arguments);
    struct terminal_block *block = standing;
    if (block == NULL || block->out != out) {
        (void)fprintf(out, "%s\n", words);
        return;
    }
    go_up(block, block->columns);
    buffer_printf(&block->frame, "%s" ERASE_LINE "\n", words);
    show(block);
    terminal_block_forget(block);
}

void terminal_block_forget(struct terminal_block *block)
{
    if (standing == block)
        standing = NULL;
    block->line_count = 0;
}

void terminal_block_end(struct terminal_block *block, const struct terminal_style *style,
                        const struct terminal_line *line)
{
    terminal_block_draw(block, style, line, line != NULL ? 1 : 0);
    terminal_block_forget(block);
}
