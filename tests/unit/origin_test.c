#include "loadgen/engine/origin.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "tests/unit/rows.h"

struct row {
    const char *it;
    const char *url;
    enum status status;
    const char *peer;
    uint16_t port;
};

static const struct row rows[] = {
    {"it reads an address and a port", "http://127.0.0.1:8080", STATUS_OK, "127.0.0.1", 8080},
    {"it reads a slash behind them", "http://127.0.0.1:8080/", STATUS_OK, "127.0.0.1", 8080},
    {"it takes port 80 where none is said", "http://127.0.0.1", STATUS_OK, "127.0.0.1", 80},
    {"it reads an address of version 6", "http://[::1]:81", STATUS_OK, "::1", 81},
    {"it reads one without port", "http://[::1]", STATUS_OK, "::1", 80},
    {"it reads the highest port", "http://127.0.0.1:65535", STATUS_OK, "127.0.0.1", 65535},
    {"it refuses a port over the highest", "http://127.0.0.1:65536", STATUS_INVALID, "", 0},
    {"it refuses port 0", "http://127.0.0.1:0", STATUS_INVALID, "", 0},
    {"it refuses an empty port", "http://127.0.0.1:", STATUS_INVALID, "", 0},
    {"it refuses a port in words", "http://127.0.0.1:http", STATUS_INVALID, "", 0},
    {"it refuses a path", "http://127.0.0.1:80/x", STATUS_INVALID, "", 0},
    {"it refuses a user", "http://me@127.0.0.1:80", STATUS_INVALID, "", 0},
    {"it refuses an empty host", "http://:80", STATUS_INVALID, "", 0},
    {"it refuses an open bracket", "http://[::1", STATUS_INVALID, "", 0},
    {"it refuses words behind a bracket", "http://[::1]x", STATUS_INVALID, "", 0},
    {"it refuses an address without scheme", "127.0.0.1:80", STATUS_INVALID, "", 0},
    {"it refuses nothing", NULL, STATUS_INVALID, "", 0},
    {"it says that it does not speak https", "https://127.0.0.1", STATUS_UNSUPPORTED, "", 0},
};

static uint16_t port_of(const struct origin *origin)
{
    if (origin->address.ss_family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *)&origin->address)->sin6_port);
    return ntohs(((const struct sockaddr_in *)&origin->address)->sin_port);
}

static void check(void **state)
{
    const struct row *row = *state;
    struct origin origin;
    struct error error = {0};
    assert_int_equal(origin_parse(&origin, row->url, &error), row->status);
    if (row->status != STATUS_OK) {
        assert_true(error.text[0] != '\0');
        return;
    }
    assert_string_equal(origin.peer, row->peer);
    assert_int_equal(origin.port, row->port);
    assert_int_equal(port_of(&origin), row->port);
}

int main(void)
{
    struct rows all = {0};
    ROWS(&all, rows, check);
    return rows_run("origin", &all);
}
