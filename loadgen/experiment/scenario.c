#include "loadgen/experiment/scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "loadgen/base/fields.h"
#include "loadgen/load/schedule_read.h"
#include "loadgen/threshold/threshold_read.h"

enum { FILE_BYTES_MAX = 256 * 1024, VALUE_MAX = 47 };

#define RATE_MIN       0.1
#define RATE_MAX       100000.0
#define DURATION_MIN_S 0.5
#define DURATION_MAX_S 3600.0

static const char schema_word[] = "culprit.scenario/1";

#define TEXT_READER(function, structure, member)                                                   \
    static enum status function(struct fields *fields, void *into)                                 \
    {                                                                                              \
        return fields_text(fields, into, sizeof((structure *)0)->member);                          \
    }

TEXT_READER(read_name, struct scenario, name)
TEXT_READER(read_title, struct scenario, title)
TEXT_READER(read_service, struct expectation, service)
TEXT_READER(read_operation, struct expectation, operation)
TEXT_READER(read_peer, struct expectation, peer)
TEXT_READER(read_prose, struct scenario_lesson, symptom)

static enum status read_rate(struct fields *fields, void *into)
{
    return fields_number(fields, RATE_MIN, RATE_MAX, into);
}

static enum status read_duration(struct fields *fields, void *into)
{
    return fields_number(fields, DURATION_MIN_S, DURATION_MAX_S, into);
}

static enum status read_lines(struct fields *fields, void *into)
{
    double lines = 0;
    enum status status = fields_number(fields, 1, 100, &lines);
    if (status == STATUS_OK && lines != (double)(unsigned)lines)
        return fields_fail(fields, "must be a whole number");
    *(unsigned *)into = (unsigned)lines;
    return status;
}

static enum status read_cart_lines(struct fields *fields, void *into)
{
    static const struct field table[] = {
        {"min", read_lines, offsetof(struct scenario_environment, lines_min), true},
        {"max", read_lines, offsetof(struct scenario_environment, lines_max), true},
        {"median", read_lines, offsetof(struct scenario_environment, lines_median), false},
    };
    struct scenario_environment *environment = into;
    enum status status = fields_object(fields, table, sizeof table / sizeof table[0], into, NULL);
    if (status != STATUS_OK)
        return status;
    if (environment->lines_min > environment->lines_max)
        return fields_fail(fields, "\"min\" is above \"max\"");
    if (environment->lines_median != 0 && (environment->lines_median < environment->lines_min ||
                                           environment->lines_median > environment->lines_max))
        return fields_fail(fields, "\"median\" is not between \"min\" and \"max\"");
    return STATUS_OK;
}

static enum status add_setting(struct fields *fields, struct settings *settings,
                               struct text written)
{
    struct error words = {0};
    if (settings_add(settings, written, &words) != STATUS_OK)
        return fields_fail(fields, "%s", words.text);
    return STATUS_OK;
}

/* "tax.latency_ms": 40 */
static enum status read_settings(struct fields *fields, void *into)
{
    if (fields->reader.token != JSON_OBJECT_BEGIN)
        return fields_fail(fields, "must be an object");
    while (json_reader_next(&fields->reader) == JSON_KEY) {
        fields_take_key(fields);
        enum json_token token = json_reader_next(&fields->reader);
        const char *word = token == JSON_TRUE ? "true" : token == JSON_FALSE ? "false" : NULL;
        if (!word && token != JSON_NUMBER && token != JSON_STRING)
            return fields_fail(fields, "must be a number, a string, true or false");
        struct text value = word ? text_of(word) : fields->reader.text;
        char written[FIELDS_KEY_MAX + 64];
        if (strchr(fields->key, '='))
            return fields_fail(fields, "must be SERVICE.NAME");
        if (value.length > VALUE_MAX || fields->reader.has_escapes)
            return fields_fail(fields, "value of at most %d plain bytes", VALUE_MAX);
        snprintf(written, sizeof written, "%s=%.*s", fields->key, TEXT_ARGS(value));
        enum status status = add_setting(fields, into, text_of(written));
        if (status != STATUS_OK)
            return status;
    }
    return fields->reader.token == JSON_OBJECT_END ? STATUS_OK : fields_fail(fields, "bad JSON");
}

static enum status read_fault(struct fields *fields, void *into)
{
    if (fields->reader.token != JSON_STRING || fields->reader.has_escapes)
        return fields_fail(fields, "must hold plain strings");
    return add_setting(fields, into, fields->reader.text);
}

static enum status read_faults(struct fields *fields, void *into)
{
    size_t count = 0;
    return fields_array(fields, read_fault, &(struct field_items){into, 0, SETTINGS_MAX, &count});
}

static enum status read_kind(struct fields *fields, void *into)
{
    if (fields->reader.token != JSON_STRING || !finding_kind_of(fields->reader.text, into))
        return fields_fail(fields, "must be a kind of finding");
    return STATUS_OK;
}

static enum status read_expectation(struct fields *fields, void *into)
{
    static const struct field table[] = {
        {"kind", read_kind, offsetof(struct expectation, kind), true},
        {"service", read_service, offsetof(struct expectation, service), true},
        {"operation", read_operation, offsetof(struct expectation, operation), true},
        {"peer", read_peer, offsetof(struct expectation, peer), false},
    };
    return fields_object(fields, table, sizeof table / sizeof table[0], into, NULL);
}

static enum status read_expected_findings(struct fields *fields, void *into)
{
    struct scenario_step *step = into;
    step->expected_count = 0;
    return fields_array(fields, read_expectation,
                        &(struct field_items){step->expected, sizeof step->expected[0],
                                              SCENARIO_EXPECTED_MAX, &step->expected_count});
}

static enum status read_expect(struct fields *fields, void *into)
{
    static const struct field table[] = {
        {"findings", read_expected_findings, 0, true},
        {"thresholds", threshold_read, offsetof(struct scenario_step, thresholds), false},
    };
    return fields_object(fields, table, sizeof table / sizeof table[0], into, NULL);
}

static enum status read_step(struct fields *fields, void *into)
{
    static const struct field table[] = {
        {"title", read_title, offsetof(struct scenario_step, title), true},
        {"faults", read_faults, offsetof(struct scenario_step, faults), true},
        {"expect", read_expect, 0, true},
    };
    return fields_object(fields, table, sizeof table / sizeof table[0], into, NULL);
}

static enum status read_steps(struct fields *fields, void *into)
{
    struct scenario *scenario = into;
    enum status status =
        fields_array(fields, read_step,
                     &(struct field_items){scenario->steps, sizeof scenario->steps[0],
                                           SCENARIO_STEPS_MAX, &scenario->step_count});
    if (status == STATUS_OK && scenario->step_count == 0)
        return fields_fail(fields, "must not be empty");
    return status;
}

static enum status read_arrivals(struct fields *fields, void *into)
{
    const struct schedule_plan *arrivals = into;
    enum status status = schedule_read(fields, into);
    if (status != STATUS_OK)
        return status;
    double duration_s = schedule_duration_s(arrivals), peak = schedule_peak(arrivals);
    if (duration_s < DURATION_MIN_S || duration_s > DURATION_MAX_S)
        return fields_fail(fields, "all stages together must last %g .. %g s", DURATION_MIN_S,
                           DURATION_MAX_S);
    if (peak < RATE_MIN || peak > RATE_MAX)
        return fields_fail(fields, "the highest rate must lie in %g .. %g", RATE_MIN, RATE_MAX);
    return STATUS_OK;
}

/* Arrivals are stages or, as one stage of their own, a rate and a duration. */
struct environment_text {
    struct scenario_environment environment; /* first */
    double rate, duration_s;
};

static enum status read_environment(struct fields *fields, void *into)
{
    enum { HAS_RATE = 1, HAS_DURATION = 2, HAS_ARRIVALS = 4, HAS_LOAD = 7 };
    static const struct field table[] = {
        {"rate", read_rate, offsetof(struct environment_text, rate), false},
        {"duration_s", read_duration, offsetof(struct environment_text, duration_s), false},
        {"arrivals", read_arrivals, offsetof(struct environment_text, environment.arrivals), false},
        {"cart_lines", read_cart_lines, 0, true},
        {"settings", read_settings, offsetof(struct environment_text, environment.settings), true},
    };
    struct environment_text text = {0};
    uint32_t seen = 0;
    enum status status = fields_object(fields, table, sizeof table / sizeof table[0], &text, &seen);
    if (status != STATUS_OK)
        return status;
    unsigned load = seen & HAS_LOAD;
    if (load != (HAS_RATE | HAS_DURATION) && load != HAS_ARRIVALS)
        return fields_fail(fields, "either \"rate\" and \"duration_s\", or \"arrivals\"");
    if (load != HAS_ARRIVALS)
        schedule_set_constant(&text.environment.arrivals, text.rate, text.duration_s);
    *(struct scenario_environment *)into = text.environment;
    return STATUS_OK;
}

static enum status read_lesson(struct fields *fields, void *into)
{
    static const struct field table[] = {
        {"symptom", read_prose, offsetof(struct scenario_lesson, symptom), true},
        {"where_to_look", read_prose, offsetof(struct scenario_lesson, where_to_look), true},
        {"what_the_trace_shows", read_prose, offsetof(struct scenario_lesson, what_the_trace_shows),
         true},
        {"fix", read_prose, offsetof(struct scenario_lesson, fix), true},
    };
    return fields_object(fields, table, sizeof table / sizeof table[0], into, NULL);
}

static enum status read_healthy(struct fields *fields, void *into)
{
    static const struct field table[] = {{"thresholds", threshold_read, 0, true}};
    return fields_object(fields, table, sizeof table / sizeof table[0], into, NULL);
}

static enum status read_schema(struct fields *fields, void *into)
{
    (void)into;
    return fields_word(fields, schema_word);
}

/* A scenario has either steps or, as one step of its own, faults and what they lead to. */
struct document {
    struct scenario scenario;
    struct scenario_step only;
};

enum { FIELD_FAULTS = 5, FIELD_EXPECT, FIELD_STEPS };

static const struct field document_fields[] = {
    {"$schema", fields_editor_hint, 0, false},
    {"schema", read_schema, 0, true},
    {"name", read_name, offsetof(struct document, scenario.name), true},
    {"title", read_title, offsetof(struct document, scenario.title), true},
    {"environment", read_environment, offsetof(struct document, scenario.environment), true},
    [FIELD_FAULTS] = {"faults", read_faults, offsetof(struct document, only.faults), false},
    [FIELD_EXPECT] = {"expect", read_expect, offsetof(struct document, only), false},
    [FIELD_STEPS] = {"steps", read_steps, offsetof(struct document, scenario), false},
    {"healthy", read_healthy, offsetof(struct document, scenario.healthy), false},
    {"lesson", read_lesson, offsetof(struct document, scenario.lesson), true},
};

static enum status settle_steps(const struct fields *fields, struct document *document,
                                uint32_t seen)
{
    bool has_steps = seen & 1u << FIELD_STEPS;
    bool has_faults = seen & 1u << FIELD_FAULTS, has_expect = seen & 1u << FIELD_EXPECT;
    if (has_steps ? has_faults || has_expect : !(has_faults && has_expect))
        return fields_fail(fields, "either \"steps\", or \"faults\" and \"expect\"");
    document->scenario.has_steps = has_steps;
    if (!has_steps) {
        document->scenario.steps[0] = document->only;
        document->scenario.step_count = 1;
    }
    return STATUS_OK;
}

enum status scenario_parse(struct scenario *scenario, const char *json, size_t length,
                           const char *name, struct error *error)
{
    struct document *document = calloc(1, sizeof *document);
    if (!document)
        return error_set(error, STATUS_NO_MEMORY, "%s: no memory", name);
    struct fields fields;
    uint32_t seen = 0;
    fields_init(&fields, json, length, name, error);
    (void)json_reader_next(&fields.reader);
    enum status status =
        fields_object(&fields, document_fields, sizeof document_fields / sizeof document_fields[0],
                      document, &seen);
    if (status == STATUS_OK)
        status = settle_steps(&fields, document, seen);
    if (status == STATUS_OK)
        status = fields_end(&fields);
    if (status == STATUS_OK)
        *scenario = document->scenario;
    free(document);
    return status;
}

enum status scenario_read(struct scenario *scenario, const char *path, struct error *error)
{
    struct buffer file;
    buffer_init(&file, FILE_BYTES_MAX);
    enum status status = buffer_read_file(&file, path, error);
    if (status == STATUS_OK)
        status = scenario_parse(scenario, buffer_text(&file), file.length_bytes, path, error);
    buffer_release(&file);
    return status;
}

static bool has_setting(const struct settings *settings, const struct setting *wanted)
{
    for (size_t i = 0; i < settings->count; i++)
        if (memcmp(&settings->items[i], wanted, sizeof *wanted) == 0)
            return true;
    return false;
}

bool scenario_same_environment(const struct scenario *a, const struct scenario *b)
{
    const struct scenario_environment *one = &a->environment, *other = &b->environment;
    if (!schedule_same(&one->arrivals, &other->arrivals) || one->lines_min != other->lines_min ||
        one->lines_max != other->lines_max || one->lines_median != other->lines_median ||
        one->settings.count != other->settings.count)
        return false;
    for (size_t i = 0; i < one->settings.count; i++)
        if (!has_setting(&other->settings, &one->settings.items[i]))
            return false;
    return true;
}
