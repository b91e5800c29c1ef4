/* service_main in a process of its own, on a socket that this one binds. */
#include "http/service.h"

#include <fcntl.h>
#include <ifaddrs.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "tests/unit/raw_client.h"
#include "tests/unit/rows.h"

enum { IN_FLIGHT = 8 };

/* Handlers and the start function of the child say a byte here, and go on when they get one. */
static int said[2], told[2];

static void wait_for_word(void)
{
    char byte = '.';
    struct pollfd word = {.fd = told[0], .events = POLLIN};
    if (write(said[1], &byte, 1) == 1 && poll(&word, 1, RAW_CLIENT_S * 1000) == 1)
        (void)!read(told[0], &byte, 1);
}

/* Blocks until the child has said `count` bytes. */
static void hear(size_t count)
{
    char byte;
    struct pollfd word = {.fd = said[0], .events = POLLIN};
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(poll(&word, 1, RAW_CLIENT_S * 1000), 1);
        assert_int_equal(read(said[0], &byte, 1), 1);
    }
}

static void tell(size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_int_equal(write(told[1], ".", 1), 1);
}

/* ---- the service */

static void show(struct request *request, struct response *response)
{
    response_json(response, 200,
                  json_pack("{s:b, s:i}", "on", (int)fault_is_on(&request->work.faults, 0), "own",
                            *(const int *)request->work.parts->own));
}

static void wait_here(struct request *request, struct response *response)
{
    (void)request;
    wait_for_word();
    response_json(response, 200, json_object());
}

static const struct server_route routes[] = {
    {.method = "GET", .path = "/show", .handle = show},
    {.method = "GET", .path = "/wait", .handle = wait_here},
};

static const struct fault_row faults[] = {{.name = "flag", .type = FAULT_FLAG}};

static enum status start(struct service_parts *parts, struct error *error)
{
    static int own = 7;
    (void)error;
    parts->own = &own;
    return STATUS_OK;
}

static enum status start_slowly(struct service_parts *parts, struct error *error)
{
    wait_for_word();
    return start(parts, error);
}

static enum status fail_to_start(struct service_parts *parts, struct error *error)
{
    (void)parts;
    return error_set(error, STATUS_IO, "no luck");
}

struct child {
    pid_t pid;
    uint16_t port;
};

typedef enum status start_function(struct service_parts *parts, struct error *error);

static void become_service(int listen_fd, start_function *function)
{
    struct service service = {.name = "shop",
                              .routes = routes,
                              .route_count = COUNT_OF(routes),
                              .faults = faults,
                              .fault_count = COUNT_OF(faults),
                              .untraced = true,
                              .start = function};
    char *arguments[] = {(char[]){"shop"}, NULL};
    /* The pipes may have taken the number that is passed on. */
    int high = dup(listen_fd);
    for (int i = 0; i < 2; i++) {
        said[i] = fcntl(said[i], F_DUPFD, 64);
        told[i] = fcntl(told[i], F_DUPFD, 64);
    }
    dup2(high, 3);
    setenv("LISTEN_FDS", "1", 1);
    setenv("CULPRIT_CONTROL_TOKEN", "sesame", 1);
    setenv("CULPRIT_LOG_LEVEL", "error", 1);
    exit(service_main(&service, 1, arguments));
}

static void spawn(struct child *child, start_function *function)
{
    struct error error = {""};
    int fd = -1;
    struct sockaddr_in bound;
    socklen_t size = sizeof bound;
    assert_int_equal(server_listen("0.0.0.0:0", &fd, &error), STATUS_OK);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&bound, &size), 0);
    child->port = ntohs(bound.sin_port);
    child->pid = fork();
    assert_true(child->pid >= 0);
    if (child->pid == 0)
        become_service(fd, function);
    close(fd);
}

/* The exit status; -1 when it was no orderly end. */
static int end(const struct child *child, int signal_number)
{
    int status = 0;
    if (signal_number != 0)
        kill(child->pid, signal_number);
    if (waitpid(child->pid, &status, 0) != child->pid || !WIFEXITED(status))
        return -1;
    return WEXITSTATUS(status);
}

static struct raw_answer answer;

static unsigned ask(const struct child *child, const char *request)
{
    raw_ask(child->port, request, strlen(request), &answer);
    return raw_status(&answer);
}

/* Until it answers so; false: it never did. */
static bool becomes(const struct child *child, const char *request, unsigned status)
{
    uint64_t deadline_ns = clock_mono_ns() + RAW_CLIENT_S * NS_PER_S;
    while (clock_mono_ns() < deadline_ns)
        if (ask(child, request) == status)
            return true;
    return false;
}

#define HOST      "Host: localhost:1\r\nConnection: close\r\n"
#define GET(path) "GET " path " HTTP/1.1\r\n" HOST "\r\n"
#define PUT(headers, length, body)                                                                 \
    "PUT /-/faults HTTP/1.1\r\n" HOST headers "Content-Length: " length "\r\n\r\n" body
#define JSON "Content-Type: application/json\r\n"
#define ON   "{\"faults\":{\"flag\":true}}"

/* ---- control: each row on a service of its own would be slow, so one has them all */

struct row {
    const char *it;
    const char *request;
    unsigned status;
    const char *holds;
    bool is_on; /* the fault, afterwards */
};

static const struct row rows[] = {
    {"it lives", GET("/livez"), 200, "alive", false},
    {"it is ready", GET("/readyz"), 200, "ready", false},
    {"it describes faults", GET("/-/faults"), 200, "\"name\":\"flag\"", false},
    {"it switches a fault on", PUT(JSON, "24", ON), 200, "\"value\":true", true},
    {"it switches a fault off", PUT(JSON, "13", "{\"faults\":{}}"), 200, "\"value\":false", false},
    {"it wants JSON to switch", PUT("Content-Type: text/plain\r\n", "24", ON), 415, "", false},
    {"it wants a body to switch", PUT(JSON, "0", ""), 400, "", false},
    {"it says which fault it does not know", PUT(JSON, "21", "{\"faults\":{\"nix\":1}} "), 422,
     "nix", false},
    {"it does not switch by GET", GET("/-/faults?flag=true"), 200, "\"value\":false", false},
    {"it does not switch by POST",
     "POST /-/faults HTTP/1.1\r\n" HOST JSON "Content-Length: 24\r\n\r\n" ON, 405, "Allow: GET",
     false},
    {"it refuses a foreign Origin", PUT(JSON "Origin: http://evil.example\r\n", "24", ON), 403,
     "foreign", false},
    {"it refuses the Origin of another port", PUT(JSON "Origin: http://localhost:2\r\n", "24", ON),
     403, "foreign", false},
    {"it refuses the Origin null", PUT(JSON "Origin: null\r\n", "24", ON), 403, "foreign", false},
    {"it refuses a cross-site request", PUT(JSON "Sec-Fetch-Site: cross-site\r\n", "24", ON), 403,
     "foreign", false},
    {"it refuses a request of a sibling site", PUT(JSON "Sec-Fetch-Site: same-site\r\n", "24", ON),
     403, "foreign", false},
    {"it takes its own Origin",
     PUT(JSON "Origin: http://localhost:1\r\nSec-Fetch-Site: same-origin\r\n", "24", ON), 200,
     "\"value\":true", true},
    {"it resets", PUT(JSON, "13", "{\"faults\":{}}"), 200, "\"value\":false", false},
    {"it counts requests of the service", GET("/metrics"), 200,
     "http_server_request_duration_seconds_count{http_request_method=\"GET\",http_route=\"/show\"",
     false},
    {"it does not count switching", GET("/metrics"), 200, "# TYPE otel_sdk_span_live gauge", false},
    {"it counts contexts that could not be carried on", GET("/metrics"), 200,
     "# TYPE otel_sdk_span_uncarried_total counter", false},
};

static struct child shared;

static void check(void **state)
{
    const struct row *row = *state;
    assert_int_equal(ask(&shared, row->request), row->status);
    if (strstr(answer.text, row->holds) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", row->holds, answer.text);
    if (strstr(row->request, "/metrics"))
        assert_null(strstr(answer.text, "/-/"));
    assert_int_equal(ask(&shared, GET("/show")), 200);
    assert_non_null(
        strstr(answer.text, row->is_on ? "{\"on\":true,\"own\":7}" : "{\"on\":false,\"own\":7}"));
}

/* ---- from afar: by an address of this machine that is no loopback one, where it has any */

static bool find_own_address(struct sockaddr_in *out)
{
    struct ifaddrs *list = NULL;
    bool found = false;
    if (getifaddrs(&list) != 0)
        return false;
    for (struct ifaddrs *at = list; at && !found; at = at->ifa_next) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)at->ifa_addr;
        found = in && in->sin_family == AF_INET && ntohl(in->sin_addr.s_addr) >> 24 != 127;
        if (found)
            *out = *in;
    }
    freeifaddrs(list);
    return found;
}

static unsigned ask_from_afar(struct sockaddr_in *address, const char *request)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    address->sin_port = htons(shared.port);
    assert_int_equal(connect(fd, (struct sockaddr *)address, sizeof *address), 0);
    raw_send(fd, request, strlen(request));
    raw_read(fd, NULL, &answer);
    close(fd);
    return raw_status(&answer);
}

static void wants_the_token_from_afar(void **state)
{
    struct sockaddr_in address;
    (void)state;
    if (!find_own_address(&address))
        skip();
    assert_int_equal(ask_from_afar(&address, GET("/-/faults")), 403);
    assert_int_equal(ask_from_afar(&address, PUT(JSON, "24", ON)), 403);
    assert_int_equal(ask_from_afar(&address, PUT(JSON "Authorization: Bearer sesam\r\n", "24", ON)),
                     403);
    assert_int_equal(
        ask_from_afar(&address, PUT(JSON "Authorization: Bearer sesame1\r\n", "24", ON)), 403);
    assert_int_equal(ask_from_afar(&address, PUT(JSON "Authorization: Bearer \r\n", "24", ON)),
                     403);
    assert_int_equal(ask_from_afar(&address, PUT(JSON "Authorization: Bearer sesame\r\n", "13",
                                                 "{\"faults\":{}}")),
                     200);
    assert_int_equal(ask_from_afar(&address, GET("/show")), 200);
}

/* ---- start and end */

static void is_not_ready_while_it_starts(void **state)
{
    struct child child;
    (void)state;
    spawn(&child, start_slowly);
    hear(1);
    assert_int_equal(ask(&child, GET("/livez")), 200);
    assert_int_equal(ask(&child, GET("/readyz")), 503);
    assert_int_equal(ask(&child, GET("/show")), 503);
    tell(1);
    assert_true(becomes(&child, GET("/readyz"), 200));
    assert_int_equal(ask(&child, GET("/show")), 200);
    assert_int_equal(end(&child, SIGINT), 0);
}

static void exits_with_1_when_it_cannot_start(void **state)
{
    struct child child;
    (void)state;
    fflush(NULL);
    spawn(&child, fail_to_start);
    assert_int_equal(end(&child, 0), 1);
}

static void answers_what_is_in_flight_at_sigterm(void **state)
{
    struct child child;
    int fds[IN_FLIGHT];
    (void)state;
    spawn(&child, start);
    assert_true(becomes(&child, GET("/readyz"), 200));
    for (size_t i = 0; i < IN_FLIGHT; i++) {
        fds[i] = raw_connect(child.port);
        assert_true(raw_send(fds[i], GET("/wait"), strlen(GET("/wait"))));
    }
    hear(IN_FLIGHT);
    kill(child.pid, SIGTERM);
    for (int fd; (fd = raw_connect(child.port)) >= 0;) /* until the drain has begun */
        close(fd);
    tell(IN_FLIGHT);
    for (size_t i = 0; i < IN_FLIGHT; i++) {
        raw_read(fds[i], NULL, &answer);
        assert_int_equal(raw_status(&answer), 200);
        close(fds[i]);
    }
    assert_int_equal(end(&child, 0), 0);
}

/* ---- flags */

struct flag_row {
    const char *it;
    char *arguments[3];
    int result;
};

static const struct flag_row flag_rows[] = {
    {"it prints its version", {(char[]){"--version"}}, 0},
    {"it explains itself", {(char[]){"--help"}}, 0},
    {"it refuses an unknown flag", {(char[]){"--colour"}}, 2},
    {"it refuses operands", {(char[]){"now"}}, 2},
    {"it refuses an address that is none", {(char[]){"--listen"}, (char[]){"there:there"}}, 1},
    {"it says that nobody is ready", {(char[]){"--check"}, (char[]){"--listen"}, (char[]){"1"}}, 1},
};

static int main_in_child(char *const *arguments, size_t count)
{
    struct child child = {.pid = fork()};
    if (child.pid == 0) {
        char *all[8] = {(char[]){"shop"}};
        struct service service = {.name = "shop", .untraced = true};
        memcpy(all + 1, arguments, count * sizeof *arguments);
        if (freopen("/dev/null", "w", stdout) == NULL || freopen("/dev/null", "w", stderr) == NULL)
            exit(99);
        exit(service_main(&service, (int)count + 1, all));
    }
    return end(&child, 0);
}

static void check_flags(void **state)
{
    const struct flag_row *row = *state;
    size_t count = 0;
    while (count < 3 && row->arguments[count])
        count++;
    assert_int_equal(main_in_child(row->arguments, count), row->result);
}

static void checks_a_service_that_runs(void **state)
{
    char port[16];
    char *arguments[] = {(char[]){"--check"}, (char[]){"--listen"}, port};
    (void)state;
    snprintf(port, sizeof port, "%u", shared.port);
    assert_int_equal(main_in_child(arguments, 3), 0);
}

static void exits_with_1_when_its_port_is_in_use(void **state)
{
    char address[32];
    char *arguments[] = {(char[]){"--listen"}, address};
    (void)state;
    snprintf(address, sizeof address, "0.0.0.0:%u", shared.port);
    assert_int_equal(main_in_child(arguments, 2), 1);
}

static int start_shared(void **state)
{
    (void)state;
    spawn(&shared, start);
    return becomes(&shared, GET("/readyz"), 200) ? 0 : 1;
}

static int end_shared(void **state)
{
    (void)state;
    return end(&shared, SIGTERM);
}

int main(void)
{
    struct rows all = {.count = 0};
    if (pipe(said) != 0 || pipe(told) != 0)
        return 1;
    ROWS(&all, rows, check);
    rows_one(&all, "it wants the token from afar", wants_the_token_from_afar);
    rows_one(&all, "it is not ready while it starts", is_not_ready_while_it_starts);
    rows_one(&all, "it exits with 1 when it cannot start", exits_with_1_when_it_cannot_start);
    rows_one(&all, "it answers what is in flight at SIGTERM", answers_what_is_in_flight_at_sigterm);
    ROWS(&all, flag_rows, check_flags);
    rows_one(&all, "it checks a service that runs", checks_a_service_that_runs);
    rows_one(&all, "it exits with 1 when its port is in use", exits_with_1_when_its_port_is_in_use);
    return _cmocka_run_group_tests("service", all.tests, all.count, start_shared, end_shared);
}
