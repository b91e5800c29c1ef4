/* One value of one service's table of faults and environment, as people write it:
 * "service.row" (switched on) or "service.row=value". Plain values; never allocates. */
#ifndef CULPRIT_LOADGEN_BASE_SETTING_H
#define CULPRIT_LOADGEN_BASE_SETTING_H

#include <stddef.h>

#include "base/json_writer.h"
#include "base/status.h"
#include "base/text.h"

enum { SETTINGS_MAX = 64 };

struct setting {
    char service[32];
    char row[48];
    char value[48]; /* "" for one that is just switched on */
};

struct settings {
    struct setting items[SETTINGS_MAX];
    size_t count;
};

/* Takes "service.row[=value]" apart and adds it. STATUS_INVALID, STATUS_TOO_LARGE, STATUS_EXISTS
 * with words. */
MUST_CHECK enum status settings_add(struct settings *settings, struct text written,
                                    struct error *error);

/* "service.row=value", cut at the size. */
void setting_write(const struct setting *setting, char *out, size_t size);

/* The value as JSON: true where there is none, a number, true, false, or a string. */
void setting_write_value(const struct setting *setting, struct json_writer *writer);

#endif
