#include "trace/span_sender.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/otlp_fields.h"
#include "base/wire.h"
#include "trace/retry.h"

static const uint64_t log_gap_ns = 10 * NS_PER_S;
static const uint64_t hurried_ns = 100 * NS_PER_MS;
static const uint64_t respite_max_ns = 60 * NS_PER_S;

enum status span_sender_init(struct span_sender *sender, const struct otlp_request *request,
                             uint64_t timeout_ns)
{
    *sender = (struct span_sender){.timeout_ns = timeout_ns};
    rng_seed_entropy(&sender->rng);
    return otlp_http_init(&sender->http, request);
}

void span_sender_release(struct span_sender *sender)
{
    otlp_http_release(&sender->http);
}

/* One line in ten seconds, whatever happens. */
static bool may_log(struct span_sender *sender)
{
    uint64_t now_ns = clock_mono_ns();
    if (sender->logged_ns != 0 && now_ns - sender->logged_ns < log_gap_ns)
        return false;
    sender->logged_ns = now_ns;
    return true;
}

static uint64_t read_partial_success(struct span_sender *sender, struct text body)
{
    struct wire_reader reader = wire_reader_of(body.data, body.length);
    struct wire_field field;
    struct text partial = {NULL, 0}, message = {NULL, 0};
    uint64_t rejected = 0;
    while (wire_next(&reader, &field) == STATUS_OK)
        if (field.number == OTLP_RESPONSE_PARTIAL_SUCCESS && field.type == WIRE_BYTES)
            partial = field.bytes;
    reader = wire_reader_of(partial.data, partial.length);
    while (wire_next(&reader, &field) == STATUS_OK) {
        if (field.number == OTLP_PARTIAL_REJECTED_SPANS && field.type == WIRE_VARINT)
            rejected = field.value;
        else if (field.number == OTLP_PARTIAL_ERROR_MESSAGE && field.type == WIRE_BYTES)
            message = field.bytes;
    }
    if ((rejected > 0 || message.length > 0) && may_log(sender))
        log_event(LOG_WARN, LOG_NO_IDS, "the receiver took spans in part",
                  LOG_I64("rejected", (int64_t)rejected), LOG_SLICE("reason", message));
    return rejected;
}

static void count_sent(struct span_sender *sender, uint32_t count, struct text body)
{
    uint64_t rejected = read_partial_success(sender, body);
    if (rejected > count)
        rejected = count;
    atomic_fetch_add(&sender->rejected, rejected);
    atomic_fetch_add(&sender->exported, count - rejected);
}

static void count_failed(struct span_sender *sender, uint32_t count, enum status status,
                         unsigned status_code)
{
    atomic_fetch_add(&sender->failed, count);
    if (!may_log(sender))
        return;
    log_event(
        LOG_WARN, LOG_NO_IDS, "spans could not be exported and were dropped",
        LOG_TEXT("reason", status == STATUS_OK ? "refused by the receiver" : status_words(status)),
        LOG_I64("http_status", status_code),
        LOG_I64("dropped_so_far", (int64_t)atomic_load(&sender->failed)));
}

static bool is_stopped(const struct span_sender *sender)
{
    return atomic_load(&sender->http.limit_ns) != UINT64_MAX;
}

/* A process that waits to end asks again sooner. */
static uint64_t delay_before_retry(struct span_sender *sender, unsigned attempt,
                                   uint64_t retry_after_ns)
{
    uint64_t delay_ns = retry_delay_ns(attempt, retry_after_ns, &sender->rng);
    bool hurry = is_stopped(sender) && retry_after_ns == 0;
    return hurry && delay_ns > hurried_ns ? hurried_ns : delay_ns;
}

/* The batch is lost, but the next one must not come sooner than the receiver asked for. */
static void give_up(struct span_sender *sender, uint32_t count, enum status status,
                    const struct http_reply *reply)
{
    uint64_t respite_ns = reply->retry_after_ns;
    if (respite_ns > 0)
        sender->not_before_ns =
            clock_mono_ns() + (respite_ns < respite_max_ns ? respite_ns : respite_max_ns);
    count_failed(sender, count, status, reply->status_code);
}

static void send_until_decided(struct span_sender *sender, const uint8_t *body, size_t length_bytes,
                               uint32_t count)
{
    uint64_t deadline_ns = clock_mono_ns() + sender->timeout_ns;
    for (unsigned attempt = 0;; attempt++) {
        struct http_reply reply = {0};
        atomic_fetch_add(&sender->requests, 1);
        enum status status = otlp_http_post(&sender->http, body, length_bytes, deadline_ns, &reply);
        if (status == STATUS_OK && reply.status_code / 100 == 2) {
            count_sent(sender, count, reply.body);
            return;
        }
        uint64_t until_ns =
            clock_mono_ns() + delay_before_retry(sender, attempt, reply.retry_after_ns);
        if (!retry_is_due(status, reply.status_code) || until_ns >= deadline_ns ||
            until_ns >= atomic_load(&sender->http.limit_ns)) {
            give_up(sender, count, status, &reply);
            return;
        }
        if (is_stopped(sender))
            clock_sleep_until_ns(until_ns);
        else
            (void)otlp_http_pause(&sender->http, until_ns);
        atomic_fetch_add(&sender->retries, 1);
    }
}

void span_sender_send(struct span_sender *sender, const uint8_t *body, size_t length_bytes,
                      uint32_t count)
{
    if (!is_stopped(sender))
        (void)otlp_http_pause(&sender->http, sender->not_before_ns);
    uint64_t began_ns = clock_mono_ns();
    send_until_decided(sender, body, length_bytes, count);
    uint64_t duration_ns = clock_mono_ns() - began_ns;
    atomic_fetch_add(&sender->durations_ns, duration_ns);
    atomic_fetch_add(&sender->durations[durations_bucket(duration_ns)], 1);
}

/* The count is the buckets' sum, so that a histogram written from it never contradicts itself. */
struct durations span_sender_durations(const struct span_sender *sender)
{
    struct durations durations = {.sum_ns = atomic_load(&sender->durations_ns)};
    for (size_t i = 0; i <= DURATIONS_BOUNDS; i++) {
        durations.buckets[i] = atomic_load(&sender->durations[i]);
        durations.count += durations.buckets[i];
    }
    return durations;
}
