/* Time is passed in: nobody waits here. */
#include "http/queue_store.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/rows.h"

enum { NOW_MS = 1000000, LEASE_MS = 1000, THREADS = 4, MESSAGES = 200, BUSY_TRIES = 20 };

#define NS(ms) ((uint64_t)(ms)*1000000u)

static char directory[64];
static unsigned files;

static const struct queue_context context = {
    .fields = "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n"
              "tracestate: a=1,b=2\r\n"};

static void next_path(char path[128])
{
    snprintf(path, 128, "%s/deep/er/%u.db", directory, files++);
}

static struct queue_store *open_store(const char *path)
{
    struct error error = {""};
    struct queue_store *store = NULL;
    assert_int_equal(queue_store_new(&store, path, &error), STATUS_OK);
    return store;
}

static struct queue_store *fresh_store(void)
{
    char path[128];
    next_path(path);
    return open_store(path);
}

static void add(struct queue_store *store, const char *topic, const char *key, uint64_t ms)
{
    assert_int_equal(queue_store_add(store, topic, key, text_of(key), &context, NS(ms)), STATUS_OK);
}

static enum status claim(struct queue_store *store, uint64_t now_ms, struct queue_claim *out)
{
    return queue_store_claim(store, "t", now_ms, now_ms + LEASE_MS, out);
}

static void expect(struct queue_store *store, uint64_t waiting, uint64_t in_hand, uint64_t parked,
                   uint64_t done)
{
    struct queue_stats stats;
    assert_int_equal(queue_store_stats(store, "t", &stats), STATUS_OK);
    assert_int_equal(stats.waiting, waiting);
    assert_int_equal(stats.in_hand, in_hand);
    assert_int_equal(stats.parked, parked);
    assert_int_equal(stats.done, done);
}

static void hands_out_what_was_added(void **state)
{
    (void)state;
    struct queue_store *store = fresh_store();
    struct queue_claim got;
    const char payload[] = "{\"a\":\"\xc3\xa4\"}";
    assert_int_equal(queue_store_add(store, "t", "key", text_of(payload), &context, NS(NOW_MS) + 7),
                     STATUS_OK);
    expect(store, 1, 0, 0, 0);
    assert_int_equal(claim(store, NOW_MS, &got), STATUS_OK);
    assert_string_equal(got.key, "key");
    assert_int_equal(got.payload_bytes, sizeof payload - 1);
    assert_string_equal(got.payload, payload);
    assert_string_equal(got.context.fields, context.fields);
    assert_int_equal(got.enqueued_wall_ns, NS(NOW_MS) + 7);
    assert_int_equal(got.attempt, 1);
    expect(store, 0, 1, 0, 0);
    assert_int_equal(queue_store_done(store, "t", &got), STATUS_OK);
    expect(store, 0, 0, 0, 1);
    queue_store_release(&got);
    queue_store_release(&got);
    assert_int_equal(claim(store, NOW_MS + 10 * LEASE_MS, &got), STATUS_NOT_FOUND);
    queue_store_free(store);
}

static void hands_out_the_oldest_first(void **state)
{
    (void)state;
    struct queue_store *store = fresh_store();
    struct queue_claim got;
    add(store, "t", "second", NOW_MS + 1);
    add(store, "t", "first", NOW_MS);
    assert_int_equal(claim(store, NOW_MS, &got), STATUS_OK);
    assert_string_equal(got.key, "first");
    queue_store_release(&got);
    assert_int_equal(claim(store, NOW_MS, &got), STATUS_NOT_FOUND);
    assert_int_equal(claim(store, NOW_MS + 1, &got), STATUS_OK);
    assert_string_equal(got.key, "second");
    queue_store_release(&got);
    queue_store_free(store);
}

static void passes_over_known_keys(void **state)
{
    (void)state;
    struct queue_store *store = fresh_store();
    struct queue_claim got;
    add(store, "t", "k", NOW_MS);
    add(store, "t", "k", NOW_MS);
    expect(store, 1, 0, 0, 0);
    assert_int_equal(claim(store, NOW_MS, &got), STATUS_OK);
    add(store, "t", "k", NOW_MS); /* in hand */
    expect(store, 0, 1, 0, 0);
    assert_int_equal(queue_store_done(store, "t", &got), STATUS_OK);
    queue_store_release(&got);
    add(store, "t", "k", NOW_MS); /* done */
    expect(store, 0, 0, 0, 1);
    queue_store_free(store);
}

static void keeps_topics_apart(void **state)
{
    (void)state;
    struct queue_store *store = fresh_store();
    struct queue_claim got;
    add(store, "other", "k", NOW_MS);
    assert_int_equal(claim(store, NOW_MS, &got), STATUS_NOT_FOUND);
    add(store, "t", "k", NOW_MS);
    expect(store, 1, 0, 0, 0);
    queue_store_free(store);
}

static void gives_out_again_when_a_lease_ends(void **state)
{
    (void)state;
    struct queue_store *store = fresh_store();
    struct queue_claim dead, heir;
    add(store, "t", "k", NOW_MS);
    assert_int_equal(claim(store, NOW_MS, &dead), STATUS_OK);
    assert_int_equal(claim(store, NOW_MS + LEASE_MS - 1, &heir), STATUS_NOT_FOUND);
    assert_int_equal(claim(store, NOW_MS + LEASE_MS, &heir), STATUS_OK);
    assert_int_equal(heir.id, dead.id);
    assert_int_equal(heir.attempt, 2);
    /* The first bearer comes back to life: the message is not his any more. */
    assert_int_equal(queue_store_done(store, "t", &dead), STATUS_NOT_FOUND);
    assert_int_equal(queue_store_return(store, &dead, NOW_MS), STATUS_NOT_FOUND);
    expect(store, 0, 1, 0, 0);
    assert_int_equal(queue_store_done(store, "t", &heir), STATUS_OK);
    expect(store, 0, 0, 0, 1);
    queue_store_release(&dead);
    queue_store_release(&heir);
    queue_store_free(store);
}

static void waits_before_it_tries_again(void **state)
{
    (void)state;
    struct queue_store *store = fresh_store();
    struct queue_claim got;
    add(store, "t", "k", NOW_MS);
    assert_int_equal(claim(store, NOW_MS, &got), STATUS_OK);
    assert_int_equal(queue_store_return(store, &got, NOW_MS + 100), STATUS_OK);
    queue_store_release(&got);
    expect(store, 1, 0, 0, 0);
    assert_int_equal(claim(store, NOW_MS + 99, &got), STATUS_NOT_FOUND);
    assert_int_equal(claim(store, NOW_MS + 100, &got), STATUS_OK);
    assert_int_equal(got.attempt, 2);
    queue_store_release(&got);
    queue_store_free(store);
}

/* An outage of a minute parks nothing; the first tries again come soon, and none is far away. */
static void waits_long_enough(void **state)
{
    (void)state;
    uint64_t sum_ms = 0, last_ms = 0;
    for (unsigned attempt = 1; attempt < QUEUE_STORE_ATTEMPTS_MAX; attempt++) {
        uint64_t wait_ms = queue_store_back_off_ms(attempt);
        assert_true(wait_ms >= last_ms);
        sum_ms += last_ms = wait_ms;
    }
    assert_int_equal(queue_store_back_off_ms(1), 100);
    assert_int_equal(queue_store_back_off_ms(2), 200);
    assert_int_equal(queue_store_back_off_ms(1000), 10000);
    assert_true(sum_ms > 60000 && sum_ms < 120000);
}

static void parks_what_fails_every_time(void **state)
{
    (void)state;
    struct queue_store *store = fresh_store();
    struct queue_claim got;
    add(store, "t", "k", NOW_MS);
    for (unsigned attempt = 1; attempt <= QUEUE_STORE_ATTEMPTS_MAX; attempt++) {
        expect(store, 1, 0, 0, 0);
        assert_int_equal(claim(store, NOW_MS, &got), STATUS_OK);
        assert_int_equal(got.attempt, attempt);
        assert_int_equal(queue_store_return(store, &got, NOW_MS), STATUS_OK);
        queue_store_release(&got);
    }
    expect(store, 0, 0, 1, 0);
    assert_int_equal(claim(store, NOW_MS + 10 * LEASE_MS, &got), STATUS_NOT_FOUND);
    queue_store_free(store);
}

static void parks_what_kills_every_consumer(void **state)
{
    (void)state;
    struct queue_store *store = fresh_store();
    struct queue_claim got;
    uint64_t now_ms = NOW_MS;
    add(store, "t", "deadly", NOW_MS);
    for (unsigned attempt = 1; attempt <= QUEUE_STORE_ATTEMPTS_MAX; attempt++) {
        assert_int_equal(claim(store, now_ms, &got), STATUS_OK);
        queue_store_release(&got);
        now_ms += LEASE_MS;
    }
    add(store, "t", "harmless", now_ms);
    assert_int_equal(claim(store, now_ms, &got), STATUS_OK);
    assert_string_equal(got.key, "harmless");
    expect(store, 0, 1, 1, 0);
    queue_store_release(&got);
    queue_store_free(store);
}

static void outlives_its_process(void **state)
{
    (void)state;
    char path[128];
    struct queue_claim got;
    next_path(path);
    struct queue_store *store = open_store(path);
    add(store, "t", "a", NOW_MS);
    add(store, "t", "b", NOW_MS);
    assert_int_equal(claim(store, NOW_MS, &got), STATUS_OK);
    assert_int_equal(queue_store_done(store, "t", &got), STATUS_OK);
    queue_store_release(&got);
    queue_store_tidy(store);
    queue_store_free(store);
    store = open_store(path);
    expect(store, 1, 0, 0, 1);
    queue_store_free(store);
}

static void says_why_it_cannot_open(void **state)
{
    (void)state;
    struct error error = {""};
    struct queue_store *store = NULL;
    assert_int_equal(queue_store_new(&store, "/proc/no/queue.db", &error), STATUS_IO);
    assert_null(store);
    assert_true(error.text[0] != '\0');
    error.text[0] = '\0';
    assert_int_equal(queue_store_new(&store, directory, &error), STATUS_IO);
    assert_true(error.text[0] != '\0');
}

/* ---- several processes: each thread has a connection of its own */

struct party {
    pthread_t thread;
    char path[128], key[32];
    unsigned index, done, failed;
    struct queue_store *store;
    struct queue_claim got;
};

static enum status add_one(struct party *party)
{
    return queue_store_add(party->store, "t", party->key, text_of(party->key), &context,
                           NS(NOW_MS));
}

static enum status claim_one(struct party *party)
{
    return claim(party->store, NOW_MS, &party->got);
}

static enum status end_one(struct party *party)
{
    return queue_store_done(party->store, "t", &party->got);
}

/* On a slow machine the others can have the file for longer than a call waits. */
static enum status patiently(enum status (*call)(struct party *), struct party *party)
{
    enum status status = STATUS_BUSY;
    for (unsigned i = 0; i < BUSY_TRIES && status == STATUS_BUSY; i++)
        status = call(party);
    return status;
}

static void *produce_and_consume(void *argument)
{
    struct party *party = argument;
    struct error error = {""};
    if (queue_store_new(&party->store, party->path, &error) != STATUS_OK) {
        party->failed++;
        return NULL;
    }
    for (unsigned i = 0; i < MESSAGES; i++) {
        snprintf(party->key, sizeof party->key, "%u-%u", party->index, i);
        party->failed += patiently(add_one, party) != STATUS_OK;
        enum status status = patiently(claim_one, party);
        if (status == STATUS_OK) {
            status = patiently(end_one, party);
            party->done += status == STATUS_OK;
            queue_store_release(&party->got);
        }
        party->failed += status != STATUS_OK && status != STATUS_NOT_FOUND;
    }
    queue_store_free(party->store);
    return NULL;
}

static void is_shared(void **state)
{
    (void)state;
    struct party parties[THREADS] = {{0}};
    unsigned done = 0;
    next_path(parties[0].path);
    for (unsigned i = 0; i < THREADS; i++) {
        parties[i].index = i;
        memcpy(parties[i].path, parties[0].path, sizeof parties[0].path);
        assert_int_equal(pthread_create(&parties[i].thread, NULL, produce_and_consume, &parties[i]),
                         0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(parties[i].thread, NULL);
        assert_int_equal(parties[i].failed, 0);
        done += parties[i].done;
    }
    struct queue_store *store = open_store(parties[0].path);
    struct queue_claim got;
    for (; claim(store, NOW_MS, &got) == STATUS_OK; done++) {
        assert_int_equal(got.attempt, 1); /* nobody got it before */
        assert_int_equal(queue_store_done(store, "t", &got), STATUS_OK);
        queue_store_release(&got);
    }
    assert_int_equal(done, THREADS * MESSAGES);
    expect(store, 0, 0, 0, THREADS * MESSAGES);
    queue_store_free(store);
}

static void remove_directory(void)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    char path[160];
    for (unsigned i = 0; i < files; i++) {
        for (size_t j = 0; j < sizeof suffixes / sizeof suffixes[0]; j++) {
            snprintf(path, sizeof path, "%s/deep/er/%u.db%s", directory, i, suffixes[j]);
            unlink(path);
        }
    }
    snprintf(path, sizeof path, "%s/deep/er", directory);
    rmdir(path);
    snprintf(path, sizeof path, "%s/deep", directory);
    rmdir(path);
    rmdir(directory);
}

int main(void)
{
    static struct rows all;
    snprintf(directory, sizeof directory, "/tmp/culprit-queue-test-XXXXXX");
    if (!mkdtemp(directory))
        return 1;
    rows_one(&all, "it hands out what was added, once", hands_out_what_was_added);
    rows_one(&all, "it hands out the oldest first", hands_out_the_oldest_first);
    rows_one(&all, "it passes over known keys", passes_over_known_keys);
    rows_one(&all, "it keeps topics apart", keeps_topics_apart);
    rows_one(&all, "it gives out again when a lease ends", gives_out_again_when_a_lease_ends);
    rows_one(&all, "it waits before it tries again", waits_before_it_tries_again);
    rows_one(&all, "it waits long enough for an outage of a minute", waits_long_enough);
    rows_one(&all, "it parks what fails every time", parks_what_fails_every_time);
    rows_one(&all, "it parks what kills every consumer", parks_what_kills_every_consumer);
    rows_one(&all, "it outlives its process", outlives_its_process);
    rows_one(&all, "it says why it cannot open", says_why_it_cannot_open);
    rows_one(&all, "it is shared, each message is handed out once", is_shared);
    int failed = rows_run("queue_store", &all);
    remove_directory();
    return failed;
}
