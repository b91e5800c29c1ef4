#include "loadgen/load/schedule.h"

#include <assert.h>
#include <math.h>

#include "base/clock.h"

#define DURATION_MAX_S (366.0 * 86400)
/* Roundings must not add an arrival at the very end of a stage. */
#define SLACK 1e-9

/* ---- the plan */

static double stage_arrivals(const struct schedule_stage *stage)
{
    return (stage->from + stage->to) / 2 * stage->duration_s;
}

double schedule_duration_s(const struct schedule_plan *plan)
{
    double sum_s = 0;
    for (size_t i = 0; i < plan->stage_count; i++)
        sum_s += plan->stages[i].duration_s;
    return sum_s;
}

double schedule_arrivals(const struct schedule_plan *plan)
{
    double sum = 0;
    for (size_t i = 0; i < plan->stage_count; i++)
        sum += stage_arrivals(&plan->stages[i]);
    return sum;
}

double schedule_peak(const struct schedule_plan *plan)
{
    double peak = 0;
    for (size_t i = 0; i < plan->stage_count; i++)
        peak = fmax(peak, fmax(plan->stages[i].from, plan->stages[i].to));
    return peak;
}

uint64_t schedule_count_max(const struct schedule_plan *plan)
{
    double expected = ceil(schedule_arrivals(plan));
    return (uint64_t)(plan->is_poisson ? expected + 10 * sqrt(expected) + 64 : expected);
}

void schedule_set_constant(struct schedule_plan *plan, double rate, double duration_s)
{
    plan->stages[0] = (struct schedule_stage){duration_s, rate, rate};
    plan->stage_count = 1;
}

void schedule_scale_rate(struct schedule_plan *plan, double peak)
{
    double factor = peak / schedule_peak(plan);
    for (size_t i = 0; i < plan->stage_count; i++) {
        plan->stages[i].from *= factor;
        plan->stages[i].to *= factor;
    }
}

void schedule_scale_duration(struct schedule_plan *plan, double duration_s)
{
    double factor = duration_s / schedule_duration_s(plan);
    for (size_t i = 0; i < plan->stage_count; i++)
        plan->stages[i].duration_s *= factor;
}

bool schedule_same(const struct schedule_plan *a, const struct schedule_plan *b)
{
    if (a->stage_count != b->stage_count || a->is_poisson != b->is_poisson)
        return false;
    for (size_t i = 0; i < a->stage_count; i++) {
        const struct schedule_stage *one = &a->stages[i], *other = &b->stages[i];
        if (one->duration_s != other->duration_s || one->from != other->from ||
            one->to != other->to)
            return false;
    }
    return true;
}

double schedule_rate(const struct schedule_plan *plan, double elapsed_s)
{
    for (size_t i = 0; i < plan->stage_count && elapsed_s >= 0; i++) {
        const struct schedule_stage *stage = &plan->stages[i];
        if (elapsed_s < stage->duration_s)
            return stage->from + (stage->to - stage->from) * elapsed_s / stage->duration_s;
        elapsed_s -= stage->duration_s;
    }
    return 0;
}

static bool is_rate(double rate)
{
    return rate >= 0 && rate <= SCHEDULE_RATE_MAX;
}

enum status schedule_check(const struct schedule_plan *plan, struct error *error)
{
    if (plan->stage_count == 0 || plan->stage_count > SCHEDULE_STAGES_MAX)
        return error_set(error, STATUS_INVALID, "load: 1 to %d stages are needed",
                         SCHEDULE_STAGES_MAX);
    for (size_t i = 0; i < plan->stage_count; i++) {
        const struct schedule_stage *stage = &plan->stages[i];
        if (!is_rate(stage->from) || !is_rate(stage->to))
            return error_set(error, STATUS_INVALID, "load: stage %zu: rates lie in 0 .. %g", i + 1,
                             SCHEDULE_RATE_MAX);
        if (!(stage->duration_s > 0 && stage->duration_s <= DURATION_MAX_S))
            return error_set(error, STATUS_INVALID,
                             "load: stage %zu: a stage lasts more than 0 s and at most a year",
                             i + 1);
    }
    if (schedule_duration_s(plan) > DURATION_MAX_S || schedule_arrivals(plan) > SCHEDULE_COUNT_MAX)
        return error_set(error, STATUS_INVALID, "load: over a year, or over %g arrivals",
                         SCHEDULE_COUNT_MAX);
    if (schedule_arrivals(plan) <= 0)
        return error_set(error, STATUS_INVALID, "load: no stage has a rate above 0");
    return STATUS_OK;
}

/* ---- arrivals */

/* How far into its stage the integral has grown by `more`: the root of from * t + slope / 2 * t^2,
 * in the form that loses no digits. */
static double reach_s(const struct schedule_stage *stage, double more)
{
    double slope = (stage->to - stage->from) / stage->duration_s;
    double under = stage->from * stage->from + 2 * slope * more;
    double divisor = stage->from + sqrt(under > 0 ? under : 0);
    return divisor > 0 ? 2 * more / divisor : 0;
}

static uint64_t due_ns(struct schedule *schedule)
{
    const struct schedule_plan *plan = schedule->plan;
    for (; schedule->stage < plan->stage_count; schedule->stage++) {
        const struct schedule_stage *stage = &plan->stages[schedule->stage];
        double more = schedule->reached - schedule->stage_start_count;
        double all = stage_arrivals(stage);
        if (more < all * (1 - SLACK)) {
            double offset_s = schedule->stage_start_s + reach_s(stage, more > 0 ? more : 0);
            return schedule->start_ns + (uint64_t)(offset_s * (double)NS_PER_S + SLACK);
        }
        schedule->stage_start_count += all;
        schedule->stage_start_s += stage->duration_s;
    }
    return SCHEDULE_NEVER;
}

static double gap(struct schedule *schedule)
{
    return schedule->plan->is_poisson ? -log1p(-rng_double(&schedule->rng)) : 1;
}

static void step_on(struct schedule *schedule)
{
    schedule->number++;
    schedule->reached += gap(schedule);
}

/* Goes on to the first arrival of this loop, from where it stands. */
static struct schedule_arrival find_own(struct schedule *schedule)
{
    while (schedule->number % schedule->loops != schedule->loop)
        step_on(schedule);
    return (struct schedule_arrival){schedule->number, due_ns(schedule)};
}

void schedule_start(struct schedule *schedule, const struct schedule_plan *plan, uint64_t seed,
                    uint64_t start_ns)
{
    *schedule = (struct schedule){.plan = plan, .start_ns = start_ns, .loops = 1};
    rng_seed(&schedule->rng, seed);
    if (plan->is_poisson)
        schedule->reached = gap(schedule);
    schedule->next = find_own(schedule);
}

void schedule_share(struct schedule *schedule, unsigned loop, unsigned loops)
{
    assert(loop < loops && schedule->number == 0);
    schedule->loop = loop;
    schedule->loops = loops;
    schedule->next = find_own(schedule);
}

uint64_t schedule_next_ns(const struct schedule *schedule)
{
    return schedule->next.due_ns;
}

uint64_t schedule_after_ns(struct schedule *schedule)
{
    if (schedule->next.due_ns == SCHEDULE_NEVER)
        return SCHEDULE_NEVER;
    if (!schedule->has_after) {
        step_on(schedule);
        schedule->after = find_own(schedule);
        schedule->has_after = true;
    }
    return schedule->after.due_ns;
}

bool schedule_take(struct schedule *schedule, uint64_t now_ns, uint64_t *number, uint64_t *due)
{
    if (schedule->next.due_ns == SCHEDULE_NEVER || schedule->next.due_ns > now_ns)
        return false;
    *number = schedule->next.number;
    *due = schedule->next.due_ns;
    (void)schedule_after_ns(schedule);
    schedule->next = schedule->after;
    schedule->has_after = false;
    return true;
}

void schedule_stop(struct schedule *schedule)
{
    schedule->next.due_ns = SCHEDULE_NEVER;
}
