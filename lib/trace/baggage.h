/* W3C Baggage: members from header lines, validated one by one and written anew into a bounded
 * list. Looks at no more than BAGGAGE_MEMBERS_MAX members and BAGGAGE_MAX bytes of input, whatever
 * arrives. Never allocates; one owner. */
#ifndef CULPRIT_TRACE_BAGGAGE_H
#define CULPRIT_TRACE_BAGGAGE_H

#include "trace/context.h"

struct baggage_reader {
    struct baggage *into; /* made empty by baggage_reader_init */
    size_t seen_bytes;
    size_t seen_members;
};

void baggage_reader_init(struct baggage_reader *reader, struct baggage *into);

/* A member that breaks the grammar is left out, the others stay. Of equal keys the last one wins.
 */
void baggage_reader_add_line(struct baggage_reader *reader, struct text line);

#endif
