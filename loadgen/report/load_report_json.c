#include "loadgen/report/load_report.h"

#include <math.h>

#include "base/clock.h"
#include "loadgen/report/load_steps_json.h"

static void write_thresholds(struct json_writer *writer, const struct load_plan *plan,
                             const struct load_result *result)
{
    json_key(writer, "thresholds");
    json_begin_array(writer);
    for (size_t i = 0; i < plan->thresholds.count; i++) {
        const struct load_threshold *threshold = &plan->thresholds.items[i];
        json_begin_object(writer);
        json_field_cstring(writer, "metric", load_threshold_word(threshold->metric));
        if (threshold->step != LOAD_ALL_STEPS)
            json_field_cstring(writer, "step", plan->steps[threshold->step].name);
        json_field_double(writer, threshold->is_lower ? "at_least" : "at_most", threshold->limit);
        json_key(writer, "value");
        if (isinf(result->judgements[i].value))
            json_nil(writer);
        else
            json_double(writer, result->judgements[i].value);
        json_field_bool(writer, "holds", result->judgements[i].holds);
        json_end_object(writer);
    }
    json_end_array(writer);
}

static void write_flows(struct json_writer *writer, const struct load_flow_counts *flows)
{
    const struct {
        const char *key;
        uint64_t count;
    } rows[] = {{"due", flows->due},
                {"ok", flows->ok},
                {"failed", flows->failed},
                {"cut", flows->cut},
                {"turned_away", flows->turned_away}};
    json_key(writer, "flows");
    json_begin_object(writer);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        json_field_u64(writer, rows[i].key, rows[i].count);
    json_end_object(writer);
}

static struct load_drive drive_of(const struct load_plan *plan)
{
    struct load_drive drive = {.is_known = true};
    if (plan->is_closed)
        drive.users =
            (struct load_drive_users){plan->users, plan->users_duration_s, plan->users_ramp_s,
                                      clock_ms(plan->think.min_ns), clock_ms(plan->think.max_ns)};
    else
        drive.arrivals = plan->schedule;
    return drive;
}

static void write_steps(struct json_writer *writer, const struct load_plan *plan,
                        const struct load_result *result)
{
    const struct load_drive drive = drive_of(plan);
    struct load_steps steps = {.figures = &result->figures,
                               .timeline = &result->timeline,
                               .drive = &drive,
                               .plan_steps = plan->steps,
                               .elapsed_s = result->elapsed_s};
    for (size_t i = 0; i < plan->step_count; i++)
        steps.names[i] = plan->steps[i].name;
    load_steps_json(writer, &steps);
}

void load_report_json(const struct load_plan *plan, const struct load_result *result,
                      struct json_writer *writer)
{
    json_begin_object(writer);
    json_field_cstring(writer, "schema", "culprit.load-report/1");
    json_field_cstring(writer, "name", plan->name);
    json_field_cstring(writer, "target", plan->target);
    json_field_u64(writer, "seed", plan->seed);
    json_field_cstring(writer, "verdict", verdict_word(result->verdict));
    json_field_bool(writer, "interrupted", result->is_interrupted);
    json_field_bool(writer, "aborted", result->is_aborted);
    json_field_bool(writer, "trustworthy", !result->is_late);
    json_field_u64_string(writer, "start_unix_ns", result->start_wall_ns);
    json_field_u64_string(writer, "end_unix_ns", result->end_wall_ns);
    json_field_fixed(writer, "cpu_s", (double)result->cpu_ns / (double)NS_PER_S, 6);
    json_field_u64(writer, "peak_rss_kib", result->peak_rss_kib);
    write_flows(writer, &result->flows);
    write_steps(writer, plan, result);
    write_thresholds(writer, plan, result);
    load_workers_json(&result->workers, writer);
    json_end_object(writer);
}
