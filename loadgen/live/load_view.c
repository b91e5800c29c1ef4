#include "loadgen/live/load_view.h"

void load_view_begin(struct load_view *view, const struct load_plan *plan)
{
    view->plan = plan;
    progress_begin(&view->progress, "load", plan->name);
}

static const char *step_name(const void *context, size_t step)
{
    const struct load_plan *plan = context;
    return plan->steps[step].name;
}

/* Flows that were cut by the end are neither right nor wrong, but over. */
static struct live_counts counts_of(const struct load_view *view,
                                    const struct load_progress *so_far)
{
    const struct load_plan *plan = view->plan;
    const struct load_flow_counts *flows = &so_far->flows;
    uint64_t failed = flows->failed + flows->turned_away;
    uint64_t done = flows->ok + failed, over = done + flows->cut;
    return (struct live_counts){
        .elapsed_ms = so_far->elapsed_ms,
        .duration_ms = so_far->duration_ms,
        .due = flows->due,
        .done = done,
        .failed = failed,
        .in_flight = flows->due > over ? flows->due - over : 0,
        .wanted_rate = schedule_rate(&plan->schedule, (double)so_far->elapsed_ms / 1000),
        .users = plan->is_closed ? plan->users : 0,
        .figures = so_far->figures,
        .latency_step = LOAD_ALL_STEPS,
        .step_name = plan->step_count > 1 ? step_name : NULL,
        .context = plan,
    };
}

void load_view_tell(void *context, const struct load_progress *so_far)
{
    struct load_view *view = context;
    if (!progress_is_due(&view->progress, so_far->elapsed_ms))
        return;
    const struct live_counts counts = counts_of(view, so_far);
    progress_tell(&view->progress, &counts);
}

void load_view_end(struct load_view *view, const struct load_result *result)
{
    const struct load_progress whole = {
        .figures = &result->figures,
        .flows = result->flows,
        .elapsed_ms = (uint64_t)(result->elapsed_s * 1000),
        .duration_ms = (uint64_t)(load_plan_duration_s(view->plan) * 1000),
    };
    if (result->figures.step_count == view->plan->step_count && result->flows.due > 0) {
        const struct live_counts counts = counts_of(view, &whole);
        progress_tell(&view->progress, &counts);
    }
    progress_end(&view->progress);
}
