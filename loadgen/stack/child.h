/* One process of ours: started with inherited listening sockets (LISTEN_FDS), its own process group
 * (so that a Ctrl-C of the terminal does not reach it), its output in a log file, and a death that
 * follows ours (PR_SET_PDEATHSIG). Call all of it from the thread that starts the children, before
 * that thread ends. */
#ifndef CULPRIT_LOADGEN_STACK_CHILD_H
#define CULPRIT_LOADGEN_STACK_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/status.h"

enum { CHILD_NAME_MAX = 32, CHILD_ENVIRONMENT_MAX = 512, CHILD_SOCKETS_MAX = 2 };

/* Variables of a child: {0} is empty. */
struct environment {
    char *items[CHILD_ENVIRONMENT_MAX + 1]; /* owned, NULL behind the last */
    size_t count;
};

/* Our own variables without those whose names begin with one of `dropped` (NULL-terminated). */
MUST_CHECK enum status environment_inherit(struct environment *environment,
                                           const char *const *dropped);
MUST_CHECK enum status environment_set(struct environment *environment, const char *name,
                                       const char *format, ...) PRINTF_LIKE(3, 4);
void environment_release(struct environment *environment);

struct child_spec {
    const char *name;
    const char *program; /* path */
    const int *sockets;  /* at descriptors from 64 up; become 3, 4, ... */
    size_t socket_count;
    const char *log_path;            /* gets standard output and standard error */
    struct environment *environment; /* LISTEN_* is added */
};

struct child {
    char name[CHILD_NAME_MAX];
    char log_path[512];
    pid_t pid;       /* 0: never started */
    bool has_ended;  /* reaped */
    int wait_status; /* of waitpid, once it has ended */
};

/* STATUS_NOT_FOUND (no such program), STATUS_IO, STATUS_NO_MEMORY with words. */
MUST_CHECK enum status child_start(struct child *child, const struct child_spec *spec,
                                   struct error *error);

/* true: it has ended (reaps it). Never blocks. */
bool child_has_ended(struct child *child);

/* Sends a signal where the child runs. */
void child_signal(struct child *child, int number);

/* Waits until it ended or the deadline; false: it runs on. */
bool child_wait(struct child *child, uint64_t deadline_ns);

/* "exit status 1; last words: ..." or "ended by signal 9 (Killed)": why it ended, with the end of
 * its log, into `out`. */
void child_describe_end(const struct child *child, char *out, size_t size);

#endif
