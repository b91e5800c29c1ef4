/* What a loop of calls came in place of: in the baseline, the calls below the same parent to the
 * same peer, made once or little more, that are not made any more. Pure. */
#ifndef CULPRIT_DIAGNOSE_REPLACED_H
#define CULPRIT_DIAGNOSE_REPLACED_H

#include "diagnose/detect.h"

typedef bool replaced_filter(const struct fingerprint *print);

/* How often the baseline's requests went through the parent of that site. */
double replaced_visits(const struct detect *detect, const struct calls_site *site);

/* How long such calls took for each of the `visits` (above 0), their medians together; 0: there are
 * none. STATUS_NO_MEMORY. */
MUST_CHECK enum status replaced_find(struct detect *detect, const struct calls_site *like,
                                     replaced_filter *accepts, double visits, double *out_ms);

#endif
