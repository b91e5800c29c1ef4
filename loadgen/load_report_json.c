#include "loadgen/load_report.h"

#include <math.h>

#include "base/clock.h"
#include "loadgen/load_steps_json.h"

static void write_thresholds(struct json_writer *writer, const struct load_plan *plan,
                             const struct load_result *result)
{
    json_key(writer, "thresholds");
    json_begin_array(writer);
    for (size_t i = 0; i < plan->thresholds.count; i++) {
        const struct load_threshold *threshold = &plan->thresholds.items[i];
        json_begin_object(writer);
        json_key(writer, "metric");
        json_cstring(writer, load_threshold_word(threshold->metric));
        if (threshold->step != LOAD_ALL_STEPS) {
            json_key(writer, "step");
            json_cstring(writer, plan->steps[threshold->step].name);
        }
        json_key(writer, threshold->is_lower ? "at_least" : "at_most");
        json_double(writer, threshold->limit);
        json_key(writer, "value");
        if (isinf(result->judgements[i].value))
            json_nil(writer);
        else
            json_double(writer, result->judgements[i].value);
        json_key(writer, "holds");
        json_bool(writer, result->judgements[i].holds);
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
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        json_key(writer, rows[i].key);
        json_u64(writer, rows[i].count);
    }
    json_end_object(writer);
}

static void write_steps(struct json_writer *writer, const struct load_plan *plan,
                        const struct load_result *result)
{
    struct load_steps steps = {.figures = &result->figures,
                               .timeline = &result->timeline,
                               .plan_steps = plan->steps,
                               .elapsed_s = result->elapsed_s};
    for (size_t i = 0; i < plan->step_count; i++)
        steps.names[i] = plan->steps[i].name;
    load_steps_json(writer, &steps);
}

/* What was asked for, so that a plot can hold what came against it. */
static void write_arrivals(struct json_writer *writer, const struct load_plan *plan)
{
    const struct schedule_plan *schedule = &plan->schedule;
    json_key(writer, "arrivals");
    json_begin_object(writer);
    json_key(writer, "spacing");
    json_cstring(writer, schedule->is_poisson ? "poisson" : "even");
    json_key(writer, "stages");
    json_begin_array(writer);
    for (size_t i = 0; i < schedule->stage_count; i++) {
        json_begin_object(writer);
        json_key(writer, "duration_s");
        json_double(writer, schedule->stages[i].duration_s);
        json_key(writer, "rate");
        json_double(writer, schedule->stages[i].from);
        json_key(writer, "to");
        json_double(writer, schedule->stages[i].to);
        json_end_object(writer);
    }
    json_end_array(writer);
    json_end_object(writer);
}

static void write_users(struct json_writer *writer, const struct load_plan *plan)
{
    json_key(writer, "users");
    json_begin_object(writer);
    json_key(writer, "count");
    json_u64(writer, plan->users);
    json_key(writer, "duration_s");
    json_double(writer, plan->users_duration_s);
    json_end_object(writer);
}

void load_report_json(const struct load_plan *plan, const struct load_result *result,
                      struct json_writer *writer)
{
    json_begin_object(writer);
    json_key(writer, "schema");
    json_cstring(writer, "culprit.load-report/1");
    json_key(writer, "name");
    json_cstring(writer, plan->name);
    json_key(writer, "target");
    json_cstring(writer, plan->target);
    json_key(writer, "seed");
    json_u64(writer, plan->seed);
    json_key(writer, "verdict");
    json_cstring(writer, verdict_word(result->verdict));
    json_key(writer, "interrupted");
    json_bool(writer, result->is_interrupted);
    json_key(writer, "aborted");
    json_bool(writer, result->is_aborted);
    json_key(writer, "trustworthy");
    json_bool(writer, !result->is_late);
    json_key(writer, "start_unix_ns");
    json_u64_string(writer, result->start_wall_ns);
    json_key(writer, "end_unix_ns");
    json_u64_string(writer, result->end_wall_ns);
    json_key(writer, "cpu_s");
    json_fixed(writer, (double)result->cpu_ns / (double)NS_PER_S, 6);
    json_key(writer, "peak_rss_kib");
    json_u64(writer, result->peak_rss_kib);
    if (plan->is_closed)
        write_users(writer, plan);
    else
        write_arrivals(writer, plan);
    write_flows(writer, &result->flows);
    write_steps(writer, plan, result);
    write_thresholds(writer, plan, result);
    load_workers_json(&result->workers, writer);
    json_end_object(writer);
}
