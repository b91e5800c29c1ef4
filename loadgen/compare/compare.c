#include "loadgen/compare/compare.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loadgen/compare/compare_numbers.h"
#include "loadgen/compare/compare_spread.h"

enum { CHANNELS = 4 };

struct comparison {
    const struct compare_side *sides;
    const struct compare_settings *settings;
    bool trusts_tails;
    double chance; /* each change's own, if all of them shared evenly */
};

const char *compare_words(enum compare_word word)
{
    static const char *const words[] = {
#define COMPARE_WORD_WORDS(name, text) [COMPARE_##name] = text,
        COMPARE_WORD_LIST(COMPARE_WORD_WORDS)
#undef COMPARE_WORD_WORDS
    };
    return words[word];
}

/* ---- are they alike */

static const double rate_margin = 1.1;

/* How the load was driven says whether the rates are to be the same. Where an older report does not
 * say it, it is guessed: users who wait for their answers send fewer where answers take longer:
 * then numbers may differ as latencies do. Arrivals that do not wait come as planned. */
static bool has_other_rate(const struct load_part *part, const struct load_part *first)
{
    struct load_step_figures *sums = calloc(2, sizeof(*sums));
    if (sums == NULL)
        return false;
    load_figures_sum(&first->figures, &sums[0]);
    load_figures_sum(&part->figures, &sums[1]);
    const double before = (double)load_figures_count(&first->figures.steps[0]);
    const double after = (double)load_figures_count(&part->figures.steps[0]);
    const double quicker =
        histogram_mean_ns(&sums[0].latency) / fmax(histogram_mean_ns(&sums[1].latency), 1);
    const double ratio = after / fmax(before, 1);
    free(sums);
    return ratio > rate_margin * fmax(1, quicker) || ratio * rate_margin < fmin(1, quicker);
}

static bool has_other_steps(const struct load_part *part, const struct load_part *first)
{
    if (part->figures.step_count != first->figures.step_count)
        return true;
    for (size_t i = 0; i < part->figures.step_count; i++)
        if (strcmp(part->step_names[i], first->step_names[i]) != 0)
            return true;
    return false;
}

static const char *unlike(const struct load_part *part, const struct load_part *first,
                          char words[LOAD_DRIVE_WORDS_MAX])
{
    const bool is_known = part->drive.is_known && first->drive.is_known;
    if (has_other_steps(part, first))
        return "the reports are of different steps";
    if (is_known && load_drive_differs(&first->drive, &part->drive, words))
        return words;
    if (part->timeline.slot_count != first->timeline.slot_count ||
        part->timeline.width_ns != first->timeline.width_ns)
        return "the runs were planned to take differently long";
    if (!is_known && part->figures.step_count > 0 && has_other_rate(part, first))
        return "the runs sent at different rates";
    return NULL;
}

static const char *find_unlike(const struct compare_side sides[2], char words[LOAD_DRIVE_WORDS_MAX])
{
    for (int side = 0; side < 2; side++)
        for (size_t i = 0; i < sides[side].count; i++) {
            const char *why = unlike(sides[side].parts[i], sides[0].parts[0], words);
            if (why != NULL)
                return why;
        }
    return NULL;
}

/* ---- one step */

static bool was_late(const struct comparison *all, size_t step)
{
    bool late = !all->trusts_tails;
    for (int side = 0; side < 2; side++)
        for (size_t i = 0; i < all->sides[side].count; i++)
            late |= load_figures_is_late(&all->sides[side].parts[i]->figures.steps[step]);
    return late;
}

/* The generator's own lateness is no more than a change that would not count. */
static bool is_sound(const struct comparison *all, size_t step, double q)
{
    for (int side = 0; side < 2; side++)
        for (size_t i = 0; i < all->sides[side].count; i++) {
            const struct load_step_figures *figures =
                &all->sides[side].parts[i]->figures.steps[step];
            bool is_open = false;
            const uint64_t value_ns = load_figures_quantile_ns(figures, q, &is_open);
            const uint64_t late_ns = histogram_quantile_ns(&figures->late, q);
            if (is_open || value_ns == 0 ||
                (double)late_ns > all->settings->least_change * (double)value_ns)
                return false;
        }
    return true;
}

/* Of the median, or of the quickest tenth. */
static void judge_quantile(const struct comparison *all, size_t step, double q,
                           const struct compare_blocks *blocks, struct compare_change *out)
{
    const bool is_quick = q < 0.5;
    struct compare_runs runs = {.widening = is_quick ? COMPARE_WIDENING_QUICK : COMPARE_WIDENING,
                                .least_spread = COMPARE_RUN_SPREAD,
                                .least_effect = log1p(all->settings->least_change)};
    double values_ms[2][COMPARE_REPORTS_MAX];
    if (!is_sound(all, step, q))
        return;
    for (int side = 0; side < 2; side++) {
        runs.counts[side] = all->sides[side].count;
        for (size_t i = 0; i < runs.counts[side]; i++) {
            bool is_open;
            const uint64_t ns = load_figures_quantile_ns(
                &all->sides[side].parts[i]->figures.steps[step], q, &is_open);
            values_ms[side][i] = (double)ns / 1e6;
            runs.values[side][i] = log((double)ns);
        }
    }
    compare_spread_judge(&runs, is_quick ? blocks->quick : blocks->body,
                         is_quick ? blocks->quick_count : blocks->body_count, all->chance, out);
    out->before = compare_numbers_mean(values_ms[0], runs.counts[0]);
    out->after = compare_numbers_mean(values_ms[1], runs.counts[1]);
}

/* Of the tail, or of failures (tail_from 0). */
static uint64_t hits_of(const struct load_part *part, size_t step, size_t tail_from)
{
    uint64_t hits = 0;
    if (tail_from == 0)
        return load_figures_failed(&part->figures.steps[step]);
    for (size_t slot = 0; slot < part->timeline.slot_count; slot++)
        hits +=
            compare_blocks_count_above(load_timeline_slot(&part->timeline, step, slot), tail_from);
    return hits;
}

static void judge_share(const struct comparison *all, size_t step, size_t tail_from,
                        const struct compare_blocks *blocks, struct compare_change *out)
{
    struct compare_runs runs = {.is_share = true,
                                .widening = tail_from ? COMPARE_WIDENING_TAIL : 1,
                                .noticed = tail_from ? 1 : COMPARE_ERRORS_NOTICED,
                                .least_effect =
                                    tail_from ? COMPARE_TAIL_LEAST : COMPARE_ERRORS_LEAST};
    for (int side = 0; side < 2; side++) {
        runs.counts[side] = all->sides[side].count;
        for (size_t i = 0; i < runs.counts[side]; i++) {
            const struct load_part *part = all->sides[side].parts[i];
            const double due = (double)load_figures_count(&part->figures.steps[step]);
            const double hits = (double)hits_of(part, step, tail_from);
            runs.values[side][i] = due > 0 ? hits / due : 0;
            runs.requests[side] += due;
            runs.hits[side] += hits;
        }
    }
    compare_spread_judge(&runs, tail_from ? blocks->tail : blocks->errors, blocks->count,
                         all->chance, out);
    out->before = compare_numbers_mean(runs.values[0], runs.counts[0]);
    out->after = compare_numbers_mean(runs.values[1], runs.counts[1]);
}

static void gather_step(const struct compare_side *side, size_t step, struct load_step_figures *out)
{
    memset(out, 0, sizeof(*out));
    for (size_t i = 0; i < side->count; i++)
        load_figures_add_step(out, &side->parts[i]->figures.steps[step]);
}

static bool fill_step(const struct comparison *all, size_t index, struct load_step_figures sums[2],
                      struct compare_step *out)
{
    bool is_open[2];
    uint64_t p99_ns[2];
    for (int side = 0; side < 2; side++) {
        gather_step(&all->sides[side], index, &sums[side]);
        out->requests[side] = load_figures_count(&sums[side]);
        p99_ns[side] = load_figures_quantile_ns(&sums[side], 0.99, &is_open[side]);
        out->p99_ms[side] = is_open[side] ? INFINITY : (double)p99_ns[side] / 1e6;
    }
    const uint64_t least =
        out->requests[0] < out->requests[1] ? out->requests[0] : out->requests[1];
    const size_t tail_from = compare_blocks_bucket_above(
        (uint64_t)((double)p99_ns[0] * (1 + all->settings->least_change)));
    struct compare_blocks blocks = {0};
    if (all->sides[0].parts[0]->timeline.slot_count > 0 &&
        !compare_blocks_of(all->sides, index, tail_from, &blocks))
        return false;
    if (least == 0)
        return true;
    judge_share(all, index, 0, &blocks, &out->errors);
    if (least >= COMPARE_REQUESTS_LEAST) {
        judge_quantile(all, index, 0.5, &blocks, &out->body);
        judge_quantile(all, index, COMPARE_QUICK, &blocks, &out->quick);
    }
    if (least < COMPARE_TAIL_REQUESTS_LEAST || is_open[0] || was_late(all, index) ||
        blocks.count == 0)
        return true;
    judge_share(all, index, tail_from, &blocks, &out->tail);
    compare_spread_p99(sums, &out->tail, out->p99_range);
    return true;
}

/* ---- what it comes to */

static void say_unsure(const struct comparison *all, size_t index, struct compare_step *step)
{
    const double resolve = all->settings->resolve;
    const bool few =
        step->requests[0] < COMPARE_REQUESTS_LEAST || step->requests[1] < COMPARE_REQUESTS_LEAST;
    const bool late = was_late(all, index) || (!few && !is_sound(all, index, 0.5));
    char *why = step->why;
    if (few)
        (void)snprintf(why, COMPARE_WHY_MAX, "fewer than %d requests", COMPARE_REQUESTS_LEAST);
    else if (late && !step->body.is_known)
        (void)snprintf(why, COMPARE_WHY_MAX, "the generator was late, or half were not answered");
    else if (!step->body.is_known)
        (void)snprintf(why, COMPARE_WHY_MAX, "one run a side without figures over time: no spread");
    else if (step->errors.effect > COMPARE_SHARE_LARGE)
        (void)snprintf(why, COMPARE_WHY_MAX, "%.0f %% more failed, but not all along",
                       100 * step->errors.effect);
    else if (expm1(step->body.detectable) > resolve)
        (void)snprintf(why, COMPARE_WHY_MAX, "so noisy that +%.0f %% could have been missed",
                       100 * expm1(step->body.detectable));
    else if (late)
        (void)snprintf(why, COMPARE_WHY_MAX,
                       "the median held, but the generator was late: "
                       "its tail is not comparable");
    else if (step->tail.effect > COMPARE_SHARE_LARGE)
        (void)snprintf(why, COMPARE_WHY_MAX, "%.0f %% more were slow, but not all along",
                       100 * step->tail.effect);
    if (why[0] != '\0')
        step->word = COMPARE_UNSURE;
}

static bool is_slower(const struct compare_change *change)
{
    return change->counts && change->effect > 0;
}

static void name_step(const struct comparison *all, size_t index, struct compare_step *step)
{
    const struct compare_change *body = &step->body, *quick = &step->quick, *tail = &step->tail;
    const struct compare_change *errors = &step->errors;
    if (errors->counts && errors->effect > 0)
        step->word = COMPARE_WORSE;
    else if (is_slower(body) || is_slower(quick) || is_slower(tail))
        step->word = COMPARE_SLOWER;
    else if (errors->counts)
        step->word = COMPARE_BETTER;
    else if (body->counts || quick->counts)
        step->word = COMPARE_FASTER;
    else
        say_unsure(all, index, step);
}

static void weigh(struct compare_result *result)
{
    struct compare_change *known[CHANNELS * LOAD_FIGURES_STEPS_MAX];
    double chances[CHANNELS * LOAD_FIGURES_STEPS_MAX];
    bool significant[CHANNELS * LOAD_FIGURES_STEPS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < result->step_count; i++) {
        struct compare_step *step = &result->steps[i];
        struct compare_change *changes[CHANNELS] = {&step->body, &step->quick, &step->tail,
                                                    &step->errors};
        for (int k = 0; k < CHANNELS; k++)
            if (changes[k]->is_known && changes[k]->effect != 0) {
                chances[count] = changes[k]->chance;
                known[count++] = changes[k];
            }
    }
    if (count == 0)
        return;
    compare_numbers_significant(chances, count, COMPARE_FALSE_SHARE, significant);
    for (size_t i = 0; i < count; i++)
        known[i]->counts = significant[i] && fabs(known[i]->effect) >= known[i]->least;
}

static void conclude(const struct comparison *all, struct compare_result *result)
{
    size_t unsure = 0, worse = 0;
    for (size_t i = 0; i < result->step_count; i++) {
        name_step(all, i, &result->steps[i]);
        unsure += result->steps[i].word == COMPARE_UNSURE;
        worse += result->steps[i].word > COMPARE_UNSURE;
    }
    if (worse > 0)
        result->verdict = VERDICT_FAIL;
    else if (unsure > 0) {
        result->verdict = VERDICT_INCONCLUSIVE;
        (void)snprintf(result->why, sizeof(result->why), "%zu of %zu steps unsure", unsure,
                       result->step_count);
    }
}

enum status compare_sides(const struct compare_side sides[2], bool trusts_tails,
                          const struct compare_settings *settings, struct compare_result *result)
{
    memset(result, 0, sizeof(*result));
    char difference[LOAD_DRIVE_WORDS_MAX];
    const char *words = find_unlike(sides, difference);
    const struct load_part *first = sides[0].parts[0];
    if (words == NULL && first->figures.step_count == 0)
        words = "the reports have no steps";
    if (words != NULL) {
        result->verdict = VERDICT_INCONCLUSIVE;
        (void)snprintf(result->why, sizeof(result->why), "%s%s",
                       words == difference ? "another load: " : "", words);
        return STATUS_OK;
    }
    const size_t step_count = first->figures.step_count;
    const struct comparison all = {sides, settings, trusts_tails,
                                   COMPARE_FALSE_SHARE / (double)(CHANNELS * step_count)};
    struct load_step_figures *sums = calloc(2, sizeof(*sums));
    bool has_memory = sums != NULL;
    for (size_t i = 0; i < step_count && has_memory; i++) {
        result->steps[i].name = first->step_names[i];
        result->steps[i].p99_range[1] = INFINITY;
        has_memory = fill_step(&all, i, sums, &result->steps[i]);
    }
    free(sums);
    if (!has_memory)
        return STATUS_NO_MEMORY;
    result->step_count = step_count;
    weigh(result);
    conclude(&all, result);
    return STATUS_OK;
}
