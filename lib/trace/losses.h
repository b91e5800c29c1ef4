/* Tells the program's log of spans that were dropped or went without some of their parts: what it
 * has lost so far, once in ten seconds at the most. The exporter thread's alone. */
#ifndef CULPRIT_TRACE_LOSSES_H
#define CULPRIT_TRACE_LOSSES_H

/* Logs what is new since the last line. */
void losses_log(void);

/* Before the thread starts: nothing is lost and nothing was said. */
void losses_reset(void);

#endif
