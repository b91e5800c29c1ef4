#include "loadgen/stack/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"

enum { FIRST_SOCKET = 3, LOG_TAIL_BYTES = 300 };

static bool is_dropped(const char *item, const char *const *dropped)
{
    for (; *dropped; dropped++)
        if (strncmp(item, *dropped, strlen(*dropped)) == 0)
            return true;
    return false;
}

static enum status append(struct environment *environment, char *item)
{
    if (!item)
        return STATUS_NO_MEMORY;
    if (environment->count >= CHILD_ENVIRONMENT_MAX) {
        free(item);
        return STATUS_TOO_LARGE;
    }
    environment->items[environment->count++] = item;
    environment->items[environment->count] = NULL;
    return STATUS_OK;
}

enum status environment_inherit(struct environment *environment, const char *const *dropped)
{
    enum status status = STATUS_OK;
    for (char **item = environ; *item && status == STATUS_OK; item++)
        if (!is_dropped(*item, dropped))
            status = append(environment, strdup(*item));
    return status;
}

enum status environment_set(struct environment *environment, const char *name, const char *format,
                            ...)
{
    char *value = NULL;
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&value, format, arguments);
    va_end(arguments);
    if (length < 0)
        return STATUS_NO_MEMORY;
    char *item = NULL;
    if (asprintf(&item, "%s=%s", name, value) < 0)
        item = NULL;
    free(value);
    return append(environment, item);
}

void environment_release(struct environment *environment)
{
    for (size_t i = 0; i < environment->count; i++)
        free(environment->items[i]);
    *environment = (struct environment){0};
}

/* Everything that only the new process can do; async-signal-safe calls alone. */
static int become(const struct child_spec *spec, char *listen_pid, pid_t parent, int log_fd)
{
    snprintf(listen_pid, 12, "%d", (int)getpid());
    int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (setpgid(0, 0) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || null_fd < 0)
        return errno;
    if (getppid() != parent) /* it died before the request above */
        return ESRCH;
    if (dup2(null_fd, 0) < 0 || dup2(log_fd, 1) < 0 || dup2(log_fd, 2) < 0)
        return errno;
    for (size_t i = 0; i < spec->socket_count; i++)
        if (dup2(spec->sockets[i], FIRST_SOCKET + (int)i) < 0)
            return errno;
    signal(SIGPIPE, SIG_DFL);
    execve(spec->program, (char *[]){(char *)(uintptr_t)spec->program, NULL},
           spec->environment->items);
    return errno;
}

/* The new process's failure comes back through a pipe that a successful exec closes. */
static enum status fork_and_become(struct child *child, const struct child_spec *spec,
                                   char *listen_pid, int log_fd, int *failure)
{
    int report[2];
    if (pipe2(report, O_CLOEXEC) < 0)
        return STATUS_IO;
    int report_fd = fcntl(report[1], F_DUPFD_CLOEXEC, 64); /* not in the sockets' way */
    close(report[1]);
    pid_t parent = getpid();
    child->pid = fork();
    if (child->pid == 0) {
        int reason = become(spec, listen_pid, parent, log_fd);
        (void)!write(report_fd, &reason, sizeof reason);
        _exit(127);
    }
    close(report_fd);
    *failure = 0;
    if (child->pid > 0 && read(report[0], failure, sizeof *failure) != sizeof *failure)
        *failure = 0;
    close(report[0]);
    if (child->pid < 0)
        child->pid = 0;
    return child->pid > 0 ? STATUS_OK : STATUS_IO;
}

enum status child_start(struct child *child, const struct child_spec *spec, struct error *error)
{
    *child = (struct child){0};
    text_copy(text_of(spec->name), child->name, sizeof child->name);
    text_copy(text_of(spec->log_path), child->log_path, sizeof child->log_path);
    enum status status =
        environment_set(spec->environment, "LISTEN_FDS", "%zu", spec->socket_count);
    if (status == STATUS_OK)
        status = environment_set(spec->environment, "LISTEN_PID", "%-11s", "");
    if (status != STATUS_OK)
        return error_set(error, status, "%s: %s", spec->name, status_words(status));
    char *listen_pid = strchr(spec->environment->items[spec->environment->count - 1], '=') + 1;
    int log_fd = open(spec->log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (log_fd < 0)
        return error_set(error, STATUS_IO, "%s: %s: %s", spec->name, spec->log_path,
                         strerror(errno));
    int failure = 0;
    int high_log_fd = fcntl(log_fd, F_DUPFD_CLOEXEC, 64);
    close(log_fd);
    status = fork_and_become(child, spec, listen_pid, high_log_fd, &failure);
    close(high_log_fd);
    if (status != STATUS_OK)
        return error_set(error, status, "%s: fork: %s", spec->name, strerror(errno));
    if (failure == 0)
        return STATUS_OK;
    (void)waitpid(child->pid, NULL, 0);
    child->pid = 0;
    return error_set(error, failure == ENOENT ? STATUS_NOT_FOUND : STATUS_IO, "%s: %s: %s",
                     spec->name, spec->program, strerror(failure));
}

bool child_has_ended(struct child *child)
{
    if (child->pid == 0 || child->has_ended)
        return true;
    pid_t got = waitpid(child->pid, &child->wait_status, WNOHANG);
    child->has_ended = got == child->pid || (got < 0 && errno == ECHILD);
    return child->has_ended;
}

void child_signal(struct child *child, int number)
{
    if (!child_has_ended(child))
        (void)kill(child->pid, number);
}

bool child_wait(struct child *child, uint64_t deadline_ns)
{
    while (!child_has_ended(child)) {
        if (clock_remaining_ms(deadline_ns) == 0)
            return false;
        clock_sleep_until_ns(clock_mono_ns() + 2 * NS_PER_MS);
    }
    return true;
}

/* The last whole lines of the log, without control characters. */
static void log_tail(const char *path, char *out, size_t size)
{
    out[0] = '\0';
    FILE *file = fopen(path, "re");
    if (!file)
        return;
    if (fseek(file, -(long)(size - 1), SEEK_END) < 0)
        rewind(file);
    size_t length = fread(out, 1, size - 1, file);
    fclose(file);
    while (length > 0 && (unsigned char)out[length - 1] <= ' ')
        length--;
    out[length] = '\0';
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)out[i] < ' ')
            out[i] = ' ';
}

void child_describe_end(const struct child *child, char *out, size_t size)
{
    char why[64];
    char tail[LOG_TAIL_BYTES];
    if (WIFSIGNALED(child->wait_status))
        snprintf(why, sizeof why, "ended by signal %d (%s)", WTERMSIG(child->wait_status),
                 strsignal(WTERMSIG(child->wait_status)));
    else
        snprintf(why, sizeof why, "exit status %d", WEXITSTATUS(child->wait_status));
    log_tail(child->log_path, tail, sizeof tail);
    snprintf(out, size, "%s%s%s", why, tail[0] ? "; its last words: " : "", tail);
}
