#include "loadgen/experiment/judge.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Records a reason; what is inconclusive stays so. */
PRINTF_LIKE(3, 4)
static void object(struct judge_result *result, enum verdict verdict, const char *format, ...)
{
    if (verdict > result->verdict)
        result->verdict = verdict;
    if (result->reason_count == JUDGE_REASONS_MAX)
        return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(result->reasons[result->reason_count++], JUDGE_REASON_MAX, format, arguments);
    va_end(arguments);
}

bool judge_matches(const struct expectation *expected, const struct finding *finding)
{
    return expected->kind == finding->kind && text_is(finding->service, expected->service) &&
           text_is(finding->operation, expected->operation) &&
           (expected->peer[0] == '\0' || text_is(finding->peer, expected->peer));
}

/* Marks what the finding answers; false: nobody expected it. */
static bool is_expected(const struct scenario_step *step, const struct finding *finding,
                        struct judge_result *result)
{
    bool expected = false;
    for (size_t i = 0; i < step->expected_count; i++) {
        if (!judge_matches(&step->expected[i], finding))
            continue;
        result->found[i] = true;
        expected = true;
    }
    return expected;
}

static void judge_findings(const struct scenario_step *step, const struct diagnosis *diagnosis,
                           bool with_baseline, struct judge_result *result)
{
    for (size_t i = 0; i < diagnosis->finding_count; i++) {
        const struct finding *finding = &diagnosis->findings[i];
        if (!finding_counts(finding, with_baseline) || is_expected(step, finding, result))
            continue;
        object(result, VERDICT_FAIL, "nobody planted %s at %.*s \"%.*s\"%s",
               finding_kind_word(finding->kind), TEXT_ARGS(finding->service),
               TEXT_ARGS(finding->operation), with_baseline ? "" : " (judged without a baseline)");
    }
}

static void judge_expectations(const struct scenario_step *step, struct judge_result *result)
{
    for (size_t i = 0; i < step->expected_count; i++) {
        const struct expectation *expected = &step->expected[i];
        if (!result->found[i])
            object(result, VERDICT_FAIL, "%s at %s \"%s\" was not found",
                   finding_kind_word(expected->kind), expected->service, expected->operation);
    }
}

/* Of both windows, those left out that thresholds judge. */
static uint64_t failed_requests(const struct judge_input *input)
{
    uint64_t failed = 0;
    if (!threshold_is_about_errors(&input->step->thresholds))
        failed += input->failed_requests;
    if (input->healthy_thresholds == NULL || !threshold_is_about_errors(input->healthy_thresholds))
        failed += input->healthy_failed_requests;
    return failed;
}

void judge_step(const struct judge_input *input, struct judge_result *result)
{
    *result = (struct judge_result){.verdict = VERDICT_PASS};
    judge_findings(input->step, input->with_baseline, true, result);
    if (input->without_baseline)
        judge_findings(input->step, input->without_baseline, false, result);
    judge_expectations(input->step, result);
    if (failed_requests(input) > 0)
        object(result, VERDICT_FAIL, "%" PRIu64 " of %" PRIu64 " requests failed",
               failed_requests(input), input->requests);
    if (input->requests == 0)
        object(result, VERDICT_INCONCLUSIVE, "no request was sent");
    if (input->arrived < JUDGE_ARRIVED_LEAST)
        object(result, VERDICT_INCONCLUSIVE,
               "%.1f %% of the requests have all their spans, %.0f %% are needed",
               input->arrived * 100, JUDGE_ARRIVED_LEAST * 100);
    if (input->unsent_requests > 0)
        object(result, VERDICT_INCONCLUSIVE,
               "%" PRIu64 " requests were due and never sent: the load was not what was asked for",
               input->unsent_requests);
}

void judge_add_thresholds(const struct threshold_judgement *judgements, size_t count,
                          struct judge_result *result)
{
    static const enum verdict verdicts[] = {[THRESHOLD_HOLDS] = VERDICT_PASS,
                                            [THRESHOLD_BROKEN] = VERDICT_FAIL,
                                            [THRESHOLD_UNSURE] = VERDICT_INCONCLUSIVE};
    for (size_t i = 0; i < count; i++) {
        char line[THRESHOLD_LINE_MAX];
        if (judgements[i].outcome == THRESHOLD_HOLDS)
            continue;
        threshold_line(&judgements[i], line);
        object(result, verdicts[judgements[i].outcome], "%s", line);
    }
}

double judge_predicted_saving_ms(const struct diagnosis *diagnosis, bool with_baseline)
{
    double sum = 0;
    for (size_t i = 0; i < diagnosis->finding_count; i++)
        if (finding_counts(&diagnosis->findings[i], with_baseline))
            sum += diagnosis->findings[i].saving_ms;
    return sum;
}
