#include "loadgen/report/load_steps_read.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/histogram_json.h"
#include "loadgen/report/load_steps_json.h"

/* A step while it is read. */
struct step_reader {
    struct load_part *part;
    size_t index;
    struct load_step_figures *figures;
    uint64_t requests;
    uint64_t missing; /* of them in its slots */
};

/* ---- values */

static enum status read_u32(struct fields *fields, void *into)
{
    uint64_t value = 0;
    enum status status = fields_read_u64(fields, &value);
    if (status == STATUS_OK && value > UINT32_MAX)
        return fields_fail(fields, "is more than a slot counts");
    *(uint32_t *)into = (uint32_t)value;
    return status;
}

enum status load_steps_read_name(struct fields *fields, void *text)
{
    if (fields->reader.token == JSON_STRING && fields->reader.text.length == 0)
        return STATUS_OK;
    return fields_text(fields, text, LOAD_DOCUMENT_TEXT_MAX);
}

enum status load_steps_read_seconds(struct fields *fields, void *seconds)
{
    return fields_number(fields, 0, 1e9, seconds);
}

/* Of an array that the reader stands at; it stays there. 0: none, or bad JSON, which is found when
 * it is read. */
static size_t count_items(struct json_reader ahead)
{
    size_t count = 0;
    if (ahead.token != JSON_ARRAY_BEGIN)
        return 0;
    while (json_reader_next(&ahead) != JSON_ARRAY_END && json_reader_skip(&ahead))
        count++;
    return count;
}

/* ---- counts of a step */

static enum status read_step_name(struct fields *fields, void *into)
{
    struct step_reader *step = into;
    return load_steps_read_name(fields, step->part->step_names[step->index]);
}

static enum status read_outcomes(struct fields *fields, void *into)
{
    struct load_step_figures *figures = ((struct step_reader *)into)->figures;
    unsigned seen = 0;
    if (fields->reader.token != JSON_OBJECT_BEGIN)
        return fields_fail(fields, "must be an object");
    while (json_reader_next(&fields->reader) == JSON_KEY) {
        unsigned i = 0;
        while (i < LOAD_OUTCOME_COUNT &&
               !json_reader_is(&fields->reader, load_outcome_words((enum load_outcome)i)))
            i++;
        if (i == LOAD_OUTCOME_COUNT || seen & 1u << i)
            return fields_fail(fields, "has an outcome that is unknown, or one twice");
        seen |= 1u << i;
        (void)json_reader_next(&fields->reader);
        enum status status = fields_read_u64(fields, &figures->outcomes[i]);
        if (status != STATUS_OK)
            return status;
    }
    return fields->reader.token == JSON_OBJECT_END ? STATUS_OK : fields_fail(fields, "bad JSON");
}

struct check_count {
    uint64_t check, count;
};

static enum status read_failed_check(struct fields *fields, void *into)
{
    static const struct field table[] = {
        {"check", fields_read_u64, offsetof(struct check_count, check), true},
        {"count", fields_read_u64, offsetof(struct check_count, count), true},
    };
    struct load_step_figures *figures = into;
    struct check_count read = {0};
    enum status status = fields_object(fields, FIELDS_OF(table), &read, NULL);
    if (status != STATUS_OK)
        return status;
    if (read.check >= LOAD_JUDGED_MAX || figures->failed_checks[read.check] != 0)
        return fields_fail(fields, "there is no such check, or it is there twice");
    figures->failed_checks[read.check] = read.count;
    return STATUS_OK;
}

static enum status read_failed_checks(struct fields *fields, void *into)
{
    struct step_reader *step = into;
    size_t count = 0;
    const struct field_items items = {step->figures, 0, LOAD_JUDGED_MAX, &count};
    return fields_array(fields, read_failed_check, &items);
}

/* ---- histograms */

static enum status read_histogram(struct fields *fields, void *into)
{
    struct error words = {0};
    if (histogram_json_read(&fields->reader, into, &words) != STATUS_OK)
        return fields_fail(fields, "%s", words.text);
    return STATUS_OK;
}

static enum status read_histograms(struct fields *fields, void *into)
{
    struct field table[LOAD_STEPS_HISTOGRAMS];
    for (size_t i = 0; i < LOAD_STEPS_HISTOGRAMS; i++)
        table[i] = (struct field){load_steps_json_histograms[i].key, read_histogram,
                                  load_steps_json_histograms[i].offset, true};
    return fields_object(fields, FIELDS_OF(table), ((struct step_reader *)into)->figures, NULL);
}

/* ---- the timeline */

static enum status read_slot_buckets(struct fields *fields, void *into)
{
    uint32_t *buckets = into;
    uint64_t least = 0, index = 0; /* least: that the next index may be */
    if (fields->reader.token != JSON_ARRAY_BEGIN)
        return fields_fail(fields, "must be an array");
    while (json_reader_next(&fields->reader) != JSON_ARRAY_END) {
        enum status status = fields_read_u64(fields, &index);
        if (status != STATUS_OK)
            return status;
        if (index < least || index >= LOAD_TIMELINE_BUCKETS)
            return fields_fail(fields, "has an index that is out of range or out of order");
        (void)json_reader_next(&fields->reader);
        status = read_u32(fields, &buckets[index]);
        if (status != STATUS_OK)
            return status;
        least = index + 1;
    }
    return STATUS_OK;
}

static enum status read_slot(struct fields *fields, void *into)
{
    static const struct field table[] = {
        {"due", read_u32, offsetof(struct load_slot, due), true},
        {"failed", read_u32, offsetof(struct load_slot, failed), true},
        {"censored", read_u32, offsetof(struct load_slot, censored), true},
        {"buckets", read_slot_buckets, offsetof(struct load_slot, buckets), true},
    };
    const struct load_slot *slot = into;
    enum status status = fields_object(fields, FIELDS_OF(table), into, NULL);
    if (status != STATUS_OK)
        return status;
    uint64_t sum = slot->censored;
    for (size_t i = 0; i < LOAD_TIMELINE_BUCKETS; i++)
        sum += slot->buckets[i];
    if (sum != slot->due || slot->censored > slot->failed || slot->failed > slot->due)
        return fields_fail(fields, "the counts of a slot do not add up");
    return STATUS_OK;
}

/* All steps have slots of one width, as many. */
static enum status shape_timeline(struct fields *fields, struct load_part *part, double width_s,
                                  size_t slot_count)
{
    struct load_timeline *timeline = &part->timeline;
    const struct load_timeline shape = {.width_ns = (uint64_t)llround(width_s * (double)NS_PER_S),
                                        .slot_count = slot_count,
                                        .step_count = part->figures.step_count};
    if (timeline->slots != NULL)
        return timeline->width_ns == shape.width_ns && timeline->slot_count == slot_count
                   ? STATUS_OK
                   : fields_fail(fields, "the steps have slots of different widths or counts");
    if (slot_count == 0 || shape.width_ns == 0)
        return fields_fail(fields, "has no slots, or \"width_s\" stands behind them");
    return load_timeline_init_as(timeline, &shape)
               ? STATUS_OK
               : fields_fail(fields, "has more slots than are read");
}

struct timeline_reader {
    struct step_reader *step;
    double width_s;
};

static enum status read_width(struct fields *fields, void *into)
{
    return fields_number(fields, 1e-3, 1e9, &((struct timeline_reader *)into)->width_s);
}

static enum status read_missing(struct fields *fields, void *into)
{
    return fields_read_u64(fields, &((struct timeline_reader *)into)->step->missing);
}

static enum status read_slots(struct fields *fields, void *into)
{
    const struct timeline_reader *reader = into;
    struct load_part *part = reader->step->part;
    size_t count = 0, slot_count = count_items(fields->reader);
    enum status status = shape_timeline(fields, part, reader->width_s, slot_count);
    if (status != STATUS_OK)
        return status;
    const struct field_items items = {load_timeline_slot(&part->timeline, reader->step->index, 0),
                                      sizeof(struct load_slot), slot_count, &count};
    return fields_array(fields, read_slot, &items);
}

static enum status read_timeline(struct fields *fields, void *into)
{
    static const struct field table[] = {
        {"width_s", read_width, 0, true},
        {"missing", read_missing, 0, false},
        {"slots", read_slots, 0, true},
    };
    struct timeline_reader reader = {.step = into};
    return fields_object(fields, FIELDS_OF(table), &reader, NULL);
}

/* ---- a step */

static enum status check_step(const struct fields *fields, const struct step_reader *step)
{
    const struct load_step_figures *figures = step->figures;
    const struct load_timeline *timeline = &step->part->timeline;
    uint64_t sum = 0;
    for (size_t i = 0; i < LOAD_OUTCOME_COUNT; i++) {
        if (figures->outcomes[i] > step->requests - sum)
            return fields_fail(fields, "its outcomes are more than its requests");
        sum += figures->outcomes[i];
    }
    if (sum != step->requests)
        return fields_fail(fields, "its outcomes are fewer than its requests");
    if (figures->censored > sum || figures->latency.count != sum - figures->censored)
        return fields_fail(fields, "its latencies are not as many as its answers");
    if (timeline->slots != NULL &&
        (step->missing > sum || load_timeline_due(timeline, step->index) != sum - step->missing))
        return fields_fail(fields, "its slots do not hold all of its requests");
    return STATUS_OK;
}

static enum status read_counts(struct fields *fields, struct step_reader *step);

static enum status read_step(struct fields *fields, struct step_reader *step)
{
    enum status status = read_counts(fields, step);
    return status == STATUS_OK ? check_step(fields, step) : status;
}

#define COUNT_OF_STEP(member)                                                                      \
    static enum status read_##member(struct fields *fields, void *into)                            \
    {                                                                                              \
        return fields_read_u64(fields, &((struct step_reader *)into)->figures->member);            \
    }
COUNT_OF_STEP(censored)
COUNT_OF_STEP(censored_max_ns)
COUNT_OF_STEP(sent_bytes)
COUNT_OF_STEP(received_bytes)
COUNT_OF_STEP(connects)
#undef COUNT_OF_STEP

static enum status read_counts(struct fields *fields, struct step_reader *step)
{
    static const struct field table[] = {
        {"name", read_step_name, 0, true},
        {"requests", fields_read_u64, offsetof(struct step_reader, requests), true},
        {"censored", read_censored, 0, true},
        {"censored_max_ns", read_censored_max_ns, 0, true},
        {"outcomes", read_outcomes, 0, true},
        {"sent_bytes", read_sent_bytes, 0, true},
        {"received_bytes", read_received_bytes, 0, true},
        {"connects", read_connects, 0, true},
        {"failed_checks", read_failed_checks, 0, false},
        {"histograms", read_histograms, 0, true},
        {"timeline", read_timeline, 0, false},
    };
    return fields_object(fields, FIELDS_OF(table), step, NULL);
}

enum status load_steps_read(struct fields *fields, void *into)
{
    struct load_part *part = into;
    size_t count = count_items(fields->reader), read = 0;
    if (fields->reader.token != JSON_ARRAY_BEGIN)
        return fields_fail(fields, "must be an array");
    if (count == 0 || count > LOAD_FIGURES_STEPS_MAX)
        return fields_fail(fields, "has no steps, or more than %d", LOAD_FIGURES_STEPS_MAX);
    part->step_names = calloc(count, sizeof(*part->step_names));
    if (part->step_names == NULL || !load_figures_init(&part->figures, count))
        return error_set(fields->error, STATUS_NO_MEMORY, "%s: out of memory", fields->file);
    for (; read < count; read++) {
        struct step_reader step = {part, read, &part->figures.steps[read], 0, 0};
        (void)json_reader_next(&fields->reader);
        enum status status = read_step(fields, &step);
        if (status != STATUS_OK)
            return status;
    }
    (void)json_reader_next(&fields->reader);
    return fields->reader.token == JSON_ARRAY_END ? STATUS_OK : fields_fail(fields, "bad JSON");
}

void load_steps_read_release(struct load_part *part)
{
    load_figures_release(&part->figures);
    load_timeline_release(&part->timeline);
    free(part->step_names);
    part->step_names = NULL;
}
