#include "loadgen/report/load_hgrm.h"

#include <inttypes.h>
#include <math.h>

#include "base/clock.h"

enum { TICKS_PER_HALF = 5 };

struct walk {
    const struct load_step_figures *step;
    uint64_t all, longest_ns; /* of all requests, censored ones among them */
    size_t index;             /* buckets below it are in `seen` */
    uint64_t seen;
    uint64_t value_ns; /* the highest of the last bucket that is in it */
};

static double ms(double ns)
{
    return ns / (double)NS_PER_MS;
}

/* On until `rank` requests are seen. Behind the last bucket come those of unknown latency. */
static void advance(struct walk *walk, uint64_t rank)
{
    const struct histogram *latency = &walk->step->latency;
    while (walk->seen < rank && walk->index < HISTOGRAM_BUCKETS) {
        walk->seen += latency->buckets[walk->index];
        walk->value_ns = histogram_highest_ns(walk->index++);
    }
    if (walk->value_ns > latency->max_ns)
        walk->value_ns = latency->max_ns;
    if (walk->seen >= rank)
        return;
    walk->seen = walk->all;
    walk->value_ns = walk->longest_ns;
}

/* The middles of buckets stand for what is in them. */
static void moments(const struct walk *walk, double *mean_ns, double *deviation_ns)
{
    const struct histogram *latency = &walk->step->latency;
    double all = walk->all > 0 ? (double)walk->all : 1, censored = (double)walk->step->censored;
    double longest = (double)walk->longest_ns, squares = 0;
    *mean_ns = ((double)latency->sum_ns + censored * longest) / all;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        if (latency->buckets[i] == 0)
            continue;
        double low = (double)histogram_lowest_ns(i), high = (double)histogram_highest_ns(i);
        double off = (low + high) / 2 - *mean_ns;
        squares += off * off * (double)latency->buckets[i];
    }
    squares += censored * (longest - *mean_ns) * (longest - *mean_ns);
    *deviation_ns = sqrt(squares / all);
}

static void write_rows(struct walk *walk, struct buffer *out)
{
    double level = 0;
    while (walk->all > 0 && level < 1) {
        double rank = level * (double)walk->all;
        advance(walk, (uint64_t)fmax(1, ceil(rank - rank * 1e-12))); /* 0.55 * 100 is over 55 */
        if (walk->seen >= walk->all)
            break;
        buffer_printf(out, "%12.6f %2.12f %10" PRIu64 " %14.2f\n", ms((double)walk->value_ns),
                      level, walk->seen, 1 / (1 - level));
        double halvings = floor(log2(1 / (1 - level))) + 1;
        level += 1 / (TICKS_PER_HALF * exp2(halvings));
    }
    buffer_printf(out, "%12.6f %2.12f %10" PRIu64 "\n", ms((double)walk->longest_ns), 1.0,
                  walk->all);
}

void load_hgrm_write(const struct load_step_figures *step, struct buffer *out)
{
    struct walk walk = {.step = step, .all = step->latency.count + step->censored};
    double mean_ns, deviation_ns;
    walk.longest_ns =
        step->latency.max_ns > step->censored_max_ns ? step->latency.max_ns : step->censored_max_ns;
    moments(&walk, &mean_ns, &deviation_ns);
    buffer_printf(out, "%12s %14s %10s %14s\n\n", "Value", "Percentile", "TotalCount",
                  "1/(1-Percentile)");
    write_rows(&walk, out);
    buffer_printf(out, "#[Mean    = %12.3f, StdDeviation   = %12.3f]\n", ms(mean_ns),
                  ms(deviation_ns));
    buffer_printf(out, "#[Max     = %12.3f, Total count    = %12" PRIu64 "]\n",
                  ms((double)walk.longest_ns), walk.all);
    buffer_printf(out, "#[Buckets = %12d, SubBuckets     = %12d]\n",
                  HISTOGRAM_MAX_BITS - HISTOGRAM_SUB_BITS, 2 << HISTOGRAM_SUB_BITS);
}
