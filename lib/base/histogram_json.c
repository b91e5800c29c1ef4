#include "base/histogram_json.h"

#include <string.h>

#define EXACT_MAX ((uint64_t)1 << 53) /* beyond it other readers of JSON round */

static void write_number(struct json_writer *writer, uint64_t value)
{
    if (value <= EXACT_MAX)
        json_u64(writer, value);
    else
        json_u64_string(writer, value);
}

/* The five numbers of the header, in the order of the struct. */
static const struct {
    const char *key;
    size_t offset;
} numbers[] = {
    {"count", offsetof(struct histogram, count)},
    {"sum_ns", offsetof(struct histogram, sum_ns)},
    {"min_ns", offsetof(struct histogram, min_ns)},
    {"max_ns", offsetof(struct histogram, max_ns)},
    {"saturated", offsetof(struct histogram, saturated)},
};
enum { NUMBER_COUNT = sizeof(numbers) / sizeof(numbers[0]) };

void histogram_json_write(struct json_writer *writer, const struct histogram *histogram)
{
    unsigned indent = writer->indent;
    json_begin_object(writer);
    writer->indent = 0; /* a line for each bucket would be most of a report */
    for (size_t i = 0; i < NUMBER_COUNT; i++) {
        uint64_t value;
        memcpy(&value, (const char *)histogram + numbers[i].offset, sizeof(value));
        json_key(writer, numbers[i].key);
        write_number(writer, value);
    }
    json_key(writer, "buckets");
    json_begin_array(writer);
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        if (histogram->buckets[i] == 0)
            continue;
        json_u64(writer, i);
        write_number(writer, histogram->buckets[i]);
    }
    json_end_array(writer);
    json_end_object(writer);
    writer->indent = indent;
}

static enum status fail(struct error *error, const char *words)
{
    return error_set(error, STATUS_INVALID, "%s", words);
}

static bool read_number(struct json_reader *reader, uint64_t *out)
{
    enum json_token token = json_reader_next(reader);
    return (token == JSON_NUMBER || token == JSON_STRING) &&
           json_reader_u64(reader, out) == STATUS_OK;
}

static enum status read_buckets(struct json_reader *reader, struct histogram *out,
                                struct error *error)
{
    uint64_t least = 0; /* that the next index may be */
    if (json_reader_next(reader) != JSON_ARRAY_BEGIN)
        return fail(error, "\"buckets\" must be an array");
    while (json_reader_next(reader) != JSON_ARRAY_END) {
        uint64_t index = 0, count = 0;
        if (reader->token != JSON_NUMBER || json_reader_u64(reader, &index) != STATUS_OK ||
            !read_number(reader, &count))
            return fail(error, "\"buckets\" must be pairs of an index and a count");
        if (index < least || index >= HISTOGRAM_BUCKETS)
            return fail(error, "an index of \"buckets\" is out of range or out of order");
        if (count == 0)
            return fail(error, "a bucket is written that has nothing in it");
        out->buckets[index] = count;
        least = index + 1;
    }
    return STATUS_OK;
}

/* What histogram_add keeps true. */
static enum status check(const struct histogram *histogram, struct error *error)
{
    uint64_t count = 0;
    size_t first = HISTOGRAM_BUCKETS, last = 0;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        if (histogram->buckets[i] == 0)
            continue;
        first = first == HISTOGRAM_BUCKETS ? i : first;
        last = i;
        if (histogram->buckets[i] > UINT64_MAX - count)
            return fail(error, "the counts of its buckets are too large");
        count += histogram->buckets[i];
    }
    if (count != histogram->count)
        return fail(error, "\"count\" is not the sum of its buckets");
    if (count == 0)
        return histogram->min_ns == 0 && histogram->max_ns == 0 && histogram->sum_ns == 0 &&
                       histogram->saturated == 0
                   ? STATUS_OK
                   : fail(error, "it is empty, and yet it has values");
    if (histogram->min_ns > histogram->max_ns || histogram_index(histogram->min_ns) != first ||
        histogram_index(histogram->max_ns) != last)
        return fail(error, "\"min_ns\" and \"max_ns\" are not in its first and last bucket");
    if (histogram->saturated > histogram->buckets[HISTOGRAM_BUCKETS - 1])
        return fail(error, "more is \"saturated\" than its last bucket holds");
    return STATUS_OK;
}

static enum status read_member(struct json_reader *reader, struct histogram *out, unsigned *seen,
                               struct error *error)
{
    size_t i = 0;
    while (i < NUMBER_COUNT && !json_reader_is(reader, numbers[i].key))
        i++;
    if (i == NUMBER_COUNT && !json_reader_is(reader, "buckets"))
        return fail(error, "a histogram has no such key");
    if (*seen & 1u << i)
        return fail(error, "a key of a histogram is written twice");
    *seen |= 1u << i;
    if (i == NUMBER_COUNT)
        return read_buckets(reader, out, error);
    uint64_t value = 0;
    if (!read_number(reader, &value))
        return error_set(error, STATUS_INVALID, "\"%s\" must be a whole number", numbers[i].key);
    memcpy((char *)out + numbers[i].offset, &value, sizeof(value));
    return STATUS_OK;
}

enum status histogram_json_read(struct json_reader *reader, struct histogram *out,
                                struct error *error)
{
    unsigned seen = 0;
    histogram_clear(out);
    if (reader->token != JSON_OBJECT_BEGIN)
        return fail(error, "a histogram must be an object");
    while (json_reader_next(reader) == JSON_KEY) {
        enum status status = read_member(reader, out, &seen, error);
        if (status != STATUS_OK)
            return status;
    }
    if (reader->token != JSON_OBJECT_END)
        return fail(error, "bad JSON in a histogram");
    if (seen != (1u << (NUMBER_COUNT + 1)) - 1)
        return fail(error, "a key of a histogram is missing");
    return check(out, error);
}
