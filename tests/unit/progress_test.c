#include "loadgen/live/progress.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "tests/unit/rows.h"

struct row {
    const char *it;
    struct terminal_style style;
    struct live_counts told;
    uint64_t p50_ns, p99_ns;
    const char *last; /* what is shown last, after progress_end */
    bool is_all;
};

#define TERMINAL                                                                                   \
    {                                                                                              \
        .redraws = true, .columns = 200                                                            \
    }
#define OVER(lines) "\x1b[?25l\r\x1b[" lines "A"
#define LEFT(line)  line "\x1b[K\n\x1b[J\x1b[?25h"

static const struct row rows[] = {
    {"it writes a plain line at the end",
     {0},
     {.done = 400, .elapsed_ms = 2000, .in_flight = 3},
     5230000,
     52340000,
     "healthy 2 of 60 s, 200.0/s, 0 failed, p50 5.23 ms, p99 52.3 ms, 3 in flight\n",
     true},
    {"it says how many traces are to come",
     {0},
     {.done = 10, .elapsed_ms = 10000, .failed = 2, .open_traces = 7},
     999400000,
     12345000000,
     "healthy 10 of 60 s, 1.0/s, 2 failed, p50 999 ms, p99 12.33 s, 0 in flight, 7 traces to "
     "come\n",
     true},
    {"it leaves one line in the place of the block",
     TERMINAL,
     {.done = 6000, .elapsed_ms = 30000},
     0,
     0,
     OVER("9") LEFT("healthy 30 of 60 s, 200.0/s, 0 failed, p50 0.00 ms, p99 0.00 ms, 0 in flight"),
     false},
    {"it colours failures",
     {.redraws = true, .colours = true, .columns = 60},
     {.done = 30, .failed = 1, .elapsed_ms = 30000},
     0,
     0,
     OVER("9") LEFT("healthy 30 of 60 s, 1.0/s\x1b[31m, 1 failed\x1b[0m, p50 0.00 ms"),
     false},
    {"it leaves out what a narrow terminal has no room for",
     {.redraws = true, .columns = 24},
     {.done = 30, .elapsed_ms = 30000},
     0,
     0,
     OVER("12") LEFT("healthy 30 of 60 s"),
     false},
    {"it takes a terminal of no width for a narrow one",
     {.redraws = true, .columns = 0},
     {.done = 30, .elapsed_ms = 30000},
     0,
     0,
     OVER("12") LEFT("healthy 30 of 60 s"),
     false},
};

static void add(struct load_figures *figures, uint64_t latency_ns, unsigned count)
{
    const struct load_sample sample = {.due_ns = 1, .sent_ns = 1, .done_ns = 1 + latency_ns};
    for (unsigned i = 0; i < count; i++)
        load_figures_add(figures, &sample);
}

static void check_row(void **state)
{
    const struct row *row = *state;
    struct progress progress;
    struct load_figures figures;
    struct live_counts told = row->told;
    char *shown = NULL;
    size_t length;
    FILE *out = open_memstream(&shown, &length);
    assert_non_null(out);
    assert_true(load_figures_init(&figures, 1));
    add(&figures, row->p50_ns, 98);
    add(&figures, row->p99_ns, 2);
    told.duration_ms = 60000;
    told.figures = &figures;
    told.latency_step = LOAD_ALL_STEPS;
    progress_begin_on(&progress, out, row->style, "healthy", "");
    progress_tell(&progress, &told);
    progress_end(&progress);
    progress_end(&progress);
    fclose(out);
    if (row->is_all)
        assert_string_equal(shown, row->last);
    assert_true(length >= strlen(row->last));
    assert_string_equal(shown + length - strlen(row->last), row->last);
    load_figures_release(&figures);
    free(shown);
}

static unsigned count_lines(const char *text)
{
    unsigned count = 0;
    for (; *text; text++)
        count += *text == '\n';
    return count;
}

static char *run_minute(struct terminal_style style, uint64_t until_ms)
{
    struct progress progress;
    char *shown = NULL;
    size_t length;
    FILE *out = open_memstream(&shown, &length);
    assert_non_null(out);
    progress_begin_on(&progress, out, style, "slow", "");
    for (uint64_t ms = 0; ms <= until_ms; ms += 250) {
        const struct live_counts so_far = {
            .done = ms < 30000 ? ms / 10 : 3000, .elapsed_ms = ms, .duration_ms = 60000};
        assert_int_equal(progress_is_due(&progress, ms), ms > 0 && ms % 5000 == 0);
        progress_tell(&progress, &so_far);
    }
    progress_end(&progress);
    fclose(out);
    return shown;
}

static void check_every_five_seconds(void **state)
{
    (void)state;
    char *shown = run_minute((struct terminal_style){0}, 60000);
    assert_int_equal(count_lines(shown), 12);
    assert_memory_equal(shown, "slow 5 of 60 s, 100.0/s", 23);
    /* The rate is what it was lately, not since the start. */
    assert_non_null(strstr(shown, "slow 60 of 60 s, 0.0/s"));
    assert_null(strchr(shown, '\x1b'));
    free(shown);
    shown = run_minute((struct terminal_style){0}, 61000);
    assert_int_equal(count_lines(shown), 13);
    free(shown);
}

/* Ticks come four times a second: after two seconds without one, somebody else had the terminal. */
static void check_stopped(void **state)
{
    (void)state;
    static const struct {
        uint64_t elapsed_ms;
        bool goes_up;
    } ticks[] = {{250, false}, {500, true}, {2500, true}, {4501, false}, {4750, true}};
    struct progress progress;
    char *shown = NULL;
    size_t length, before = 0;
    FILE *out = open_memstream(&shown, &length);
    assert_non_null(out);
    progress_begin_on(&progress, out, (struct terminal_style){.redraws = true, .columns = 80}, "s",
                      "");
    for (size_t i = 0; i < sizeof(ticks) / sizeof(ticks[0]); i++) {
        progress_tell(&progress, &(struct live_counts){.elapsed_ms = ticks[i].elapsed_ms});
        assert_int_equal(strstr(shown + before, "\x1b[9A") != NULL, ticks[i].goes_up);
        before = length;
    }
    progress_end(&progress);
    fclose(out);
    free(shown);
}

static void check_window(void **state)
{
    (void)state;
    struct progress progress;
    struct load_figures figures;
    char *shown = NULL;
    size_t length;
    FILE *out = open_memstream(&shown, &length);
    assert_non_null(out);
    assert_true(load_figures_init(&figures, WINDOW_STEPS));
    struct load_sample sample = {.step = WINDOW_CART, .due_ns = 1, .done_ns = 1 + NS_PER_S};
    load_figures_add(&figures, &sample);
    sample =
        (struct load_sample){.step = WINDOW_CHECKOUT, .due_ns = 1, .done_ns = 1 + 20 * NS_PER_MS};
    load_figures_add(&figures, &sample);
    progress_begin_on(&progress, out, (struct terminal_style){.redraws = true, .columns = 80},
                      "healthy", "");
    const struct window_progress so_far = {.due = 3,
                                           .done = 1,
                                           .in_flight = 2,
                                           .elapsed_ms = 1000,
                                           .duration_ms = 4000,
                                           .wanted_rate = 5,
                                           .figures = &figures};
    progress_window(&progress, &so_far, 8);
    fflush(out);
    assert_non_null(strstr(shown, "1.0/s of 5.0/s wanted"));
    assert_non_null(strstr(shown, "3 due  1 done  0 failed  2 in flight  8 traces to come"));
    assert_non_null(
        strstr(shown, "\n so far     20.0 ms  20.0 ms  20.0 ms  20.0 ms")); /* checkouts */
    assert_non_null(strstr(shown, "\nfill the cart "));
    assert_non_null(strstr(shown, "\ncheck out "));
    progress_end(&progress);
    fclose(out);
    load_figures_release(&figures);
    free(shown);
}

static void check_nothing_told(void **state)
{
    (void)state;
    struct progress progress;
    char *shown = NULL;
    size_t length;
    FILE *out = open_memstream(&shown, &length);
    progress_begin_on(&progress, out, (struct terminal_style){0}, "idle", "");
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
    progress_begin_on(&progress, stdout, (struct terminal_style){0}, label, label);
    assert_int_equal(strlen(progress.live.label), LIVE_LABEL_MAX - 1);
    assert_int_equal(strlen(progress.live.detail), LIVE_DETAIL_MAX - 1);
    progress_end(&progress);
}

int main(void)
{
    struct rows all = {0};
    ROWS(&all, rows, check_row);
    rows_one(&all, "it writes a plain line every 5 s", check_every_five_seconds);
    rows_one(&all, "it begins a new block after a stop", check_stopped);
    rows_one(&all, "it shows a window's checkouts and both steps", check_window);
    rows_one(&all, "it shows nothing where nothing was told", check_nothing_told);
    rows_one(&all, "it cuts a long label", check_long_label);
    return rows_run("progress", &all);
}
