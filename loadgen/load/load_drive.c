#include "loadgen/load/load_drive.h"

#include <stdio.h>

enum { STAGE_WORDS_MAX = 48 };

static void say_stage(const struct schedule_stage *stage, char out[STAGE_WORDS_MAX])
{
    int length = snprintf(out, STAGE_WORDS_MAX, "%.9g s at %.9g", stage->duration_s, stage->from);
    if (length > 0 && length < STAGE_WORDS_MAX && stage->to != stage->from)
        (void)snprintf(out + length, STAGE_WORDS_MAX - (size_t)length, " to %.9g", stage->to);
}

static bool differ_in_arrivals(const struct schedule_plan *before,
                               const struct schedule_plan *after, char out[LOAD_DRIVE_WORDS_MAX])
{
    const size_t counts[2] = {before->stage_count, after->stage_count};
    const size_t common = counts[0] < counts[1] ? counts[0] : counts[1];
    size_t i = 0;
    if (schedule_same(before, after))
        return false;
    while (i < common && before->stages[i].duration_s == after->stages[i].duration_s &&
           before->stages[i].from == after->stages[i].from &&
           before->stages[i].to == after->stages[i].to)
        i++;
    if (i < common) {
        char words[2][STAGE_WORDS_MAX];
        say_stage(&before->stages[i], words[0]);
        say_stage(&after->stages[i], words[1]);
        (void)snprintf(out, LOAD_DRIVE_WORDS_MAX, "%s/s before, %s/s after", words[0], words[1]);
    } else if (counts[0] != counts[1]) {
        (void)snprintf(out, LOAD_DRIVE_WORDS_MAX, "%zu stages of arrivals before, %zu after",
                       counts[0], counts[1]);
    } else {
        (void)snprintf(out, LOAD_DRIVE_WORDS_MAX, "%s arrivals before, %s after",
                       before->is_poisson ? "Poisson" : "even",
                       after->is_poisson ? "Poisson" : "even");
    }
    return true;
}

static bool differ_in_users(const struct load_drive_users *before,
                            const struct load_drive_users *after, char out[LOAD_DRIVE_WORDS_MAX])
{
    const struct {
        const char *what, *unit;
        double before, after;
    } rows[] = {
        {"users", "", (double)before->count, (double)after->count},
        {"duration", " s", before->duration_s, after->duration_s},
        {"ramp", " s", before->ramp_s, after->ramp_s},
        {"shortest pause", " ms", before->think_min_ms, after->think_min_ms},
        {"longest pause", " ms", before->think_max_ms, after->think_max_ms},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].before != rows[i].after) {
            (void)snprintf(out, LOAD_DRIVE_WORDS_MAX, "%s: %.9g%s before, %.9g%s after",
                           rows[i].what, rows[i].before, rows[i].unit, rows[i].after, rows[i].unit);
            return true;
        }
    return false;
}

bool load_drive_differs(const struct load_drive *before, const struct load_drive *after,
                        char out[LOAD_DRIVE_WORDS_MAX])
{
    const bool users_before = before->users.count > 0, users_after = after->users.count > 0;
    if (users_before && users_after)
        return differ_in_users(&before->users, &after->users, out);
    if (!users_before && !users_after)
        return differ_in_arrivals(&before->arrivals, &after->arrivals, out);
    (void)snprintf(out, LOAD_DRIVE_WORDS_MAX, "%s",
                   users_before ? "users before, arrivals at a rate after"
                                : "arrivals at a rate before, users after");
    return true;
}
