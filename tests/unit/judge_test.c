#include "loadgen/base/verdict.h"
#include "loadgen/experiment/judge.h"

#include <string.h>

#include "tests/unit/rows.h"

static struct finding finding_of(enum finding_kind kind, const char *service, const char *operation,
                                 enum finding_state state, enum finding_confidence confidence)
{
    return (struct finding){.kind = kind,
                            .service = text_of(service),
                            .operation = text_of(operation),
                            .peer = text_of("tax"),
                            .state = state,
                            .confidence = confidence,
                            .saving_ms = 10};
}

/* What one row finds: a letter each. P: what was planted. H: it as a hint. S: it as standing.
 * W: the right kind at the wrong operation. K: the wrong kind. */
static struct finding finding_of_letter(char letter)
{
    switch (letter) {
    case 'P':
        return finding_of(FINDING_SEQUENTIAL_CALLS, "pricing", "POST /quotes", FINDING_REGRESSION,
                          FINDING_PROVED);
    case 'H':
        return finding_of(FINDING_SEQUENTIAL_CALLS, "pricing", "POST /quotes", FINDING_REGRESSION,
                          FINDING_HINT);
    case 'S':
        return finding_of(FINDING_SEQUENTIAL_CALLS, "pricing", "POST /quotes", FINDING_STANDING,
                          FINDING_STRONG);
    case 'W':
        return finding_of(FINDING_SEQUENTIAL_CALLS, "pricing", "POST /else", FINDING_REGRESSION,
                          FINDING_STRONG);
    default:
        return finding_of(FINDING_BROKEN_PROPAGATION, "pricing", "POST /quotes", FINDING_REGRESSION,
                          FINDING_STRONG);
    }
}

struct row {
    const char *it;
    const char *found; /* with a baseline */
    const char *alone; /* without; NULL: not judged */
    const char *peer;  /* asked for */
    bool expects;
    uint64_t failed, unsent;
    double arrived;
    enum verdict verdict;
    size_t reasons;
};

static const struct row rows[] = {
    {"it passes what was planted and found", "P", NULL, "", true, 0, 0, 1, VERDICT_PASS, 0},
    {"it passes with the right peer", "P", NULL, "tax", true, 0, 0, 1, VERDICT_PASS, 0},
    {"it fails the wrong peer", "P", NULL, "fx", true, 0, 0, 1, VERDICT_FAIL, 2},
    {"it passes a healthy system", "", "", "", false, 0, 0, 1, VERDICT_PASS, 0},
    {"it fails what was not found", "", NULL, "", true, 0, 0, 1, VERDICT_FAIL, 1},
    {"it does not count a hint", "H", NULL, "", true, 0, 0, 1, VERDICT_FAIL, 1},
    {"it does not count what always was so", "S", NULL, "", true, 0, 0, 1, VERDICT_FAIL, 1},
    {"it lets stand beside it what always was so", "PS", NULL, "", true, 0, 0, 1, VERDICT_PASS, 0},
    {"it fails the wrong operation, and the one missing", "W", NULL, "", true, 0, 0, 1,
     VERDICT_FAIL, 2},
    {"it fails one finding too many", "PK", NULL, "", true, 0, 0, 1, VERDICT_FAIL, 1},
    {"it fails a finding where nothing was planted", "P", "", "", false, 0, 0, 1, VERDICT_FAIL, 1},
    {"it fails a standing finding of a healthy system without a baseline", "", "S", "", false, 0, 0,
     1, VERDICT_FAIL, 1},
    {"it does not count a regression without a baseline", "", "P", "", false, 0, 0, 1, VERDICT_PASS,
     0},
    {"it fails failed requests", "P", NULL, "", true, 3, 0, 1, VERDICT_FAIL, 1},
    {"it is not sure when spans are missing", "P", NULL, "", true, 0, 0, 0.97, VERDICT_INCONCLUSIVE,
     1},
    {"it lets a few missing spans pass", "P", NULL, "", true, 0, 0, 0.985, VERDICT_PASS, 0},
    {"it is not sure when the load was not sent", "P", NULL, "", true, 0, 1, 1,
     VERDICT_INCONCLUSIVE, 1},
};

static struct diagnosis diagnosis_of(const char *letters, struct finding *room)
{
    struct diagnosis diagnosis = {.findings = room};
    for (; letters && *letters; letters++)
        room[diagnosis.finding_count++] = finding_of_letter(*letters);
    return diagnosis;
}

static void check(void **state)
{
    const struct row *row = *state;
    struct finding first[4], second[4];
    struct diagnosis with = diagnosis_of(row->found, first);
    struct diagnosis without = diagnosis_of(row->alone, second);
    static struct scenario_step step;
    memset(&step, 0, sizeof step);
    step.expected_count = row->expects;
    step.expected[0] = (struct expectation){
        .kind = FINDING_SEQUENTIAL_CALLS, .service = "pricing", .operation = "POST /quotes"};
    text_copy(text_of(row->peer), step.expected[0].peer, sizeof step.expected[0].peer);
    struct judge_result result;
    judge_step(&(struct judge_input){.step = &step,
                                     .with_baseline = &with,
                                     .without_baseline = row->alone ? &without : NULL,
                                     .requests = 100,
                                     .failed_requests = row->failed,
                                     .unsent_requests = row->unsent,
                                     .arrived = row->arrived},
               &result);
    assert_int_equal(result.verdict, row->verdict);
    assert_int_equal(result.reason_count, row->reasons);
}

static void check_saving(void **state)
{
    (void)state;
    struct finding room[4];
    struct diagnosis diagnosis = diagnosis_of("PHSK", room);
    assert_true(judge_predicted_saving_ms(&diagnosis, true) == 20);
    assert_true(judge_predicted_saving_ms(&diagnosis, false) == 10);
}

static void check_no_request(void **state)
{
    (void)state;
    static const struct scenario_step step;
    struct diagnosis empty = {0};
    struct judge_result result;
    judge_step(&(struct judge_input){.step = &step, .with_baseline = &empty, .arrived = 1},
               &result);
    assert_int_equal(result.verdict, VERDICT_INCONCLUSIVE);
}

struct failed_row {
    const char *it;
    uint64_t failed, healthy_failed;
    bool is_judged, is_healthy_judged; /* by a threshold of the window */
    const char *reason;                /* NULL: none */
};

static const struct failed_row failed_rows[] = {
    {"it fails failed requests of both windows", 3, 4, false, false, "7 of 100 requests failed"},
    {"it leaves errors to the threshold that judges them", 3, 0, true, false, NULL},
    {"it leaves errors of the healthy window to its own threshold", 3, 4, false, true,
     "3 of 100 requests failed"},
    {"it leaves errors of one window to its threshold alone", 3, 4, true, false,
     "4 of 100 requests failed"},
    {"it leaves all errors to thresholds", 3, 4, true, true, NULL},
};

static void check_failed(void **state)
{
    const struct failed_row *row = *state;
    static const struct threshold errors = {.kind = THRESHOLD_LOAD,
                                            .load = {.metric = LOAD_METRIC_ERROR_SHARE}};
    static struct scenario_step step;
    static struct thresholds healthy;
    struct diagnosis empty = {0};
    struct judge_result result;
    step.thresholds.items[0] = healthy.items[0] = errors;
    step.thresholds.count = row->is_judged;
    healthy.count = row->is_healthy_judged;
    judge_step(&(struct judge_input){.step = &step,
                                     .with_baseline = &empty,
                                     .requests = 100,
                                     .failed_requests = row->failed,
                                     .healthy_failed_requests = row->healthy_failed,
                                     .healthy_thresholds = &healthy,
                                     .arrived = 1},
               &result);
    assert_int_equal(result.reason_count, row->reason != NULL);
    if (row->reason != NULL)
        assert_string_equal(result.reasons[0], row->reason);
}

struct threshold_row {
    const char *it;
    enum threshold_outcome first, second;
    enum verdict verdict;
    size_t reasons;
};

static const struct threshold_row threshold_rows[] = {
    {"it passes what holds", THRESHOLD_HOLDS, THRESHOLD_HOLDS, VERDICT_PASS, 0},
    {"it fails what is broken", THRESHOLD_HOLDS, THRESHOLD_BROKEN, VERDICT_FAIL, 1},
    {"it is not sure when a threshold is not", THRESHOLD_UNSURE, THRESHOLD_HOLDS,
     VERDICT_INCONCLUSIVE, 1},
    {"it tells a broken one beside an unsure one", THRESHOLD_UNSURE, THRESHOLD_BROKEN,
     VERDICT_INCONCLUSIVE, 2},
};

static void check_thresholds(void **state)
{
    const struct threshold_row *row = *state;
    static struct threshold_judgement judgements[2];
    judgements[0] = (struct threshold_judgement){
        .outcome = row->first, .words = "edges: a -> b must be there", .why = "no call"};
    judgements[1] = (struct threshold_judgement){
        .outcome = row->second, .words = "load: rate at least 2", .why = "it is 1"};
    struct judge_result result = {.verdict = VERDICT_PASS};
    judge_add_thresholds(judgements, 2, &result);
    assert_int_equal(result.verdict, row->verdict);
    assert_int_equal(result.reason_count, row->reasons);
    if (row->second == THRESHOLD_BROKEN)
        assert_string_equal(result.reasons[row->reasons - 1],
                            "BROKEN: load: rate at least 2, it is 1");
    /* what was found already stays */
    result.verdict = VERDICT_INCONCLUSIVE;
    judge_add_thresholds(judgements, 2, &result);
    assert_int_equal(result.verdict, VERDICT_INCONCLUSIVE);
}

int main(void)
{
    static struct rows all;
    ROWS(&all, rows, check);
    ROWS(&all, failed_rows, check_failed);
    ROWS(&all, threshold_rows, check_thresholds);
    rows_one(&all, "it adds up the savings of what counts", check_saving);
    rows_one(&all, "it is not sure when no request was sent", check_no_request);
    return rows_run("verdict", &all);
}
