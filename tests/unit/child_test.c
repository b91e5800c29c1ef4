#include "loadgen/stack/child.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "tests/unit/rows.h"

/* The children are small scripts, written for each test. */
struct script {
    char program[64], log[80];
    struct child child;
};

static enum status start(struct script *script, const char *body, const int *sockets, size_t count,
                         struct error *error)
{
    strcpy(script->program, "/tmp/culprit-child-test-XXXXXX");
    int fd = mkstemp(script->program);
    assert_true(fd >= 0);
    assert_true(dprintf(fd, "#!/bin/sh\n%s\n", body) > 0);
    fchmod(fd, 0755);
    close(fd);
    snprintf(script->log, sizeof script->log, "%s.log", script->program);
    struct environment environment = {0};
    assert_int_equal(environment_inherit(&environment, (const char *const[]){NULL}), STATUS_OK);
    assert_int_equal(environment_set(&environment, "GREETING", "%s", "hello"), STATUS_OK);
    enum status status = child_start(&script->child,
                                     &(struct child_spec){.name = "script",
                                                          .program = script->program,
                                                          .sockets = sockets,
                                                          .socket_count = count,
                                                          .log_path = script->log,
                                                          .environment = &environment},
                                     error);
    environment_release(&environment);
    return status;
}

static void end(struct script *script)
{
    child_signal(&script->child, SIGKILL);
    assert_true(child_wait(&script->child, clock_mono_ns() + 5 * NS_PER_S));
    unlink(script->program);
    unlink(script->log);
}

static uint64_t soon(void)
{
    return clock_mono_ns() + 5 * NS_PER_S;
}

struct row {
    const char *it;
    const char *body;
    const char *described; /* part of it */
};

static const struct row rows[] = {
    {"it tells an exit status", "exit 3", "exit status 3"},
    {"it tells the signal", "kill -9 $$", "ended by signal 9 (Killed)"},
    {"it tells the last words", "echo port is gone >&2; exit 1",
     "exit status 1; its last words: port is gone"},
    {"it hands variables over", "echo $GREETING; exit 1", "its last words: hello"},
    {"it says how many sockets there are, and to whom",
     "[ $LISTEN_FDS = 0 ] && [ $LISTEN_PID = $$ ] && echo right; exit 1", "its last words: right"},
    {"it gives no terminal", "read x || echo nothing to read; exit 1", "nothing to read"},
    {"it takes control characters out", "printf 'a\\033[2Jb'; exit 1", "a [2Jb"},
};

static void check(void **state)
{
    const struct row *row = *state;
    struct script script;
    struct error error = {0};
    char described[400];
    assert_int_equal(start(&script, row->body, NULL, 0, &error), STATUS_OK);
    assert_true(child_wait(&script.child, soon()));
    child_describe_end(&script.child, described, sizeof described);
    if (!strstr(described, row->described))
        fail_msg("\"%s\" is not in \"%s\"", row->described, described);
    end(&script);
}

static void check_socket(void **state)
{
    (void)state;
    struct script script;
    struct error error = {0};
    char described[400];
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    int high = dup2(ends[1], 70);
    close(ends[1]);
    assert_int_equal(start(&script, "echo through 3 >&3; exit 1", &high, 1, &error), STATUS_OK);
    close(high);
    char got[32] = "";
    assert_true(read(ends[0], got, sizeof got - 1) > 0);
    assert_string_equal(got, "through 3\n");
    assert_int_equal(read(ends[0], got, sizeof got), 0);
    close(ends[0]);
    assert_true(child_wait(&script.child, soon()));
    child_describe_end(&script.child, described, sizeof described);
    end(&script);
}

static void check_running(void **state)
{
    (void)state;
    struct script script;
    struct error error = {0};
    assert_int_equal(start(&script, "exec sleep 60", NULL, 0, &error), STATUS_OK);
    assert_false(child_has_ended(&script.child));
    assert_false(child_wait(&script.child, clock_mono_ns()));
    assert_int_equal(getpgid(script.child.pid), script.child.pid);
    child_signal(&script.child, SIGTERM);
    assert_true(child_wait(&script.child, soon()));
    assert_true(child_has_ended(&script.child));
    child_signal(&script.child, SIGTERM); /* nobody is there: nothing happens */
    end(&script);
}

static void check_missing(void **state)
{
    (void)state;
    struct child child;
    struct error error = {0};
    struct environment environment = {0};
    assert_int_equal(child_start(&child,
                                 &(struct child_spec){.name = "ghost",
                                                      .program = "/nonexistent/ghost",
                                                      .log_path = "/dev/null",
                                                      .environment = &environment},
                                 &error),
                     STATUS_NOT_FOUND);
    assert_string_equal(error.text, "ghost: /nonexistent/ghost: No such file or directory");
    assert_true(child_has_ended(&child));
    environment_release(&environment);
}

int main(void)
{
    static struct rows all;
    ROWS(&all, rows, check);
    rows_one(&all, "it hands sockets over from 3 on", check_socket);
    rows_one(&all, "it tells one that runs from one that ended", check_running);
    rows_one(&all, "it names a program that is not there", check_missing);
    return rows_run("child", &all);
}
