/* What a receiver answers, as success and as failure, in both encodings. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "trace/otlp_answer.h"

static void check(struct otlp_answer answer)
{
    size_t length = strnlen(answer.message, sizeof answer.message);
    if (length == sizeof answer.message || answer.rejected > INT64_MAX ||
        text_utf8_prefix((struct text){answer.message, length}) != length)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct text body = {(const char *)data, size};
    for (int json = 0; json < 2; json++) {
        check(otlp_answer_of_success(body, json == 1));
        check(otlp_answer_of_failure(body, json == 1));
    }
    return 0;
}
