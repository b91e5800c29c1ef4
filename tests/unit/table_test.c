#include "loadgen/base/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/rows.h"

static const struct table_column columns[] = {
    {"name", false, true}, {"ms", true, false}, {"end", false, false}};

static char *print(const struct table *table, unsigned indent)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    table_print(table, out, indent);
    fclose(out);
    return text;
}

static void check_layout(void **state)
{
    (void)state;
    static struct table table;
    table_init(&table, columns, 3);
    table_row(&table);
    table_cell(&table, TERMINAL_BAD, "%s", "täx");
    table_cell(&table, TERMINAL_PLAIN, "%d", 7);
    table_row(&table);
    table_cell(&table, TERMINAL_PLAIN, "pricing");
    table_cell(&table, TERMINAL_PLAIN, "1000");
    table_cell(&table, TERMINAL_PLAIN, "x");
    char *text = print(&table, 2);
    assert_string_equal(text, "  name       ms  end\n"
                              "  täx         7  \n"
                              "  pricing  1000  x\n");
    free(text);
}

static void check_width(void **state)
{
    (void)state;
    static struct table table;
    table_init(&table, columns, 3);
    table_row(&table);
    table_cell(&table, TERMINAL_PLAIN, "%0120d", 7);
    table_cell(&table, TERMINAL_PLAIN, "5");
    table_cell(&table, TERMINAL_PLAIN, "end");
    char *text = print(&table, 0);
    const char *second = text + strcspn(text, "\n") + 1;
    /* an ellipsis is three bytes and one column */
    assert_int_equal(strlen(second), TABLE_WIDTH_MAX + 2 + 1);
    assert_non_null(strstr(second, "000…   5  end\n"));
    free(text);
}

static void check_wide(void **state)
{
    (void)state;
    static struct table table;
    char link[120 + 1];
    table_init(&table, columns, 3);
    table_row(&table);
    table_cell(&table, TERMINAL_PLAIN, "a");
    table_cell(&table, TERMINAL_PLAIN, "1");
    table_cell(&table, TERMINAL_PLAIN, "x");
    table_row(&table);
    table_cell(&table, TERMINAL_PLAIN, "b");
    memset(link, 'l', 120);
    link[120] = '\0';
    table_wide(&table, TERMINAL_PLAIN, "%s", link);
    table_cell(&table, TERMINAL_PLAIN, "no more in this row");
    char *text = print(&table, 0);
    char expected[200];
    snprintf(expected, sizeof expected, "name  ms  end\na      1  x\nb     %s\n", link);
    assert_string_equal(text, expected);
    free(text);
}

static void check_bounds(void **state)
{
    (void)state;
    static struct table table;
    table_init(&table, columns, 3);
    table_cell(&table, TERMINAL_PLAIN, "no row yet");
    for (int i = 0; i < TABLE_ROWS_MAX + 10; i++) {
        table_row(&table);
        for (int c = 0; c < 5; c++)
            table_cell(&table, TERMINAL_PLAIN, "%d", i);
    }
    assert_int_equal(table.row_count, TABLE_ROWS_MAX);
    assert_string_equal(table.cells[TABLE_ROWS_MAX - 1][2].text, "95");
}

static void check_prose(void **state)
{
    (void)state;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    table_prose(out, 4,
                "aaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbb ccccccccccccccccccc dddddddddddddddddddd "
                "eeeeeeeeeeeeeeeeee f");
    fclose(out);
    assert_string_equal(text, "    aaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbb ccccccccccccccccccc "
                              "dddddddddddddddddddd\n      eeeeeeeeeeeeeeeeee f\n");
    free(text);
}

int main(void)
{
    static struct rows all;
    rows_one(&all, "it aligns words left and numbers right, by characters", check_layout);
    rows_one(&all, "it cuts the flexible column to the width", check_width);
    rows_one(&all, "it lets a wide cell reach over those behind it, whole", check_wide);
    rows_one(&all, "it leaves out what is over its bounds", check_bounds);
    rows_one(&all, "it fills prose", check_prose);
    return rows_run("table", &all);
}
