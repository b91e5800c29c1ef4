#include "loadgen/load/schedule_read.h"

struct rate_stage {
    double duration_s, rate, to;
};

static enum status read_rate(struct fields *fields, void *into)
{
    return fields_number(fields, 0, SCHEDULE_RATE_MAX, into);
}

static enum status read_seconds(struct fields *fields, void *into)
{
    return fields_number(fields, 0, 366.0 * 86400, into);
}

static enum status read_stage(struct fields *fields, void *into)
{
    static const struct field table[] = {
        {"duration_s", read_seconds, offsetof(struct rate_stage, duration_s), true},
        {"rate", read_rate, offsetof(struct rate_stage, rate), true},
        {"to", read_rate, offsetof(struct rate_stage, to), false},
    };
    struct schedule_stage *stage = into;
    struct rate_stage read = {0};
    uint32_t seen = 0;
    enum status status = fields_object(fields, FIELDS_OF(table), &read, &seen);
    *stage = (struct schedule_stage){read.duration_s, read.rate, seen & 4u ? read.to : read.rate};
    if (status == STATUS_OK && read.duration_s <= 0)
        return fields_fail(fields, "\"duration_s\" must be above 0");
    return status;
}

static enum status read_stages(struct fields *fields, void *into)
{
    struct schedule_plan *schedule = into;
    schedule->stage_count = 0;
    return fields_array(fields, read_stage,
                        &(struct field_items){schedule->stages, sizeof(schedule->stages[0]),
                                              SCHEDULE_STAGES_MAX, &schedule->stage_count});
}

static enum status read_spacing(struct fields *fields, void *into)
{
    bool is_poisson = json_reader_is(&fields->reader, "poisson");
    if (fields->reader.token != JSON_STRING ||
        !(is_poisson || json_reader_is(&fields->reader, "even")))
        return fields_fail(fields, "must be \"even\" or \"poisson\"");
    *(bool *)into = is_poisson;
    return STATUS_OK;
}

enum status schedule_read(struct fields *fields, void *into)
{
    static const struct field table[] = {
        {"spacing", read_spacing, offsetof(struct schedule_plan, is_poisson), false},
        {"stages", read_stages, 0, true},
    };
    struct error words = {0};
    enum status status = fields_object(fields, FIELDS_OF(table), into, NULL);
    if (status == STATUS_OK && schedule_check(into, &words) != STATUS_OK)
        return fields_fail(fields, "%s", words.text);
    return status;
}
