#include "loadgen/base/table.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

enum { GAP = 2, FLEXIBLE_LEAST = 8 };

/* Characters, not bytes: continuation bytes of UTF-8 take no room. */
static size_t width_of(const char *text)
{
    size_t width = 0;
    for (; *text; text++)
        width += ((unsigned char)*text & 0xC0) != 0x80;
    return width;
}

void table_init(struct table *table, const struct table_column *columns, size_t count)
{
    table->columns = columns;
    table->column_count = count;
    table->row_count = 0;
    table->filled = 0;
}

void table_row(struct table *table)
{
    if (table->row_count == TABLE_ROWS_MAX) {
        table->filled = table->column_count;
        return;
    }
    memset(table->cells[table->row_count++], 0, sizeof table->cells[0]);
    table->filled = 0;
}

static struct table_cell *fill(struct table *table, enum terminal_colour colour, const char *format,
                               va_list arguments)
{
    if (table->row_count == 0 || table->filled >= table->column_count)
        return NULL;
    struct table_cell *cell = &table->cells[table->row_count - 1][table->filled++];
    cell->colour = colour;
    vsnprintf(cell->text, sizeof cell->text, format, arguments);
    /* never half a character */
    cell->text[text_utf8_prefix(text_of(cell->text))] = '\0';
    return cell;
}

void table_cell(struct table *table, enum terminal_colour colour, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)fill(table, colour, format, arguments);
    va_end(arguments);
}

void table_wide(struct table *table, enum terminal_colour colour, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    struct table_cell *cell = fill(table, colour, format, arguments);
    va_end(arguments);
    if (!cell)
        return;
    cell->is_wide = true;
    table->filled = table->column_count;
}

static void measure(const struct table *table, unsigned indent, size_t widths[TABLE_COLUMNS_MAX])
{
    size_t sum = indent;
    for (size_t c = 0; c < table->column_count; c++) {
        widths[c] = width_of(table->columns[c].title);
        for (size_t r = 0; r < table->row_count; r++) {
            const struct table_cell *cell = &table->cells[r][c];
            size_t width = cell->is_wide ? 0 : width_of(cell->text);
            if (width > widths[c])
                widths[c] = width;
        }
        sum += widths[c] + (c ? GAP : 0);
    }
    for (; sum > TABLE_WIDTH_MAX; sum--) {
        size_t widest = TABLE_COLUMNS_MAX;
        for (size_t c = 0; c < table->column_count; c++)
            if (table->columns[c].is_flexible && widths[c] > FLEXIBLE_LEAST &&
                (widest == TABLE_COLUMNS_MAX || widths[c] > widths[widest]))
                widest = c;
        if (widest == TABLE_COLUMNS_MAX)
            return;
        widths[widest]--;
    }
}

/* The first `width` characters; with an ellipsis where some are left out. */
static void print_cut(FILE *out, const char *text, size_t width)
{
    bool cut = width_of(text) > width;
    size_t room = cut ? width - 1 : width;
    for (; *text && room > 0; room--) {
        size_t length = text_utf8_length(text_of(text));
        fprintf(out, "%.*s", (int)(length ? length : 1), text);
        text += length ? length : 1;
    }
    if (cut)
        fputs("…", out);
}

static void print_padded(FILE *out, const char *text, size_t width, bool to_the_right, bool last)
{
    size_t own = width_of(text) < width ? width_of(text) : width;
    int padding = (int)(width - own);
    if (to_the_right)
        fprintf(out, "%*s", padding, "");
    print_cut(out, text, width);
    if (!to_the_right && !last)
        fprintf(out, "%*s", padding, "");
}

static void print_line(const struct table *table, FILE *out, unsigned indent,
                       const struct table_cell *cells, const size_t *widths)
{
    bool colour = terminal_has_colours(out);
    fprintf(out, "%*s", (int)indent, "");
    for (size_t c = 0; c < table->column_count; c++) {
        enum terminal_colour own = cells ? cells[c].colour : TERMINAL_FAINT;
        bool paints = colour && own != TERMINAL_PLAIN;
        fprintf(out, "%*s%s", c ? GAP : 0, "", paints ? terminal_colour_code(own) : "");
        const bool is_wide = cells && cells[c].is_wide;
        if (is_wide)
            fputs(cells[c].text, out);
        else
            print_padded(out, cells ? cells[c].text : table->columns[c].title, widths[c],
                         table->columns[c].is_number, c + 1 == table->column_count);
        fputs(paints ? TERMINAL_RESET : "", out);
        if (is_wide)
            break;
    }
    fputc('\n', out);
}

void table_print(const struct table *table, FILE *out, unsigned indent)
{
    size_t widths[TABLE_COLUMNS_MAX];
    measure(table, indent, widths);
    print_line(table, out, indent, NULL, widths);
    for (size_t r = 0; r < table->row_count; r++)
        print_line(table, out, indent, table->cells[r], widths);
}

void table_word(FILE *out, enum terminal_colour colour, const char *word)
{
    bool paints = terminal_has_colours(out) && colour != TERMINAL_PLAIN;
    fprintf(out, "%s%s%s", paints ? terminal_colour_code(colour) : "", word,
            paints ? TERMINAL_RESET : "");
}

void table_prose(FILE *out, unsigned indent, const char *text)
{
    struct text rest = text_of(text);
    size_t column = 0, hang = indent;
    while (rest.data && rest.length > 0) {
        struct text word = text_split(&rest, ' ');
        char copy[TABLE_CELL_MAX];
        text_copy(word, copy, sizeof copy);
        size_t width = width_of(copy);
        if (column > 0 && column + 1 + width > TABLE_PROSE_MAX) {
            fputc('\n', out);
            column = 0;
            hang = indent + 2;
        }
        fprintf(out, "%*s%.*s", column ? 1 : (int)hang, "", TEXT_ARGS(word));
        column += (column ? 1 : hang) + width;
    }
    fputc('\n', out);
}
