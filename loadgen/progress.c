#include "loadgen/progress.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"

enum { COLUMNS_DEFAULT = 80, COLUMNS_MIN = 20, BAR_CELLS = 20, RATE_MS = 1000 };

#define GREEN "\x1b[32m"
#define RED   "\x1b[31m"
#define PLAIN "\x1b[0m"

/* ---- style */

static bool is_set(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0';
}

struct progress_style progress_style_of(FILE *file)
{
    struct progress_style style = {.columns = COLUMNS_DEFAULT};
    struct winsize size;
    int fd = fileno(file);
    const char *terminal = getenv("TERM");
    if (fd < 0 || !isatty(fd) || terminal == NULL || strcmp(terminal, "dumb") == 0)
        return style;
    style.redraws = true;
    style.colours = !is_set("NO_COLOR");
    if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col >= COLUMNS_MIN)
        style.columns = size.ws_col;
    return style;
}

/* ---- a line made of pieces */

/* Colours take bytes but no columns. A piece that does not fit is left out with all behind it. */
struct line {
    char text[PROGRESS_LINE_MAX];
    size_t length, columns, columns_max;
    bool is_full;
};

static void add(struct line *line, const char *colour, const char *format, ...) PRINTF_LIKE(3, 4);

static void add(struct line *line, const char *colour, const char *format, ...)
{
    char piece[PROGRESS_LINE_MAX];
    va_list arguments;
    va_start(arguments, format);
    int columns = vsnprintf(piece, sizeof(piece), format, arguments);
    va_end(arguments);
    size_t room = sizeof(line->text) - line->length;
    size_t bytes = (size_t)columns + (colour ? strlen(colour) + strlen(PLAIN) : 0);
    if (columns < 0 || bytes >= room || line->columns + (size_t)columns > line->columns_max)
        line->is_full = true;
    if (line->is_full)
        return;
    (void)snprintf(line->text + line->length, room, "%s%s%s", colour ? colour : "", piece,
                   colour ? PLAIN : "");
    line->length += bytes;
    line->columns += (size_t)columns;
}

/* "5.23 ms", "52.3 ms", "1.23 s" */
static const char *duration_text(uint64_t ns, char out[32])
{
    double ms = (double)ns / (double)NS_PER_MS;
    if (ms < 9.995)
        (void)snprintf(out, 32, "%.2f ms", ms);
    else if (ms < 999.5)
        (void)snprintf(out, 32, "%.*f ms", ms < 99.95 ? 1 : 0, ms);
    else
        (void)snprintf(out, 32, "%.2f s", ms / 1000);
    return out;
}

static void add_bar(struct line *line, const struct progress *progress)
{
    uint64_t whole = progress->duration_ms ? progress->duration_ms : 1;
    uint64_t done = progress->last.elapsed_ms < whole ? progress->last.elapsed_ms : whole;
    char bar[BAR_CELLS + 1];
    size_t full = (size_t)(done * BAR_CELLS / whole);
    memset(bar, '-', BAR_CELLS);
    memset(bar, '#', full);
    bar[BAR_CELLS] = '\0';
    add(line, progress->style.colours ? GREEN : NULL, " [%s]", bar);
}

static struct line line_of(const struct progress *progress)
{
    const struct window_progress *last = &progress->last;
    struct line line = {.columns_max = PROGRESS_LINE_MAX};
    char p50[32], p99[32];
    if (progress->style.redraws)
        line.columns_max = progress->style.columns - 1; /* the last one would wrap */
    add(&line, NULL, "%s", progress->label);
    if (progress->style.redraws)
        add_bar(&line, progress);
    add(&line, NULL, " %llu of %llu s", (unsigned long long)(last->elapsed_ms / 1000),
        (unsigned long long)(progress->duration_ms / 1000));
    add(&line, NULL, ", %.1f/s", progress->rate);
    add(&line, last->failed > 0 && progress->style.colours ? RED : NULL, ", %llu failed",
        (unsigned long long)last->failed);
    add(&line, NULL, ", p50 %s", duration_text(last->p50_ns, p50));
    add(&line, NULL, ", p99 %s", duration_text(last->p99_ns, p99));
    add(&line, NULL, ", %llu in flight", (unsigned long long)last->in_flight);
    if (progress->last_open_traces > 0)
        add(&line, NULL, ", %llu traces to come", (unsigned long long)progress->last_open_traces);
    return line;
}

/* ---- showing it */

static void show(struct progress *progress)
{
    struct line line = line_of(progress);
    /* \r and "erase to the end of the line": what stood there may have been longer. */
    const char *format = progress->style.redraws ? "\r%s\x1b[K" : "%s\n";
    (void)fprintf(progress->out, format, line.text); /* nobody can be told that it failed */
    (void)fflush(progress->out);
    progress->drawn = progress->style.redraws;
    progress->untold = false;
}

static void measure_rate(struct progress *progress, const struct window_progress *so_far)
{
    if (so_far->elapsed_ms < progress->rate_since_ms || so_far->done < progress->rate_since_done)
        return;
    uint64_t elapsed_ms = so_far->elapsed_ms - progress->rate_since_ms;
    uint64_t done = so_far->done - progress->rate_since_done;
    bool is_first = progress->rate_since_ms == 0;
    if (elapsed_ms == 0 || (elapsed_ms < RATE_MS && !is_first))
        return;
    progress->rate = (double)done * 1000 / (double)elapsed_ms;
    if (elapsed_ms >= RATE_MS) {
        progress->rate_since_ms = so_far->elapsed_ms;
        progress->rate_since_done = so_far->done;
    }
}

void progress_begin_on(struct progress *progress, FILE *out, struct progress_style style,
                       const char *label, uint64_t duration_ms)
{
    *progress = (struct progress){
        .out = out, .style = style, .duration_ms = duration_ms, .plain_ms = PROGRESS_PLAIN_MS};
    if (style.columns < COLUMNS_MIN)
        progress->style.columns = COLUMNS_MIN;
    text_copy(text_of(label), progress->label, sizeof(progress->label));
}

void progress_begin(struct progress *progress, const char *label, uint64_t duration_ms)
{
    progress_begin_on(progress, stderr, progress_style_of(stderr), label, duration_ms);
}

void progress_window(struct progress *progress, const struct window_progress *so_far,
                     uint64_t open_traces)
{
    measure_rate(progress, so_far);
    progress->last = *so_far;
    progress->last_open_traces = open_traces;
    progress->untold = true;
    if (progress->style.redraws) {
        show(progress);
    } else if (so_far->elapsed_ms >= progress->plain_ms) {
        show(progress);
        progress->plain_ms =
            so_far->elapsed_ms / PROGRESS_PLAIN_MS * PROGRESS_PLAIN_MS + PROGRESS_PLAIN_MS;
    }
}

void progress_end(struct progress *progress)
{
    if (progress->untold)
        show(progress);
    if (progress->drawn) {
        (void)fputc('\n', progress->out);
        (void)fflush(progress->out);
    }
    progress->drawn = false;
}
