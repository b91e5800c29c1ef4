#include "trace/resource.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/hex.h"
#include "base/otlp_fields.h"
#include "base/rng.h"
#include "base/text.h"
#include "trace/resource_detect.h"

struct pair {
    struct text key, value;
    int64_t number; /* where value.data is NULL */
};

struct resource {
    struct pair pairs[RESOURCE_ATTRIBUTES_MAX];
    size_t count;
};

static void set(struct resource *resource, struct pair pair)
{
    for (size_t i = 0; i < resource->count; i++) {
        if (text_equal(resource->pairs[i].key, pair.key)) {
            resource->pairs[i] = pair;
            return;
        }
    }
    if (resource->count < RESOURCE_ATTRIBUTES_MAX)
        resource->pairs[resource->count++] = pair;
}

static void set_text(struct resource *resource, const char *key, const char *value)
{
    set(resource, (struct pair){text_of(key), text_of(value), 0});
}

static bool decode(struct text encoded, char **memory, struct text *out)
{
    size_t length = 0;
    if (encoded.length > 0 && text_percent_decode(encoded, *memory, &length) != STATUS_OK)
        return false;
    *out = (struct text){*memory, length};
    *memory += length;
    return text_utf8_prefix(*out) == length;
}

/* `memory` holds the decoded text: it is never longer than what came. */
static enum status set_environment(struct resource *resource, const char *environment, char *memory)
{
    struct resource before = *resource;
    struct text rest = text_of(environment);
    while (rest.data != NULL && rest.length > 0) {
        struct text value = text_trim(text_split(&rest, ','));
        if (value.length == 0)
            continue;
        struct text key = text_trim(text_split(&value, '='));
        struct pair pair = {.number = 0};
        if (value.data == NULL || key.length == 0 || !decode(key, &memory, &pair.key) ||
            !decode(text_trim(value), &memory, &pair.value)) {
            *resource = before;
            return STATUS_INVALID;
        }
        set(resource, pair);
    }
    return STATUS_OK;
}

/* RFC 9562 version 4. */
static void make_uuid(char *out)
{
    struct rng rng;
    uint8_t bytes[16];
    if (rng_secret(bytes, sizeof bytes) != STATUS_OK) {
        rng_seed_entropy(&rng);
        uint64_t words[2] = {rng_next(&rng), rng_next(&rng)};
        memcpy(bytes, words, sizeof bytes);
    }
    bytes[6] = (uint8_t)((bytes[6] & 0x0f) | 0x40);
    bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80);
    static const struct {
        uint8_t at, count, to;
    } groups[] = {{0, 4, 0}, {4, 2, 9}, {6, 2, 14}, {8, 2, 19}, {10, 6, 24}};
    memset(out, '-', 36);
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++)
        hex_encode(bytes + groups[i].at, groups[i].count, out + groups[i].to);
    out[36] = '\0';
}

/* Spans and log records of one process bear one id, a fork's child has its own. Starts of the two
 * may come at the same time. */
static void copy_instance_id(char out[37])
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static char uuid[37];
    static pid_t owner;
    pthread_mutex_lock(&lock);
    if (owner != getpid())
        make_uuid(uuid);
    owner = getpid();
    memcpy(out, uuid, sizeof uuid);
    pthread_mutex_unlock(&lock);
}

static void encode_pair(const struct pair *pair, struct wire_writer *writer)
{
    uint8_t *attribute, *value;
    wire_begin(writer, OTLP_RESOURCE_ATTRIBUTES, &attribute);
    wire_put_bytes(writer, OTLP_KEY_VALUE_KEY, pair->key.data, pair->key.length);
    wire_begin(writer, OTLP_KEY_VALUE_VALUE, &value);
    if (pair->value.data != NULL)
        wire_put_bytes(writer, OTLP_VALUE_STRING, pair->value.data, pair->value.length);
    else
        wire_put_u64(writer, OTLP_VALUE_INT, (uint64_t)pair->number);
    wire_end(writer, value);
    wire_end(writer, attribute);
}

static void set_found(struct resource *resource, const char *key, const char *value)
{
    struct text text = text_of(value);
    if (text.length > 0 && text_utf8_prefix(text) == text.length)
        set_text(resource, key, value);
}

static void set_pid(struct resource *resource, const char *key, int64_t pid)
{
    set(resource, (struct pair){text_of(key), {NULL, 0}, pid});
}

/* Names of the semantic conventions. */
static void set_facts(struct resource *resource, const struct resource_facts *facts,
                      unsigned detectors)
{
    if (detectors & RESOURCE_PROCESS) {
        set_pid(resource, "process.pid", facts->pid);
        set_pid(resource, "process.parent_pid", facts->parent_pid);
    }
    if (detectors & RESOURCE_HOST)
        set_text(resource, "os.type", "linux");
    set_found(resource, "process.executable.name", facts->executable_name);
    set_found(resource, "process.executable.path", facts->executable_path);
    set_found(resource, "process.command", facts->command);
    set_found(resource, "process.owner", facts->owner);
    set_found(resource, "host.name", facts->host_name);
    set_found(resource, "host.id", facts->host_id);
    set_found(resource, "host.arch", facts->host_arch);
    set_found(resource, "os.version", facts->os_version);
    set_found(resource, "container.id", facts->container_id);
}

enum status resource_encode(const struct tracing_config *config, struct wire_writer *writer)
{
    char uuid[37], unknown[128], memory[RESOURCE_MAX];
    struct resource_facts facts;
    struct resource resource = {.count = 0};
    snprintf(unknown, sizeof unknown, "unknown_service:%s", program_invocation_short_name);
    copy_instance_id(uuid);
    resource_detect(&facts, config->resource_detectors);
    set_text(&resource, "service.name", unknown);
    if (config->resource_detectors & RESOURCE_SERVICE)
        set_text(&resource, "service.instance.id", uuid);
    set_text(&resource, "telemetry.sdk.name", "culprit");
    set_text(&resource, "telemetry.sdk.language", "c");
    set_text(&resource, "telemetry.sdk.version", TRACE_SDK_VERSION);
    set_facts(&resource, &facts, config->resource_detectors);
    enum status status = strlen(config->resource_attributes) < sizeof memory
                             ? set_environment(&resource, config->resource_attributes, memory)
                             : STATUS_INVALID;
    if (config->service_name[0] != '\0')
        set_text(&resource, "service.name", config->service_name);
    for (size_t i = 0; i < resource.count; i++)
        encode_pair(&resource.pairs[i], writer);
    return writer->overflow ? STATUS_INVALID : status;
}
