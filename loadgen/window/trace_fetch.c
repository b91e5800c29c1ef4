#include "loadgen/window/trace_fetch.h"

#include <string.h>

#include "base/clock.h"
#include "base/hex.h"
#include "otlp/span_file.h"

enum { READ_MS = 3000, SPANS_MAX = 20000 };

static const size_t bytes_max = (size_t)128 * 1024 * 1024;

enum status trace_fetch(struct fetch *fetch, const uint8_t trace_id[16], struct spans *spans,
                        struct error *error)
{
    char path[64] = "/api/v3/traces/";
    struct fetch_answer answer;
    size_t prefix = strlen(path);
    hex_encode(trace_id, 16, path + prefix);
    path[prefix + 32] = '\0';
    spans_release(spans);
    spans_init(spans, SPANS_MAX, bytes_max);
    enum status status = fetch_do(fetch, &(struct fetch_request){.method = "GET", .path = path},
                                  clock_mono_ns() + READ_MS * NS_PER_MS, &answer, error);
    if (status != STATUS_OK || answer.status == 404)
        return status;
    if (answer.status != 200)
        return error_set(error, STATUS_IO, "GET %s answered %u", path, answer.status);
    return span_file_parse(spans, answer.body.data, answer.body.length, path, error);
}
