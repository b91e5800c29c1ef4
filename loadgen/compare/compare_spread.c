#include "loadgen/compare/compare_spread.h"

#include <math.h>

#include "loadgen/compare/compare_numbers.h"

/* A variance, and by how many independent values it is known; 0: not at all. */
struct spread {
    double variance, freedom;
};

/* Degrees of freedom that the blocks count for beside the runs: few, as runs may differ in what no
 * run shows within (where the memory lies, who the neighbours are). */
static const double block_weight = 4;
static const double interval = 0.05, missed = 0.05;

/* 1 / n of one side and of the other. */
static double reciprocals(const double counts[2])
{
    return 1 / counts[0] + 1 / counts[1];
}

/* Binomial, of one share on both sides; of one request where there was none. */
static double counted_variance(const struct compare_runs *runs)
{
    const double requests = runs->requests[0] + runs->requests[1];
    const double hits = fmax(runs->hits[0] + runs->hits[1], 1);
    const double share = fmin(hits / requests, 0.5);
    return share * (1 - share) * reciprocals(runs->requests);
}

/* Satterthwaite: the freedom is that of the part which is not known exactly. */
static struct spread within_runs(const struct compare_runs *runs, const double *blocks,
                                 size_t count)
{
    struct spread out = {0};
    const double counts[2] = {(double)runs->counts[0], (double)runs->counts[1]};
    const double known =
        runs->is_share ? 0 : runs->least_spread * runs->least_spread * reciprocals(counts);
    if (count < COMPARE_BLOCKS_LEAST)
        return out;
    const double measured =
        runs->widening * runs->widening * compare_numbers_variance(blocks, count) / (double)count;
    out.variance = known + measured;
    const double part = measured / fmax(out.variance, 1e-300);
    out.freedom = part > 0 ? (double)(count - 1) / (part * part) : INFINITY;
    if (runs->is_share && out.variance < runs->noticed * counted_variance(runs))
        out = (struct spread){counted_variance(runs), INFINITY};
    return out;
}

static struct spread between_runs(const struct compare_runs *runs)
{
    double sum = 0, freedom = 0;
    const double counts[2] = {(double)runs->counts[0], (double)runs->counts[1]};
    for (int side = 0; side < 2; side++) {
        sum +=
            compare_numbers_variance(runs->values[side], runs->counts[side]) * (counts[side] - 1);
        freedom += counts[side] - 1;
    }
    if (freedom < 1)
        return (struct spread){0};
    return (struct spread){sum / freedom * reciprocals(counts), freedom};
}

static void hold_against(struct spread spread, double chance, struct compare_change *out)
{
    const double error = sqrt(spread.variance);
    const double needed = fmax(compare_numbers_t_of(chance, spread.freedom) * error, out->least);
    const double its_chance = error > 0
                                  ? compare_numbers_t_chance(out->effect / error, spread.freedom)
                                  : out->effect == 0;
    if (out->is_known && its_chance <= out->chance)
        return;
    out->is_known = true;
    out->chance = its_chance;
    out->error = error;
    out->freedom = spread.freedom;
    out->detectable = needed + compare_numbers_t_of(2 * missed, INFINITY) * error;
    out->low = out->effect - compare_numbers_t_of(interval, spread.freedom) * error;
    out->high = out->effect + compare_numbers_t_of(interval, spread.freedom) * error;
}

/* The runs' own spread, held up by that of the blocks while there are few of them. */
static struct spread mixed(struct spread within, struct spread between)
{
    if (within.freedom <= 0)
        return between;
    const double freedom = block_weight + between.freedom;
    return (struct spread){
        (block_weight * within.variance + between.freedom * between.variance) / freedom, freedom};
}

void compare_spread_judge(const struct compare_runs *runs, const double *blocks, size_t count,
                          double chance, struct compare_change *out)
{
    *out = (struct compare_change){
        .least = runs->least_effect,
        .effect = compare_numbers_mean(runs->values[1], runs->counts[1]) -
                  compare_numbers_mean(runs->values[0], runs->counts[0]),
    };
    struct spread within = within_runs(runs, blocks, count);
    const struct spread between = between_runs(runs);
    if (within.freedom <= 0 && runs->is_share && between.freedom <= 0)
        within =
            (struct spread){counted_variance(runs) * runs->widening * runs->widening, INFINITY};
    if (within.freedom > 0)
        hold_against(within, chance, out);
    if (between.freedom > 0)
        hold_against(mixed(within, between), chance, out);
}

/* Log of the quantile's upper and lower neighbour that far away in rank. */
static double rank_width(const struct load_step_figures *figures, double error, bool up)
{
    bool is_open;
    const double aside = up ? 0.99 + error : 0.99 - error;
    if (aside >= 1 || aside <= 0)
        return INFINITY;
    const double there = (double)load_figures_quantile_ns(figures, aside, &is_open);
    const double here = (double)load_figures_quantile_ns(figures, 0.99, &is_open);
    return is_open || there <= 0 ? INFINITY : fabs(log(there / here));
}

/* How many times as uncertain as by counting alone the tail's share is. */
static double overdispersion(const struct load_step_figures sides[2],
                             const struct compare_change *tail)
{
    const double requests[2] = {(double)load_figures_count(&sides[0]),
                                (double)load_figures_count(&sides[1])};
    const double share = fmax((tail->before + tail->after) / 2, 1 / (requests[0] + requests[1]));
    return fmax(1, tail->error / sqrt(share * (1 - share) * reciprocals(requests)));
}

void compare_spread_p99(const struct load_step_figures sides[2], const struct compare_change *tail,
                        double range[2])
{
    bool is_open[2];
    const double before = (double)load_figures_quantile_ns(&sides[0], 0.99, &is_open[0]);
    const double after = (double)load_figures_quantile_ns(&sides[1], 0.99, &is_open[1]);
    double errors[2];
    for (int side = 0; side < 2; side++)
        errors[side] = compare_numbers_t_of(interval, tail->freedom) * overdispersion(sides, tail) *
                       sqrt(0.01 * 0.99 / (double)load_figures_count(&sides[side]));
    range[0] = 0;
    range[1] = INFINITY;
    if (is_open[0] || is_open[1] || before <= 0 || after <= 0)
        return;
    const double ratio = log(after / before);
    range[0] = exp(ratio - hypot(rank_width(&sides[1], errors[1], false),
                                 rank_width(&sides[0], errors[0], true)));
    range[1] = exp(ratio + hypot(rank_width(&sides[1], errors[1], true),
                                 rank_width(&sides[0], errors[0], false)));
}
