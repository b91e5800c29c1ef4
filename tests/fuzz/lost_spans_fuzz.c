/* Whatever stands on somebody's /metrics or in an Accept line: nothing is read outside of it. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "http/lost_spans.h"
#include "http/metrics_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *bytes = malloc(size + 1); /* exactly: one byte too far is a crash */
    memcpy(bytes, data, size);
    bytes[size] = '\0';
    (void)metrics_text_wants_open(bytes);
    char *again = realloc(bytes, size ? size : 1); /* no terminator */
    (void)lost_spans_of_metrics((struct text){again, size});
    free(again);
    return 0;
}
