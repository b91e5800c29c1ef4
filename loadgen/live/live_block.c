#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "loadgen/live/live.h"

enum {
    LABEL_COLUMNS = 10,
    CELL_COLUMNS = 9,
    BAR_TEXT_COLUMNS = 28,
    BAR_CELLS_MIN = 6,
    BAR_CELLS_MAX = 40,
    SPARK_TEXT_COLUMNS = 27,
    SPARK_CELLS_MIN = 6,
    SPARK_CELLS_MAX = 60,
    STEP_COLUMNS_MIN = 12,
    STEP_COLUMNS_MAX = 30,
    LEVELS = 8,
};

static const char *const blocks[LEVELS + 1] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
static const char *const letters[LEVELS + 1] = {" ", "_", ".", ",", "-", "=", "+", "*", "#"};
static const char *const eighths[LEVELS] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};

struct drawing {
    const struct live *live;
    const struct terminal_style *style;
    struct terminal_line *lines;
    size_t count, max;
    struct terminal_line *current;
    struct terminal_line none; /* what there is no room for */
};

/* ---- lines */

static struct terminal_line *begin_bare(struct drawing *drawing)
{
    bool has_room = drawing->count < drawing->max;
    drawing->current = has_room ? &drawing->lines[drawing->count++] : &drawing->none;
    terminal_line_begin(drawing->current, drawing->style);
    return drawing->current;
}

static struct terminal_line *begin(struct drawing *drawing, const char *label)
{
    struct terminal_line *line = begin_bare(drawing);
    (void)terminal_add(line, TERMINAL_FAINT, "%s", label);
    terminal_add_gap(line, LABEL_COLUMNS);
    return line;
}

/* Puts a piece on the line, or on a new one where it has no room for it. */
static void put(struct drawing *drawing, enum terminal_colour colour, const char *format, ...)
    PRINTF_LIKE(3, 4);

static void put(struct drawing *drawing, enum terminal_colour colour, const char *format, ...)
{
    char piece[TERMINAL_LINE_MAX / 8];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(piece, sizeof(piece), format, arguments);
    va_end(arguments);
    struct terminal_line *line = drawing->current;
    bool is_first = line->columns <= LABEL_COLUMNS;
    if (!is_first && terminal_room(line) < strlen(piece) + 2) {
        line = begin(drawing, "");
        is_first = true;
    }
    (void)terminal_add(line, TERMINAL_PLAIN, "%s", is_first ? "" : "  ");
    terminal_add_cut(line, colour, piece);
}

static unsigned between(int value, unsigned least, unsigned most)
{
    return value < (int)least ? least : value > (int)most ? most : (unsigned)value;
}

/* ---- how far it is */

static void draw_bar(struct drawing *drawing)
{
    const struct live_counts *last = &drawing->live->last;
    uint64_t whole_ms = last->duration_ms > 0 ? last->duration_ms : 1;
    uint64_t done_ms = last->elapsed_ms < whole_ms ? last->elapsed_ms : whole_ms;
    struct terminal_line *line = begin_bare(drawing);
    unsigned cells =
        between((int)line->columns_max - BAR_TEXT_COLUMNS, BAR_CELLS_MIN, BAR_CELLS_MAX);
    unsigned eighth = (unsigned)(done_ms * cells * LEVELS / whole_ms);
    bool is_utf8 = drawing->style->is_utf8;
    for (unsigned i = 0; i < cells; i++) {
        unsigned full = eighth >= (i + 1) * LEVELS ? LEVELS
                        : eighth > i * LEVELS      ? eighth % LEVELS
                                                   : 0;
        if (full == LEVELS)
            (void)terminal_add(line, TERMINAL_GOOD, "%s", is_utf8 ? "█" : "#");
        else if (full > 0 && is_utf8)
            (void)terminal_add(line, TERMINAL_GOOD, "%s", eighths[full]);
        else
            (void)terminal_add(line, TERMINAL_FAINT, "%s", is_utf8 ? "·" : "-");
    }
    (void)terminal_add(line, TERMINAL_PLAIN, "  %llu of %llu s", live_seconds(last->elapsed_ms),
                       live_seconds(last->duration_ms));
    if (done_ms < whole_ms)
        (void)terminal_add(line, TERMINAL_PLAIN, ", %llu s left",
                           live_seconds(whole_ms) - live_seconds(done_ms));
    else
        (void)terminal_add(line, TERMINAL_PLAIN, ", ending");
}

/* ---- sparklines */

static double tick_rate(const struct recent_tick *tick)
{
    return tick->rate;
}

static bool has_failed(const struct recent_tick *tick)
{
    return tick->failed > 0;
}

static double tick_p99(const struct recent_tick *tick)
{
    return (double)tick->p99_ns;
}

static bool is_open_p99(const struct recent_tick *tick)
{
    return tick->is_open;
}

struct spark {
    double (*value_of)(const struct recent_tick *tick);
    bool (*is_bad)(const struct recent_tick *tick);
    double top; /* at least */
};

/* The last ticks, the newest to the right; those with failures in red. Returns the highest value.
 */
static double draw_spark(struct drawing *drawing, struct terminal_line *line,
                         const struct spark *spark)
{
    const struct recent *recent = &drawing->live->recent;
    unsigned cells = between((int)line->columns_max - LABEL_COLUMNS - SPARK_TEXT_COLUMNS,
                             SPARK_CELLS_MIN, SPARK_CELLS_MAX);
    size_t count = recent_tick_count(recent);
    size_t shown = count < cells ? count : cells;
    double highest = 0;
    for (size_t i = count - shown; i < count; i++)
        highest = fmax(highest, spark->value_of(recent_tick(recent, i)));
    double top = fmax(spark->top, highest);
    for (size_t i = count - shown; i < count; i++) {
        const struct recent_tick *tick = recent_tick(recent, i);
        double value = spark->value_of(tick);
        int level = value > 0 && top > 0 ? (int)ceil(value * LEVELS / top) : 0;
        level = level > LEVELS ? LEVELS : level;
        (void)terminal_add(line, spark->is_bad(tick) ? TERMINAL_BAD : TERMINAL_PLAIN, "%s",
                           drawing->style->is_utf8 ? blocks[level] : letters[level]);
    }
    terminal_add_gap(line, LABEL_COLUMNS + cells + 1);
    return highest;
}

static void draw_rate(struct drawing *drawing)
{
    const struct live_counts *last = &drawing->live->last;
    struct terminal_line *line = begin(drawing, "rate");
    const struct spark spark = {tick_rate, has_failed, last->users > 0 ? 0 : last->wanted_rate};
    (void)draw_spark(drawing, line, &spark);
    (void)terminal_add(line, TERMINAL_STRONG, "%.1f/s", recent_rate(&drawing->live->recent));
    if (last->users > 0)
        (void)terminal_add(line, TERMINAL_PLAIN, " by %u users", last->users);
    else
        (void)terminal_add(line, TERMINAL_PLAIN, " of %.*f/s", last->wanted_rate < 10 ? 1 : 0,
                           last->wanted_rate);
    (void)terminal_add(line, TERMINAL_PLAIN, "%s", last->users > 0 ? "" : " wanted");
}

static void draw_p99(struct drawing *drawing)
{
    char words[LIVE_DURATION_MAX];
    struct terminal_line *line = begin(drawing, "p99");
    double highest = draw_spark(drawing, line, &(struct spark){tick_p99, is_open_p99, 0});
    if (highest > 0)
        (void)terminal_add(line, TERMINAL_PLAIN, "up to %s",
                           live_duration((uint64_t)highest, false, words));
}

/* ---- counters */

static void draw_counts(struct drawing *drawing)
{
    const struct live_counts *last = &drawing->live->last;
    const uint64_t *outcomes = drawing->live->outcomes;
    bool has_steps = last->step_name != NULL;
    uint64_t answered = outcomes[LOAD_OK] + outcomes[LOAD_STATUS] + outcomes[LOAD_BODY];
    (void)begin(drawing, has_steps ? "flows" : "requests");
    put(drawing, TERMINAL_PLAIN, "%llu due", (unsigned long long)last->due);
    if (has_steps)
        put(drawing, TERMINAL_PLAIN, "%llu done", (unsigned long long)last->done);
    else
        put(drawing, TERMINAL_PLAIN, "%llu answered", (unsigned long long)answered);
    put(drawing, last->failed > 0 ? TERMINAL_BAD : TERMINAL_PLAIN, "%llu failed",
        (unsigned long long)last->failed);
    put(drawing, TERMINAL_PLAIN, "%llu in flight", (unsigned long long)last->in_flight);
    if (last->open_traces > 0)
        put(drawing, TERMINAL_PLAIN, "%llu traces to come", (unsigned long long)last->open_traces);
}

static void draw_errors(struct drawing *drawing)
{
    bool any = false;
    for (int i = 0; i < LOAD_OUTCOME_COUNT; i++) {
        uint64_t count = drawing->live->outcomes[i];
        if (i == LOAD_OK || count == 0)
            continue;
        if (!any)
            (void)begin(drawing, "errors");
        any = true;
        put(drawing, TERMINAL_BAD, "%llu %s", (unsigned long long)count,
            load_outcome_words((enum load_outcome)i));
    }
}

static void draw_generator(struct drawing *drawing)
{
    const struct live *live = drawing->live;
    char words[LIVE_DURATION_MAX];
    uint64_t late_ns = histogram_quantile_ns(&live->late, 0.99);
    bool is_late = live->latency.count > 0 &&
                   load_figures_is_late_by(late_ns, histogram_quantile_ns(&live->latency, 0.99));
    (void)begin(drawing, "generator");
    put(drawing, is_late ? TERMINAL_BAD : TERMINAL_PLAIN, "late by %s at p99",
        live_duration(late_ns, false, words));
    if (is_late)
        put(drawing, TERMINAL_BAD, "do not trust the latencies");
}

/* ---- latencies */

static const struct {
    const char *title;
    double q;
    bool is_spare; /* left out where there is little room */
} quantiles[] = {{"p50", 0.5, false}, {"p90", 0.9, true}, {"p99", 0.99, false}, {"max", 1, false}};
enum { QUANTILE_COUNT = sizeof(quantiles) / sizeof(quantiles[0]) };

static bool is_left_out(const struct drawing *drawing, size_t quantile)
{
    return quantiles[quantile].is_spare &&
           drawing->style->columns <= LABEL_COLUMNS + QUANTILE_COUNT * CELL_COLUMNS;
}

static void add_cell(struct terminal_line *line, uint64_t ns, bool is_open)
{
    char words[LIVE_DURATION_MAX];
    (void)terminal_add(line, is_open ? TERMINAL_BAD : TERMINAL_PLAIN, "%*s", CELL_COLUMNS,
                       live_duration(ns, is_open, words));
}

static void draw_latencies(struct drawing *drawing)
{
    const struct live *live = drawing->live;
    bool is_open;
    struct terminal_line *line = begin(drawing, "latency");
    for (size_t i = 0; i < QUANTILE_COUNT; i++)
        if (!is_left_out(drawing, i))
            (void)terminal_add(line, TERMINAL_FAINT, "%*s", CELL_COLUMNS, quantiles[i].title);
    line = begin(drawing, " so far");
    for (size_t i = 0; i < QUANTILE_COUNT; i++) {
        uint64_t ns = live_quantile_ns(live, quantiles[i].q, &is_open);
        if (!is_left_out(drawing, i))
            add_cell(line, ns, is_open);
    }
    line = begin(drawing, " last 5 s");
    for (size_t i = 0; i < QUANTILE_COUNT; i++) {
        uint64_t ns = recent_quantile_ns(&live->recent, quantiles[i].q, &is_open);
        if (!is_left_out(drawing, i))
            add_cell(line, ns, is_open);
    }
}

/* ---- steps */

static struct terminal_line *begin_step(struct drawing *drawing, const char *name)
{
    struct terminal_line *line = begin_bare(drawing);
    unsigned width =
        between((int)line->columns_max - 4 * CELL_COLUMNS, STEP_COLUMNS_MIN, STEP_COLUMNS_MAX);
    struct terminal_line name_line = *line;
    if (width - 1 < line->columns_max)
        name_line.columns_max = width - 1;
    terminal_add_cut(&name_line, TERMINAL_FAINT, name);
    name_line.columns_max = line->columns_max;
    *line = name_line;
    terminal_add_gap(line, width);
    return line;
}

static void draw_step(struct drawing *drawing, size_t step)
{
    const struct live_counts *last = &drawing->live->last;
    const struct load_step_figures *figures = &last->figures->steps[step];
    uint64_t failed = load_figures_failed(figures);
    bool is_open;
    struct terminal_line *line = begin_step(drawing, last->step_name(last->context, step));
    uint64_t p99_ns = load_figures_quantile_ns(figures, 0.99, &is_open);
    (void)terminal_add(line, TERMINAL_PLAIN, "%*llu", CELL_COLUMNS,
                       (unsigned long long)load_figures_count(figures));
    (void)terminal_add(line, failed > 0 ? TERMINAL_BAD : TERMINAL_PLAIN, "%*llu", CELL_COLUMNS,
                       (unsigned long long)failed);
    add_cell(line, p99_ns, is_open);
    uint64_t max_ns = load_figures_quantile_ns(figures, 1, &is_open);
    add_cell(line, max_ns, is_open);
}

/* More has failed, or else more was slow; what was not answered is slower than all else. */
static int compare_trouble(const void *a, const void *b, void *steps)
{
    const struct load_step_figures *one = (struct load_step_figures *)steps + *(const size_t *)a;
    const struct load_step_figures *other = (struct load_step_figures *)steps + *(const size_t *)b;
    uint64_t failed = load_figures_failed(one), others = load_figures_failed(other);
    bool is_open;
    if (failed == others) {
        failed = load_figures_quantile_ns(one, 0.99, &is_open);
        others = load_figures_quantile_ns(other, 0.99, &is_open);
    }
    if (failed != others)
        return failed > others ? -1 : 1;
    return *(const size_t *)a < *(const size_t *)b ? -1 : 1;
}

/* Those that there is room for: where it is not enough, those with the most trouble. */
static void draw_steps(struct drawing *drawing)
{
    const struct live_counts *last = &drawing->live->last;
    if (last->figures == NULL || last->step_name == NULL || drawing->max < drawing->count + 3)
        return;
    size_t room = drawing->max - drawing->count - 1, count = last->figures->step_count;
    size_t shown = count <= room ? count : room - 1, order[LOAD_FIGURES_STEPS_MAX] = {0};
    for (size_t i = 0; i < count; i++)
        order[i] = i;
    if (shown < count)
        qsort_r(order, count, sizeof(order[0]), compare_trouble, last->figures->steps);
    struct terminal_line *line = begin_step(drawing, "step");
    (void)terminal_add(line, TERMINAL_FAINT, "%*s%*s", CELL_COLUMNS, "requests", CELL_COLUMNS,
                       "failed");
    (void)terminal_add(line, TERMINAL_FAINT, "%*s", CELL_COLUMNS, "p99");
    (void)terminal_add(line, TERMINAL_FAINT, "%*s", CELL_COLUMNS, "max");
    for (size_t i = 0; i < shown; i++)
        draw_step(drawing, order[i]);
    if (shown < count)
        (void)terminal_add(begin(drawing, ""), TERMINAL_FAINT, "and %zu more with less trouble",
                           count - shown);
}

size_t live_block(const struct live *live, const struct terminal_style *style,
                  struct terminal_line *lines, size_t max)
{
    struct drawing drawing = {.live = live, .style = style, .lines = lines, .max = max};
    if (style->rows > 1 && style->rows - 1 < max)
        drawing.max = style->rows - 1;
    struct terminal_line *line = begin_bare(&drawing);
    (void)terminal_add(line, TERMINAL_STRONG, "%s", live->label);
    (void)terminal_add(line, TERMINAL_PLAIN, " ");
    terminal_add_cut(line, TERMINAL_FAINT, live->detail);
    draw_bar(&drawing);
    draw_rate(&drawing);
    draw_p99(&drawing);
    draw_counts(&drawing);
    draw_errors(&drawing);
    draw_latencies(&drawing);
    draw_generator(&drawing);
    draw_steps(&drawing);
    return drawing.count;
}
