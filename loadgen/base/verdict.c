#include "loadgen/base/verdict.h"

static const char *const words[] = {
    [VERDICT_PASS] = "pass",
    [VERDICT_FAIL] = "fail",
    [VERDICT_INCONCLUSIVE] = "inconclusive",
};

const char *verdict_word(enum verdict verdict)
{
    return words[verdict];
}
