#include "loadgen/load/load_trace.h"

#include <endian.h>
#include <string.h>

#include "base/hex.h"

/* The finalizer of splitmix64: one to one, so that different indexes give different words. */
static uint64_t mix(uint64_t value)
{
    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9u;
    value = (value ^ value >> 27) * 0x94d049bb133111ebu;
    return value ^ value >> 31;
}

static void put(uint64_t word, uint8_t *out)
{
    word = htobe64(word);
    memcpy(out, &word, sizeof(word));
}

void load_trace_make(const uint64_t words[3], uint64_t index, uint8_t trace_id[16],
                     char traceparent[LOAD_TRACEPARENT_LENGTH + 1])
{
    uint8_t span_id[8];
    uint64_t span = mix(words[2] + index * 0x9e3779b97f4a7c15u);
    put(words[0], trace_id);
    put(mix(words[1] + index * 0x9e3779b97f4a7c15u), trace_id + 8);
    put(span != 0 ? span : 1, span_id);
    if (words[0] == 0)
        trace_id[0] = 1; /* all zero is no id */
    traceparent[0] = traceparent[1] = '0';
    traceparent[2] = '-';
    hex_encode(trace_id, 16, traceparent + 3);
    traceparent[35] = '-';
    hex_encode(span_id, 8, traceparent + 36);
    memcpy(traceparent + 52, "-03", 4);
}
