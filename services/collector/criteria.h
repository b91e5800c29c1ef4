/* What a search asks for, and whether a span has it. Pure. */
#ifndef CULPRIT_COLLECTOR_CRITERIA_H
#define CULPRIT_COLLECTOR_CRITERIA_H

#include "otlp/spans.h"

enum { CRITERIA_TAGS_MAX = 64, CRITERIA_LIMIT_MAX = 1500 };

struct criteria_tag {
    struct text key, value;
};

/* Empty texts and zero tags ask nothing. Texts are borrowed. */
struct criteria {
    struct text service, operation;
    uint64_t start_ns, end_ns;        /* a span starts within, both ends counted */
    uint64_t shortest_ns, longest_ns; /* a span lasts so long */
    struct criteria_tag tags[CRITERIA_TAGS_MAX];
    size_t tag_count;
    size_t limit; /* traces; at most CRITERIA_LIMIT_MAX */
};

/* One search that takes everything there is. */
void criteria_init(struct criteria *criteria);

/* Does this one span have all that is asked? */
bool criteria_match(const struct criteria *criteria, const struct otlp_span *span);

#endif
