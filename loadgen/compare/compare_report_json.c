#include <math.h>

#include "loadgen/base/verdict.h"
#include "loadgen/compare/compare_report.h"
#include "loadgen/compare/compare_say.h"

static void write_number(struct json_writer *writer, const char *key, double value)
{
    json_key(writer, key);
    if (isfinite(value))
        json_fixed(writer, value, 6);
    else
        json_nil(writer);
}

/* `scale` makes a ratio of a logarithm, and leaves a difference of shares alone. */
static void write_change(struct json_writer *writer, const char *key,
                         const struct compare_change *change, double (*scale)(double))
{
    json_key(writer, key);
    if (!change->is_known) {
        json_nil(writer);
        return;
    }
    json_begin_object(writer);
    write_number(writer, "before", change->before);
    write_number(writer, "after", change->after);
    write_number(writer, "change", scale(change->effect));
    write_number(writer, "low", scale(change->low));
    write_number(writer, "high", scale(change->high));
    write_number(writer, "detectable", scale(change->detectable));
    write_number(writer, "chance", change->chance);
    json_field_bool(writer, "counts", change->counts);
    json_end_object(writer);
}

static double itself(double value)
{
    return value;
}

static void write_p99(struct json_writer *writer, const struct compare_step *step)
{
    json_key(writer, "p99_ms");
    json_begin_object(writer);
    write_number(writer, "before", step->p99_ms[0]);
    write_number(writer, "after", step->p99_ms[1]);
    write_number(writer, "change", step->p99_ms[1] / step->p99_ms[0]);
    write_number(writer, "low", step->p99_range[0]);
    write_number(writer, "high", step->p99_range[1]);
    json_end_object(writer);
}

static void write_step(struct json_writer *writer, const struct compare_step *step)
{
    json_begin_object(writer);
    json_field_cstring(writer, "name", step->name);
    json_field_cstring(writer, "result", compare_words(step->word));
    json_field_cstring(writer, "why", step->why);
    json_key(writer, "requests");
    json_begin_array(writer);
    json_u64(writer, step->requests[0]);
    json_u64(writer, step->requests[1]);
    json_end_array(writer);
    write_change(writer, "median_ms", &step->body, exp);
    write_change(writer, "p10_ms", &step->quick, exp);
    write_p99(writer, step);
    write_change(writer, "tail_share", &step->tail, itself);
    write_change(writer, "failed_share", &step->errors, itself);
    json_end_object(writer);
}

static void write_part(struct json_writer *writer, const struct compare_part *part)
{
    json_begin_object(writer);
    json_field_cstring(writer, "name", part->name);
    json_field_cstring(writer, "verdict", verdict_word(part->result.verdict));
    json_field_cstring(writer, "why", part->result.why);
    json_key(writer, "steps");
    json_begin_array(writer);
    for (size_t i = 0; i < part->result.step_count; i++)
        write_step(writer, &part->result.steps[i]);
    json_end_array(writer);
    json_end_object(writer);
}

static void write_files(struct json_writer *writer, const char *key, const char *const *files,
                        size_t count)
{
    json_key(writer, key);
    json_begin_array(writer);
    for (size_t i = 0; i < count; i++)
        json_cstring(writer, files[i]);
    json_end_array(writer);
}

void compare_report_json(const void *what, struct json_writer *writer)
{
    const struct compare_report *report = what;
    char words[COMPARE_SAY_MAX];
    compare_say_all(report, words, sizeof(words));
    json_begin_object(writer);
    json_field_cstring(writer, "schema", "culprit.compare-report/1");
    json_field_cstring(writer, "verdict", verdict_word(report->verdict));
    json_field_cstring(writer, "conclusion", words);
    write_files(writer, "before", report->files[0], report->file_counts[0]);
    write_files(writer, "after", report->files[1], report->file_counts[1]);
    write_number(writer, "least_change", report->settings.least_change);
    write_number(writer, "resolve", report->settings.resolve);
    json_key(writer, "parts");
    json_begin_array(writer);
    for (size_t i = 0; i < report->part_count; i++)
        write_part(writer, &report->parts[i]);
    json_end_array(writer);
    json_end_object(writer);
}
