#include "loadgen/load/load_tally.h"

enum status load_tally_init(struct load_tally *tally, size_t step_count,
                            const struct load_timeline *timeline)
{
    *tally = (struct load_tally){.timeline = *timeline};
    pthread_mutex_init(&tally->lock, NULL);
    return load_figures_init(&tally->figures, step_count) ? STATUS_OK : STATUS_NO_MEMORY;
}

void load_tally_release(struct load_tally *tally)
{
    load_figures_release(&tally->figures);
    load_timeline_release(&tally->timeline);
    pthread_mutex_destroy(&tally->lock);
}

void load_tally_publish(struct load_tally *tally)
{
    pthread_mutex_lock(&tally->lock);
    for (size_t i = 0; i < tally->batch_count; i++) {
        load_figures_add(&tally->figures, &tally->batch[i]);
        load_timeline_add(&tally->timeline, &tally->batch[i]);
    }
    tally->flows = tally->counted;
    pthread_mutex_unlock(&tally->lock);
    tally->batch_count = 0;
}

const struct load_sample *load_tally_add(struct load_tally *tally, const struct load_sample *sample)
{
    if (tally->batch_count == LOAD_TALLY_BATCH_MAX)
        load_tally_publish(tally);
    struct load_sample *kept = &tally->batch[tally->batch_count++];
    *kept = *sample;
    return kept;
}

/* Step by step: the loop never waits for more than one addition. What is counted in between belongs
 * to the next look. */
void load_tally_collect(struct load_tally *tally, struct load_figures *figures,
                        struct load_flow_counts *flows)
{
    for (size_t i = 0; i < tally->figures.step_count; i++) {
        pthread_mutex_lock(&tally->lock);
        load_figures_add_step(&figures->steps[i], &tally->figures.steps[i]);
        pthread_mutex_unlock(&tally->lock);
    }
    pthread_mutex_lock(&tally->lock);
    flows->due += tally->flows.due;
    flows->ok += tally->flows.ok;
    flows->failed += tally->flows.failed;
    flows->cut += tally->flows.cut;
    flows->turned_away += tally->flows.turned_away;
    pthread_mutex_unlock(&tally->lock);
}

void load_tally_collect_timeline(struct load_tally *tally, struct load_timeline *timeline)
{
    pthread_mutex_lock(&tally->lock);
    load_timeline_merge(timeline, &tally->timeline);
    pthread_mutex_unlock(&tally->lock);
}
