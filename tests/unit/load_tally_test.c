#include "loadgen/load/load_tally.h"

#include "base/clock.h"
#include "tests/unit/rows.h"

static struct load_tally tally;

static void start(void)
{
    struct load_timeline timeline;
    assert_true(load_timeline_init(&timeline, 1, NS_PER_S, NS_PER_S));
    assert_int_equal(load_tally_init(&tally, 1, &timeline), STATUS_OK);
}

static void add(size_t count)
{
    const struct load_sample sample = {
        .due_ns = NS_PER_S, .sent_ns = NS_PER_S, .done_ns = 2 * NS_PER_S};
    for (size_t i = 0; i < count; i++) {
        const struct load_sample *kept = load_tally_add(&tally, &sample);
        assert_true(kept != &sample && kept->done_ns == sample.done_ns);
        tally.counted.ok++;
    }
}

/* What anybody sees. */
static void check_shown(size_t requests, uint64_t flows_ok)
{
    struct load_figures figures;
    struct load_flow_counts flows = {0};
    assert_true(load_figures_init(&figures, 1));
    load_tally_collect(&tally, &figures, &flows);
    assert_int_equal(figures.steps[0].outcomes[LOAD_OK], requests);
    assert_int_equal(flows.ok, flows_ok);
    load_figures_release(&figures);
}

static void check_publish(void **state)
{
    (void)state;
    start();
    add(3);
    check_shown(0, 0);
    load_tally_publish(&tally);
    load_tally_publish(&tally);
    check_shown(3, 3);
    load_tally_release(&tally);
}

static void check_full(void **state)
{
    (void)state;
    start();
    add(LOAD_TALLY_BATCH_MAX);
    check_shown(0, 0);
    add(1);
    check_shown(LOAD_TALLY_BATCH_MAX, LOAD_TALLY_BATCH_MAX);
    load_tally_publish(&tally);
    check_shown(LOAD_TALLY_BATCH_MAX + 1, LOAD_TALLY_BATCH_MAX + 1);
    load_tally_release(&tally);
}

int main(void)
{
    static struct rows all;
    rows_one(&all, "it shows what was counted when it is told to, once", check_publish);
    rows_one(&all, "it shows what was counted when it has no more room", check_full);
    return rows_run("load_tally", &all);
}
