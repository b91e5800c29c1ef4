#include "services/collector/options.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/flags.h"
#include "base/text.h"

#ifndef CULPRIT_VERSION
#define CULPRIT_VERSION "0.1"
#endif

enum { FIRST_FD = 3, FDS_MAX = 2 };

static const uint64_t mib = 1024 * 1024;

struct words {
    const char *data, *store, *sync;
    bool version;
};

/* What nobody shall pass. */
static const uint64_t unlimited_bytes = UINT64_MAX;

static const struct flags_usage usage = {
    .program = "collector",
    .operands = "",
    .about = "Receives traces over OTLP/HTTP, keeps them in one file, and answers Jaeger's query "
             "APIs.",
    .more = "Environment: CULPRIT_DATA (as --data), CULPRIT_ALLOWED_HOSTS, CULPRIT_LOG_LEVEL,\n"
            "CULPRIT_ENDPOINTS (NAME=HOST:PORT,...: who sends spans; asked at /metrics what they\n"
            "lost, for GET /api/culprit/health).\n"
            "With LISTEN_FDS the first socket is for OTLP and the second for queries; with\n"
            "--no-ingest the only one is for queries.\n",
};

/* Sockets that the parent bound (sd_listen_fds(3)): none, one or two. Further children of ours
 * shall not have them. */
static enum status take_sockets(struct options *options, struct error *error)
{
    const struct text pid = text_of(getenv("LISTEN_PID"));
    const struct text fds = text_of(getenv("LISTEN_FDS"));
    int *const targets[FDS_MAX] = {&options->listen_fd, &options->query_fd};
    uint64_t count, owner;
    if (fds.length == 0)
        return STATUS_OK;
    if (pid.length > 0 && (text_to_u64(pid, &owner) != STATUS_OK || owner != (uint64_t)getpid()))
        return STATUS_OK;
    if (text_to_u64(fds, &count) != STATUS_OK || count > FDS_MAX)
        return error_set(error, STATUS_INVALID, "LISTEN_FDS must be 0, 1 or 2");
    const int first = options->no_ingest ? 1 : 0;
    if (first + count > FDS_MAX)
        return error_set(error, STATUS_INVALID, "LISTEN_FDS: one socket, as nothing comes in");
    for (int i = 0; i < (int)count; i++) {
        int listening = 0;
        socklen_t length = sizeof(listening);
        if (getsockopt(FIRST_FD + i, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) != 0 ||
            !listening)
            return error_set(error, STATUS_INVALID, "LISTEN_FDS: descriptor %d does not listen",
                             FIRST_FD + i);
        fcntl(FIRST_FD + i, F_SETFD, FD_CLOEXEC);
        *targets[first + i] = FIRST_FD + i;
    }
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_PID");
    return STATUS_OK;
}

static enum status choose_store(struct options *options, const struct words *words,
                                struct error *error)
{
    int length;
    if (words->store) {
        length = snprintf(options->store, sizeof(options->store), "%s", words->store);
    } else {
        if (mkdir(words->data, 0755) != 0 && access(words->data, W_OK | X_OK) != 0)
            return error_set(error, STATUS_INVALID, "%s: cannot be written to", words->data);
        length = snprintf(options->store, sizeof(options->store), "%s/traces.db", words->data);
    }
    return length > 0 && (size_t)length < sizeof(options->store)
               ? STATUS_OK
               : error_set(error, STATUS_INVALID, "the store's path is too long");
}

static enum status check_values(struct options *options, const struct words *words,
                                struct error *error)
{
    const struct text sync = text_of(words->sync);
    if (!text_is(sync, "off") && !text_is(sync, "normal"))
        return error_set(error, STATUS_INVALID, "--sync must be off or normal");
    options->sync = text_is(sync, "normal");
    if (options->max_bytes < mib)
        return error_set(error, STATUS_INVALID, "--max-bytes must be at least %llu",
                         (unsigned long long)mib);
    if (options->max_memory_bytes < mib)
        return error_set(error, STATUS_INVALID, "--max-memory must be at least %llu",
                         (unsigned long long)mib);
    if (options->settle_ms > 3600 * 1000)
        return error_set(error, STATUS_INVALID, "--settle-ms must be at most an hour");
    return STATUS_OK;
}

enum status options_read(struct options *options, int argc, char **argv, struct error *error)
{
    const char *data = getenv("CULPRIT_DATA");
    struct words words = {.data = data && *data ? data : ".", .sync = "normal"};
    *options = (struct options){.listen = "127.0.0.1:4318",
                                .query = "127.0.0.1:16686",
                                .listen_fd = -1,
                                .query_fd = -1,
                                .max_bytes = 1024 * mib,
                                .max_memory_bytes = 96 * mib,
                                .settle_ms = 500,
                                .allowed_hosts = getenv("CULPRIT_ALLOWED_HOSTS"),
                                .endpoints = getenv("CULPRIT_ENDPOINTS")};
    const struct flag table[] = {
        {"listen", 'l', FLAG_TEXT, &options->listen, "ADDR:PORT", "where OTLP comes in"},
        {"query", 'q', FLAG_TEXT, &options->query, "ADDR:PORT", "where questions come in"},
        {"data", 'd', FLAG_TEXT, &words.data, "DIR", "directory of the store, made when missing"},
        {"store", 's', FLAG_TEXT, &words.store, "FILE", "the store (DIR/traces.db)"},
        {"max-bytes", 0, FLAG_U64, &options->max_bytes, "N", "size of the store: oldest go first"},
        {"max-memory", 0, FLAG_U64, &options->max_memory_bytes, "N", "bytes of open traces"},
        {"settle-ms", 0, FLAG_U64, &options->settle_ms, "N",
         "a trace is stored so long after its last span"},
        {"sync", 0, FLAG_TEXT, &words.sync, "off|normal",
         "normal: what is stored survives a power cut, but for the last moments"},
        {"no-ingest", 0, FLAG_BOOL, &options->no_ingest, NULL,
         "only answer questions about a store that exists; delete nothing"},
        {"check", 0, FLAG_BOOL, &options->check, NULL, "ask a running collector's /readyz"},
        {"version", 'V', FLAG_BOOL, &words.version, NULL, "print the version"},
    };
    const size_t count = sizeof(table) / sizeof(table[0]);
    int first_operand;
    enum status status = flags_parse(table, count, argc, argv, &first_operand, error);
    if (status == STATUS_END) {
        flags_help(stdout, &usage, table, count);
        return STATUS_END;
    }
    if (status != STATUS_OK)
        return status;
    if (first_operand < argc)
        return error_set(error, STATUS_INVALID, "unexpected argument: %s", argv[first_operand]);
    if (words.version) {
        puts("collector " CULPRIT_VERSION);
        return STATUS_END;
    }
    status = check_values(options, &words, error);
    if (options->no_ingest)
        options->max_bytes = unlimited_bytes;
    if (status == STATUS_OK && !options->check)
        status = choose_store(options, &words, error);
    return status == STATUS_OK ? take_sockets(options, error) : status;
}
