#include "loadgen/base/terminal.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tests/unit/rows.h"

/* ---- style */

struct style_row {
    const char *it;
    const char *names[4], *values[4]; /* on top of TERM=xterm and none of the others */
    bool on_terminal;
    struct terminal_style style;
};

#define WIDE .columns = 132, .rows = 40

static const struct style_row style_rows[] = {
    {"it redraws in colour on a terminal", {0}, {0}, true, {true, true, false, WIDE}},
    {"it leaves colours away where NO_COLOR says so",
     {"NO_COLOR"},
     {"1"},
     true,
     {true, false, false, WIDE}},
    {"it takes an empty NO_COLOR for none", {"NO_COLOR"}, {""}, true, {true, true, false, WIDE}},
    {"it writes plain lines on a dumb terminal", {"TERM"}, {"dumb"}, true, {.columns = 80}},
    {"it writes plain lines where no terminal is named", {"TERM"}, {""}, true, {.columns = 80}},
    {"it writes plain lines in CI", {"CI"}, {"true"}, true, {.columns = 80}},
    {"it redraws where CI says no", {"CI"}, {"false"}, true, {true, true, false, WIDE}},
    {"it writes plain lines into a file", {0}, {0}, false, {.columns = 80}},
    {"it speaks UTF-8 where LANG does", {"LANG"}, {"de_DE.UTF-8"}, true, {true, true, true, WIDE}},
    {"it takes LC_ALL before LC_CTYPE and LANG",
     {"LC_ALL", "LC_CTYPE", "LANG"},
     {"C", "C.UTF-8", "C.UTF-8"},
     true,
     {true, true, false, WIDE}},
    {"it takes LC_CTYPE before LANG",
     {"LC_CTYPE", "LANG"},
     {"en_GB.utf8", "C"},
     true,
     {true, true, true, WIDE}},
    {"it is no wider than COLUMNS", {"COLUMNS"}, {"40"}, true, {true, true, false, 40, 40}},
    {"it is no wider than the window", {"COLUMNS"}, {"400"}, true, {true, true, false, WIDE}},
    {"it does not follow a wrong COLUMNS", {"COLUMNS"}, {"wide"}, true, {true, true, false, WIDE}},
};

static FILE *open_terminal(int *other_end)
{
    const struct winsize size = {.ws_row = 40, .ws_col = 132};
    char name[128];
    *other_end = posix_openpt(O_RDWR | O_NOCTTY);
    if (*other_end < 0 || grantpt(*other_end) != 0 || unlockpt(*other_end) != 0 ||
        ptsname_r(*other_end, name, sizeof(name)) != 0)
        return NULL;
    int fd = open(name, O_RDWR | O_NOCTTY);
    if (fd < 0 || ioctl(fd, TIOCSWINSZ, &size) != 0)
        return NULL;
    return fdopen(fd, "w");
}

static void set_variables(const struct style_row *row)
{
    static const char *const all[] = {"NO_COLOR", "CI", "LC_ALL", "LC_CTYPE", "LANG", "COLUMNS"};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        unsetenv(all[i]);
    setenv("TERM", "xterm", 1);
    for (size_t i = 0; i < 4 && row->names[i] != NULL; i++)
        setenv(row->names[i], row->values[i], 1);
}

static void check_style(void **state)
{
    const struct style_row *row = *state;
    int other_end = -1;
    FILE *file = row->on_terminal ? open_terminal(&other_end) : tmpfile();
    if (file == NULL)
        skip(); /* a machine without pseudo terminals */
    set_variables(row);
    struct terminal_style style = terminal_style_of(file);
    fclose(file);
    if (other_end >= 0)
        close(other_end);
    assert_int_equal(style.redraws, row->style.redraws);
    assert_int_equal(style.colours, row->style.colours);
    assert_int_equal(style.is_utf8, row->style.is_utf8);
    assert_int_equal(style.columns, row->style.columns);
    assert_int_equal(style.rows, row->style.rows);
}

/* ---- lines */

struct line_row {
    const char *it;
    unsigned columns;
    bool colours;
    const char *text; /* red, between "<" and ">" */
    bool is_cut;
    const char *shown;
    unsigned width;
};

#define TERMINAL(width, colour)                                                                    \
    {                                                                                              \
        .redraws = true, .columns = (width), .colours = (colour)                                   \
    }

static const struct line_row line_rows[] = {
    {"it puts pieces behind each other", 80, false, "abc", false, "<abc>", 5},
    {"it counts no column for a colour", 6, true, "abc", false,
     "<\x1b[31m"
     "abc\x1b[0m>",
     5},
    {"it leaves out what has no room, and all behind it", 5, false, "abcd", false, "<", 1},
    {"it never reaches the last column", 5, false, "abc", false, "<abc", 4},
    {"it cuts where it may", 5, false, "abcdef", true, "<abc", 4},
    {"it shows no control characters", 80, false, "a\x1b[31m\n\x7f", false, "<a?[31m?\?>", 10},
    {"it shows no control characters of two bytes", 80, false,
     "a\xc2\x9b"
     "b",
     false, "<a?b>", 5},
    {"it shows no broken UTF-8", 80, false, "a\xff\xc3", false, "<a?\?>", 5},
    {"it counts characters, not bytes", 80, false, "\u00fc\u2588", false, "<\u00fc\u2588>", 4},
    {"it counts wide characters twice", 80, false, "\u65e5\U0001f600", false, "<\u65e5\U0001f600>",
     6},
    {"it cuts before a wide character that half fits", 5, false, "ab\u65e5", true, "<ab>", 4},
};

static void check_line(void **state)
{
    const struct line_row *row = *state;
    const struct terminal_style style = TERMINAL(row->columns, row->colours);
    struct terminal_line line;
    terminal_line_begin(&line, &style);
    (void)terminal_add(&line, TERMINAL_PLAIN, "<");
    if (row->is_cut)
        terminal_add_cut(&line, TERMINAL_BAD, row->text);
    else
        (void)terminal_add(&line, TERMINAL_BAD, "%s", row->text);
    (void)terminal_add(&line, TERMINAL_PLAIN, ">");
    assert_string_equal(line.text, row->shown);
    assert_int_equal(line.columns, row->width);
}

/* ---- the block */

struct block_row {
    const char *it;
    struct terminal_style before, after;
    const char *lines[2][4]; /* of two redraws */
    const char *shown;       /* by the second and the end */
};

#define FRAME(up, text) "\x1b[?25l\r" up text "\x1b[J\x1b[?25h"
#define LINE(text)      text "\x1b[K\n"

static const struct block_row block_rows[] = {
    {"it draws over what stood there",
     TERMINAL(80, false),
     TERMINAL(80, false),
     {{"one", "two"}, {"three", "four"}},
     FRAME("\x1b[2A", LINE("three") LINE("four")) FRAME("\x1b[2A", LINE("end"))},
    {"it becomes shorter and longer",
     TERMINAL(80, false),
     TERMINAL(80, false),
     {{"one", "two", "three"}, {"four"}},
     FRAME("\x1b[3A", LINE("four")) FRAME("\x1b[1A", LINE("end"))},
    {"it goes up over what a narrower window wrapped",
     TERMINAL(80, false),
     TERMINAL(20, false),
     {{"twenty-one characters", "two"}, {"x"}},
     FRAME("\x1b[3A", LINE("x")) FRAME("\x1b[1A", LINE("end"))},
    {"it is no higher than the window, less the cursor's line",
     TERMINAL(80, false),
     {.redraws = true, .columns = 80, .rows = 3},
     {{"one", "two", "three"}, {"four", "five", "six"}},
     FRAME("\x1b[3A", LINE("four") LINE("five")) FRAME("\x1b[2A", LINE("end"))},
};

static void draw(struct terminal_block *block, const struct terminal_style *style,
                 const char *const *texts)
{
    struct terminal_line lines[4];
    size_t count = 0;
    for (; count < 4 && texts[count] != NULL; count++) {
        terminal_line_begin(&lines[count], style);
        (void)terminal_add(&lines[count], TERMINAL_PLAIN, "%s", texts[count]);
    }
    terminal_block_draw(block, style, lines, count);
}

static void check_block(void **state)
{
    const struct block_row *row = *state;
    struct terminal_block block;
    struct terminal_line end;
    char *shown = NULL;
    size_t length;
    FILE *out = open_memstream(&shown, &length);
    assert_non_null(out);
    terminal_block_init(&block, out);
    draw(&block, &row->before, row->lines[0]);
    size_t first = length;
    draw(&block, &row->after, row->lines[1]);
    terminal_line_begin(&end, &row->after);
    (void)terminal_add(&end, TERMINAL_PLAIN, "end");
    terminal_block_end(&block, &row->after, &end);
    terminal_block_release(&block);
    fclose(out);
    assert_string_equal(shown + first, row->shown);
    free(shown);
}

/* ---- between */

static void check_say(void **state)
{
    static const struct terminal_style style = TERMINAL(80, false);
    static const char *const two[] = {"one", "two", NULL, NULL};
    struct terminal_block block;
    char *shown = NULL;
    size_t length;
    FILE *out = open_memstream(&shown, &length);
    (void)state;
    assert_non_null(out);
    terminal_block_init(&block, out);
    terminal_say(out, "before %d", 1);
    draw(&block, &style, two);
    terminal_say(stderr, "elsewhere");
    terminal_say(out, "worker %d is lost", 2);
    terminal_say(out, "and");
    draw(&block, &style, two);
    terminal_block_end(&block, &style, NULL);
    terminal_say(out, "behind");
    terminal_block_release(&block);
    fclose(out);
    assert_string_equal(shown,
                        "before 1\n" FRAME("", LINE("one") LINE("two"))
                            FRAME("\x1b[2A", LINE("worker 2 is lost")) "and\n" FRAME(
                                "", LINE("one") LINE("two")) FRAME("\x1b[2A", "") "behind\n");
    free(shown);
}

int main(void)
{
    struct rows all = {0};
    ROWS(&all, style_rows, check_style);
    ROWS(&all, line_rows, check_line);
    ROWS(&all, block_rows, check_block);
    rows_one(&all, "it makes room for what is said meanwhile", check_say);
    return rows_run("terminal", &all);
}
