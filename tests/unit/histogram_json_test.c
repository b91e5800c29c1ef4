#include "base/histogram_json.h"

#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "tests/unit/rows.h"

enum { BYTES_MAX = 1024 * 1024 };

static enum status read_words(const char *json, struct histogram *out, struct error *error)
{
    struct json_reader reader;
    json_reader_init(&reader, json, strlen(json));
    (void)json_reader_next(&reader);
    return histogram_json_read(&reader, out, error);
}

struct trip_row {
    const char *it;
    unsigned count;
    uint64_t below_ns; /* values are below it */
    uint64_t each;     /* how often each is counted */
};

static const struct trip_row trip_rows[] = {
    {"it brings back one that is empty", 0, 1, 1},
    {"it brings back one value of 0", 1, 1, 1},
    {"it brings back nanoseconds", 300, 600, 1},
    {"it brings back milliseconds", 5000, 900000000, 1},
    {"it brings back all that a histogram can hold and more", 5000, UINT64_MAX, 1},
    {"it brings back counts above 2^53", 3, 5000000, (uint64_t)1 << 55},
};

/* A histogram as if each of some values had been added `each` times. */
static void fill(const struct trip_row *row, struct histogram *out)
{
    struct rng rng;
    histogram_clear(out);
    rng_seed(&rng, 5);
    for (unsigned i = 0; i < row->count; i++)
        histogram_add(out, rng_below(&rng, row->below_ns));
    out->count *= row->each;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        out->buckets[i] *= row->each;
}

static void check_trip(void **state)
{
    static struct histogram before, after;
    const unsigned indents[] = {0, 2};
    fill(*state, &before);
    for (size_t i = 0; i < 2; i++) {
        struct buffer out;
        struct json_writer writer;
        struct error error = {0};
        buffer_init(&out, BYTES_MAX);
        json_writer_init(&writer, &out, indents[i]);
        json_begin_array(&writer);
        histogram_json_write(&writer, &before);
        json_u64(&writer, 7);
        json_end_array(&writer);
        struct json_reader reader;
        json_reader_init(&reader, buffer_text(&out), out.length_bytes);
        (void)json_reader_next(&reader);
        (void)json_reader_next(&reader);
        assert_int_equal(histogram_json_read(&reader, &after, &error), STATUS_OK);
        assert_memory_equal(&after, &before, sizeof(before));
        assert_int_equal(json_reader_next(&reader), JSON_NUMBER); /* it stood at its last token */
        assert_int_equal(json_reader_next(&reader), JSON_ARRAY_END);
        buffer_release(&out);
    }
}

static void check_form(void **state)
{
    (void)state;
    static struct histogram histogram;
    struct buffer out;
    struct json_writer writer;
    histogram_clear(&histogram);
    histogram_add(&histogram, 900);
    histogram_add(&histogram, 900);
    histogram_add(&histogram, 100);
    buffer_init(&out, BYTES_MAX);
    json_writer_init(&writer, &out, 0);
    histogram_json_write(&writer, &histogram);
    /* 900 = (256 + 194) << 1, and 706 = 2 * 256 + 194 */
    assert_string_equal(buffer_text(&out),
                        "{\"count\":3,\"sum_ns\":1900,\"min_ns\":100,\"max_ns\":900,"
                        "\"saturated\":0,\"buckets\":[100,1,706,2]}");
    buffer_release(&out);
}

struct bad_row {
    const char *it;
    const char *json;
    const char *words; /* in the error */
};

#define HEAD "{\"count\":2,\"sum_ns\":7,\"min_ns\":3,\"max_ns\":4,\"saturated\":0,"
static const struct bad_row bad_rows[] = {
    {"it refuses what is no object", "[]", "object"},
    {"it refuses an unknown key", HEAD "\"buckets\":[3,1,4,1],\"more\":1}", "no such key"},
    {"it refuses a key written twice", HEAD "\"count\":2,\"buckets\":[3,1,4,1]}", "twice"},
    {"it refuses buckets written twice", HEAD "\"buckets\":[3,1],\"buckets\":[4,1]}", "twice"},
    {"it refuses a missing key", "{\"count\":0}", "missing"},
    {"it refuses a count that is no number", "{\"count\":null}", "whole number"},
    {"it refuses a negative count", "{\"count\":-1}", "whole number"},
    {"it refuses a count of more than 64 bits", "{\"count\":18446744073709551616}", "whole"},
    {"it refuses an index without a count", HEAD "\"buckets\":[3,1,4]}", "pairs"},
    {"it refuses buckets that are no array", HEAD "\"buckets\":{}}", "array"},
    {"it refuses indices out of order", HEAD "\"buckets\":[4,1,3,1]}", "order"},
    {"it refuses one index twice", HEAD "\"buckets\":[3,1,3,1]}", "order"},
    {"it refuses an index beyond the last", HEAD "\"buckets\":[3,1,8448,1]}", "range"},
    {"it refuses an empty bucket", HEAD "\"buckets\":[3,1,4,1,5,0]}", "nothing in it"},
    {"it refuses counts that do not add up", HEAD "\"buckets\":[3,1,4,2]}", "sum"},
    {"it refuses counts whose sum is too large",
     HEAD "\"buckets\":[3,\"18446744073709551615\",4,3]}", "too large"},
    {"it refuses a minimum that is elsewhere", HEAD "\"buckets\":[2,1,4,1]}", "min_ns"},
    {"it refuses a maximum that is elsewhere", HEAD "\"buckets\":[3,1,5,1]}", "max_ns"},
    {"it refuses an empty one with values",
     "{\"count\":0,\"sum_ns\":0,\"min_ns\":0,\"max_ns\":4,\"saturated\":0,\"buckets\":[]}",
     "empty"},
    {"it refuses more beyond its range than there is",
     "{\"count\":1,\"sum_ns\":7,\"min_ns\":7,\"max_ns\":7,\"saturated\":1,\"buckets\":[7,1]}",
     "saturated"},
    {"it refuses JSON that is cut off", HEAD "\"buckets\":[3,1", "pairs"},
    {"it refuses an object that is cut off", HEAD "\"buckets\":[3,1,4,1]", "bad JSON"},
};

static void check_bad(void **state)
{
    static struct histogram histogram;
    const struct bad_row *row = *state;
    struct error error = {0};
    assert_int_equal(read_words(row->json, &histogram, &error), STATUS_INVALID);
    if (strstr(error.text, row->words) == NULL)
        fail_msg("\"%s\" says nothing of \"%s\"", error.text, row->words);
}

static void check_order(void **state)
{
    (void)state;
    static struct histogram histogram;
    struct error error = {0};
    assert_int_equal(read_words("{\"buckets\":[7,\"1\"],\"saturated\":0,\"max_ns\":7,\"min_ns\":7,"
                                "\"sum_ns\":\"7\",\"count\":1}",
                                &histogram, &error),
                     STATUS_OK);
    assert_int_equal(histogram.buckets[7], 1);
    assert_int_equal(histogram.sum_ns, 7);
}

int main(void)
{
    static struct rows all;
    ROWS(&all, trip_rows, check_trip);
    rows_one(&all, "it writes what its header says", check_form);
    ROWS(&all, bad_rows, check_bad);
    rows_one(&all, "it takes keys in any order, and numbers as strings", check_order);
    return rows_run("histogram_json", &all);
}
