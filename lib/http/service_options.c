#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/flags.h"
#include "base/text.h"
#include "http/service_inner.h"

enum { FIRST_PASSED_FD = 3 };

static const char version[] = "0.1.0";

/* "[::1]" and "127.0.0.1" have none, "8080" is one. */
static bool has_port(const char *address)
{
    const char *bracket = strchr(address, ']');
    if (strchr(bracket ? bracket : address, ':'))
        return true;
    return address[0] != '\0' && strspn(address, "0123456789") == strlen(address);
}

static enum status read_address(struct service_options *options, const char *given,
                                uint16_t usual_port, struct error *error)
{
    char port[8] = "";
    if (!has_port(given))
        snprintf(port, sizeof port, ":%u", usual_port);
    int length = snprintf(options->listen, sizeof options->listen, "%s%s", given, port);
    if (length < 0 || (size_t)length >= sizeof options->listen)
        return error_set(error, STATUS_INVALID, "--listen: the address is too long");
    return STATUS_OK;
}

static enum status read_directory(struct service_options *options, const char *given,
                                  const char *name, struct error *error)
{
    const char *from_environment = getenv("CULPRIT_DATA");
    if (given == NULL && from_environment && from_environment[0])
        given = from_environment;
    int length = given ? snprintf(options->data, sizeof options->data, "%s", given)
                       : snprintf(options->data, sizeof options->data, "culprit-data/%s", name);
    if (length <= 0 || (size_t)length >= sizeof options->data)
        return error_set(error, STATUS_INVALID,
                         "--data: the directory's name is empty or too long");
    return STATUS_OK;
}

/* sd_listen_fds(3): sockets from 3 on, when LISTEN_PID is us or not there. What is passed on is not
 * for children of ours. */
static enum status read_passed_sockets(struct service_options *options, struct error *error)
{
    struct text pid = text_trim(text_of(getenv("LISTEN_PID")));
    struct text fds = text_trim(text_of(getenv("LISTEN_FDS")));
    uint64_t number = 0, count = 0;
    int listening = 0;
    socklen_t size = sizeof listening;
    options->listen_fd = -1;
    if (fds.length == 0)
        return STATUS_OK;
    if (pid.length > 0 && (text_to_u64(pid, &number) != STATUS_OK || number != (uint64_t)getpid()))
        return STATUS_OK;
    if (text_to_u64(fds, &count) != STATUS_OK)
        return error_set(error, STATUS_INVALID, "LISTEN_FDS is not a number");
    if (count == 0)
        return STATUS_OK;
    if (count > 1)
        return error_set(error, STATUS_INVALID, "LISTEN_FDS: one socket is enough, not %llu",
                         (unsigned long long)count);
    if (getsockopt(FIRST_PASSED_FD, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) != 0 ||
        !listening)
        return error_set(error, STATUS_INVALID, "LISTEN_FDS: descriptor %d does not listen",
                         FIRST_PASSED_FD);
    fcntl(FIRST_PASSED_FD, F_SETFD, FD_CLOEXEC);
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_PID");
    options->listen_fd = FIRST_PASSED_FD;
    return STATUS_OK;
}

enum status service_options_read(struct service_options *options, const char *name,
                                 uint16_t usual_port, int argc, char **argv, struct error *error)
{
    const char *listen = "127.0.0.1", *data = NULL;
    bool wants_version = false;
    int first = 0;
    *options = (struct service_options){.listen_fd = -1};
    const struct flag flags[] = {
        {"listen", 'l', FLAG_TEXT, &listen, "ADDRESS", "where to listen (127.0.0.1, usual port)"},
        {"data", 'd', FLAG_TEXT, &data, "DIRECTORY", "where databases are ($CULPRIT_DATA)"},
        {"check", 0, FLAG_BOOL, &options->check, NULL,
         "ask the running service whether it is ready"},
        {"w3c-test", 0, FLAG_BOOL, &options->w3c_test, NULL,
         "answer POST /test of the W3C trace-context harness (calls loopback alone)"},
        {"version", 0, FLAG_BOOL, &wants_version, NULL, "print the version"},
    };
    enum status status = flags_parse(flags, COUNT_OF(flags), argc, argv, &first, error);
    if (status == STATUS_END) {
        flags_help(stdout,
                   &(struct flags_usage){.program = name,
                                         .operands = "",
                                         .about =
                                             "A service of the checkout. See the README for its "
                                             "environment."},
                   flags, COUNT_OF(flags));
        options->done = true;
        return STATUS_OK;
    }
    if (status != STATUS_OK)
        return status;
    if (first < argc)
        return error_set(error, STATUS_INVALID, "what is \"%s\"? There are only flags",
                         argv[first]);
    if (wants_version) {
        printf("%s %s\n", name, version);
        options->done = true;
        return STATUS_OK;
    }
    status = read_address(options, listen, usual_port, error);
    if (status == STATUS_OK)
        status = read_directory(options, data, name, error);
    return status == STATUS_OK ? read_passed_sockets(options, error) : status;
}
