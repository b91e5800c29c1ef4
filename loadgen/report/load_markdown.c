#include "loadgen/report/load_markdown.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

enum { FINDINGS_SHOWN = 20 };

void load_markdown_text(struct buffer *out, const char *value)
{
    static const char plain_marks[] = "\\`*_[]|~#!";
    for (const char *at = value; *at != '\0'; at++) {
        unsigned char byte = (unsigned char)*at;
        if (byte < 0x20 || byte == 0x7f)
            buffer_append_byte(out, ' ');
        else if (byte == '<' || byte == '>' || byte == '&' || byte == '@')
            buffer_printf(out, "&#%u;", byte); /* '@': nobody is to be told */
        else if (strchr(plain_marks, byte) != NULL)
            buffer_append(out, (const char[]){'\\', (char)byte}, 2);
        else
            buffer_append_byte(out, byte);
    }
}

/* ---- what it came to */

static void write_head(const struct load_document *document, struct buffer *out)
{
    static const char *const marks[] = {[VERDICT_PASS] = "\xe2\x9c\x85",
                                        [VERDICT_FAIL] = "\xe2\x9d\x8c",
                                        [VERDICT_INCONCLUSIVE] = "\xe2\x9a\xa0\xef\xb8\x8f"};
    buffer_printf(out, "## %s %s: ", marks[document->verdict], verdict_word(document->verdict));
    load_markdown_text(out, document->name);
    buffer_append_text(out, "\n\n");
    if (document->target[0] != '\0') {
        buffer_append_text(out, "Target: ");
        load_markdown_text(out, document->target);
        buffer_append_text(out, "\n\n");
    }
    if (document->is_interrupted)
        buffer_append_text(out, "Interrupted: this is what was measured until then.\n\n");
    if (document->is_aborted)
        buffer_append_text(out, "Ended early: a threshold that aborts was broken.\n\n");
    if (document->is_partial)
        buffer_append_text(out, "Not all workers came to their end: what was heard of them is in "
                                "the figures.\n\n");
    if (!document->is_trustworthy)
        buffer_append_text(out, "**Do not trust these latencies:** the generator itself was "
                                "late.\n\n");
}

static void write_thresholds(const struct load_document *document, struct buffer *out)
{
    if (document->threshold_count == 0)
        return;
    buffer_append_text(out, "| threshold | limit | value | |\n| --- | ---: | ---: | --- |\n");
    for (size_t i = 0; i < document->threshold_count; i++) {
        const struct load_document_threshold *one = &document->thresholds[i];
        buffer_append_text(out, "| ");
        load_markdown_text(out, one->metric);
        if (one->step[0] != '\0') {
            buffer_append_text(out, " of ");
            load_markdown_text(out, one->step);
        }
        buffer_printf(out, " | %s %g | ", one->is_lower ? "at least" : "at most", one->limit);
        if (one->is_known)
            buffer_printf(out, "%.6g", one->value);
        else
            buffer_append_text(out, "not known: requests without an answer");
        buffer_printf(out, " | %s |\n", one->holds ? "holds" : "**broken**");
    }
    buffer_append_byte(out, '\n');
}

/* ---- steps */

static void write_quantile(const struct load_step_figures *step, double q, struct buffer *out)
{
    bool is_open;
    uint64_t ns = load_figures_quantile_ns(step, q, &is_open);
    buffer_printf(out, " %s%.2f |", is_open ? "&gt; " : "", clock_ms(ns));
}

static void write_step(const char *name, const struct load_step_figures *step, double elapsed_s,
                       struct buffer *out)
{
    static const double quantiles[] = {0.5, 0.9, 0.99, 0.999, 1};
    uint64_t count = load_figures_count(step), failed = load_figures_failed(step);
    buffer_append_text(out, "| ");
    load_markdown_text(out, name);
    buffer_printf(out, " | %" PRIu64 " | %.1f |", count,
                  elapsed_s > 0 ? (double)count / elapsed_s : 0);
    buffer_printf(out, failed > 0 ? " **%" PRIu64 "** |" : " %" PRIu64 " |", failed);
    for (size_t i = 0; i < sizeof(quantiles) / sizeof(quantiles[0]); i++)
        write_quantile(step, quantiles[i], out);
    buffer_printf(out, " %.2f |\n", clock_ms(histogram_quantile_ns(&step->service, 0.99)));
}

static void write_failures(const char *name, const struct load_step_figures *step,
                           struct buffer *out)
{
    for (int i = 0; i < LOAD_OUTCOME_COUNT; i++) {
        if (i == LOAD_OK || step->outcomes[i] == 0)
            continue;
        buffer_append_text(out, "- ");
        load_markdown_text(out, name);
        buffer_printf(out, ": %" PRIu64 " \xc3\x97 %s\n", step->outcomes[i],
                      load_outcome_words((enum load_outcome)i));
    }
}

static void write_part(const struct load_part *part, struct buffer *out)
{
    const struct load_figures *figures = &part->figures;
    struct load_step_figures *sum = calloc(1, sizeof(*sum));
    if (sum == NULL) {
        out->failed = STATUS_NO_MEMORY;
        return;
    }
    load_figures_sum(figures, sum);
    if (part->name[0] != '\0') {
        buffer_append_text(out, "### ");
        load_markdown_text(out, part->name);
        buffer_append_text(out, "\n\n");
    }
    buffer_append_text(out,
                       "| step | requests | a second | failed | p50 ms | p90 | p99 | p99.9 | max | "
                       "p99 from sending |\n"
                       "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n");
    for (size_t i = 0; i < figures->step_count; i++)
        write_step(part->step_names[i], &figures->steps[i], part->elapsed_s, out);
    if (figures->step_count > 1)
        write_step("all", sum, part->elapsed_s, out);
    buffer_append_byte(out, '\n');
    for (size_t i = 0; i < figures->step_count; i++)
        write_failures(part->step_names[i], &figures->steps[i], out);
    if (load_figures_failed(sum) > 0)
        buffer_append_byte(out, '\n');
    free(sum);
}

/* ---- what an experiment asked for and found */

static void write_demands(const struct load_document *document, struct buffer *out)
{
    if (document->demand_count == 0)
        return;
    buffer_append_text(out, "| what must hold | | why |\n| --- | --- | --- |\n");
    for (size_t i = 0; i < document->demand_count; i++) {
        const struct load_document_demand *one = &document->demands[i];
        bool holds = strcmp(one->outcome, "holds") == 0;
        buffer_append_text(out, "| ");
        load_markdown_text(out, one->words);
        buffer_append_text(out, holds ? " | " : " | **");
        load_markdown_text(out, one->outcome);
        buffer_append_text(out, holds ? " | " : "** | ");
        load_markdown_text(out, one->why);
        buffer_append_text(out, " |\n");
    }
    buffer_append_byte(out, '\n');
}

static void write_findings(const struct load_document *document, struct buffer *out)
{
    if (document->finding_count == 0)
        return;
    buffer_append_text(out, "| finding | where | cost ms | saving ms |\n"
                            "| --- | --- | ---: | ---: |\n");
    for (size_t i = 0; i < document->finding_count && i < FINDINGS_SHOWN; i++) {
        const struct load_document_finding *one = &document->findings[i];
        buffer_append_text(out, "| ");
        load_markdown_text(out, one->kind);
        buffer_append_text(out, " | ");
        load_markdown_text(out, one->service);
        buffer_append_byte(out, ' ');
        load_markdown_text(out, one->operation);
        if (one->peer[0] != '\0') {
            buffer_append_text(out, " \xe2\x86\x92 ");
            load_markdown_text(out, one->peer);
        }
        buffer_printf(out, " | %.1f | %.1f |\n", one->cost_ms, one->saving_ms);
    }
    if (document->finding_count > FINDINGS_SHOWN)
        buffer_printf(out, "\n%zu findings more.\n", document->finding_count - FINDINGS_SHOWN);
    buffer_append_byte(out, '\n');
}

void load_markdown_write(const struct load_document *document, struct buffer *out)
{
    write_head(document, out);
    write_thresholds(document, out);
    write_demands(document, out);
    write_findings(document, out);
    for (size_t i = 0; i < document->part_count; i++)
        write_part(&document->parts[i], out);
}
