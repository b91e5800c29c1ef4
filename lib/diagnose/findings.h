/* The findings of a run while they are gathered: gates, notes and exemplars go through here, so
 * that every text is the diagnosis' own and every list keeps its maximum. Once memory runs out the
 * list says so in `failed`. One owner, no locks. */
#ifndef CULPRIT_DIAGNOSE_FINDINGS_H
#define CULPRIT_DIAGNOSE_FINDINGS_H

#include "diagnose/diagnose.h"
#include "diagnose/tree.h"

enum { FINDINGS_MAX = 256 };

struct findings {
    struct finding *items;
    size_t count;
    uint64_t dropped; /* beyond the maximum */
    struct arena *arena;
    enum status failed; /* STATUS_OK or STATUS_NO_MEMORY */
};

/* STATUS_NO_MEMORY. */
MUST_CHECK enum status findings_init(struct findings *findings, struct arena *arena);

/* Keeps a copy; beyond the maximum it is counted in `dropped`. */
void findings_add(struct findings *findings, const struct finding *finding);

/* Formatted text in the arena; "" when there is no memory. */
struct text findings_text(struct findings *findings, const char *format, ...) PRINTF_LIKE(2, 3);

struct text findings_copy(struct findings *findings, struct text text);

/* A number behind the verdict, `value` at least `threshold`. Returns whether it holds. */
bool findings_gate(struct finding *finding, const char *name, double value, double threshold);

/* What else it could have been. */
void findings_rule_out(struct finding *finding, struct text words);

/* An exemplar; one whose trace is there already is passed over. */
void findings_exemplar(struct finding *finding, const struct tree *tree, uint32_t node,
                       const double before_after_ms[2]);

/* "tax, fx and promo" out of some texts; at most `size` bytes with the terminator, else "". */
size_t findings_join(const struct text *texts, size_t count, char *out, size_t size);

/* "two" .. "twelve", above that digits; valid until the next call with the same buffer. */
const char *findings_number(size_t count, char out[24]);

/* Sorts by saving, then cost, largest first, and after that by what they name. */
void findings_sort(struct findings *findings);

#endif
