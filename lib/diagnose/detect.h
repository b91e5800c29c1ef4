/* What a detector gets, and what it leaves behind. A detector is one file and one row of the table
 * in detect.c; its place in the table is its precedence, since it sees only time that no finding
 * before it has claimed. */
#ifndef CULPRIT_DIAGNOSE_DETECT_H
#define CULPRIT_DIAGNOSE_DETECT_H

#include "diagnose/calls.h"
#include "diagnose/critical_path.h"
#include "diagnose/findings.h"
#include "diagnose/ledger.h"
#include "diagnose/replay.h"
#include "diagnose/window.h"

struct detect {
    const struct window *current;
    const struct window *baseline; /* NULL when there is none */
    const struct calls *calls;     /* of `current` */
    const struct calls *old_calls; /* of `baseline`; NULL when there is none */
    struct ledger *ledger;         /* over the trees of `current` */
    struct replay *replay;         /* room for the largest tree of both */
    struct critical_path *path;    /* as above */
    struct findings *findings;
    struct arena *arena; /* gone when the run ends */
};

struct detector {
    enum finding_kind kind;
    enum status (*find)(struct detect *detect);
};

/* In order of precedence; *count says how many. */
const struct detector *detect_table(size_t *count);

/* ---- gates that all detectors share */

enum { DETECT_SUPPORT_MIN = 5 };

#define DETECT_SHARE_MIN    0.05 /* of the entry's requests, and of the request's time */
#define DETECT_SAVING_MS    0.2  /* the machine's timing noise */
#define DETECT_REGRESSION_X 1.5

/* An affected request. */
struct detect_case {
    uint32_t tree, node;
    double before_ms, after_ms; /* the request, and replayed with the fix */
    double cost_ms;
};

/* Support, share of the entry, saving, noise, both halves; fills support, prevalence, cost, saving
 * and exemplars. `cases` are one a tree and are sorted by saving here. false: a gate does not hold.
 * STATUS is findings->failed. */
bool detect_weigh(struct detect *detect, struct finding *finding, const struct window_entry *entry,
                  struct detect_case *cases, size_t count);

/* Milliseconds that all of the entry's requests together would save, per request of it; 0 where
 * there is no such entry. */
double detect_impact_ms(const struct window_entry *entry, const struct detect_case *cases,
                        size_t count);

/* Against the same figure of the baseline: new, or larger by half, is a regression. */
enum finding_state detect_state(const struct detect *detect, double now_ms, double before_ms);

/* Whether earlier findings explain more than half of the interval already. */
bool detect_is_claimed(const struct detect *detect, uint32_t tree, int64_t start_ns,
                       int64_t end_ns);

/* Whether at least `cases` of `total` were seen often enough: five, and surely above 5 %. */
bool detect_is_supported(struct finding *finding, double cases, double total);

/* Whether neither half of the window (by the entry's requests) has nearly all of the cases. */
bool detect_in_both_halves(struct detect *detect, struct finding *finding,
                           const struct window_entry *entry, const struct detect_case *cases,
                           size_t count);

/* The median case, that at 95 % and the last, as they are sorted. */
void detect_add_exemplars(struct detect *detect, struct finding *finding,
                          const struct detect_case *cases, size_t count);

/* "frontend POST /checkout" */
struct text detect_entry_text(struct detect *detect, uint32_t entry);

/* "every", "most" or "31 % of all", for a sentence. */
struct text detect_share_words(struct detect *detect, double share);

/* "232" or "4.1". */
struct text detect_ms_words(struct detect *detect, double ms);

#endif
