#include "http/outbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "http/service.h"
#include "tests/unit/rows.h"

enum { DEADLINE_S = 20 };

/* A service's database and queue in a directory of their own. */
struct place {
    char directory[64], url[96];
    struct service_parts parts;
    struct work work;
    struct outbox *outbox;
};

static void open_place(struct place *place)
{
    *place = (struct place){.directory = "/tmp/outbox-test-XXXXXX"};
    struct error error = {0};
    assert_non_null(mkdtemp(place->directory));
    snprintf(place->url, sizeof place->url, "sqlite:%s/queue.db", place->directory);
    place->parts.service = "orders";
    place->work.parts = &place->parts;
    place->work.deadline_ns = clock_mono_ns() + DEADLINE_S * NS_PER_S;
    assert_int_equal(db_new(&place->parts.db, place->directory, "orders", OUTBOX_SCHEMA, &error),
                     STATUS_OK);
    assert_int_equal(queue_new(&place->parts.queue, place->url, &error), STATUS_OK);
    assert_int_equal(faults_new(&place->parts.faults, "orders", NULL, 0, true, &error), STATUS_OK);
}

static void start_outbox(struct place *place)
{
    assert_int_equal(outbox_start(&place->outbox, &place->parts, NULL), STATUS_OK);
}

static void close_place(struct place *place)
{
    char command[96];
    outbox_stop(place->outbox);
    queue_free(place->parts.queue);
    db_free(place->parts.db);
    faults_free(place->parts.faults);
    snprintf(command, sizeof command, "rm -r %s", place->directory);
    assert_int_equal(system(command), 0);
}

static struct outbox_message message(const char *key)
{
    return (struct outbox_message){
        .topic = "order.placed", .key = key, .payload = "{\"order_id\":\"x\"}"};
}

static void write_message(struct place *place, struct outbox_message *written)
{
    struct db_transaction *transaction = NULL;
    assert_int_equal(db_begin(&place->work, &transaction), STATUS_OK);
    assert_int_equal(outbox_write(transaction, &place->work, written), STATUS_OK);
    assert_int_equal(db_commit(transaction), STATUS_OK);
}

static uint64_t waiting(const struct place *place)
{
    struct queue_stats stats = {0};
    assert_int_equal(queue_stats(place->parts.queue, "order.placed", &stats), STATUS_OK);
    return stats.waiting;
}

static const struct db_query count_rows = {"SELECT outbox", "SELECT count(*) FROM outbox"};

static int64_t kept(const struct place *place)
{
    struct db_rows *rows = NULL;
    assert_int_equal(db_select(&place->work, &count_rows, &rows, ""), STATUS_OK);
    assert_true(db_next(rows));
    int64_t count = db_i64(rows, 0);
    assert_int_equal(db_done(rows), STATUS_OK);
    return count;
}

static void check_send(void **state)
{
    (void)state;
    struct place place;
    struct outbox_message sent = message("order-1");
    open_place(&place);
    start_outbox(&place);
    write_message(&place, &sent);
    outbox_send(place.outbox, &place.work, &sent);
    assert_int_equal(waiting(&place), 1);
    assert_int_equal(kept(&place), 0);
    close_place(&place);
}

static void check_rollback(void **state)
{
    (void)state;
    struct place place;
    struct db_transaction *transaction = NULL;
    struct outbox_message written = message("order-1");
    open_place(&place);
    assert_int_equal(db_begin(&place.work, &transaction), STATUS_OK);
    assert_int_equal(outbox_write(transaction, &place.work, &written), STATUS_OK);
    db_rollback(transaction);
    assert_int_equal(kept(&place), 0);
    close_place(&place);
}

/* Written and published, and then the process died; the next life does it all again. */
static void check_twice(void **state)
{
    (void)state;
    struct place place;
    struct outbox_message written = message("order-1");
    open_place(&place);
    write_message(&place, &written);
    assert_int_equal(queue_publish(place.parts.queue, written.topic, written.key,
                                   text_of(written.payload), &written.context),
                     STATUS_OK);
    start_outbox(&place);
    while (kept(&place) > 0) {
        assert_true(clock_mono_ns() < place.work.deadline_ns);
    }
    assert_int_equal(waiting(&place), 1);
    close_place(&place);
}

static void check_left_behind(void **state)
{
    (void)state;
    struct place place;
    enum { COUNT = 150 };
    open_place(&place);
    for (int i = 0; i < COUNT; i++) {
        char key[32];
        snprintf(key, sizeof key, "order-%d", i);
        struct outbox_message written = message(key);
        write_message(&place, &written);
    }
    start_outbox(&place);
    while (kept(&place) > 0) {
        assert_true(clock_mono_ns() < place.work.deadline_ns);
    }
    assert_int_equal(waiting(&place), COUNT);
    close_place(&place);
}

int main(void)
{
    static struct rows all;
    rows_one(&all, "it puts a message on the queue and strikes it off", check_send);
    rows_one(&all, "it forgets a message whose transaction was rolled back", check_rollback);
    rows_one(&all, "it sends what an earlier life published but did not strike off once",
             check_twice);
    rows_one(&all, "it sends all that was left behind", check_left_behind);
    return rows_run("outbox", &all);
}
