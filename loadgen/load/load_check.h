/* What a right answer is: its status, fields of its head, its body. Pure; any thread. */
#ifndef CULPRIT_LOADGEN_LOAD_LOAD_CHECK_H
#define CULPRIT_LOADGEN_LOAD_LOAD_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "loadgen/load/load_extract.h"
#include "loadgen/load/load_sample.h"

enum {
    LOAD_CHECKS_MAX = 16,
    LOAD_TAKES_MAX = 8, /* of a step */
    LOAD_JUDGED_MAX = LOAD_CHECKS_MAX + LOAD_TAKES_MAX,
    LOAD_STATUSES_MAX = 8,
};

enum load_check_kind {
    LOAD_CHECK_HEADER, /* the field `what` is there and contains `value` */
    LOAD_CHECK_BODY,   /* the body contains `value` */
    LOAD_CHECK_JSON,   /* at pointer `what` stands `value` */
};

struct load_check {
    enum load_check_kind kind;
    struct text what, value;
};

struct load_checks {
    uint16_t statuses[LOAD_STATUSES_MAX]; /* none: 200 to 399 */
    size_t status_count;
    struct load_check items[LOAD_CHECKS_MAX];
    size_t count;
};

/* LOAD_OK, LOAD_STATUS or LOAD_BODY; *failed is then the index of the check, else untouched. */
enum load_outcome load_check_answer(const struct load_checks *checks,
                                    const struct load_answer *answer, size_t *failed);

/* "header content-type contains json" */
void load_check_words(const struct load_check *check, char *out, size_t size);

#endif
