/* What a server answers is searched for values: whatever it says, nothing is read beyond its end,
 * and what is found is within the bounds. The input's first byte parts it into what is looked for
 * and the answer. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "loadgen/load/load_extract.h"

enum { VALUE_MAX = 64 };

/* A copy of its own size, so that ASan sees its end. */
static struct text copy_of(const uint8_t *bytes, size_t length)
{
    char *copy = malloc(length + 1);
    if (copy == NULL)
        abort();
    memcpy(copy + 1, bytes, length);
    return (struct text){copy + 1, length};
}

static void free_copy(struct text copy)
{
    free((char *)(uintptr_t)copy.data - 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || (size_t)data[0] + 1 > size)
        return 0;
    size_t what_length = data[0];
    struct text what = copy_of(data + 1, what_length);
    struct text answer = copy_of(data + 1 + what_length, size - 1 - what_length);
    struct text behind = {what.data, what.length > 0 ? 1 : 0};
    const struct load_answer kept = {200, answer, answer};
    for (int kind = LOAD_EXTRACT_JSON; kind <= LOAD_EXTRACT_BETWEEN; kind++) {
        const struct load_extract extract = {(enum load_extract_kind)kind, what, behind};
        struct buffer out;
        buffer_init(&out, VALUE_MAX);
        if (kind != LOAD_EXTRACT_JSON || load_extract_is_pointer(what))
            (void)load_extract_run(&extract, &kept, &out);
        assert(out.length_bytes <= VALUE_MAX);
        assert(strlen(buffer_text(&out)) <= out.length_bytes);
        buffer_release(&out);
    }
    free_copy(what);
    free_copy(answer);
    return 0;
}
