/* Which spans are recorded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "trace/sampler.h"

enum { NO_PARENT = -1 };

static bool decide(const struct sampler *sampler, const struct span_context *parent,
                   const struct trace_id *id)
{
    return sampler_decide(sampler, sampler_find(sampler, parent), id) == SAMPLING_RECORD_AND_SAMPLE;
}

static struct sampler ratio_of(double ratio)
{
    return sampler_of(&(struct sampling){.root = {SAMPLER_TRACE_ID_RATIO, ratio, NULL}});
}

static void decides(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum sampler_kind kind;
        bool parent_based;
        double ratio;
        int parent_flags;
        uint8_t id_end; /* of the trace id: the first of the seven random bytes */
        bool expected;
    } rows[] = {
        {"it records every root", SAMPLER_ALWAYS_ON, true, 1, NO_PARENT, 0, true},
        {"it follows a sampled parent", SAMPLER_ALWAYS_OFF, true, 1, 1, 0, true},
        {"it follows an unsampled parent", SAMPLER_ALWAYS_ON, true, 1, 0, 0, false},
        {"it looks at the sampled flag alone", SAMPLER_ALWAYS_ON, true, 1, 2, 0, false},
        {"it records no root when off", SAMPLER_ALWAYS_OFF, true, 1, NO_PARENT, 0, false},
        {"it ignores the parent where told to", SAMPLER_ALWAYS_ON, false, 1, 0, 0, true},
        {"it is off whatever the parent says", SAMPLER_ALWAYS_OFF, false, 1, 1, 0, false},
        {"it keeps all at ratio 1", SAMPLER_TRACE_ID_RATIO, false, 1, NO_PARENT, 0, true},
        {"it keeps none at ratio 0", SAMPLER_TRACE_ID_RATIO, false, 0, NO_PARENT, 0xff, false},
        {"it keeps R at T", SAMPLER_TRACE_ID_RATIO, false, 0.25, NO_PARENT, 0xc0, true},
        {"it drops R below T", SAMPLER_TRACE_ID_RATIO, false, 0.25, NO_PARENT, 0xbf, false},
        {"it asks the ratio for roots", SAMPLER_TRACE_ID_RATIO, true, 0.5, NO_PARENT, 0x80, true},
        {"it asks the parent before the ratio", SAMPLER_TRACE_ID_RATIO, true, 0, 1, 0, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sampler sampler = sampler_of(&(struct sampling){
            .root = {rows[i].kind, rows[i].ratio, NULL}, .ignores_parent = !rows[i].parent_based});
        struct span_context parent = {.flags = (uint8_t)rows[i].parent_flags};
        struct trace_id id = {{0xff, 0xff}};
        id.bytes[9] = rows[i].id_end;
        if (rows[i].id_end == 0xff)
            memset(id.bytes, 0xff, sizeof id.bytes);
        if (decide(&sampler, rows[i].parent_flags == NO_PARENT ? NULL : &parent, &id) !=
            rows[i].expected)
            fail_msg("%s", rows[i].name);
    }
}

static void keeps_the_share_and_the_order(void **state)
{
    (void)state;
    static const double ratios[] = {0.01, 0.1, 0.5, 0.9};
    enum { RATIOS = sizeof ratios / sizeof ratios[0], IDS = 100000 };
    unsigned kept[RATIOS] = {0};
    struct rng rng;
    rng_seed(&rng, 7);
    for (int i = 0; i < IDS; i++) {
        struct trace_id id;
        uint64_t words[2] = {rng_next(&rng), rng_next(&rng)};
        bool before = false;
        memcpy(id.bytes, words, sizeof id.bytes);
        for (size_t j = 0; j < RATIOS; j++) {
            struct sampler sampler = ratio_of(ratios[j]);
            bool now = decide(&sampler, NULL, &id);
            assert_true(now || !before); /* a higher ratio keeps all that a lower one keeps */
            kept[j] += before = now;
        }
    }
    for (size_t j = 0; j < RATIOS; j++) {
        assert_true(kept[j] > IDS * (ratios[j] - 0.01));
        assert_true(kept[j] < IDS * (ratios[j] + 0.01));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decides),
        cmocka_unit_test(keeps_the_share_and_the_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
