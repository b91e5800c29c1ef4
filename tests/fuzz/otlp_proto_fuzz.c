/* Reads bytes as otlp_proto; what was read must write in every format. */
#include "base/json_writer.h"
#include "otlp/jaeger_json.h"
#include "otlp/otlp_json.h"
#include "otlp/otlp_proto.h"

enum { COUNT_MAX = 10000, MEMORY_MAX = 16 * 1024 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct spans spans;
    struct buffer out;
    struct json_writer writer;
    struct error error = {{0}};
    spans_init(&spans, COUNT_MAX, MEMORY_MAX);
    buffer_init(&out, 16 * (size_t)MEMORY_MAX);
    if (otlp_proto_read(&spans, data, size, NULL, &error) == STATUS_OK) {
        if (otlp_proto_write(&spans, 0, spans.count, &out) != STATUS_OK)
            __builtin_trap();
        buffer_clear(&out);
        json_writer_init(&writer, &out, 0);
        otlp_json_write(&spans, 0, spans.count, &writer);
        buffer_clear(&out);
        json_writer_init(&writer, &out, 0);
        jaeger_json_write(&spans, 0, spans.count, &writer);
    }
    spans_release(&spans);
    buffer_release(&out);
    return 0;
}
