/* libFuzzer: any bytes as the report of a run. What is accepted adds up, and written again it is
 * read again, the same. */
#include <stdlib.h>
#include <string.h>

#include "loadgen/report/load_document.h"
#include "loadgen/report/load_steps_json.h"

enum { AGAIN_MAX = 64 * 1024 * 1024 };

static void expect(bool holds)
{
    if (!holds)
        abort();
}

static void write_part(struct json_writer *writer, const struct load_part *part)
{
    struct load_steps steps = {
        .figures = &part->figures, .timeline = &part->timeline, .elapsed_s = part->elapsed_s};
    for (size_t i = 0; i < part->figures.step_count; i++)
        steps.names[i] = part->step_names[i];
    json_begin_object(writer);
    json_field_cstring(writer, "name", part->name);
    json_key(writer, "load");
    json_begin_object(writer);
    load_steps_json(writer, &steps);
    json_end_object(writer);
    json_end_object(writer);
}

static void write_again(const struct load_document *document, struct buffer *out)
{
    struct json_writer writer;
    json_writer_init(&writer, out, 0);
    json_begin_object(&writer);
    json_raw(&writer, text_of("\"schema\":\"culprit.run/1\",\"scenario\":\"x\",\"seed\":1,"
                              "\"verdict\":\"pass\",\"cut_short\":\"\""));
    json_key(&writer, "windows");
    json_begin_array(&writer);
    for (size_t i = 0; i < document->part_count; i++)
        write_part(&writer, &document->parts[i]);
    json_end_array(&writer);
    json_end_object(&writer);
}

static void expect_same(const struct load_part *a, const struct load_part *b)
{
    const size_t steps = a->figures.step_count, slots = steps * a->timeline.slot_count;
    expect(steps == b->figures.step_count && a->timeline.slot_count == b->timeline.slot_count);
    expect(steps == 0 ||
           !memcmp(a->figures.steps, b->figures.steps, steps * sizeof(struct load_step_figures)));
    expect(slots == 0 ||
           !memcmp(a->timeline.slots, b->timeline.slots, slots * sizeof(struct load_slot)));
    expect(a->timeline.width_ns == b->timeline.width_ns);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct load_document first, second;
    struct error error = {""};
    struct buffer again;
    const struct text json = {(const char *)data, size};
    buffer_init(&again, AGAIN_MAX);
    if (load_document_parse(&first, json, "fuzz", &error) == STATUS_OK) {
        write_again(&first, &again);
        const struct text written = {buffer_text(&again), again.length_bytes};
        expect(again.failed == STATUS_OK);
        expect(load_document_parse(&second, written, "again", &error) == STATUS_OK);
        expect(first.part_count == second.part_count);
        for (size_t i = 0; i < first.part_count; i++)
            expect_same(&first.parts[i], &second.parts[i]);
        load_document_release(&second);
    } else {
        expect(error.text[0] != '\0');
    }
    buffer_release(&again);
    load_document_release(&first);
    return 0;
}
