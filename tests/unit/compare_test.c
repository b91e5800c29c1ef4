#include "loadgen/compare/compare.h"

#include "tests/unit/compare_corpus.h"
#include "tests/unit/rows.h"

enum { RUNS_MAX = 4 };

static const struct compare_settings usual = {.least_change = 0.05, .resolve = 0.25};

/* Two sides of `count` runs each, compared. */
static void compare_runs(size_t count, struct rng *machine, const struct corpus_change changes[2],
                         struct compare_result *result)
{
    struct load_part parts[2][RUNS_MAX];
    struct compare_side sides[2] = {{.count = count}, {.count = count}};
    for (size_t i = 0; i < count; i++)
        for (int side = 0; side < 2; side++) {
            corpus_run(&parts[side][i], machine, &changes[side]);
            sides[side].parts[i] = &parts[side][i];
        }
    assert_int_equal(compare_sides(sides, true, &usual, result), STATUS_OK);
    for (size_t i = 0; i < count; i++)
        for (int side = 0; side < 2; side++)
            corpus_release(&parts[side][i]);
}

/* ---- many pairs of runs: how often it cries wolf, and what it misses */

struct corpus_row {
    const char *it;
    size_t runs; /* a side */
    unsigned pairs;
    enum compare_word word; /* of the changed step */
    unsigned found_least;   /* so often */
    unsigned alarms_most;   /* pairs with one on a step where nothing changed */
    struct corpus_change after;
    double waiting; /* on both sides */
};

static const struct corpus_row corpus_rows[] = {
    {"it gives at most 2 alarms in 200 pairs of equal runs", 1, 200, COMPARE_SAME, 0, 2, {0}, 0},
    {"it finds a tenth more on one step in 95 of 100 pairs",
     1,
     100,
     COMPARE_SLOWER,
     95,
     2,
     {.step = CORPUS_WAIT, .slower = 0.1},
     0},
    {"it finds a tenth less as well",
     1,
     100,
     COMPARE_FASTER,
     90,
     2,
     {.step = CORPUS_WAIT, .slower = -0.1},
     0},
    {"it finds a tenth more on a noisier step of four runs a side",
     4,
     50,
     COMPARE_SLOWER,
     48,
     1,
     {.step = CORPUS_WORK, .slower = 0.1},
     0},
    {"it gives at most 1 alarm in 100 pairs of three runs each",
     3,
     100,
     COMPARE_SAME,
     0,
     1,
     {0},
     0},
    {"it finds what hits a tenth of the requests",
     1,
     50,
     COMPARE_SLOWER,
     48,
     1,
     {.step = CORPUS_WAIT, .sudden_share = 0.1},
     0},
    {"it finds that one request in fifty fails",
     1,
     50,
     COMPARE_WORSE,
     48,
     1,
     {.step = CORPUS_MIXED, .failing_share = 0.02},
     0},
    {"it leaves changes alone that are smaller than what counts",
     4,
     30,
     COMPARE_SAME,
     29,
     1,
     {.step = CORPUS_WAIT, .slower = 0.035},
     0},
    {"it does not cry wolf where runs are five times as noisy",
     1,
     100,
     COMPARE_UNSURE,
     90,
     1,
     {.noise = 5},
     0},
    {"it does not cry wolf where a quarter of the requests wait for a processor",
     1,
     100,
     COMPARE_UNSURE,
     0,
     1,
     {.step = CORPUS_WORK},
     0.25},
    {"it finds a tenth more there from what is quickest",
     4,
     50,
     COMPARE_SLOWER,
     45,
     1,
     {.step = CORPUS_WAIT, .slower = 0.1},
     0.25},
};

static void check_corpus(void **state)
{
    const struct corpus_row *row = *state;
    static struct compare_result result;
    struct corpus_change changes[2] = {{.noise = row->after.noise}, row->after};
    changes[0].waiting = changes[1].waiting = row->waiting;
    const bool is_equal =
        row->after.slower == 0 && row->after.sudden_share == 0 && row->after.failing_share == 0;
    struct rng machine;
    unsigned found = 0, alarms = 0;
    rng_seed(&machine, 20);
    for (unsigned i = 0; i < row->pairs; i++) {
        compare_runs(row->runs, &machine, changes, &result);
        bool alarmed = false;
        for (size_t step = 0; step < CORPUS_STEPS; step++)
            alarmed |=
                result.steps[step].word > COMPARE_UNSURE && (is_equal || step != row->after.step);
        alarms += alarmed;
        found += result.steps[row->after.step].word == row->word;
    }
    printf("%u of %u found, %u alarms\n", found, row->pairs, alarms);
    assert_in_range(alarms, 0, row->alarms_most);
    assert_in_range(found, row->found_least, row->pairs);
}

/* ---- one pair of runs, the second of which something is the matter with */

static void say_nothing(struct load_part *part)
{
    (void)part;
}

static void rename_step(struct load_part *part)
{
    part->step_names[CORPUS_WAIT][0] = 'W';
}

static void leave_a_step_out(struct load_part *part)
{
    part->figures.step_count--;
}

static void widen_slots(struct load_part *part)
{
    part->timeline.width_ns *= 2;
}

static void forget_slots(struct load_part *part)
{
    load_timeline_release(&part->timeline);
}

static void be_late(struct load_part *part)
{
    for (int i = 0; i < 40; i++)
        histogram_add(&part->figures.steps[CORPUS_WORK].late, 2 * NS_PER_MS);
}

static void be_late_mostly(struct load_part *part)
{
    for (int i = 0; i < 2 * CORPUS_RATE * CORPUS_SECONDS; i++)
        histogram_add(&part->figures.steps[CORPUS_WORK].late, NS_PER_MS);
}

/* A second in which nothing is answered. */
static void stall(struct load_part *part)
{
    for (int i = 0; i < CORPUS_RATE; i++) {
        const struct load_sample sample = {
            .step = CORPUS_MIXED,
            .outcome = LOAD_TIMEOUT,
            .censored = true,
            .due_ns = 6 * NS_PER_S,
            .done_ns = 7 * NS_PER_S,
        };
        load_figures_add(&part->figures, &sample);
        load_timeline_add(&part->timeline, &sample);
    }
}

static void have_few(struct load_part *part)
{
    load_figures_release(&part->figures);
    load_timeline_release(&part->timeline);
    free(part->step_names);
    corpus_init(part);
    for (size_t step = 0; step < CORPUS_STEPS; step++)
        for (uint64_t i = 0; i < 40; i++)
            corpus_add(part, step, NS_PER_S + i * NS_PER_S / 4, corpus_steps[step].median_ms,
                       LOAD_OK);
}

/* Of users who wait, and of arrivals that do not. */
static void send_half(struct load_part *part, double factor)
{
    load_figures_release(&part->figures);
    load_timeline_release(&part->timeline);
    free(part->step_names);
    corpus_init(part);
    for (size_t step = 0; step < CORPUS_STEPS; step++)
        for (uint64_t i = 0; i < 600; i++)
            corpus_add(part, step, NS_PER_S + i * NS_PER_S / 50,
                       factor * corpus_steps[step].median_ms, LOAD_OK);
}

static void send_half_slowly(struct load_part *part)
{
    send_half(part, 2.2);
}

static void send_half_at_once(struct load_part *part)
{
    send_half(part, 1);
}

struct pair_row {
    const char *it;
    void (*change)(struct load_part *part);
    bool both; /* runs are changed so */
    enum verdict verdict;
    size_t step_count;
    enum corpus_step step;
    const char *why; /* of the comparison without steps, else of the step */
};

static const struct pair_row pair_rows[] = {
    {"it says that nothing changed", say_nothing, false, VERDICT_PASS, 3, CORPUS_WORK, ""},
    {"it does not compare other steps", rename_step, false, VERDICT_INCONCLUSIVE, 0, CORPUS_WORK,
     "the reports are of different steps"},
    {"it does not compare fewer steps", leave_a_step_out, false, VERDICT_INCONCLUSIVE, 0,
     CORPUS_WORK, "the reports are of different steps"},
    {"it does not compare runs of another length", widen_slots, false, VERDICT_INCONCLUSIVE, 0,
     CORPUS_WORK, "the runs were planned to take differently long"},
    {"it does not compare runs at another rate", send_half_at_once, false, VERDICT_INCONCLUSIVE, 0,
     CORPUS_WORK, "the runs sent at different rates"},
    {"it compares users who wait longer", send_half_slowly, false, VERDICT_FAIL, 3, CORPUS_WORK,
     ""},
    {"it makes up no spread for one run without slots", forget_slots, true, VERDICT_INCONCLUSIVE, 3,
     CORPUS_WORK, "one run a side without figures over time: no spread"},
    {"it does not compare tails where the generator was late", be_late, false, VERDICT_INCONCLUSIVE,
     3, CORPUS_WORK, "the median held, but the generator was late: its tail is not comparable"},
    {"it does not compare medians where it was late all the time", be_late_mostly, false,
     VERDICT_INCONCLUSIVE, 3, CORPUS_WORK, "the generator was late, or half were not answered"},
    {"it does not call a step sound that stalled for a while", stall, false, VERDICT_INCONCLUSIVE,
     3, CORPUS_MIXED, "8 % more failed, but not all along"},
    {"it says nothing about few requests", have_few, true, VERDICT_INCONCLUSIVE, 3, CORPUS_WORK,
     "fewer than 100 requests"},
};

static void make_pair(struct load_part parts[2], struct compare_side sides[2])
{
    static const struct corpus_change none;
    struct rng machine;
    rng_seed(&machine, 20);
    for (int side = 0; side < 2; side++) {
        corpus_run(&parts[side], &machine, &none);
        sides[side] = (struct compare_side){{&parts[side]}, 1};
    }
}

static void check_pair(void **state)
{
    const struct pair_row *row = *state;
    static struct compare_result result;
    struct load_part parts[2];
    struct compare_side sides[2];
    make_pair(parts, sides);
    for (int side = row->both ? 0 : 1; side < 2; side++)
        row->change(&parts[side]);
    assert_int_equal(compare_sides(sides, true, &usual, &result), STATUS_OK);
    assert_string_equal(row->step_count ? result.steps[row->step].why : result.why, row->why);
    assert_int_equal(result.verdict, row->verdict);
    assert_int_equal(result.step_count, row->step_count);
    corpus_release(&parts[0]);
    corpus_release(&parts[1]);
}

static void check_figures(void **state)
{
    (void)state;
    static struct compare_result result;
    const struct corpus_change changes[2] = {{0}, {.step = CORPUS_WAIT, .slower = 0.3}};
    struct rng machine;
    rng_seed(&machine, 20);
    compare_runs(4, &machine, changes, &result);
    const struct compare_step *step = &result.steps[CORPUS_WAIT];
    assert_int_equal(result.verdict, VERDICT_FAIL);
    assert_int_equal(step->requests[0], 4 * CORPUS_RATE * CORPUS_SECONDS);
    assert_true(fabs(step->body.before - 5.2) < 0.2 && fabs(step->body.after - 6.8) < 0.3);
    assert_true(step->body.low < log(1.3) && log(1.3) < step->body.high);
    assert_true(step->body.low > 0.15 && step->body.high < 0.4);
    assert_true(step->body.detectable > 0.05 && step->body.detectable < 0.15);
    const double ratio = step->p99_ms[1] / step->p99_ms[0];
    assert_true(0.5 < step->p99_range[0] && step->p99_range[0] < ratio);
    assert_true(ratio < step->p99_range[1] && step->p99_range[1] < 4);
}

static void check_distrust(void **state)
{
    (void)state;
    static struct compare_result result;
    struct load_part parts[2];
    struct compare_side sides[2];
    make_pair(parts, sides);
    assert_int_equal(compare_sides(sides, false, &usual, &result), STATUS_OK);
    assert_int_equal(result.verdict, VERDICT_INCONCLUSIVE);
    for (size_t i = 0; i < result.step_count; i++)
        assert_true(result.steps[i].body.is_known && !result.steps[i].tail.is_known);
    corpus_release(&parts[0]);
    corpus_release(&parts[1]);
}

int main(void)
{
    static struct rows all;
    ROWS(&all, corpus_rows, check_corpus);
    ROWS(&all, pair_rows, check_pair);
    rows_one(&all, "it says by how much and how surely", check_figures);
    rows_one(&all, "it compares no tail of a run that is not to be trusted", check_distrust);
    return rows_run("compare", &all);
}
