#include "loadgen/engine/arrival.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/unit/rows.h"

enum { WAIT_MS = 20000, TURNS = 1000 };

struct pair {
    int reader, writer;
};

static struct pair open_pair(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    struct pair pair = {.reader = socket(AF_INET, SOCK_STREAM, 0)};
    assert_int_equal(bind(listener, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
    assert_int_equal(connect(pair.reader, (struct sockaddr *)&address, length), 0);
    pair.writer = accept(listener, NULL, NULL);
    assert_true(pair.writer >= 0);
    close(listener);
    return pair;
}

static void close_pair(struct pair pair)
{
    close(pair.reader);
    close(pair.writer);
}

/* A byte that has come; a time since when. */
static uint64_t write_one(struct pair pair)
{
    struct pollfd readable = {.fd = pair.reader, .events = POLLIN};
    assert_int_equal(write(pair.writer, "x", 1), 1);
    assert_int_equal(poll(&readable, 1, WAIT_MS), 1);
    return clock_mono_ns();
}

static void check_stamp(void **state)
{
    (void)state;
    struct pair pair = open_pair();
    struct arrival arrival = {0};
    char byte;
    bool was_before = false;
    arrival_ask(&arrival, pair.reader);
    assert_true(arrival.is_asked);
    /* The kernel begins to stamp a little later; and a pause of ours makes it look later. */
    for (int turn = 0; turn < TURNS && !was_before; turn++) {
        uint64_t sent_ns = clock_mono_ns(), there_ns = write_one(pair);
        assert_int_equal(arrival_read(&arrival, pair.reader, &byte, 1, sent_ns), 1);
        assert_true(arrival.came_ns >= sent_ns);
        assert_true(arrival.came_ns <= arrival.read_ns);
        was_before = arrival.is_stamped && arrival.came_ns < there_ns;
    }
    assert_true(was_before);
    close_pair(pair);
}

static void check_unbelievable(void **state)
{
    (void)state;
    struct pair pair = open_pair();
    struct arrival arrival = {0};
    char byte;
    arrival_ask(&arrival, pair.reader);
    for (int turn = 0; turn < TURNS && !arrival.is_stamped; turn++) {
        write_one(pair);
        assert_int_equal(arrival_read(&arrival, pair.reader, &byte, 1, 0), 1);
    }
    assert_true(arrival.is_stamped);
    uint64_t there_ns = write_one(pair), later_ns = clock_mono_ns();
    assert_int_equal(arrival_read(&arrival, pair.reader, &byte, 1, later_ns), 1);
    assert_false(arrival.is_stamped);
    assert_true(arrival.came_ns == arrival.read_ns && arrival.came_ns >= there_ns);
    close_pair(pair);
}

static void check_unasked(void **state)
{
    (void)state;
    struct pair pair = open_pair();
    struct arrival arrival = {0};
    char byte;
    uint64_t there_ns = write_one(pair);
    assert_int_equal(arrival_read(&arrival, pair.reader, &byte, 1, 0), 1);
    assert_false(arrival.is_stamped);
    assert_true(arrival.came_ns == arrival.read_ns && arrival.came_ns >= there_ns);
    close_pair(pair);
}

static void check_no_network(void **state)
{
    (void)state;
    struct arrival arrival = {0};
    char byte;
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    arrival_ask(&arrival, ends[0]);
    assert_int_equal(write(ends[1], "x", 1), 1);
    assert_int_equal(arrival_read(&arrival, ends[0], &byte, 1, 0), 1);
    assert_false(arrival.is_stamped);
    close(ends[1]);
    assert_int_equal(arrival_read(&arrival, ends[0], &byte, 1, 0), 0);
    assert_true(arrival.came_ns == arrival.read_ns && arrival.read_ns > 0);
    close(ends[0]);
}

int main(void)
{
    static struct rows all;
    rows_one(&all, "it says when something came, not when it was read", check_stamp);
    rows_one(&all, "it does not believe a stamp from before it can have come", check_unbelievable);
    rows_one(&all, "it goes by its own clock where nobody asked for stamps", check_unasked);
    rows_one(&all, "it goes by its own clock where there are no stamps", check_no_network);
    return rows_run("arrival", &all);
}
