#include "loadgen/compare/compare_report.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "loadgen/base/table.h"
#include "loadgen/compare/compare_say.h"

static const enum terminal_colour colours[] = {
    [COMPARE_SAME] = TERMINAL_PLAIN,  [COMPARE_FASTER] = TERMINAL_GOOD,
    [COMPARE_BETTER] = TERMINAL_GOOD, [COMPARE_UNSURE] = TERMINAL_UNSURE,
    [COMPARE_SLOWER] = TERMINAL_BAD,  [COMPARE_WORSE] = TERMINAL_BAD,
};

static void add_median(struct table *table, const struct compare_change *body)
{
    if (!body->is_known) {
        table_cell(table, TERMINAL_FAINT, "-");
        table_cell(table, TERMINAL_FAINT, "-");
        table_cell(table, TERMINAL_FAINT, "-");
        return;
    }
    table_cell(table, TERMINAL_PLAIN, "%.3g > %.3g", body->before, body->after);
    table_cell(table,
               body->counts ? colours[body->effect > 0 ? COMPARE_SLOWER : COMPARE_FASTER]
                            : TERMINAL_PLAIN,
               "%+.1f (%+.1f %+.1f)", compare_say_percent(exp(body->effect)),
               compare_say_percent(exp(body->low)), compare_say_percent(exp(body->high)));
    table_cell(table, TERMINAL_FAINT, "%+.0f", ceil(compare_say_percent(exp(body->detectable))));
}

static void add_p99(struct table *table, const struct compare_step *step)
{
    const double ratio = step->p99_ms[1] / step->p99_ms[0];
    table_cell(table, TERMINAL_PLAIN, "%.3g > %.3g", step->p99_ms[0], step->p99_ms[1]);
    if (!isfinite(ratio))
        table_cell(table, TERMINAL_FAINT, "-");
    else if (step->p99_range[0] <= 0 || !isfinite(step->p99_range[1]))
        table_cell(table, step->tail.counts ? TERMINAL_BAD : TERMINAL_PLAIN, "%+.1f (?)",
                   compare_say_percent(ratio));
    else
        table_cell(table, step->tail.counts ? TERMINAL_BAD : TERMINAL_PLAIN, "%+.1f (%+.0f %+.0f)",
                   compare_say_percent(ratio), compare_say_percent(step->p99_range[0]),
                   compare_say_percent(step->p99_range[1]));
}

static void add_step(struct table *table, const struct compare_step *step)
{
    const struct compare_change *errors = &step->errors;
    table_row(table);
    table_cell(table, TERMINAL_PLAIN, "%s", step->name);
    table_cell(table, TERMINAL_PLAIN, "%" PRIu64 " > %" PRIu64, step->requests[0],
               step->requests[1]);
    add_median(table, &step->body);
    add_p99(table, step);
    table_cell(table, errors->counts ? TERMINAL_BAD : TERMINAL_PLAIN, "%.2g > %.2g",
               100 * errors->before, 100 * errors->after);
    table_cell(table, colours[step->word], "%s", compare_words(step->word));
}

static void print_part(const struct compare_part *part, struct table *table, FILE *out)
{
    static const struct table_column columns[] = {
        {"step", false, true},     {"requests", true, false}, {"p50 ms", true, false},
        {"% (95 %)", true, false}, {"sees", true, false},     {"p99 ms", true, false},
        {"% (95 %)", true, false}, {"failed %", true, false}, {"", false, false},
    };
    const struct compare_result *result = &part->result;
    if (part->name[0] != '\0')
        fprintf(out, "%s\n", part->name);
    if (result->step_count == 0)
        return;
    table_init(table, columns, sizeof(columns) / sizeof(columns[0]));
    for (size_t i = 0; i < result->step_count; i++)
        add_step(table, &result->steps[i]);
    table_print(table, out, 0);
    fputc('\n', out);
    for (size_t i = 0; i < result->step_count; i++) {
        char words[COMPARE_SAY_MAX];
        compare_say_step(&result->steps[i], words, sizeof(words));
        if (result->steps[i].word != COMPARE_SAME)
            table_prose(out, 0, words);
    }
}

void compare_report_print(const struct compare_report *report, FILE *out)
{
    char words[COMPARE_SAY_MAX];
    struct table *table = malloc(sizeof(*table));
    for (size_t i = 0; i < report->part_count && table != NULL; i++)
        print_part(&report->parts[i], table, out);
    free(table);
    compare_say_all(report, words, sizeof(words));
    table_prose(out, 0, words);
}
