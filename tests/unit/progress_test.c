#include "loadgen/progress.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/unit/rows.h"

/* ---- lines */

struct row {
    const char *it;
    struct progress_style style;
    struct window_progress told;
    uint64_t open_traces;
    const char *shown; /* after progress_end */
};

#define TERMINAL                                                                                   \
    {                                                                                              \
        .redraws = true, .columns = 200                                                            \
    }
#define BAR_HALF "[##########----------]"

static const struct row rows[] = {
    {"it writes a plain line at the end",
     {0},
     {.done = 400, .elapsed_ms = 2000, .p50_ns = 5230000, .p99_ns = 52340000, .in_flight = 3},
     0,
     "healthy 2 of 60 s, 200.0/s, 0 failed, p50 5.23 ms, p99 52.3 ms, 3 in flight\n"},
    {"it says how many traces are to come",
     {0},
     {.done = 10, .elapsed_ms = 10000, .failed = 2, .p50_ns = 999400000, .p99_ns = 12345000000},
     7,
     "healthy 10 of 60 s, 1.0/s, 2 failed, p50 999 ms, p99 12.35 s, 0 in flight, 7 traces to "
     "come\n"},
    {"it redraws a line with a bar on a terminal",
     TERMINAL,
     {.done = 6000, .elapsed_ms = 30000},
     0,
     "\rhealthy " BAR_HALF " 30 of 60 s, 200.0/s, 0 failed, p50 0.00 ms, p99 0.00 ms, 0 in flight"
     "\x1b[K\n"},
    {"it keeps the bar full when the window lasts longer",
     TERMINAL,
     {.done = 60, .elapsed_ms = 61000},
     0,
     "\rhealthy [####################] 61 of 60 s, 1.0/s, 0 failed, p50 0.00 ms, p99 0.00 ms, 0 in "
     "flight\x1b[K\n"},
    {"it colours the bar",
     {.redraws = true, .colours = true, .columns = 50},
     {.done = 30, .elapsed_ms = 30000},
     0,
     "\rhealthy\x1b[32m " BAR_HALF "\x1b[0m 30 of 60 s, 1.0/s\x1b[K\n"},
    {"it colours failures",
     {.redraws = true, .colours = true, .columns = 60},
     {.done = 30, .failed = 1, .elapsed_ms = 30000},
     0,
     "\rhealthy\x1b[32m " BAR_HALF "\x1b[0m 30 of 60 s, 1.0/s\x1b[31m, 1 failed\x1b[0m\x1b[K\n"},
    {"it leaves out what a narrow terminal has no room for",
     {.redraws = true, .columns = 44},
     {.done = 30, .elapsed_ms = 30000},
     0,
     "\rhealthy " BAR_HALF " 30 of 60 s\x1b[K\n"},
    {"it never draws in the last column",
     {.redraws = true, .columns = 41},
     {.done = 30, .elapsed_ms = 30000},
     0,
     "\rhealthy " BAR_HALF "\x1b[K\n"},
    {"it takes a terminal of no width for a narrow one",
     {.redraws = true, .columns = 0},
     {.done = 30, .elapsed_ms = 30000},
     0,
     "\rhealthy\x1b[K\n"},
};

static void check_row(void **state)
{
    const struct row *row = *state;
    struct progress progress;
    char *shown = NULL;
    size_t length;
    FILE *out = open_memstream(&shown, &length);
    assert_non_null(out);
    progress_begin_on(&progress, out, row->style, "healthy", 60000);
    progress_window(&progress, &row->told, row->open_traces);
    progress_end(&progress);
    progress_end(&progress);
    fclose(out);
    assert_string_equal(shown, row->shown);
    free(shown);
}

static unsigned count_lines(const char *text)
{
    unsigned count = 0;
    for (; *text; text++)
        count += *text == '\n';
    return count;
}

static char *run_minute(struct progress_style style, uint64_t until_ms)
{
    struct progress progress;
    char *shown = NULL;
    size_t length;
    FILE *out = open_memstream(&shown, &length);
    assert_non_null(out);
    progress_begin_on(&progress, out, style, "slow", 60000);
    for (uint64_t ms = 0; ms <= until_ms; ms += 250) {
        struct window_progress so_far = {.done = ms < 30000 ? ms / 10 : 3000, .elapsed_ms = ms};
        progress_window(&progress, &so_far, 0);
    }
    progress_end(&progress);
    fclose(out);
    return shown;
}

static void check_every_five_seconds(void **state)
{
    (void)state;
    char *shown = run_minute((struct progress_style){0}, 60000);
    assert_int_equal(count_lines(shown), 12);
    assert_memory_equal(shown, "slow 5 of 60 s, 100.0/s", 23);
    /* The rate is what it was lately, not since the start. */
    assert_non_null(strstr(shown, "slow 60 of 60 s, 0.0/s"));
    free(shown);
    shown = run_minute((struct progress_style){0}, 61000);
    assert_int_equal(count_lines(shown), 13);
    free(shown);
}

/* Tells come four times a second: a rate of so short a time would jump. */
static void check_rate(void **state)
{
    (void)state;
    struct progress progress;
    char *shown = NULL;
    size_t length;
    FILE *out = open_memstream(&shown, &length);
    assert_non_null(out);
    progress_begin_on(&progress, out, (struct progress_style){0}, "w", 60000);
    const struct window_progress told[] = {{.done = 100, .elapsed_ms = 1000},
                                           {.done = 100, .elapsed_ms = 1250},
                                           {.done = 160, .elapsed_ms = 1500}};
    for (size_t i = 0; i < 3; i++)
        progress_window(&progress, &told[i], 0);
    progress_end(&progress);
    fclose(out);
    assert_non_null(strstr(shown, ", 100.0/s,"));
    free(shown);
}

static void check_one_line(void **state)
{
    (void)state;
    char *shown = run_minute((struct progress_style){.redraws = true, .columns = 80}, 60000);
    assert_int_equal(count_lines(shown), 1);
    assert_true(shown[strlen(shown) - 1] == '\n');
    free(shown);
}

static void check_nothing_told(void **state)
{
    (void)state;
    struct progress progress;
    char *shown = NULL;
    size_t length;
    FILE *out = open_memstream(&shown, &length);
    progress_begin_on(&progress, out, (struct progress_style){0}, "idle", 1000);
    progress_end(&progress);
    fclose(out);
    assert_int_equal(length, 0);
    free(shown);
}

static void check_long_label(void **state)
{
    (void)state;
    struct progress progress;
    char label[1000];
    memset(label, 'x', sizeof(label) - 1);
    label[sizeof(label) - 1] = '\0';
    progress_begin_on(&progress, stdout, (struct progress_style){0}, label, 1000);
    assert_int_equal(strlen(progress.label), PROGRESS_LABEL_MAX - 1);
}

/* ---- style */

struct style_row {
    const char *it;
    const char *term, *no_color;
    bool on_terminal, redraws, colours;
    unsigned columns;
};

static const struct style_row style_rows[] = {
    {"it redraws in colour on a terminal", "xterm", NULL, true, true, true, 132},
    {"it leaves colours away where NO_COLOR says so", "xterm", "1", true, true, false, 132},
    {"it takes an empty NO_COLOR for none", "xterm", "", true, true, true, 132},
    {"it writes plain lines on a dumb terminal", "dumb", NULL, true, false, false, 80},
    {"it writes plain lines where no terminal is named", NULL, NULL, true, false, false, 80},
    {"it writes plain lines into a file", "xterm", NULL, false, false, false, 80},
};

static void set_variable(const char *name, const char *value)
{
    if (value != NULL)
        setenv(name, value, 1);
    else
        unsetenv(name);
}

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

static void check_style(void **state)
{
    const struct style_row *row = *state;
    int other_end = -1;
    FILE *file = row->on_terminal ? open_terminal(&other_end) : tmpfile();
    if (file == NULL)
        skip(); /* a machine without pseudo terminals */
    set_variable("TERM", row->term);
    set_variable("NO_COLOR", row->no_color);
    struct progress_style style = progress_style_of(file);
    fclose(file);
    if (other_end >= 0)
        close(other_end);
    assert_int_equal(style.redraws, row->redraws);
    assert_int_equal(style.colours, row->colours);
    assert_int_equal(style.columns, row->columns);
}

int main(void)
{
    struct rows all = {0};
    ROWS(&all, rows, check_row);
    ROWS(&all, style_rows, check_style);
    rows_one(&all, "it writes a plain line every 5 s", check_every_five_seconds);
    rows_one(&all, "it measures the rate over a second at least", check_rate);
    rows_one(&all, "it stays on one line of a terminal", check_one_line);
    rows_one(&all, "it shows nothing where nothing was told", check_nothing_told);
    rows_one(&all, "it cuts a long label", check_long_label);
    return rows_run("progress", &all);
}
