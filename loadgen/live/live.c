#include "loadgen/live/live.h"

#include <string.h>

#include "base/clock.h"
#include "base/text.h"

void live_init(struct live *live, const char *label, const char *detail)
{
    memset(live, 0, sizeof(*live));
    text_copy(text_of(label), live->label, sizeof(live->label));
    text_copy(text_of(detail), live->detail, sizeof(live->detail));
    recent_init(&live->recent);
}

/* ---- looking */

static void add_latencies(struct live *live, const struct load_step_figures *step)
{
    live->censored += step->censored;
    if (step->censored_max_ns > live->censored_max_ns)
        live->censored_max_ns = step->censored_max_ns;
    histogram_merge(&live->latency, &step->latency);
}

static void add_up(struct live *live, const struct load_figures *figures)
{
    memset(live->outcomes, 0, sizeof(live->outcomes));
    live->censored = live->censored_max_ns = 0;
    histogram_reset(&live->latency);
    histogram_reset(&live->late);
    for (size_t i = 0; i < figures->step_count; i++) {
        const struct load_step_figures *step = &figures->steps[i];
        for (size_t outcome = 0; outcome < LOAD_OUTCOME_COUNT; outcome++)
            live->outcomes[outcome] += step->outcomes[outcome];
        histogram_merge(&live->late, &step->late);
        if (live->last.latency_step == LOAD_ALL_STEPS || live->last.latency_step == i)
            add_latencies(live, step);
    }
}

void live_look(struct live *live, const struct live_counts *counts)
{
    live->last = *counts;
    if (counts->figures != NULL)
        add_up(live, counts->figures);
    recent_add(&live->recent, &(struct recent_so_far){
                                  .elapsed_ms = counts->elapsed_ms,
                                  .ended = counts->done,
                                  .failed = counts->failed,
                                  .censored = live->censored,
                                  .latency = &live->latency,
                              });
}

uint64_t live_quantile_ns(const struct live *live, double q, bool *is_open)
{
    return load_figures_rank_ns(&live->latency, live->censored, live->censored_max_ns, q, is_open);
}

/* ---- one line */

const char *live_duration(uint64_t ns, bool is_open, char out[LIVE_DURATION_MAX])
{
    double ms = (double)ns / (double)NS_PER_MS;
    const char *above = is_open ? ">" : "";
    if (is_open && ns == 0)
        (void)snprintf(out, LIVE_DURATION_MAX, "?");
    else if (ms < 9.995)
        (void)snprintf(out, LIVE_DURATION_MAX, "%s%.2f ms", above, ms);
    else if (ms < 999.5)
        (void)snprintf(out, LIVE_DURATION_MAX, "%s%.*f ms", above, ms < 99.95 ? 1 : 0, ms);
    else
        (void)snprintf(out, LIVE_DURATION_MAX, "%s%.2f s", above, ms / 1000);
    return out;
}

unsigned long long live_seconds(uint64_t ms)
{
    return (ms + 500) / 1000;
}

void live_line(const struct live *live, const struct terminal_style *style,
               struct terminal_line *line)
{
    const struct live_counts *last = &live->last;
    char p50[LIVE_DURATION_MAX], p99[LIVE_DURATION_MAX];
    bool is_open_50, is_open_99;
    uint64_t p50_ns = live_quantile_ns(live, 0.5, &is_open_50);
    uint64_t p99_ns = live_quantile_ns(live, 0.99, &is_open_99);
    terminal_line_begin(line, style);
    (void)terminal_add(line, TERMINAL_PLAIN, "%s %llu of %llu s", live->label,
                       live_seconds(last->elapsed_ms), live_seconds(last->duration_ms));
    (void)terminal_add(line, TERMINAL_PLAIN, ", %.1f/s", recent_rate(&live->recent));
    (void)terminal_add(line, last->failed > 0 ? TERMINAL_BAD : TERMINAL_PLAIN, ", %llu failed",
                       (unsigned long long)last->failed);
    (void)terminal_add(line, TERMINAL_PLAIN, ", p50 %s", live_duration(p50_ns, is_open_50, p50));
    (void)terminal_add(line, TERMINAL_PLAIN, ", p99 %s", live_duration(p99_ns, is_open_99, p99));
    (void)terminal_add(line, TERMINAL_PLAIN, ", %llu in flight",
                       (unsigned long long)last->in_flight);
    if (last->open_traces > 0)
        (void)terminal_add(line, TERMINAL_PLAIN, ", %llu traces to come",
                           (unsigned long long)last->open_traces);
}
