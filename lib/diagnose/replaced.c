#include "diagnose/replaced.h"

#include "diagnose/figures.h"

static const struct fingerprint *print_of(const struct detect *detect, uint32_t print)
{
    return &detect->current->prints->items[print];
}

double replaced_visits(const struct detect *detect, const struct calls_site *site)
{
    const struct window *window = detect->baseline;
    double visits = 0;
    for (size_t t = 0; window && t < window->forest.count; t++) {
        const struct tree *tree = &window->forest.trees[t];
        for (uint32_t i = 0; window->entry_of[t] == site->entry && i < tree->count; i++)
            visits += tree->nodes[i].print == site->parent;
    }
    return visits;
}

enum status replaced_find(struct detect *detect, const struct calls_site *like,
                          replaced_filter *accepts, double visits, double *out_ms)
{
    *out_ms = 0;
    const struct text peer = print_of(detect, like->print)->peer;
    for (size_t i = 0; detect->old_calls && i < detect->old_calls->site_count; i++) {
        const struct calls_site *old = &detect->old_calls->sites[i];
        const struct fingerprint *print = print_of(detect, old->print);
        if (old->entry != like->entry || old->parent != like->parent || !accepts(print) ||
            !text_equal(print->peer, peer) || calls_find(detect->calls, old) ||
            (double)old->count < visits / 2 || (double)old->count > 2 * visits)
            continue;
        const double *durations = calls_durations_ms(detect->baseline, old, detect->arena);
        if (!durations)
            return STATUS_NO_MEMORY;
        *out_ms += figures_quantile(durations, old->count, 0.5) * (double)old->count / visits;
    }
    return STATUS_OK;
}
