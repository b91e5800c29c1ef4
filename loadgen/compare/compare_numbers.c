#include "loadgen/compare/compare_numbers.h"

#include <math.h>

enum { FRACTION_STEPS = 400, BISECTIONS = 80 };
static const double near_nothing = 1e-300, exact_enough = 1e-13, normal_from = 1e6;

/* Where a divisor of the fraction would be none. */
static double kept_off_zero(double value)
{
    return fabs(value) < near_nothing ? near_nothing : value;
}

/* The continued fraction of the incomplete beta function (DLMF 8.17.22), by Lentz's method. */
static double beta_fraction(double x, double a, double b)
{
    double c = 1, d = 1 / kept_off_zero(1 - (a + b) * x / (a + 1)), value = d;
    for (int m = 1; m <= FRACTION_STEPS; m++) {
        const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        d = 1 / kept_off_zero(1 + even * d);
        c = kept_off_zero(1 + even / c);
        value *= d * c;
        d = 1 / kept_off_zero(1 + odd * d);
        c = kept_off_zero(1 + odd / c);
        value *= d * c;
        if (fabs(d * c - 1) < exact_enough)
            break;
    }
    return value;
}

static double beta_share(double x, double a, double b)
{
    if (x <= 0 || x >= 1)
        return x <= 0 ? 0 : 1;
    const double front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x));
    if (x < (a + 1) / (a + b + 2))
        return front * beta_fraction(x, a, b) / a;
    return 1 - front * beta_fraction(1 - x, b, a) / b;
}

double compare_numbers_t_chance(double t, double freedom)
{
    if (!(freedom < normal_from))
        return erfc(fabs(t) / sqrt(2));
    return beta_share(freedom / (freedom + t * t), freedom / 2, 0.5);
}

double compare_numbers_t_of(double chance, double freedom)
{
    double low = 0, high = 1;
    while (compare_numbers_t_chance(high, freedom) > chance && high < 1e12)
        high *= 2;
    for (int i = 0; i < BISECTIONS; i++) {
        const double middle = (low + high) / 2;
        if (compare_numbers_t_chance(middle, freedom) > chance)
            low = middle;
        else
            high = middle;
    }
    return high;
}

void compare_numbers_significant(const double *chances, size_t count, double share,
                                 bool *significant)
{
    double limit = -1;
    for (size_t i = 0; i < count; i++) {
        size_t rank = 0;
        for (size_t k = 0; k < count; k++)
            rank += chances[k] <= chances[i];
        if (chances[i] <= share * (double)rank / (double)count && chances[i] > limit)
            limit = chances[i];
    }
    for (size_t i = 0; i < count; i++)
        significant[i] = chances[i] <= limit;
}

double compare_numbers_mean(const double *values, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += values[i];
    return count > 0 ? sum / (double)count : 0;
}

double compare_numbers_variance(const double *values, size_t count)
{
    const double mean = compare_numbers_mean(values, count);
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (values[i] - mean) * (values[i] - mean);
    return count > 1 ? sum / (double)(count - 1) : 0;
}
