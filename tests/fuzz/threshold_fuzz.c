/* libFuzzer: any bytes as a file of thresholds; what is accepted is judged on a few traces and
 * told, and each has an outcome and words. */
#include <math.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "loadgen/threshold/threshold_file.h"
#include "tests/unit/span_builder.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void build(struct builder *builder)
{
    builder_init(builder);
    for (uint64_t trace = 1; trace <= 3; trace++) {
        double start_us = (double)trace * 1e6;
        builder->trace = trace;
        uint64_t root =
            builder_call(builder, 0, "a", OTLP_KIND_SERVER, "GET /x", start_us, start_us + 900);
        uint64_t call = builder_call(builder, trace == 3 ? 99 : root, "b", OTLP_KIND_SERVER,
                                     "GET /y", start_us + 100, start_us + 800);
        for (uint64_t i = 0; i < trace; i++)
            builder_call(builder, call, "b", OTLP_KIND_CLIENT, "SELECT z", start_us + 200,
                         start_us + 300 + (double)i);
    }
}

static void tell(const struct thresholds *thresholds, const struct threshold_judgement *judgements)
{
    struct buffer out;
    struct json_writer writer;
    buffer_init(&out, 1 << 20);
    json_writer_init(&writer, &out, 0);
    json_begin_object(&writer);
    threshold_write_json(thresholds, judgements, &writer);
    json_end_object(&writer);
    if (out.failed != STATUS_OK)
        abort();
    buffer_release(&out);
    for (size_t i = 0; i < thresholds->count; i++) {
        char line[THRESHOLD_LINE_MAX];
        threshold_line(&judgements[i], line);
        if (judgements[i].words[0] == '\0' || judgements[i].why[0] == '\0')
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct thresholds thresholds;
    static struct threshold_judgement judgements[THRESHOLDS_MAX];
    static struct builder builder;
    static bool is_built;
    static const struct diagnosis diagnosis;
    struct error error = {""};
    if (!is_built)
        build(&builder);
    is_built = true;
    if (threshold_file_parse(&thresholds, (struct text){(const char *)data, size}, "fuzz",
                             &error) != STATUS_OK) {
        if (error.text[0] == '\0')
            abort();
        return 0;
    }
    const struct threshold_evidence evidence = {
        .coverage = {NAN, 0.5, NAN, NAN}, .diagnoses = {&diagnosis}, .spans = &builder.spans};
    if (threshold_judge(&thresholds, &evidence, judgements, &error) != STATUS_OK)
        abort();
    tell(&thresholds, judgements);
    return 0;
}
