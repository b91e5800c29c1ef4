#include "loadgen/report/load_document.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/rng.h"
#include "loadgen/report/load_steps_json.h"
#include "tests/unit/rows.h"

enum { BYTES_MAX = 4 * 1024 * 1024, STEPS = 3 };

static struct load_figures figures;
static struct load_timeline timeline;
static struct load_document document;

static void count_one(struct rng *rng, unsigned number)
{
    enum load_outcome outcome =
        (enum load_outcome)(rng_below(rng, 3) == 0 ? rng_below(rng, LOAD_OUTCOME_COUNT) : LOAD_OK);
    struct load_sample sample = {
        .outcome = outcome,
        .step = (uint16_t)(number % STEPS),
        .censored = load_outcome_is_censored(outcome),
        .failed_check = (uint8_t)rng_below(rng, LOAD_JUDGED_MAX),
        .due_ns = NS_PER_S + number * NS_PER_MS,
        .sent_bytes = 7,
        .received_bytes = number,
        .connect_ns = number % 5 ? 0 : 1 + rng_below(rng, NS_PER_MS),
    };
    sample.seen_ns = sample.due_ns + rng_below(rng, 1000);
    sample.sent_ns = sample.seen_ns + rng_below(rng, NS_PER_MS);
    sample.first_byte_ns = sample.sent_ns + rng_below(rng, 9 * NS_PER_MS);
    sample.done_ns = sample.first_byte_ns + rng_below(rng, NS_PER_MS);
    load_figures_add(&figures, &sample);
    load_timeline_add(&timeline, &sample);
}

static int count_many(void **state)
{
    (void)state;
    struct rng rng;
    rng_seed(&rng, 11);
    assert_true(load_figures_init(&figures, STEPS));
    assert_true(load_timeline_init(&timeline, STEPS, NS_PER_S, 2 * NS_PER_S));
    for (unsigned i = 0; i < 3000; i++)
        count_one(&rng, i);
    return 0;
}

static int forget(void **state)
{
    (void)state;
    load_figures_release(&figures);
    load_timeline_release(&timeline);
    return 0;
}

static const struct load_drive drives[] = {
    {.is_known = true,
     .arrivals = {{{1, 2.5, 2.5}, {0.1, 100, 3}}, .stage_count = 2, .is_poisson = true}},
    {.is_known = true, .users = {7, 12.5, 0.5, 1, 2.25}},
};

static void write_steps(struct json_writer *writer, bool with_timeline)
{
    const struct load_steps steps = {.names = {"log in", "", "\xe2\x80\xa8</script>\"|\\"},
                                     .figures = &figures,
                                     .timeline = with_timeline ? &timeline : NULL,
                                     .drive = &drives[!with_timeline],
                                     .elapsed_s = 2.5};
    load_steps_json(writer, &steps);
}

static void write_load_report(struct buffer *out, bool with_timeline)
{
    struct json_writer writer;
    json_writer_init(&writer, out, 2);
    json_begin_object(&writer);
    const char *const words[][2] = {{"schema", "culprit.load-report/1"},
                                    {"name", "a | b"},
                                    {"target", "http://127.0.0.1:1"},
                                    {"verdict", "inconclusive"}};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        json_field_cstring(&writer, words[i][0], words[i][1]);
    json_field_u64(&writer, "seed", UINT64_MAX);
    json_field_bool(&writer, "interrupted", true);
    json_field_bool(&writer, "trustworthy", false);
    write_steps(&writer, with_timeline);
    json_key(&writer, "thresholds");
    json_raw(&writer, text_of("[{\"metric\":\"p99_ms\",\"step\":\"log in\",\"at_least\":3,"
                              "\"value\":null,\"holds\":false},"
                              "{\"metric\":\"rate\",\"at_most\":4,\"value\":5,\"holds\":true}]"));
    json_end_object(&writer);
}

static void check_thresholds(void)
{
    const struct load_document_threshold *first = &document.thresholds[0], *second = first + 1;
    assert_int_equal(document.threshold_count, 2);
    assert_string_equal(first->metric, "p99_ms");
    assert_string_equal(first->step, "log in");
    assert_true(first->is_lower && !first->is_known && !first->holds && first->limit == 3);
    assert_string_equal(second->step, "");
    assert_true(!second->is_lower && second->is_known && second->holds);
    assert_true(second->limit == 4 && second->value == 5);
}

static void check_same_part(const struct load_part *part, bool with_timeline)
{
    char words[LOAD_DRIVE_WORDS_MAX];
    assert_true(part->drive.is_known);
    assert_false(load_drive_differs(&drives[!with_timeline], &part->drive, words));
    assert_true(part->elapsed_s == 2.5);
    assert_int_equal(part->figures.step_count, STEPS);
    assert_memory_equal(part->figures.steps, figures.steps, STEPS * sizeof(*figures.steps));
    assert_string_equal(part->step_names[0], "log in");
    assert_string_equal(part->step_names[1], "");
    assert_string_equal(part->step_names[2], "\xe2\x80\xa8</script>\"|\\");
    assert_int_equal(part->timeline.slot_count, with_timeline ? timeline.slot_count : 0);
    if (!with_timeline)
        return;
    assert_int_equal(part->timeline.width_ns, timeline.width_ns);
    assert_memory_equal(part->timeline.slots, timeline.slots,
                        STEPS * timeline.slot_count * sizeof(*timeline.slots));
}

static void check_trip(void **state)
{
    (void)state;
    for (unsigned with_timeline = 0; with_timeline < 2; with_timeline++) {
        struct buffer out;
        struct error error = {0};
        buffer_init(&out, BYTES_MAX);
        write_load_report(&out, with_timeline);
        const struct text json = {buffer_text(&out), out.length_bytes};
        if (load_document_parse(&document, json, "x.json", &error) != STATUS_OK)
            fail_msg("%s", error.text);
        buffer_release(&out);
        assert_string_equal(document.schema, "culprit.load-report/1");
        assert_string_equal(document.name, "a | b");
        assert_string_equal(document.target, "http://127.0.0.1:1");
        assert_true(document.seed == UINT64_MAX && document.verdict == VERDICT_INCONCLUSIVE);
        assert_true(document.is_interrupted && !document.is_trustworthy);
        assert_int_equal(document.part_count, 1);
        check_thresholds();
        check_same_part(&document.parts[0], with_timeline);
        load_document_release(&document);
    }
}

static void check_run(void **state)
{
    (void)state;
    static const char *const names[] = {"healthy", "step 1: slow tax"};
    struct buffer out;
    struct json_writer writer;
    struct error error = {0};
    buffer_init(&out, BYTES_MAX);
    json_writer_init(&writer, &out, 0);
    json_begin_object(&writer);
    json_key(&writer, "steps"); /* of the experiment: not those of a load */
    json_begin_array(&writer);
    json_end_array(&writer);
    json_key(&writer, "windows");
    json_begin_array(&writer);
    for (size_t i = 0; i < 2; i++) {
        json_begin_object(&writer);
        json_field_cstring(&writer, "name", names[i]);
        json_key(&writer, "load");
        json_begin_object(&writer);
        write_steps(&writer, i == 1);
        json_end_object(&writer);
        json_end_object(&writer);
    }
    json_end_array(&writer);
    json_key(&writer, "findings");
    json_raw(&writer, text_of("[{\"kind\":\"n_plus_one\",\"service\":\"cart\",\"operation\":"
                              "\"GET \\u003c\",\"cost_ms\":2.5,\"saving_ms\":1}]"));
    json_key(&writer, "thresholds");
    json_raw(&writer, text_of("[{\"threshold\":\"edges: a\",\"outcome\":\"broken\","
                              "\"why\":\"it is 3\",\"value\":null,\"traces\":[]}]"));
    json_raw(&writer, text_of("\"seed\":7,\"verdict\":\"fail\",\"cut_short\":\"\","
                              "\"scenario\":\"slow-tax\",\"schema\":\"culprit.run/1\""));
    json_end_object(&writer);
    const struct text json = {buffer_text(&out), out.length_bytes};
    if (load_document_parse(&document, json, "x.json", &error) != STATUS_OK)
        fail_msg("%s", error.text);
    buffer_release(&out);
    assert_string_equal(document.name, "slow-tax");
    assert_true(document.verdict == VERDICT_FAIL && document.is_trustworthy);
    assert_false(document.is_interrupted);
    assert_int_equal(document.demand_count, 1);
    assert_string_equal(document.demands[0].words, "edges: a");
    assert_string_equal(document.demands[0].outcome, "broken");
    assert_string_equal(document.demands[0].why, "it is 3");
    assert_int_equal(document.finding_count, 1);
    assert_string_equal(document.findings[0].operation, "GET <");
    assert_true(document.findings[0].cost_ms == 2.5 && document.findings[0].saving_ms == 1);
    assert_int_equal(document.part_count, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_string_equal(document.parts[i].name, names[i]);
        check_same_part(&document.parts[i], i == 1);
    }
    load_document_release(&document);
    load_document_release(&document);
}

/* A small report; a row puts `to` in place of `from`. */
#define NONE "{\"count\":0,\"sum_ns\":0,\"min_ns\":0,\"max_ns\":0,\"saturated\":0,\"buckets\":[]}"
#define ONE  "{\"count\":1,\"sum_ns\":9,\"min_ns\":9,\"max_ns\":9,\"saturated\":0,\"buckets\":[9,1]}"
static const char small[] =
    "{\"schema\":\"culprit.load-report/1\",\n\"name\":\"n\",\"target\":\"t\",\"seed\":1,\n"
    "\"verdict\":\"pass\",\"interrupted\":false,\"trustworthy\":true,\"elapsed_s\":1,\n"
    "\"steps\":[{\"name\":\"s\",\"requests\":2,\"censored\":1,\"censored_max_ns\":\"5\",\n"
    "\"outcomes\":{\"ok\":1,\"timed out\":1},\"sent_bytes\":1,\"received_bytes\":1,\n"
    "\"connects\":0,\"failed_checks\":[],\"histograms\":{\"latency\":" ONE ",\n"
    "\"from_sending\":" ONE ",\"lag\":" ONE ",\"late\":" ONE ",\"connecting\":" NONE ",\n"
    "\"first_byte\":" NONE "},\"timeline\":{\"width_s\":0.1,\"slots\":[\n"
    "{\"due\":2,\"failed\":1,\"censored\":1,\"buckets\":[9,1]}]}}],\n\"thresholds\":[]}\n";

struct bad_row {
    const char *it;
    const char *from, *to;
    const char *words; /* in the error, its line among them */
};

static const struct bad_row bad_rows[] = {
    {"it refuses what is not JSON", "{", "<", "x.json:1:1:"},
    {"it refuses what is no object", "{\"schema\"", "[{\"schema\"", "an object"},
    {"it refuses another schema", "report/1", "report/2", "\"schema\" is neither"},
    {"it refuses a schema that is no text", "\"culprit.load-report/1\"", "[]", "neither"},
    {"it refuses no schema", "schema", "scheme", "neither"},
    {"it refuses an unknown verdict", "\"pass\"", "\"maybe\"", "x.json:3: key \"verdict\""},
    {"it refuses a missing key", "\"seed\":1,", "", "\"seed\" is missing"},
    {"it refuses a key written twice", "\"seed\":1,", "\"seed\":1,\"seed\":1,", "twice"},
    {"it refuses a number that is no flag", ":false", ":0", "true or false"},
    {"it refuses a time below 0", "\"elapsed_s\":1", "\"elapsed_s\":-1", "\"elapsed_s\""},
    {"it refuses a report without steps", "\"steps\":[", "\"steps\":[],\"x\":[", "no steps"},
    {"it refuses a report of a version without histograms", "\"histograms\"", "\"times\"",
     "\"histograms\" is missing"},
    {"it refuses a negative count", "\"requests\":2", "\"requests\":-2", "whole number"},
    {"it refuses an unknown outcome", "timed out", "timed in", "outcome"},
    {"it refuses an outcome twice", "timed out", "ok", "outcome"},
    {"it refuses more outcomes than requests", "\"requests\":2", "\"requests\":1", "more than"},
    {"it refuses fewer outcomes than requests", "\"requests\":2", "\"requests\":3", "fewer"},
    {"it refuses answers that have no latency", "\"censored\":1,\"censored_max",
     "\"censored\":0,\"censored_max", "latencies"},
    {"it refuses a histogram that does not add up", "\"count\":1", "\"count\":2", "sum of its"},
    {"it refuses a check that is not", "checks\":[", "checks\":[{\"check\":99,\"count\":1}",
     "no such check"},
    {"it refuses a check twice", "checks\":[",
     "checks\":[{\"check\":1,\"count\":1},{\"check\":1,\"count\":1}", "twice"},
    {"it refuses slots of no width", "\"width_s\":0.1", "\"width_s\":0", "\"width_s\""},
    {"it refuses a width behind the slots", "\"width_s\":0.1,", "", "width_s"},
    {"it refuses a slot that does not add up", "{\"due\":2,", "{\"due\":3,", "add up"},
    {"it refuses a slot with more failed than due", "\"failed\":1", "\"failed\":3", "add up"},
    {"it refuses slots without some of the requests", "{\"due\":2,\"failed\":1,\"censored\":1",
     "{\"due\":1,\"failed\":0,\"censored\":0", "slots do not hold"},
    {"it refuses slots that miss more than there is", "\"width_s\":0.1",
     "\"width_s\":0.1,\"missing\":3", "slots do not hold"},
    {"it refuses a slot's index beyond the last", "[9,1]}]}}]", "[1152,1]}]}}]", "out of range"},
    {"it refuses a slot's indices out of order", "[9,1]}]}}]", "[9,1,9,1]}]}}]", "out of order"},
    {"it refuses more than a slot counts", "{\"due\":2", "{\"due\":4294967296", "slot counts"},
    {"it refuses a threshold without a limit", "thresholds\":[",
     "thresholds\":[{\"metric\":\"m\",\"value\":1,\"holds\":true}", "either"},
    {"it refuses a threshold with both limits", "thresholds\":[",
     "thresholds\":[{\"metric\":\"m\",\"at_most\":1,\"at_least\":1,\"value\":1,\"holds\":true}",
     "either"},
    {"it refuses arrivals at no rate", "\"seed\":1", "\"arrivals\":{\"stages\":[]},\"seed\":1",
     "stage"},
    {"it refuses a load by nobody", "\"seed\":1",
     "\"users\":{\"count\":0,\"duration_s\":1},\"seed\":1", "nobody"},
    {"it refuses a worker in no state", "\"seed\":1", "\"workers\":[{\"host\":\"a\"}],\"seed\":1",
     "\"state\" is missing"},
    {"it refuses what follows the end", "[]}\n", "[]} 1", "x.json"},
    {"it refuses what is cut off", "[]}\n", "", "x.json"},
};

static char *changed(const char *from, const char *to)
{
    const char *at = strstr(small, from);
    assert_non_null(at);
    char *json = malloc(sizeof(small) + strlen(to));
    assert_non_null(json);
    sprintf(json, "%.*s%s%s", (int)(at - small), small, to, at + strlen(from));
    return json;
}

static void check_bad(void **state)
{
    const struct bad_row *row = *state;
    struct error error = {0};
    char *json = changed(row->from, row->to);
    assert_int_equal(load_document_parse(&document, text_of(json), "x.json", &error),
                     STATUS_INVALID);
    load_document_release(&document);
    free(json);
    if (strstr(error.text, row->words) == NULL || strncmp(error.text, "x.json:", 7) != 0)
        fail_msg("\"%s\" says nothing of \"%s\"", error.text, row->words);
}

static const struct bad_row good_rows[] = {
    {"it reads a small report", "{", "{", NULL},
    {"it passes over keys of a later version", "\"seed\":1", "\"later\":[{\"x\":{}}],\"seed\":1",
     NULL},
    {"it reads slots that miss some of the requests",
     "\"width_s\":0.1,\"slots\":[\n{\"due\":2,\"failed\":1,\"censored\":1",
     "\"width_s\":0.1,\"missing\":1,\"slots\":[\n{\"due\":1,\"failed\":0,\"censored\":0", NULL},
    {"it passes over keys of a later version in a step", "\"requests\":2",
     "\"steps\":[1],\"requests\":2", NULL},
};

static void check_good(void **state)
{
    const struct bad_row *row = *state;
    struct error error = {0};
    char *json = changed(row->from, row->to);
    if (load_document_parse(&document, text_of(json), "x.json", &error) != STATUS_OK)
        fail_msg("%s", error.text);
    free(json);
    assert_int_equal(document.parts[0].figures.steps[0].outcomes[LOAD_TIMEOUT], 1);
    load_document_release(&document);
}

static void check_short(void **state)
{
    (void)state;
    struct error error = {0};
    char *json = changed("\"seed\":1", "\"aborted\":true,\"workers\":[{\"state\":\"done\"},"
                                       "{\"state\":\"lost\"}],\"seed\":1");
    assert_int_equal(load_document_parse(&document, text_of(json), "x.json", &error), STATUS_OK);
    free(json);
    assert_true(document.is_aborted && document.is_partial && !document.is_interrupted);
    assert_false(document.parts[0].drive.is_known);
    load_document_release(&document);
}

static void check_file(void **state)
{
    (void)state;
    struct error error = {0};
    assert_int_equal(load_document_read(&document, "/nowhere/at/all.json", &error),
                     STATUS_NOT_FOUND);
    assert_non_null(strstr(error.text, "/nowhere/at/all.json"));
    load_document_release(&document);
}

int main(void)
{
    static struct rows all;
    rows_one(&all, "it brings back a load report, bucket by bucket", check_trip);
    rows_one(&all, "it brings back the windows of an experiment", check_run);
    ROWS(&all, good_rows, check_good);
    ROWS(&all, bad_rows, check_bad);
    rows_one(&all, "it tells what ended early and what is not whole", check_short);
    rows_one(&all, "it names a file that is not there", check_file);
    return _cmocka_run_group_tests("load_document", all.tests, all.count, count_many, forget);
}
