#include "loadgen/compare/compare_markdown.h"

#include <math.h>

#include "loadgen/compare/compare_say.h"
#include "loadgen/report/load_markdown.h"

static void append_step(struct buffer *out, const struct compare_step *step)
{
    const struct compare_change *body = &step->body;
    buffer_append_text(out, "| ");
    load_markdown_text(out, step->name);
    if (body->is_known)
        buffer_printf(out, " | %.3g → %.3g | %+.1f %% (%+.1f to %+.1f) | +%.0f %%", body->before,
                      body->after, compare_say_percent(exp(body->effect)),
                      compare_say_percent(exp(body->low)), compare_say_percent(exp(body->high)),
                      ceil(compare_say_percent(exp(body->detectable))));
    else
        buffer_append_text(out, " | - | - | -");
    buffer_printf(out, " | %.3g → %.3g | %.2g → %.2g | ", step->p99_ms[0], step->p99_ms[1],
                  100 * step->errors.before, 100 * step->errors.after);
    buffer_printf(out, step->word > COMPARE_UNSURE ? "**%s** |\n" : "%s |\n",
                  compare_words(step->word));
}

static void append_part(struct buffer *out, const struct compare_part *part)
{
    const struct compare_result *result = &part->result;
    if (part->name[0] != '\0') {
        buffer_append_text(out, "\n### ");
        load_markdown_text(out, part->name);
        buffer_append_text(out, "\n");
    }
    if (result->step_count == 0)
        return;
    buffer_append_text(out,
                       "\n| step | p50 ms | change (95 %) | would see | p99 ms | failed % | |\n"
                       "| --- | ---: | ---: | ---: | ---: | ---: | --- |\n");
    for (size_t i = 0; i < result->step_count; i++)
        append_step(out, &result->steps[i]);
    buffer_append_text(out, "\n");
    for (size_t i = 0; i < result->step_count; i++) {
        char words[COMPARE_SAY_MAX];
        if (result->steps[i].word == COMPARE_SAME)
            continue;
        compare_say_step(&result->steps[i], words, sizeof(words));
        buffer_append_text(out, "- ");
        load_markdown_text(out, words);
        buffer_append_text(out, "\n");
    }
}

void compare_markdown_write(const struct compare_report *report, struct buffer *out)
{
    char words[COMPARE_SAY_MAX];
    compare_say_all(report, words, sizeof(words));
    buffer_append_text(out, "## Before and after\n\n");
    load_markdown_text(out, words);
    buffer_append_text(out, ".\n");
    for (size_t i = 0; i < report->part_count; i++)
        append_part(out, &report->parts[i]);
}
