#include "diagnose/diagnose.h"

#include <math.h>

#include "diagnose/detect.h"

#define WORK_MAX_BYTES     ((size_t)512 << 20)
#define FINDINGS_MAX_BYTES ((size_t)16 << 20)

/* Everything of a run that does not outlive it. */
struct run {
    struct arena arena;
    struct fingerprints prints;
    struct window current, baseline;
    struct calls calls, old_calls;
    bool has_baseline;
    struct ledger ledger;
    struct replay replay;
    struct critical_path path;
    struct findings findings;
};

static enum status build_windows(struct run *run, const struct diagnose_window *current,
                                 const struct diagnose_window *baseline)
{
    const uint64_t range_ns[2] = {current->start_ns, current->end_ns};
    enum status status =
        window_build(&run->current, &run->prints, current->spans, range_ns, &run->arena);
    if (status == STATUS_OK && baseline) {
        const uint64_t before_ns[2] = {baseline->start_ns, baseline->end_ns};
        status =
            window_build(&run->baseline, &run->prints, baseline->spans, before_ns, &run->arena);
    }
    /* A baseline with no traces says nothing about what was there before. */
    run->has_baseline = baseline && run->baseline.forest.count > 0;
    return status;
}

static enum status prepare(struct run *run, struct diagnosis *diagnosis)
{
    const uint32_t a = run->current.forest.largest;
    const uint32_t b = run->has_baseline ? run->baseline.forest.largest : 0;
    const uint32_t largest = a > b ? a : b;
    enum status status = calls_build(&run->calls, &run->current, &run->arena);
    if (status == STATUS_OK && run->has_baseline)
        status = calls_build(&run->old_calls, &run->baseline, &run->arena);
    if (status == STATUS_OK)
        status = ledger_init(&run->ledger, run->current.forest.count, &run->arena);
    if (status == STATUS_OK)
        status = replay_init(&run->replay, largest, &run->arena);
    if (status == STATUS_OK)
        status = critical_path_init(&run->path, largest, &run->arena);
    return status == STATUS_OK ? findings_init(&run->findings, &diagnosis->arena) : status;
}

static enum status detect_all(struct run *run)
{
    struct detect detect = {
        .current = &run->current,
        .baseline = run->has_baseline ? &run->baseline : NULL,
        .calls = &run->calls,
        .old_calls = run->has_baseline ? &run->old_calls : NULL,
        .ledger = &run->ledger,
        .replay = &run->replay,
        .path = &run->path,
        .findings = &run->findings,
        .arena = &run->arena,
    };
    size_t count;
    const struct detector *table = detect_table(&count);
    enum status status = STATUS_OK;
    for (size_t i = 0; i < count && status == STATUS_OK; i++)
        status = table[i].find(&detect);
    return status == STATUS_OK ? run->findings.failed : status;
}

/* The growth of the heaviest entry's median that no counted finding accounts for. */
static void explain(struct run *run, struct diagnosis *diagnosis)
{
    if (run->current.entry_count == 0)
        return;
    const struct window_entry *entry = &run->current.entries[0];
    const struct window_entry *old =
        run->has_baseline ? window_find_entry(&run->baseline, entry->print) : NULL;
    diagnosis->entry_p50_ms = entry->p50_ms;
    if (!old)
        return;
    const struct fingerprint *print = &run->prints.items[entry->print];
    double explained_ms = 0;
    for (size_t i = 0; i < run->findings.count; i++) {
        const struct finding *finding = &run->findings.items[i];
        const bool ours = finding->entry.length > print->service.length &&
                          text_starts_with(finding->entry, print->service.data) &&
                          text_is((struct text){finding->entry.data + print->service.length + 1,
                                                finding->entry.length - print->service.length - 1},
                                  print->name.data);
        if (ours && finding_counts(finding, true))
            explained_ms += finding->prevalence * finding->saving_ms;
    }
    diagnosis->baseline_p50_ms = old->p50_ms;
    diagnosis->unexplained_ms = fmax(0, entry->p50_ms - old->p50_ms - explained_ms);
}

static void hand_over(struct run *run, struct diagnosis *diagnosis)
{
    findings_sort(&run->findings);
    diagnosis->findings = run->findings.items;
    diagnosis->finding_count = run->findings.count;
    diagnosis->request_count = run->current.complete_count;
    diagnosis->partial_count = run->current.partial_count;
    diagnosis->span_count = run->current.forest.node_count;
    explain(run, diagnosis);
}

enum status diagnose_run(const struct diagnose_window *current,
                         const struct diagnose_window *baseline, struct diagnosis *diagnosis,
                         struct error *error)
{
    struct run run = {0};
    *diagnosis = (struct diagnosis){0};
    arena_init(&diagnosis->arena, FINDINGS_MAX_BYTES);
    arena_init(&run.arena, WORK_MAX_BYTES);
    fingerprint_init(&run.prints, &run.arena);
    enum status status = build_windows(&run, current, baseline);
    if (status == STATUS_OK && run.current.forest.count == 0)
        status = error_set(error, STATUS_INVALID, "no spans in the window");
    if (status == STATUS_OK)
        status = prepare(&run, diagnosis);
    if (status == STATUS_OK)
        status = detect_all(&run);
    if (status == STATUS_OK)
        hand_over(&run, diagnosis);
    else if (status != STATUS_INVALID)
        error_set(error, status, "the diagnosis of %zu spans needs more memory than it may take",
                  current->spans->count);
    fingerprint_release(&run.prints);
    arena_release(&run.arena);
    if (status != STATUS_OK)
        diagnosis_release(diagnosis);
    return status;
}

void diagnosis_release(struct diagnosis *diagnosis)
{
    arena_release(&diagnosis->arena);
    *diagnosis = (struct diagnosis){0};
}
