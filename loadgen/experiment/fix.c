#include "loadgen/experiment/fix.h"

#include "loadgen/experiment/saving.h"

static double median_ms(const struct window_result *window)
{
    return (double)window_latency_ns(window, 0.5) / 1e6;
}

static bool is_expected(const struct scenario_step *step, const struct finding *finding)
{
    for (size_t i = 0; step && i < step->expected_count; i++)
        if (judge_matches(&step->expected[i], finding))
            return true;
    return false;
}

/* The window that shows what the fix brought; NULL when it was not measured. *next stays NULL for
 * the healthy one, where nothing is expected. */
static const struct window_result *next_window(const struct experiment *experiment, size_t index,
                                               const struct scenario_step **next)
{
    if (index + 1 == experiment->scenario->step_count)
        return &experiment->reference->measurement.window;
    *next = &experiment->scenario->steps[index + 1];
    bool is_there = index + 1 < experiment->step_count && experiment->steps[index + 1].is_done;
    return is_there ? &experiment->steps[index + 1].measurement.window : NULL;
}

void fix_of_step(const struct experiment *experiment, size_t index, struct fix *out)
{
    const struct experiment_step *step = &experiment->steps[index];
    const struct diagnosis *diagnosis = &step->with_baseline;
    const struct scenario_step *next = NULL;
    const struct window_result *after = next_window(experiment, index, &next);
    *out = (struct fix){.before_ms = median_ms(&step->measurement.window)};
    for (size_t i = 0; i < diagnosis->finding_count; i++) {
        const struct finding *finding = &diagnosis->findings[i];
        if (!finding_counts(finding, true) || is_expected(next, finding))
            continue;
        out->finding = out->finding ? out->finding : finding; /* the largest comes first */
        out->predicted_ms += finding->saving_ms;
        out->count++;
    }
    if (after) {
        out->measured_ms = saving_measured_ms(&step->measurement.window, after);
        out->after_ms = median_ms(after);
    }
}
