/* Whatever a receiver answers: nothing is read outside of it, and what is taken for whole stays
 * within it. The first byte says whether the connection has ended. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "trace/http_reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http_reply reply;
    if (size == 0)
        return 0;
    size_t length = size - 1;
    char *bytes = malloc(length ? length : 1); /* exactly: one byte too far is a crash */
    memcpy(bytes, data + 1, length);
    enum status status = http_reply_parse(bytes, length, data[0] & 1, 784111777000000000u, &reply);
    if (status == STATUS_OK) {
        assert(reply.status_code >= 200 && reply.status_code <= 999);
        assert(reply.body.data >= bytes && reply.body.length <= length);
        assert(reply.body.data + reply.body.length <= bytes + length);
    }
    assert(status != STATUS_BUSY || !(data[0] & 1));
    free(bytes);
    return 0;
}
