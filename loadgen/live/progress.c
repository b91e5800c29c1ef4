#include "loadgen/live/progress.h"

enum { STOPPED_MS = 2000 };

void progress_begin_on(struct progress *progress, FILE *out, struct terminal_style style,
                       const char *label, const char *detail)
{
    progress->out = out;
    progress->style = style;
    progress->plain_ms = PROGRESS_PLAIN_MS;
    progress->drawn_ms = 0;
    progress->untold = false;
    live_init(&progress->live, label, detail);
    terminal_block_init(&progress->block, out);
}

void progress_begin(struct progress *progress, const char *label, const char *detail)
{
    progress_begin_on(progress, stderr, terminal_style_of(stderr), label, detail);
}

bool progress_is_due(const struct progress *progress, uint64_t elapsed_ms)
{
    return progress->style.redraws || elapsed_ms >= progress->plain_ms;
}

static void redraw(struct progress *progress)
{
    uint64_t now_ms = progress->live.last.elapsed_ms;
    bool is_ours = terminal_is_ours(progress->out);
    if (!is_ours || now_ms > progress->drawn_ms + STOPPED_MS)
        terminal_block_forget(&progress->block);
    progress->drawn_ms = now_ms;
    if (!is_ours)
        return;
    terminal_measure(&progress->style, progress->out);
    size_t count = live_block(&progress->live, &progress->style, progress->lines, LIVE_LINES_MAX);
    terminal_block_draw(&progress->block, &progress->style, progress->lines, count);
}

static void show_line(struct progress *progress)
{
    struct terminal_line *line = &progress->lines[0];
    live_line(&progress->live, &progress->style, line);
    if (progress->style.redraws) {
        terminal_block_end(&progress->block, &progress->style, line);
    } else {
        (void)fprintf(progress->out, "%s\n", line->text); /* nobody can be told that it failed */
        (void)fflush(progress->out);
    }
    progress->untold = false;
}

void progress_tell(struct progress *progress, const struct live_counts *counts)
{
    live_look(&progress->live, counts);
    progress->untold = true;
    if (progress->style.redraws) {
        redraw(progress);
    } else if (progress_is_due(progress, counts->elapsed_ms)) {
        show_line(progress);
        progress->plain_ms =
            counts->elapsed_ms / PROGRESS_PLAIN_MS * PROGRESS_PLAIN_MS + PROGRESS_PLAIN_MS;
    }
    progress->live.last.figures = NULL; /* they were lent */
}

static const char *step_name(const void *context, size_t step)
{
    (void)context;
    return window_step_word((enum window_step)step);
}

void progress_window(struct progress *progress, const struct window_progress *so_far,
                     uint64_t open_traces)
{
    progress_tell(progress, &(const struct live_counts){
                                .elapsed_ms = so_far->elapsed_ms,
                                .duration_ms = so_far->duration_ms,
                                .due = so_far->due,
                                .done = so_far->done,
                                .failed = so_far->failed,
                                .in_flight = so_far->in_flight,
                                .open_traces = open_traces,
                                .wanted_rate = so_far->wanted_rate,
                                .figures = so_far->figures,
                                .latency_step = WINDOW_CHECKOUT,
                                .step_name = step_name,
                            });
}

void progress_end(struct progress *progress)
{
    if (progress->untold)
        show_line(progress);
    terminal_block_release(&progress->block);
}
