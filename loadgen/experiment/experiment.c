#include "loadgen/experiment/experiment.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "loadgen/experiment/saving.h"

enum { SETTLE_MS = 300, SPANS_MAX = 4 * 1000 * 1000 };

static const size_t spans_bytes_max = (size_t)1536 * 1024 * 1024;

static enum status decode(struct measurement *measurement, struct spans *spans, struct error *error)
{
    spans_init(spans, SPANS_MAX, spans_bytes_max);
    enum status status = sample_decode(readback_sample(measurement->readback), spans);
    if (status != STATUS_OK)
        error_set(error, status, "kept traces: %s", status_words(status));
    return status;
}

enum status reference_measure(struct reference *reference, struct lab *lab,
                              const struct scenario *scenario, uint64_t seed, struct error *error)
{
    struct measure_config config = {
        .environment = &scenario->environment, .seed = seed, .label = "healthy"};
    memset(reference, 0, sizeof *reference);
    enum status status = lab_set_environment(lab, &scenario->environment.settings, error);
    if (status == STATUS_OK)
        status = measure_warm_up(lab, &config, error);
    if (status == STATUS_OK)
        status = lab_wait_until(lab, clock_mono_ns() + SETTLE_MS * NS_PER_MS, error);
    if (status == STATUS_OK)
        status = measure_run(lab, &config, &reference->measurement, error);
    if (status == STATUS_OK)
        status = decode(&reference->measurement, &reference->spans, error);
    reference->environment = scenario->environment;
    reference->is_there = status == STATUS_OK;
    return status;
}

void reference_release(struct reference *reference)
{
    measurement_release(&reference->measurement);
    spans_release(&reference->spans);
    reference->is_there = false;
}

/* A window without a trace is not an error of the diagnosis: there is just nothing to find. */
static enum status diagnose(const struct spans *current, const struct spans *baseline,
                            struct diagnosis *diagnosis, struct error *error)
{
    if (current->count == 0 || (baseline && baseline->count == 0))
        return STATUS_OK;
    struct diagnose_window now = {.spans = current}, before = {.spans = baseline};
    return diagnose_run(&now, baseline ? &before : NULL, diagnosis, error);
}

/* ---- thresholds */

static bool expects(const void *context, const struct finding *finding)
{
    const struct scenario_step *step = context;
    for (size_t i = 0; i < step->expected_count; i++)
        if (judge_matches(&step->expected[i], finding))
            return true;
    return false;
}

static struct threshold_evidence evidence_of(const struct measurement *measurement,
                                             const struct spans *spans)
{
    const struct coverage coverage = measurement_coverage(measurement);
    return (struct threshold_evidence){
        .figures = &measurement->window.figures,
        .examples = measurement->window.examples,
        .elapsed_s = measurement->window.elapsed_s,
        .coverage = {[THRESHOLD_ARRIVED] = coverage.requests ? coverage.arrived : NAN,
                     [THRESHOLD_CONNECTED] = coverage.requests ? coverage.connected : NAN,
                     [THRESHOLD_AS_EXPECTED] = coverage.requests ? coverage.as_expected : NAN,
                     [THRESHOLD_SPANS_DROPPED] = (double)measurement->drops.spans},
        .spans = spans,
        .has_late_generator = load_workers_any_is_late(&measurement->window.workers),
    };
}

static enum status judge_step_thresholds(struct experiment_step *step, const struct spans *spans,
                                         struct error *error)
{
    struct threshold_evidence evidence = evidence_of(&step->measurement, spans);
    evidence.diagnoses[0] = &step->with_baseline;
    evidence.diagnoses[1] = step->is_judged_alone ? &step->without_baseline : NULL;
    evidence.expects = expects;
    evidence.context = step->step;
    return threshold_judge(&step->step->thresholds, &evidence, step->judgements, error);
}

static enum status judge_healthy(struct experiment *experiment, struct error *error)
{
    const struct reference *reference = experiment->reference;
    const struct thresholds *thresholds = &experiment->scenario->healthy;
    struct threshold_evidence evidence = evidence_of(&reference->measurement, &reference->spans);
    struct diagnosis diagnosis = {0};
    experiment->healthy_result.verdict = VERDICT_PASS;
    if (thresholds->count == 0)
        return STATUS_OK;
    enum status status = diagnose(&reference->spans, NULL, &diagnosis, error);
    evidence.diagnoses[0] = &diagnosis;
    if (status == STATUS_OK)
        status = threshold_judge(thresholds, &evidence, experiment->healthy, error);
    experiment->is_healthy_judged = status == STATUS_OK;
    if (status == STATUS_OK)
        judge_add_thresholds(experiment->healthy, thresholds->count, &experiment->healthy_result);
    diagnosis_release(&diagnosis);
    return status;
}

/* ---- steps */

static enum status diagnose_step(struct experiment_step *step, const struct reference *reference,
                                 struct error *error)
{
    struct spans spans;
    enum status status = decode(&step->measurement, &spans, error);
    if (status == STATUS_OK)
        status = diagnose(&spans, &reference->spans, &step->with_baseline, error);
    step->is_judged_alone = step->step->faults.count == 0;
    if (status == STATUS_OK && step->is_judged_alone)
        status = diagnose(&spans, NULL, &step->without_baseline, error);
    if (status == STATUS_OK)
        status = judge_step_thresholds(step, &spans, error);
    spans_release(&spans);
    return status;
}

static double least(double a, double b)
{
    return a < b ? a : b;
}

static void judge(struct experiment_step *step, const struct reference *reference,
                  const struct scenario *scenario)
{
    const struct measurement *healthy = &reference->measurement, *faulty = &step->measurement;
    struct coverage before = measurement_coverage(healthy), now = measurement_coverage(faulty);
    judge_step(
        &(struct judge_input){
            .step = step->step,
            .with_baseline = &step->with_baseline,
            .without_baseline = step->is_judged_alone ? &step->without_baseline : NULL,
            .requests = before.requests && now.requests ? before.requests + now.requests : 0,
            .failed_requests = measurement_failed(faulty),
            .healthy_failed_requests = measurement_failed(healthy),
            .healthy_thresholds = &scenario->healthy,
            .unsent_requests = healthy->window.dropped + faulty->window.dropped,
            .arrived = least(before.arrived, now.arrived),
        },
        &step->result);
    judge_add_thresholds(step->judgements, step->step->thresholds.count, &step->result);
    step->predicted_saving_ms = judge_predicted_saving_ms(&step->with_baseline, true);
    step->measured_saving_ms = saving_measured_ms(&faulty->window, &healthy->window);
    step->is_done = true;
}

static enum status run_step(struct experiment *experiment, struct lab *lab,
                            struct experiment_step *step, struct error *error)
{
    const struct scenario *scenario = experiment->scenario;
    struct measure_config config = {
        .environment = &scenario->environment,
        .seed = experiment->seed,
        .label = step->step->title[0]       ? step->step->title
                 : step->step->faults.count ? "faulty"
                                            : "healthy again",
    };
    enum status status = lab_set_faults(lab, &step->step->faults, error);
    if (status == STATUS_OK)
        status = lab_wait_until(lab, clock_mono_ns() + SETTLE_MS * NS_PER_MS, error);
    if (status == STATUS_OK)
        status = measure_run(lab, &config, &step->measurement, error);
    if (status == STATUS_OK)
        status = diagnose_step(step, experiment->reference, error);
    if (status == STATUS_OK)
        judge(step, experiment->reference, scenario);
    return status;
}

/* NULL: the back end does not say. */
static struct backend_buckets *read_buckets(const struct lab *lab)
{
    struct backend_buckets *buckets = malloc(sizeof *buckets);
    if (buckets && !backend_read(target_find(&lab->target, "query"), buckets)) {
        free(buckets);
        buckets = NULL;
    }
    return buckets;
}

static enum status run_steps(struct experiment *experiment, struct lab *lab, struct error *error)
{
    const struct scenario *scenario = experiment->scenario;
    enum status status = judge_healthy(experiment, error);
    if (status == STATUS_OK)
        status = lab_set_environment(lab, &scenario->environment.settings, error);
    for (size_t i = 0; i < scenario->step_count && status == STATUS_OK; i++) {
        struct experiment_step *step = &experiment->steps[experiment->step_count++];
        step->step = &scenario->steps[i];
        status = run_step(experiment, lab, step, error);
    }
    return status;
}

enum status experiment_run(struct experiment *experiment, struct lab *lab,
                           const struct scenario *scenario, const struct reference *reference,
                           uint64_t seed, struct error *error)
{
    memset(experiment, 0, sizeof *experiment);
    experiment->scenario = scenario;
    experiment->reference = reference;
    experiment->seed = seed;
    experiment->verdict = VERDICT_INCONCLUSIVE;
    struct backend_buckets *before = read_buckets(lab);
    enum status status = run_steps(experiment, lab, error);
    struct backend_buckets *after = read_buckets(lab);
    if (before && after)
        backend_difference(before, after, &experiment->trace_latency);
    free(before);
    free(after);
    if (status != STATUS_OK) {
        experiment->cut_short = *error;
        return status;
    }
    experiment->verdict = experiment->healthy_result.verdict;
    for (size_t i = 0; i < experiment->step_count; i++)
        if (experiment->steps[i].result.verdict > experiment->verdict)
            experiment->verdict = experiment->steps[i].result.verdict;
    return STATUS_OK;
}

void experiment_release(struct experiment *experiment)
{
    for (size_t i = 0; i < experiment->step_count; i++) {
        struct experiment_step *step = &experiment->steps[i];
        measurement_release(&step->measurement);
        diagnosis_release(&step->with_baseline);
        diagnosis_release(&step->without_baseline);
    }
    experiment->step_count = 0;
}
