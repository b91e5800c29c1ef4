#include "loadgen/compare/compare_say.h"

#include <math.h>
#include <stdio.h>

static double percent(double logarithm)
{
    return 100 * expm1(logarithm);
}

double compare_say_percent(double ratio)
{
    return 100 * (ratio - 1);
}

static void say_quantile(const struct compare_step *step, const struct compare_change *change,
                         char *out, size_t size)
{
    (void)snprintf(out, size,
                   "\"%s\" got %s: %s %.3g ms before, %.3g ms after, %+.1f %% (with 95 %% "
                   "confidence %+.1f to %+.1f %%)",
                   step->name, change->effect > 0 ? "slower" : "faster",
                   change == &step->quick ? "the quickest tenth took" : "median", change->before,
                   change->after, percent(change->effect), percent(change->low),
                   percent(change->high));
}

static void say_tail(const struct compare_step *step, char *out, size_t size)
{
    const struct compare_change *tail = &step->tail;
    (void)snprintf(out, size,
                   "\"%s\" got slower in its tail: slower than nearly all before (p99 %.3g ms) "
                   "were %.1f %% of its requests, now %.1f %%",
                   step->name, step->p99_ms[0], 100 * tail->before, 100 * tail->after);
}

static void say_errors(const struct compare_step *step, char *out, size_t size)
{
    const struct compare_change *errors = &step->errors;
    (void)snprintf(out, size, "\"%s\" %s: %.2f %% of its requests failed before, %.2f %% after",
                   step->name, compare_words(step->word), 100 * errors->before,
                   100 * errors->after);
}

/* Whether the step got its word of this change. */
static bool says_it(const struct compare_step *step, const struct compare_change *change)
{
    return change->counts && (change->effect > 0) == (step->word == COMPARE_SLOWER);
}

void compare_say_step(const struct compare_step *step, char *out, size_t size)
{
    if (step->word == COMPARE_WORSE || step->word == COMPARE_BETTER)
        say_errors(step, out, size);
    else if (step->word == COMPARE_UNSURE)
        (void)snprintf(out, size, "\"%s\" is unsure: %s", step->name, step->why);
    else if (says_it(step, &step->body))
        say_quantile(step, &step->body, out, size);
    else if (says_it(step, &step->quick))
        say_quantile(step, &step->quick, out, size);
    else if (step->word == COMPARE_SLOWER)
        say_tail(step, out, size);
    else
        (void)snprintf(out, size, "\"%s\" is the same", step->name);
}

/* Words are counted over all parts. */
static void count_words(const struct compare_report *report, size_t counts[COMPARE_WORD_COUNT],
                        double *detectable)
{
    for (size_t i = 0; i < report->part_count; i++)
        for (size_t k = 0; k < report->parts[i].result.step_count; k++) {
            const struct compare_step *step = &report->parts[i].result.steps[k];
            counts[step->word]++;
            if (step->body.is_known && step->body.detectable > *detectable)
                *detectable = step->body.detectable;
        }
}

void compare_say_all(const struct compare_report *report, char *out, size_t size)
{
    size_t counts[COMPARE_WORD_COUNT] = {0};
    double detectable = 0;
    count_words(report, counts, &detectable);
    const size_t slower = counts[COMPARE_SLOWER], worse = counts[COMPARE_WORSE];
    if (report->verdict == VERDICT_FAIL)
        (void)snprintf(out, size, "A regression: %zu step%s slower, %zu more failing", slower,
                       slower == 1 ? "" : "s", worse);
    else if (report->why[0] != '\0')
        (void)snprintf(out, size, "It cannot be said: %s", report->why);
    else if (report->verdict == VERDICT_INCONCLUSIVE)
        (void)snprintf(
            out, size,
            "It cannot be said of %zu step%s: run each side several times, taking turns, "
            "for longer, or where less else goes on",
            counts[COMPARE_UNSURE], counts[COMPARE_UNSURE] == 1 ? "" : "s");
    else
        (void)snprintf(out, size,
                       "No regression: medians up by %.0f %% or more would have been seen",
                       ceil(percent(detectable)));
}
