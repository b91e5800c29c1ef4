#include "loadgen/report/load_drive_json.h"

#include "loadgen/load/schedule_read.h"

static void write_arrivals(const struct schedule_plan *arrivals, struct json_writer *writer)
{
    json_key(writer, "arrivals");
    json_begin_object(writer);
    json_field_cstring(writer, "spacing", arrivals->is_poisson ? "poisson" : "even");
    json_key(writer, "stages");
    json_begin_array(writer);
    for (size_t i = 0; i < arrivals->stage_count; i++) {
        json_begin_object(writer);
        json_field_double(writer, "duration_s", arrivals->stages[i].duration_s);
        json_field_double(writer, "rate", arrivals->stages[i].from);
        json_field_double(writer, "to", arrivals->stages[i].to);
        json_end_object(writer);
    }
    json_end_array(writer);
    json_end_object(writer);
}

static void write_users(const struct load_drive_users *users, struct json_writer *writer)
{
    json_key(writer, "users");
    json_begin_object(writer);
    json_field_u64(writer, "count", users->count);
    json_field_double(writer, "duration_s", users->duration_s);
    json_field_double(writer, "ramp_s", users->ramp_s);
    json_field_double(writer, "think_min_ms", users->think_min_ms);
    json_field_double(writer, "think_max_ms", users->think_max_ms);
    json_end_object(writer);
}

void load_drive_json(const struct load_drive *drive, struct json_writer *writer)
{
    if (drive->is_known && drive->users.count > 0)
        write_users(&drive->users, writer);
    else if (drive->is_known)
        write_arrivals(&drive->arrivals, writer);
}

enum status load_drive_json_read_arrivals(struct fields *fields, void *into)
{
    struct load_drive *drive = into;
    drive->is_known = true;
    return schedule_read(fields, &drive->arrivals);
}

static enum status read_number(struct fields *fields, void *into)
{
    return fields_number(fields, 0, 1e12, into);
}

enum status load_drive_json_read_users(struct fields *fields, void *into)
{
    static const struct field table[] = {
        {"count", fields_read_u64, offsetof(struct load_drive_users, count), true},
        {"duration_s", read_number, offsetof(struct load_drive_users, duration_s), true},
        {"ramp_s", read_number, offsetof(struct load_drive_users, ramp_s), false},
        {"think_min_ms", read_number, offsetof(struct load_drive_users, think_min_ms), false},
        {"think_max_ms", read_number, offsetof(struct load_drive_users, think_max_ms), false},
    };
    struct load_drive *drive = into;
    enum status status = fields_object(fields, FIELDS_OF(table), &drive->users, NULL);
    drive->is_known = true;
    if (status == STATUS_OK && drive->users.count == 0)
        return fields_fail(fields, "\"count\" is 0: nobody is no load");
    return status;
}
