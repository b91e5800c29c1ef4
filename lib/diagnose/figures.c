#include "diagnose/figures.h"

#include <math.h>
#include <stdlib.h>

static int order_doubles(const void *left, const void *right)
{
    const double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

void figures_sort(double *values, size_t count)
{
    if (count > 1)
        qsort(values, count, sizeof(*values), order_doubles);
}

size_t figures_rank(size_t count, double q)
{
    const double rank = ceil(q * (double)count);
    const size_t at = rank < 1 ? 0 : (size_t)rank - 1;
    return at < count || count == 0 ? at : count - 1;
}

double figures_quantile(const double *sorted, size_t count, double q)
{
    return count == 0 ? 0 : sorted[figures_rank(count, q)];
}

double figures_median(double *values, size_t count)
{
    figures_sort(values, count);
    return figures_quantile(values, count, 0.5);
}

double figures_transfer(double value, const double *from, size_t from_count, const double *to,
                        size_t to_count)
{
    size_t low = 0, high = from_count;
    if (from_count == 0 || to_count == 0)
        return value;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (from[middle] < value)
            low = middle + 1;
        else
            high = middle;
    }
    return figures_quantile(to, to_count, ((double)low + 0.5) / (double)from_count);
}

double figures_median_error(const double *sorted, size_t count, double *scratch)
{
    if (count == 0)
        return 0;
    const double median = figures_quantile(sorted, count, 0.5);
    for (size_t i = 0; i < count; i++)
        scratch[i] = fabs(sorted[i] - median);
    /* 1.4826: deviation of a normal from its MAD; 1.2533: error of the median over the mean's. */
    return 1.4826 * 1.2533 * figures_median(scratch, count) / sqrt((double)count);
}

void figures_add_pair(struct figures_pairs *pairs, double x, double y)
{
    pairs->count++;
    pairs->x += x;
    pairs->y += y;
    pairs->xx += x * x;
    pairs->yy += y * y;
    pairs->xy += x * y;
}

double figures_correlation(const struct figures_pairs *pairs, double otherwise)
{
    const double vx = pairs->count * pairs->xx - pairs->x * pairs->x;
    const double vy = pairs->count * pairs->yy - pairs->y * pairs->y;
    /* Rounding leaves a little where nothing varies. */
    if (vx <= 1e-12 * pairs->count * pairs->xx || vy <= 1e-12 * pairs->count * pairs->yy)
        return otherwise;
    return (pairs->count * pairs->xy - pairs->x * pairs->y) / sqrt(vx * vy);
}

static double wilson(double hits, double total, double sign)
{
    const double z = 1.96, share = hits / total;
    const double middle = share + z * z / (2 * total);
    const double reach = z * sqrt(share * (1 - share) / total + z * z / (4 * total * total));
    return (middle + sign * reach) / (1 + z * z / total);
}

double figures_share_lower(double hits, double total)
{
    return total > 0 ? fmax(0, wilson(hits, total, -1)) : 0;
}

double figures_share_upper(double hits, double total)
{
    return total > 0 ? fmin(1, wilson(hits, total, 1)) : 1;
}
