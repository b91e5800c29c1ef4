#include "trace/otlp_sender.h"

#include "base/clock.h"
#include "base/log.h"
#include "trace/otlp_answer.h"
#include "trace/retry.h"

static const uint64_t log_gap_ns = 10 * NS_PER_S;
static const uint64_t hurried_ns = 100 * NS_PER_MS;
static const uint64_t respite_max_ns = 60 * NS_PER_S;

static const struct {
    const char *failed, *in_part, *warned;
} words[] = {
    [OTLP_TRACES] = {"spans could not be exported and were dropped",
                     "the receiver took spans in part", "the receiver warns of the spans"},
    [OTLP_LOGS] = {"log records could not be exported and were dropped",
                   "the receiver took log records in part", "the receiver warns of the records"},
};

static enum status open_transport(struct otlp_sender *sender, const struct otlp_settings *settings,
                                  struct error *error)
{
    struct otlp_request request;
    enum status status = otlp_request_init(&request, settings, error);
    if (status != STATUS_OK)
        return status;
    if (request.is_https) {
        sender->transport = otlp_transport_https();
        if (sender->transport == NULL)
            return error_set(error, STATUS_UNSUPPORTED, "%s: no transport for https was registered",
                             settings->endpoint);
        return sender->transport->open(&request, settings, &sender->connection, error);
    }
    if (settings->certificate[0] != '\0' || settings->client_certificate[0] != '\0')
        log_event(LOG_WARN, LOG_NO_IDS, "certificates are of no use for an endpoint without https",
                  LOG_TEXT("endpoint", settings->endpoint));
    status = otlp_http_init(&sender->http, &request);
    return status == STATUS_OK ? status
                               : error_set(error, status, "exporter: %s", status_words(status));
}

enum status otlp_sender_init(struct otlp_sender *sender, enum otlp_signal signal,
                             const struct otlp_settings *settings, struct error *error)
{
    *sender = (struct otlp_sender){
        .timeout_ns = settings->timeout_ms * NS_PER_MS, .http.socket = -1, .is_open = true};
    rng_seed_entropy(&sender->rng);
    enum status status = otlp_stop_init(&sender->stop);
    if (status == STATUS_OK)
        status = otlp_body_init(&sender->body, signal, settings);
    if (status != STATUS_OK)
        error_set(error, status, "exporter: %s", status_words(status));
    else
        status = open_transport(sender, settings, error);
    if (status != STATUS_OK)
        otlp_sender_release(sender, false);
    return status;
}

void otlp_sender_release(struct otlp_sender *sender, bool in_child)
{
    if (!sender->is_open)
        return;
    sender->is_open = false;
    if (sender->connection != NULL)
        sender->transport->close(sender->connection, in_child);
    sender->connection = NULL;
    otlp_http_release(&sender->http);
    if (in_child)
        otlp_body_forget(&sender->body);
    otlp_body_release(&sender->body);
    otlp_stop_release(&sender->stop);
}

/* One line in ten seconds, whatever happens. */
static bool may_log(struct otlp_sender *sender)
{
    uint64_t now_ns = clock_mono_ns();
    if (sender->logged_ns != 0 && now_ns - sender->logged_ns < log_gap_ns)
        return false;
    sender->logged_ns = now_ns;
    return true;
}

static enum status count_sent(struct otlp_sender *sender, uint32_t count, struct text body)
{
    struct otlp_answer answer = otlp_answer_of_success(body, sender->body.json);
    if ((answer.rejected > 0 || answer.message[0] != '\0') && may_log(sender))
        log_event(LOG_WARN, LOG_NO_IDS,
                  answer.rejected > 0 ? words[sender->body.signal].in_part
                                      : words[sender->body.signal].warned,
                  LOG_I64("rejected", (int64_t)answer.rejected),
                  LOG_TEXT("reason", answer.message));
    if (answer.rejected > count)
        answer.rejected = count;
    atomic_fetch_add(&sender->rejected, answer.rejected);
    atomic_fetch_add(&sender->exported, count - answer.rejected);
    return STATUS_OK;
}

/* `status`: of the post; `reply`: what came of one that went well. */
static enum status count_failed(struct otlp_sender *sender, uint32_t count, enum status status,
                                const struct http_reply *reply)
{
    const char *reason = status == STATUS_OK ? "refused by the receiver" : status_words(status);
    struct otlp_answer answer = otlp_answer_of_failure(reply->body, sender->body.json);
    atomic_fetch_add(&sender->failed, count);
    if (may_log(sender))
        log_event(LOG_WARN, LOG_NO_IDS, words[sender->body.signal].failed,
                  LOG_TEXT("reason", reason), LOG_TEXT("receiver", answer.message),
                  LOG_I64("http_status", reply->status_code),
                  LOG_I64("dropped_so_far", (int64_t)atomic_load(&sender->failed)));
    return status == STATUS_OK ? STATUS_IO : status;
}

/* A process that waits to end asks again sooner. */
static uint64_t delay_before_retry(struct otlp_sender *sender, unsigned attempt,
                                   uint64_t retry_after_ns)
{
    uint64_t delay_ns = retry_delay_ns(attempt, retry_after_ns, &sender->rng);
    bool hurry = otlp_stop_is_set(&sender->stop) && retry_after_ns == 0;
    return hurry && delay_ns > hurried_ns ? hurried_ns : delay_ns;
}

/* The batch is lost, but the next one must not come sooner than the receiver asked for. */
static enum status give_up(struct otlp_sender *sender, uint32_t count, enum status status,
                           const struct http_reply *reply)
{
    uint64_t respite_ns = reply->retry_after_ns;
    if (respite_ns > 0)
        sender->not_before_ns =
            clock_mono_ns() + (respite_ns < respite_max_ns ? respite_ns : respite_max_ns);
    return count_failed(sender, count, status, reply);
}

static enum status post_once(struct otlp_sender *sender, const struct otlp_post *post,
                             struct http_reply *reply)
{
    atomic_fetch_add(&sender->requests, 1);
    if (sender->transport != NULL)
        return sender->transport->post(sender->connection, post, reply);
    return otlp_http_post(&sender->http, post, reply);
}

/* A stop wakes a pause, but only its limit ends the wait. */
static void pause_until(struct otlp_sender *sender, uint64_t until_ns)
{
    if (otlp_stop_is_set(&sender->stop))
        clock_sleep_until_ns(until_ns);
    else
        (void)otlp_stop_pause(&sender->stop, until_ns);
}

static enum status send_until_decided(struct otlp_sender *sender, const struct otlp_post *post,
                                      uint32_t count)
{
    for (unsigned attempt = 0;; attempt++) {
        struct http_reply reply = {0};
        enum status status = post_once(sender, post, &reply);
        if (status == STATUS_OK && reply.status_code / 100 == 2)
            return count_sent(sender, count, reply.body);
        uint64_t until_ns =
            clock_mono_ns() + delay_before_retry(sender, attempt, reply.retry_after_ns);
        if (!retry_is_due(status, reply.status_code) ||
            until_ns >= otlp_stop_limited(&sender->stop, post->deadline_ns))
            return give_up(sender, count, status, &reply);
        pause_until(sender, until_ns);
        atomic_fetch_add(&sender->retries, 1);
    }
}

uint64_t otlp_sender_due_ns(const struct otlp_sender *sender)
{
    return sender->not_before_ns;
}

enum status otlp_sender_send(struct otlp_sender *sender, struct text otlp, uint32_t count,
                             uint64_t deadline_ns)
{
    static const struct http_reply none;
    struct text body;
    if (count == 0)
        return STATUS_OK;
    if (sender->not_before_ns > deadline_ns)
        return count_failed(sender, count, STATUS_BUSY, &none);
    enum status status = otlp_body_make(&sender->body, otlp, &body);
    if (status != STATUS_OK)
        return count_failed(sender, count, status, &none);
    if (!otlp_stop_is_set(&sender->stop))
        (void)otlp_stop_pause(&sender->stop, sender->not_before_ns);
    struct otlp_post post = {body.data, body.length, deadline_ns, &sender->stop};
    uint64_t began_ns = clock_mono_ns();
    if (began_ns + sender->timeout_ns < post.deadline_ns)
        post.deadline_ns = began_ns + sender->timeout_ns;
    status = send_until_decided(sender, &post, count);
    uint64_t duration_ns = clock_mono_ns() - began_ns;
    atomic_fetch_add(&sender->durations_ns, duration_ns);
    atomic_fetch_add(&sender->durations[durations_bucket(duration_ns)], 1);
    return status;
}

void otlp_sender_stop(struct otlp_sender *sender, uint64_t limit_ns)
{
    otlp_stop_at(&sender->stop, limit_ns);
}

/* The count is the buckets' sum, so that a histogram written from it never contradicts itself. */
struct durations otlp_sender_durations(const struct otlp_sender *sender)
{
    struct durations durations = {.sum_ns = atomic_load(&sender->durations_ns)};
    for (size_t i = 0; i <= DURATIONS_BOUNDS; i++) {
        durations.buckets[i] = atomic_load(&sender->durations[i]);
        durations.count += durations.buckets[i];
    }
    return durations;
}
