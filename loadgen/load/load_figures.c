#include "loadgen/load/load_figures.h"

#include <stdlib.h>
#include <string.h>

#define LATE_LEAST_NS 333333u
#define LATE_SHARE    10u

static const size_t histograms[] = {
    offsetof(struct load_step_figures, latency),    offsetof(struct load_step_figures, service),
    offsetof(struct load_step_figures, lag),        offsetof(struct load_step_figures, late),
    offsetof(struct load_step_figures, connecting), offsetof(struct load_step_figures, first_byte),
};
enum { HISTOGRAM_COUNT = sizeof(histograms) / sizeof(histograms[0]) };

static struct histogram *histogram_at(struct load_step_figures *step, size_t i)
{
    return (void *)((char *)step + histograms[i]);
}

bool load_figures_init(struct load_figures *figures, size_t step_count)
{
    figures->step_count = step_count;
    figures->steps = calloc(step_count, sizeof(*figures->steps));
    return figures->steps != NULL;
}

void load_figures_release(struct load_figures *figures)
{
    free(figures->steps);
    *figures = (struct load_figures){0};
}

static uint64_t since(uint64_t later_ns, uint64_t earlier_ns)
{
    return later_ns > earlier_ns ? later_ns - earlier_ns : 0;
}

void load_figures_add(struct load_figures *figures, const struct load_sample *sample)
{
    struct load_step_figures *step = &figures->steps[sample->step];
    uint64_t latency_ns = load_sample_latency_ns(sample);
    step->outcomes[sample->outcome]++;
    step->sent_bytes += sample->sent_bytes;
    step->received_bytes += sample->received_bytes;
    if (sample->outcome == LOAD_BODY && sample->failed_check < LOAD_JUDGED_MAX)
        step->failed_checks[sample->failed_check]++;
    histogram_add(&step->lag, load_sample_lag_ns(sample));
    if (sample->seen_ns != 0)
        histogram_add(&step->late, since(sample->seen_ns, sample->due_ns));
    if (sample->connect_ns != 0) {
        step->connects++;
        histogram_add(&step->connecting, sample->connect_ns);
    }
    if (sample->first_byte_ns != 0)
        histogram_add(&step->first_byte, since(sample->first_byte_ns, sample->sent_ns));
    if (sample->censored) {
        step->censored++;
        if (latency_ns > step->censored_max_ns)
            step->censored_max_ns = latency_ns;
        return;
    }
    histogram_add(&step->latency, latency_ns);
    histogram_add(&step->service, load_sample_service_ns(sample));
}

void load_figures_add_step(struct load_step_figures *into, const struct load_step_figures *from)
{
    for (size_t i = 0; i < LOAD_OUTCOME_COUNT; i++)
        into->outcomes[i] += from->outcomes[i];
    for (size_t i = 0; i < LOAD_JUDGED_MAX; i++)
        into->failed_checks[i] += from->failed_checks[i];
    into->censored += from->censored;
    if (from->censored_max_ns > into->censored_max_ns)
        into->censored_max_ns = from->censored_max_ns;
    into->sent_bytes += from->sent_bytes;
    into->received_bytes += from->received_bytes;
    into->connects += from->connects;
    for (size_t i = 0; i < HISTOGRAM_COUNT; i++)
        histogram_merge(histogram_at(into, i), (const void *)((const char *)from + histograms[i]));
}

void load_figures_merge(struct load_figures *into, const struct load_figures *from)
{
    for (size_t i = 0; i < into->step_count && i < from->step_count; i++)
        load_figures_add_step(&into->steps[i], &from->steps[i]);
}

void load_figures_sum(const struct load_figures *figures, struct load_step_figures *out)
{
    *out = (struct load_step_figures){0};
    for (size_t i = 0; i < figures->step_count; i++)
        load_figures_add_step(out, &figures->steps[i]);
}

uint64_t load_figures_count(const struct load_step_figures *step)
{
    uint64_t count = 0;
    for (size_t i = 0; i < LOAD_OUTCOME_COUNT; i++)
        count += step->outcomes[i];
    return count;
}

uint64_t load_figures_failed(const struct load_step_figures *step)
{
    return load_figures_count(step) - step->outcomes[LOAD_OK];
}

uint64_t load_figures_rank_ns(const struct histogram *latency, uint64_t censored,
                              uint64_t censored_max_ns, double q, bool *is_open)
{
    uint64_t known = latency->count, all = known + censored;
    double exact = q * (double)all;
    uint64_t rank = (uint64_t)exact;
    rank += (double)rank < exact;
    rank = rank == 0 ? 1 : rank;
    *is_open = all > 0 && rank > known;
    if (all == 0)
        return 0;
    if (*is_open)
        return latency->max_ns > censored_max_ns ? latency->max_ns : censored_max_ns;
    return histogram_quantile_ns(latency, (double)rank / (double)known);
}

uint64_t load_figures_quantile_ns(const struct load_step_figures *step, double q, bool *is_open)
{
    return load_figures_rank_ns(&step->latency, step->censored, step->censored_max_ns, q, is_open);
}

bool load_figures_is_late_by(uint64_t late_ns, uint64_t latency_ns)
{
    return late_ns > LATE_LEAST_NS && late_ns > latency_ns / LATE_SHARE;
}

bool load_figures_is_late(const struct load_step_figures *step)
{
    bool is_open;
    return step->latency.count > 0 &&
           load_figures_is_late_by(histogram_quantile_ns(&step->late, 0.99),
                                   load_figures_quantile_ns(step, 0.99, &is_open));
}

static void clear_step(struct load_step_figures *step)
{
    memset(step->outcomes, 0, sizeof(step->outcomes));
    memset(step->failed_checks, 0, sizeof(step->failed_checks));
    step->censored = step->censored_max_ns = 0;
    step->sent_bytes = step->received_bytes = step->connects = 0;
    for (size_t i = 0; i < HISTOGRAM_COUNT; i++)
        histogram_reset(histogram_at(step, i));
}

void load_figures_clear(struct load_figures *figures)
{
    for (size_t i = 0; i < figures->step_count; i++)
        clear_step(&figures->steps[i]);
}

bool load_figures_any_is_late(const struct load_figures *figures)
{
    bool is_late = false;
    for (size_t i = 0; i < figures->step_count; i++)
        is_late |= load_figures_is_late(&figures->steps[i]);
    return is_late;
}
