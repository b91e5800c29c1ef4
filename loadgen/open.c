#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "http/server.h"
#include "loadgen/base/command.h"

static const char program[] = "culprit open";
static const char usual_address[] = "127.0.0.1:16686";
static const char any_address[] = "127.0.0.1:0";

enum { SOCKET_FD = 3, SPARE_FD = 64 };

struct options {
    const char *listen, *bin;
};

static bool is_file(const char *path)
{
    struct stat found;
    return stat(path, &found) == 0 && S_ISREG(found.st_mode);
}

/* A store, or a directory that `--data` kept one in. */
static enum status find_store(const char *given, char path[PATH_MAX], struct error *error)
{
    static const char *const places[] = {"%s", "%s/traces.db", "%s/collector/traces.db"};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        const int length = snprintf(path, PATH_MAX, places[i], given);
        if (length > 0 && length < PATH_MAX && is_file(path))
            return STATUS_OK;
    }
    return error_set(error, STATUS_NOT_FOUND, "%s: no store of traces", given);
}

static enum status find_collector(const char *bin, char path[PATH_MAX], struct error *error)
{
    char self[PATH_MAX];
    const ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length < 0 && !bin)
        return error_set(error, STATUS_IO, "/proc/self/exe: %s", strerror(errno));
    self[length > 0 ? length : 0] = '\0';
    const int written = snprintf(path, PATH_MAX, "%s/collector", bin ? bin : dirname(self));
    if (written > 0 && written < PATH_MAX && access(path, X_OK) == 0)
        return STATUS_OK;
    return error_set(error, STATUS_NOT_FOUND, "%s: no such program", path);
}

/* The usual port, or a free one where that is taken and nobody asked for it. */
static enum status listen_somewhere(const char *asked, int *fd, struct error *error)
{
    enum status status = server_listen(asked ? asked : usual_address, fd, error);
    if (status == STATUS_EXISTS && !asked)
        status = server_listen(any_address, fd, error);
    return status;
}

static unsigned port_of(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address = {.v6 = {0}};
    socklen_t length = sizeof address;
    if (getsockname(fd, &address.any, &length) != 0)
        return 0;
    return ntohs(address.any.sa_family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port);
}

/* This process becomes the collector, with the socket as its descriptor 3. */
static enum status become(const char *collector, const char *store, int fd, struct error *error)
{
    const int spare = fcntl(fd, F_DUPFD_CLOEXEC, SPARE_FD);
    if (spare < 0 || dup2(spare, SOCKET_FD) < 0)
        return error_set(error, STATUS_IO, "the socket: %s", strerror(errno));
    setenv("LISTEN_FDS", "1", 1);
    unsetenv("LISTEN_PID");
    setenv("CULPRIT_LOG_LEVEL", "warn", 0);
    execl(collector, "collector", "--no-ingest", "--store", store, (char *)NULL);
    return error_set(error, STATUS_IO, "%s: %s", collector, strerror(errno));
}

static enum status serve(const char *given, const struct options *options, struct error *error)
{
    char store[PATH_MAX], collector[PATH_MAX];
    int fd = -1;
    enum status status = find_store(given, store, error);
    if (status == STATUS_OK)
        status = find_collector(options->bin, collector, error);
    if (status == STATUS_OK)
        status = listen_somewhere(options->listen, &fd, error);
    if (status != STATUS_OK)
        return status;
    printf("%s\n\n  http://127.0.0.1:%u/search?last=all\n\nCtrl-C ends it.\n", store, port_of(fd));
    fflush(stdout);
    return become(collector, store, fd, error);
}

int command_open(int argc, char **argv)
{
    struct options options = {0};
    const struct flag flags[] = {
        {"listen", 'l', FLAG_TEXT, &options.listen, "ADDR:PORT",
         "where (127.0.0.1:16686, or a free port where that is taken)"},
        {"bin", 'b', FLAG_TEXT, &options.bin, "DIR", "programs (default: beside this one)"},
    };
    const struct flags_usage usage = {
        .program = program,
        .operands = "STORE",
        .about = "Serves the page on the traces that a run kept.",
        .more = "STORE is the file traces.db, or the directory that --data named. Nothing comes\n"
                "in and nothing is deleted.",
    };
    struct command_line line = {
        .usage = &usage, .flags = flags, .flag_count = sizeof flags / sizeof flags[0]};
    struct error error = {0};
    if (!command_parse(&line, argc, argv))
        return line.exit_status;
    if (line.first_operand + 1 != argc)
        return command_misused(program, "which store?");
    /* Comes back only where it failed. */
    const enum status status = serve(argv[line.first_operand], &options, &error);
    return command_failed(program, status, &error);
}
