#include <stdlib.h>
#include <string.h>

#include "http/topology.h"
#include "tests/unit/rows.h"

struct row {
    const char *it;
    const char *json;
    const char *words; /* in the error; NULL: it is read */
};

#define SERVICE(name, port, routes)                                                                \
    "{\"name\":\"" name "\",\"kind\":\"service\",\"port\":" port ",\"routes\":[" routes "]}"
#define ROUTE(path, calls) "{\"method\":\"GET\",\"path\":\"" path "\",\"calls\":[" calls "]}"
#define FILE_OF(services)  "{\"services\":[" services "]}"
#define CALL_B             "{\"to\":\"b\",\"method\":\"GET\",\"path\":\"/b\"}"

static const struct row rows[] = {
    {"it reads an empty list", FILE_OF(""), NULL},
    {"it reads a call to a service that comes later",
     FILE_OF(SERVICE("a", "1", ROUTE("/a", CALL_B)) "," SERVICE("b", "2", ROUTE("/b", ""))), NULL},
    {"it names the line of an unknown key", "{\n\"services\":[\n{\"nome\":1}]}",
     "t.json:3: unknown key \"nome\""},
    {"it names the service of an unknown key", FILE_OF("{\"name\":\"a\",\"colour\":\"red\"}"),
     "service \"a\": unknown key \"colour\""},
    {"it names the route of an unknown key",
     FILE_OF(SERVICE("a", "1", "{\"method\":\"GET\",\"path\":\"/a\",\"cost\":1}")),
     "route \"GET /a\": unknown key \"cost\""},
    {"it refuses a key that is there twice", FILE_OF("{\"name\":\"a\",\"name\":\"a\"}"),
     "key \"name\" twice"},
    {"it refuses a service without a port",
     FILE_OF("{\"name\":\"a\",\"kind\":\"service\",\"routes\":[]}"), "key \"port\" is missing"},
    {"it refuses a route without calls",
     FILE_OF(SERVICE("a", "1", "{\"method\":\"GET\",\"path\":\"/a\"}")),
     "key \"calls\" is missing"},
    {"it refuses a kind that it does not know", FILE_OF("{\"name\":\"a\",\"kind\":\"robot\"}"),
     "kind \"robot\""},
    {"it refuses port 0", FILE_OF(SERVICE("a", "0", "")), "from 1 to 65535"},
    {"it refuses a port above 65535", FILE_OF(SERVICE("a", "65536", "")), "from 1 to 65535"},
    {"it refuses a port that is a string", FILE_OF(SERVICE("a", "\"1\"", "")), "expected a number"},
    {"it refuses a port that two have", FILE_OF(SERVICE("a", "1", "") "," SERVICE("b", "1", "")),
     "service \"b\": has a port that \"a\" has too"},
    {"it refuses a name that two have", FILE_OF(SERVICE("a", "1", "") "," SERVICE("a", "2", "")),
     "service \"a\": is there twice"},
    {"it refuses a route that is there twice",
     FILE_OF(SERVICE("a", "1", ROUTE("/a", "") "," ROUTE("/a", ""))), "is there twice"},
    {"it refuses a call to nowhere", FILE_OF(SERVICE("a", "1", ROUTE("/a", CALL_B))),
     "calls \"b\", which is no service"},
    {"it refuses a call to a route that is not there",
     FILE_OF(SERVICE("a", "1", ROUTE("/a", CALL_B)) "," SERVICE("b", "2", "")),
     "calls \"GET /b\", which \"b\" does not have"},
    {"it refuses a call that never happens",
     FILE_OF(SERVICE("a", "1",
                     ROUTE("/a", "{\"to\":\"a\",\"method\":\"GET\",\"path\":\"/a\",\"count\":0}"))),
     "never happens"},
    {"it refuses a call by queue and by path at once",
     FILE_OF(SERVICE("a", "1", ROUTE("/a", "{\"to\":\"a\",\"path\":\"/a\",\"queue\":\"q\"}"))),
     "either \"method\" and \"path\", or \"queue\""},
    {"it refuses a queue that nobody consumes",
     FILE_OF(SERVICE("a", "1", ROUTE("/a", "{\"to\":\"a\",\"queue\":\"q\"}"))), "PROCESS q"},
    {"it refuses a second port for a service",
     FILE_OF("{\"name\":\"a\",\"kind\":\"service\",\"port\":1,\"query_port\":2,\"routes\":[]}"),
     "\"query_port\""},
    {"it refuses a collector without a second port",
     FILE_OF("{\"name\":\"a\",\"kind\":\"collector\",\"port\":1,\"routes\":[]}"), "\"query_port\""},
    {"it refuses control characters in names", FILE_OF("{\"name\":\"a\\u0007\"}"),
     "only printable ASCII"},
    {"it refuses what stands behind the document", FILE_OF("") " 1", "t.json:1"},
    {"it refuses a document that is cut", "{\"services\":[", "t.json:1"},
    {"it refuses an empty file", "", "t.json:1"},
    {"it refuses an array in place of the document", "[]", "expected an object"},
};

static void check(void **state)
{
    const struct row *row = *state;
    struct topology topology;
    struct error error = {""};
    enum status status = topology_parse(&topology, row->json, strlen(row->json), "t.json", &error);
    assert_int_equal(status, row->words ? STATUS_INVALID : STATUS_OK);
    if (row->words && strstr(error.text, row->words) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", row->words, error.text);
    if (row->words)
        assert_int_equal(topology.service_count, 0);
    topology_release(&topology);
    topology_release(&topology);
}

static void reads_the_compiled_in_file(void **state)
{
    struct topology topology;
    struct error error = {""};
    (void)state;
    assert_int_equal(topology_load(&topology, &error), STATUS_OK);
    const struct topology_service *checkout = topology_find(&topology, "checkout");
    assert_non_null(checkout);
    assert_int_equal(checkout->kind, TOPOLOGY_SERVICE);
    const struct topology_route *route = topology_find_route(checkout, "POST", "/checkouts");
    assert_non_null(route);
    for (size_t i = 0; i < route->call_count; i++) {
        const struct topology_call *call = &route->calls[i];
        assert_ptr_equal(call->callee, topology_find(&topology, call->callee->name));
        assert_int_equal(call->count, 1);
        assert_false(call->queued);
    }
    const struct topology_service *orders = topology_find(&topology, "orders");
    const struct topology_call *send = &topology_find_route(orders, "POST", "/orders")->calls[0];
    assert_true(send->queued);
    assert_string_equal(send->method, "PROCESS");
    assert_int_equal(topology_find(&topology, "collector")->query_port, 16686);
    assert_null(topology_find(&topology, "nobody"));
    assert_null(topology_find_route(checkout, "GET", "/checkouts"));
    topology_release(&topology);
}

static void says_which_file_is_missing(void **state)
{
    struct topology topology;
    struct error error = {""};
    (void)state;
    setenv("CULPRIT_TOPOLOGY", "/nowhere/topology.json", 1);
    assert_int_equal(topology_load(&topology, &error), STATUS_NOT_FOUND);
    assert_non_null(strstr(error.text, "/nowhere/topology.json"));
    unsetenv("CULPRIT_TOPOLOGY");
}

int main(void)
{
    struct rows all = {.count = 0};
    ROWS(&all, rows, check);
    rows_one(&all, "it reads the compiled-in file", reads_the_compiled_in_file);
    rows_one(&all, "it says which file is missing", says_which_file_is_missing);
    return rows_run("topology", &all);
}
