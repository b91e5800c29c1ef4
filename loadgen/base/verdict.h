/* What a run, a step or a window amounts to. The worse is the greater. */
#ifndef CULPRIT_LOADGEN_BASE_VERDICT_H
#define CULPRIT_LOADGEN_BASE_VERDICT_H

enum verdict { VERDICT_PASS, VERDICT_FAIL, VERDICT_INCONCLUSIVE };

const char *verdict_word(enum verdict verdict);

#endif
