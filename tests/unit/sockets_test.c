#include "loadgen/stack/sockets.h"

#include <fcntl.h>
#include <string.h>

#include "tests/unit/rows.h"

static void check_free_ports(void **state)
{
    (void)state;
    struct sockets sockets;
    struct error error = {0};
    struct topology_service collector = {
        .name = "collector", .kind = TOPOLOGY_COLLECTOR, .port = 1, .query_port = 2};
    assert_int_equal(sockets_open(&sockets, &collector, "127.0.0.1", false, &error), STATUS_OK);
    assert_int_equal(sockets.count, 2);
    assert_true(sockets.ports[0] > 1024 && sockets.ports[1] > 1024);
    assert_int_not_equal(sockets.ports[0], sockets.ports[1]);
    for (int i = 0; i < 2; i++) {
        assert_true(sockets.fds[i] >= 64);
        assert_true(fcntl(sockets.fds[i], F_GETFD) & FD_CLOEXEC);
    }
    sockets_close(&sockets);
    sockets_close(&sockets);
    assert_int_equal(sockets.fds[0], -1);
}

static void check_taken(void **state)
{
    (void)state;
    struct sockets first, second;
    struct error error = {0};
    struct topology_service service = {.name = "cart", .kind = TOPOLOGY_SERVICE};
    assert_int_equal(sockets_open(&first, &service, "127.0.0.1", false, &error), STATUS_OK);
    assert_int_equal(first.count, 1);
    service.port = first.ports[0];
    assert_int_equal(sockets_open(&second, &service, "127.0.0.1", true, &error), STATUS_EXISTS);
    assert_non_null(strstr(error.text, "cart: port "));
    assert_non_null(strstr(error.text, " of 127.0.0.1 is in use"));
    assert_int_equal(second.fds[0], -1);
    sockets_close(&first);
}

static void check_bad_address(void **state)
{
    (void)state;
    struct sockets sockets;
    struct error error = {0};
    struct topology_service service = {.name = "cart", .kind = TOPOLOGY_SERVICE};
    assert_int_not_equal(sockets_open(&sockets, &service, "not an address", false, &error),
                         STATUS_OK);
    assert_non_null(strstr(error.text, "cart: "));
}

int main(void)
{
    static struct rows all;
    rows_one(&all, "it binds free ports, out of a child's way", check_free_ports);
    rows_one(&all, "it names who wants a port that is taken", check_taken);
    rows_one(&all, "it names who was given a bad address", check_bad_address);
    return rows_run("sockets", &all);
}
