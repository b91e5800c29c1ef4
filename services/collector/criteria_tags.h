/* The attributes that a search asks for, from a JSON object of strings. Pure. */
#ifndef CULPRIT_COLLECTOR_CRITERIA_TAGS_H
#define CULPRIT_COLLECTOR_CRITERIA_TAGS_H

#include "base/arena.h"
#include "services/collector/criteria.h"

/* false: there are CRITERIA_TAGS_MAX already. */
bool criteria_tags_add(struct criteria *criteria, struct text key, struct text value);

/* Numbers, true and false pass for their text. Texts are slices of `json` or the arena's.
 * STATUS_INVALID, STATUS_TOO_LARGE: too many, STATUS_NO_MEMORY. */
MUST_CHECK enum status criteria_tags_read(struct criteria *criteria, struct arena *arena,
                                          struct text json);

#endif
