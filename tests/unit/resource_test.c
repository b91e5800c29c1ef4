/* The resource message, read back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/otlp_fields.h"
#include "base/text.h"
#include "trace/resource.h"
#include "trace/resource_detect.h"

static uint8_t bytes[RESOURCE_MAX];
static size_t length;
static unsigned detectors = RESOURCE_ALL;

static enum status encode(const char *service, const char *environment)
{
    struct wire_writer writer = {bytes, bytes + sizeof bytes, false};
    struct tracing_config config = {.resource_detectors = detectors};
    if (strlen(environment) >= sizeof config.resource_attributes)
        environment = "x"; /* as the reader of the variable would refuse it */
    text_copy(text_of(service), config.service_name, sizeof config.service_name);
    text_copy(text_of(environment), config.resource_attributes, sizeof config.resource_attributes);
    enum status status = resource_encode(&config, &writer);
    length = (size_t)(writer.at - bytes);
    return status;
}

/* The value of the only attribute with that key; data NULL where there is none. */
static struct text find(const char *key, uint64_t *number)
{
    struct wire_field attribute, part, value;
    struct text found = {NULL, 0};
    unsigned count = 0;
    struct wire_reader reader = wire_reader_of(bytes, length);
    while (wire_next(&reader, &attribute) == STATUS_OK) {
        struct wire_reader parts = wire_reader_of(attribute.bytes.data, attribute.bytes.length);
        bool matches = false;
        while (wire_next(&parts, &part) == STATUS_OK) {
            if (part.number == OTLP_KEY_VALUE_KEY)
                matches = text_is(part.bytes, key);
            if (part.number != OTLP_KEY_VALUE_VALUE || !matches)
                continue;
            struct wire_reader inner = wire_reader_of(part.bytes.data, part.bytes.length);
            assert_int_equal(wire_next(&inner, &value), STATUS_OK);
            found = value.bytes;
            *number = value.value;
            count++;
        }
    }
    assert_true(count <= 1); /* keys are unique */
    return found;
}

static bool has(const char *key, const char *expected)
{
    uint64_t number;
    return text_is(find(key, &number), expected);
}

static void tells_who_it_is(void **state)
{
    (void)state;
    uint64_t pid = 0, unused;
    char host[256] = "", first[37];
    gethostname(host, sizeof host - 1);
    assert_int_equal(encode("cart", ""), STATUS_OK);
    assert_true(has("service.name", "cart"));
    assert_true(has("telemetry.sdk.name", "culprit"));
    assert_true(has("telemetry.sdk.language", "c"));
    assert_true(has("telemetry.sdk.version", TRACE_SDK_VERSION));
    assert_true(has("host.name", host));
    (void)find("process.pid", &pid);
    assert_int_equal(pid, getpid());
    struct text id = find("service.instance.id", &unused);
    assert_int_equal(id.length, 36);
    assert_int_equal(id.data[14], '4');
    assert_non_null(strchr("89ab", id.data[19]));
    text_copy(id, first, sizeof first);
    assert_int_equal(encode("cart", ""), STATUS_OK);
    assert_true(has("service.instance.id", first));
    const pid_t child = fork();
    if (child == 0)
        _exit(encode("cart", "") == STATUS_OK && !has("service.instance.id", first) ? 0 : 1);
    int code = -1;
    assert_int_equal(waitpid(child, &code, 0), child);
    assert_int_equal(code, 0);
}

static void reads_the_environment(void **state)
{
    (void)state;
    static const struct {
        const char *name, *environment, *key, *value;
        enum status status;
    } rows[] = {
        {"it takes pairs", "a=1,b=2", "b", "2", STATUS_OK},
        {"it strips white space", " a = 1 ", "a", "1", STATUS_OK},
        {"it decodes values", "a=x%2Cy%3D%20", "a", "x,y= ", STATUS_OK},
        {"it decodes keys", "a%2eb=1", "a.b", "1", STATUS_OK},
        {"it keeps an empty value", "a=", "a", "", STATUS_OK},
        {"it lets the last win", "a=1,a=2", "a", "2", STATUS_OK},
        {"it takes = in a value", "a=b=c", "a", "b=c", STATUS_OK},
        {"it goes over the library's own", "host.name=here", "host.name", "here", STATUS_OK},
        {"it stays below the given name", "service.name=other", "service.name", "cart", STATUS_OK},
        {"it discards all for a broken escape", "a=1,b=%zz", "a", NULL, STATUS_INVALID},
        {"it discards all for a cut escape", "a=1,b=%2", "a", NULL, STATUS_INVALID},
        {"it discards all for a pair without =", "a=1,b", "a", NULL, STATUS_INVALID},
        {"it discards all for an empty key", "a=1,=2", "a", NULL, STATUS_INVALID},
        {"it discards all for text that is not UTF-8", "a=1,b=%ff", "a", NULL, STATUS_INVALID},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t unused;
        if (encode("cart", rows[i].environment) != rows[i].status ||
            !has("telemetry.sdk.name", "culprit"))
            fail_msg("%s", rows[i].name);
        if (rows[i].value ? !has(rows[i].key, rows[i].value)
                          : find(rows[i].key, &unused).data != NULL)
            fail_msg("%s", rows[i].name);
    }
    assert_int_equal(encode("", "service.name=other"), STATUS_OK);
    assert_true(has("service.name", "other"));
    assert_int_equal(encode("", ""), STATUS_OK);
    assert_true(has("service.name", "unknown_service:resource_test"));
}

static void bounds_what_it_takes(void **state)
{
    (void)state;
    static char many[4000];
    size_t at = 0;
    for (int i = 0; i < 300; i++)
        at += (size_t)snprintf(many + at, sizeof many - at, "k%d=v,", i);
    assert_int_equal(encode("cart", many), STATUS_OK); /* the first ones */
    assert_true(has("k10", "v"));
    assert_true(has("service.name", "cart"));
}

static void finds_out_about_the_process(void **state)
{
    (void)state;
    static const struct {
        const char *name, *key;
        unsigned detectors;
    } rows[] = {
        {"it knows the program", "process.executable.name", RESOURCE_PROCESS},
        {"it knows the program's file", "process.executable.path", RESOURCE_PROCESS},
        {"it knows the command", "process.command", RESOURCE_PROCESS},
        {"it knows the host", "host.name", RESOURCE_HOST},
        {"it knows the processor", "host.arch", RESOURCE_HOST},
        {"it knows the system", "os.type", RESOURCE_HOST},
        {"it knows the instance", "service.instance.id", RESOURCE_SERVICE},
    };
    uint64_t number;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        detectors = rows[i].detectors;
        (void)encode("s", "");
        if (find(rows[i].key, &number).length == 0)
            fail_msg("%s", rows[i].name);
        detectors = RESOURCE_ALL & ~rows[i].detectors;
        (void)encode("s", "");
        if (find(rows[i].key, &number).data != NULL)
            fail_msg("%s: though told not to", rows[i].name);
    }
    detectors = RESOURCE_ALL;
    (void)encode("s", "host.name=other");
    assert_true(has("host.name", "other")); /* what somebody wrote wins */
}

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void finds_the_container(void **state)
{
    (void)state;
    static const struct {
        const char *name, *cgroup, *mountinfo, *expected;
    } rows[] = {
        {"it reads version 1", "9:name=systemd:/docker/" ID "\n8:pids:/docker/" ID "\n", "", ID},
        {"it reads systemd's scopes", "1:x:/system.slice/docker-" ID ".scope", "", ID},
        {"it reads Kubernetes' paths", "1:x:/kubepods/besteffort/pod1-2/" ID, "", ID},
        {"it reads version 2", "0::/\n",
         "1 2 0:1 /var/lib/docker/containers/" ID "/hostname /etc/hostname rw - ext4 /dev/x rw\n",
         ID},
        {"it is in none", "0::/user.slice/session-1.scope\n", "1 2 0:1 / / rw\n", ""},
        {"it wants 64 digits", "1:x:/docker/0123456789abcdef", "", ""},
        {"it wants no more than 64", "1:x:/docker/" ID "0", "", ""},
        {"it takes no upper case",
         "1:x:/docker/A123456789abcdef0123456789abcdef0123456789abcdef"
         "0123456789abcdef",
         "", ""},
        {"it wants a folder of that name", "", "1 /containers/" ID "x/hostname", ""},
        {"it bears nothing at all", "", "", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char out[CONTAINER_ID_LENGTH + 1];
        resource_detect_container(text_of(rows[i].cgroup), text_of(rows[i].mountinfo), out);
        if (strcmp(out, rows[i].expected) != 0)
            fail_msg("%s: %s", rows[i].name, out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_who_it_is),      cmocka_unit_test(reads_the_environment),
        cmocka_unit_test(bounds_what_it_takes), cmocka_unit_test(finds_out_about_the_process),
        cmocka_unit_test(finds_the_container),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
