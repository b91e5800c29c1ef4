#include "loadgen/stack/backend.h"

#include <math.h>

#include <jansson.h>

#include "base/clock.h"
#include "loadgen/base/fetch.h"

enum { CALL_MS = 2000, ANSWER_BYTES_MAX = 1024 * 1024 };

static const char status_path[] = "/api/culprit/status";
static const char health_path[] = "/api/culprit/health";

static bool take_bucket(const json_t *pair, struct backend_buckets *out)
{
    const json_t *upper = json_array_get(pair, 0), *count = json_array_get(pair, 1);
    if (!json_is_number(upper) || !json_is_integer(count) || out->count == BACKEND_BUCKETS_MAX)
        return false;
    struct backend_bucket bucket = {json_number_value(upper), (uint64_t)json_integer_value(count)};
    if (out->count > 0 && (out->items[out->count - 1].upper_ms > bucket.upper_ms ||
                           out->items[out->count - 1].count_up_to > bucket.count_up_to))
        return false;
    out->items[out->count++] = bucket;
    return true;
}

bool backend_parse(struct text json, struct backend_buckets *out)
{
    out->count = 0;
    json_t *status = json_loadb(json.data, json.length, 0, NULL);
    const json_t *buckets = json_object_get(json_object_get(status, "trace_latency"), "buckets");
    bool good = json_is_array(buckets);
    for (size_t i = 0; good && i < json_array_size(buckets); i++)
        good = take_bucket(json_array_get(buckets, i), out);
    json_decref(status);
    return good;
}

/* The caller releases `fetch`, which has the answer. */
static enum status ask(struct fetch *fetch, const char *query_url, const char *path,
                       struct fetch_answer *answer, struct error *error)
{
    enum status status = fetch_init(fetch, query_url, ANSWER_BYTES_MAX, error);
    if (status == STATUS_OK)
        status = fetch_do(fetch, &(struct fetch_request){.method = "GET", .path = path},
                          clock_mono_ns() + CALL_MS * NS_PER_MS, answer, error);
    return status;
}

bool backend_read(const char *query_url, struct backend_buckets *out)
{
    struct fetch fetch;
    struct fetch_answer answer = {0};
    enum status status = ask(&fetch, query_url, status_path, &answer, NULL);
    bool good = status == STATUS_OK && answer.status == 200 && backend_parse(answer.body, out);
    fetch_release(&fetch);
    return good;
}

enum status backend_probe(const char *query_url, struct error *error)
{
    struct fetch fetch;
    struct fetch_answer answer = {0};
    struct error words = {0};
    enum status status = ask(&fetch, query_url, status_path, &answer, &words);
    fetch_release(&fetch);
    if (status == STATUS_OK)
        return STATUS_OK;
    return error_set(error, STATUS_CLOSED, "no back end to read traces from: %s", words.text);
}

static uint64_t up_to(const struct backend_buckets *buckets, double upper_ms)
{
    uint64_t count = 0;
    for (size_t i = 0; i < buckets->count && buckets->items[i].upper_ms <= upper_ms; i++)
        count = buckets->items[i].count_up_to;
    return count;
}

/* Upper bound of the bucket that holds the span of that rank (from 1). */
static double at_rank(const struct backend_buckets *before, const struct backend_buckets *after,
                      uint64_t rank)
{
    for (size_t i = 0; i < after->count; i++) {
        const struct backend_bucket *bucket = &after->items[i];
        uint64_t old = up_to(before, bucket->upper_ms);
        if (bucket->count_up_to >= old && bucket->count_up_to - old >= rank)
            return bucket->upper_ms;
    }
    return 0;
}

void backend_difference(const struct backend_buckets *before, const struct backend_buckets *after,
                        struct backend_latency *out)
{
    *out = (struct backend_latency){.is_known = false};
    uint64_t all = after->count ? after->items[after->count - 1].count_up_to : 0;
    uint64_t old = before->count ? before->items[before->count - 1].count_up_to : 0;
    if (all <= old)
        return;
    out->is_known = true;
    out->count = all - old;
    out->p50_ms = at_rank(before, after, (uint64_t)ceil(0.5 * (double)out->count));
    out->p90_ms = at_rank(before, after, (uint64_t)ceil(0.9 * (double)out->count));
    out->p99_ms = at_rank(before, after, (uint64_t)ceil(0.99 * (double)out->count));
    out->max_ms = at_rank(before, after, out->count);
}

void backend_ask_losses(const char *query_url)
{
    struct fetch fetch;
    struct fetch_answer answer = {0};
    (void)!ask(&fetch, query_url, health_path, &answer, NULL);
    fetch_release(&fetch);
}
