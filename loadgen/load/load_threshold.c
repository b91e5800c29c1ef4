#include "loadgen/load/load_threshold.h"

#include <math.h>

#include "base/clock.h"
#include "loadgen/load/load_figures.h"

static double mean_ms(const struct load_step_figures *figures)
{
    return figures->censored > 0 ? INFINITY
                                 : histogram_mean_ns(&figures->latency) / (double)NS_PER_MS;
}

static double error_share(const struct load_step_figures *figures)
{
    uint64_t count = load_figures_count(figures);
    return count > 0 ? (double)load_figures_failed(figures) / (double)count : 0;
}

static const struct metric_row {
    const char *word;
    double quantile; /* of the latency; negative: none */
} rows[LOAD_METRIC_COUNT] = {
    [LOAD_METRIC_P50_MS] = {"p50_ms", 0.5},     [LOAD_METRIC_P90_MS] = {"p90_ms", 0.9},
    [LOAD_METRIC_P95_MS] = {"p95_ms", 0.95},    [LOAD_METRIC_P99_MS] = {"p99_ms", 0.99},
    [LOAD_METRIC_P999_MS] = {"p999_ms", 0.999}, [LOAD_METRIC_MAX_MS] = {"max_ms", 1},
    [LOAD_METRIC_MEAN_MS] = {"mean_ms", -1},    [LOAD_METRIC_ERROR_SHARE] = {"error_share", -1},
    [LOAD_METRIC_RATE] = {"rate", -1},
};

double load_threshold_value(enum load_metric metric, const struct load_step_figures *figures,
                            double elapsed_s)
{
    bool is_open;
    if (rows[metric].quantile >= 0) {
        uint64_t ns = load_figures_quantile_ns(figures, rows[metric].quantile, &is_open);
        return is_open ? INFINITY : (double)ns / (double)NS_PER_MS;
    }
    if (metric == LOAD_METRIC_MEAN_MS)
        return mean_ms(figures);
    if (metric == LOAD_METRIC_ERROR_SHARE)
        return error_share(figures);
    return elapsed_s > 0 ? (double)figures->outcomes[LOAD_OK] / elapsed_s : 0;
}

bool load_threshold_holds(const struct load_threshold *threshold, double value)
{
    return threshold->is_lower ? value >= threshold->limit : value <= threshold->limit;
}

bool load_threshold_is_latency(enum load_metric metric)
{
    return metric != LOAD_METRIC_ERROR_SHARE && metric != LOAD_METRIC_RATE;
}

bool load_threshold_is_doubtful(const struct load_threshold *threshold,
                                const struct load_figures *figures)
{
    if (!load_threshold_is_latency(threshold->metric))
        return false;
    return threshold->step == LOAD_ALL_STEPS
               ? load_figures_any_is_late(figures)
               : load_figures_is_late(&figures->steps[threshold->step]);
}

double load_threshold_quantile(enum load_metric metric)
{
    return rows[metric].quantile;
}

const char *load_threshold_word(enum load_metric metric)
{
    return rows[metric].word;
}

bool load_threshold_metric(struct text word, enum load_metric *out)
{
    for (size_t i = 0; i < LOAD_METRIC_COUNT; i++) {
        if (!text_is(word, rows[i].word))
            continue;
        *out = (enum load_metric)i;
        return true;
    }
    return false;
}
