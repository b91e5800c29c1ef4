#include <stdio.h>
#include <stdlib.h>

#include "loadgen/load/load_examples.h"
#include "loadgen/load/load_figures.h"
#include "loadgen/load/load_threshold_read.h"
#include "loadgen/threshold/threshold_kinds.h"
#include "loadgen/window/window.h"

/* {"metric": "p99_ms", "step": "check out", "at_most": 250} */

static enum status read_step(struct fields *fields, void *into)
{
    for (int step = 0; step < WINDOW_STEPS; step++) {
        if (fields->reader.token != JSON_STRING ||
            !json_reader_is(&fields->reader, window_step_word((enum window_step)step)))
            continue;
        *(uint16_t *)into = (uint16_t)step;
        return STATUS_OK;
    }
    return fields_fail(fields, "must be \"%s\" or \"%s\"", window_step_word(WINDOW_CART),
                       window_step_word(WINDOW_CHECKOUT));
}

enum status threshold_load_read(struct fields *fields, void *into)
{
    static const struct field table[] = {
        {"metric", load_threshold_read_metric, offsetof(struct threshold, load.metric), true},
        {"step", read_step, offsetof(struct threshold, load.step), false},
        {"at_most", threshold_read_at_most, 0, false},
        {"at_least", threshold_read_at_least, 0, false},
    };
    struct threshold *threshold = into;
    threshold->load.step = LOAD_ALL_STEPS;
    return fields_object(fields, FIELDS_OF(table), into, NULL);
}

/* The slowest requests, or some that failed. */
static void note_examples(const struct load_threshold *load, const struct load_examples *examples,
                          struct threshold_judgement *out)
{
    struct load_examples all = {0};
    for (uint16_t step = 0; examples != NULL && step < WINDOW_STEPS; step++)
        if (load->step == LOAD_ALL_STEPS || load->step == step)
            load_examples_merge(&all, &examples[step]);
    if (load->metric == LOAD_METRIC_ERROR_SHARE)
        for (size_t i = 0; i < all.failed_count; i++)
            threshold_note_trace(out, all.failed[i].trace_id);
    else if (load_threshold_is_latency(load->metric))
        for (size_t i = 0; i < all.slow_count; i++)
            threshold_note_trace(out, all.slowest[i].trace_id);
}

enum status threshold_load_judge(const struct threshold *threshold, struct threshold_facts *facts,
                                 struct threshold_judgement *out)
{
    const struct load_figures *figures = facts->evidence->figures;
    const struct load_threshold *load = &threshold->load;
    struct load_step_figures *sum = calloc(1, sizeof(*sum));
    enum status status = sum == NULL ? STATUS_NO_MEMORY : STATUS_OK;
    if (status == STATUS_OK && figures != NULL && load->step == LOAD_ALL_STEPS)
        load_figures_sum(figures, sum);
    else if (status == STATUS_OK && figures != NULL && load->step < figures->step_count)
        load_figures_add_step(sum, &figures->steps[load->step]);
    if (status == STATUS_OK && load_figures_count(sum) == 0) {
        snprintf(out->why, sizeof(out->why), "there was no such request");
        status = STATUS_NOT_FOUND;
    }
    if (status == STATUS_OK)
        out->value = load_threshold_value(load->metric, sum, facts->evidence->elapsed_s);
    if (status == STATUS_OK && !threshold->is_lower)
        note_examples(load, facts->evidence->examples, out);
    free(sum);
    return status;
}

void threshold_load_describe(const struct threshold *threshold, char *out, size_t size)
{
    const struct load_threshold *load = &threshold->load;
    bool is_of_step = load->step != LOAD_ALL_STEPS;
    snprintf(out, size, "%s%s%s", load_threshold_word(load->metric), is_of_step ? " of " : "",
             is_of_step ? window_step_word((enum window_step)load->step) : "");
}
