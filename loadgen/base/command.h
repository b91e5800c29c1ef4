/* The commands of `culprit`, and what they share: exit statuses and how a command reports an error.
 * Results go to standard output, talk goes to standard error. */
#ifndef CULPRIT_LOADGEN_BASE_COMMAND_H
#define CULPRIT_LOADGEN_BASE_COMMAND_H

#include <stdbool.h>

#include "base/flags.h"
#include "base/json_writer.h"
#include "base/status.h"
#include "loadgen/base/verdict.h"

enum exit_status {
    EXIT_AS_EXPECTED = 0,
    EXIT_ENVIRONMENT = 1, /* no start, no back end, a process died */
    EXIT_USAGE = 2,       /* wrong words, or a wrong file */
    EXIT_INCONCLUSIVE = 97,
    EXIT_UNEXPECTED = 99,
    EXIT_INTERRUPTED = 105,
};

struct command {
    const char *name;
    const char *about;                 /* one sentence */
    int (*run)(int argc, char **argv); /* argv[0] is the command's name; returns an exit_status */
};

int command_up(int argc, char **argv);
int command_run(int argc, char **argv);
int command_load(int argc, char **argv);
int command_compare(int argc, char **argv);
int command_report(int argc, char **argv);
int command_demo(int argc, char **argv);
int command_diagnose(int argc, char **argv);
int command_faults(int argc, char **argv);
int command_open(int argc, char **argv);

/* How a command is called, and what came of it. */
struct command_line {
    const struct flags_usage *usage;
    const struct flag *flags;
    size_t flag_count;
    int first_operand; /* set: index of the first word that is no flag */
    int exit_status;   /* set where the command is over */
};

/* Parses the flags. false: the command is over (help was printed, or the words were wrong). */
bool command_parse(struct command_line *line, int argc, char **argv);

/* Says "culprit run: words" on standard error, and returns the exit status that stands for
 * `status`. */
int command_failed(const char *program, enum status status, const struct error *error);

/* The same with EXIT_USAGE, for words that the command line got wrong. */
int command_misused(const char *program, const char *format, ...) PRINTF_LIKE(2, 3);

/* Tells on standard output how to look at a kept store of traces; nothing when there is none. */
void command_kept(const char *path);

/* Where `path` is "-", standard output is for what command_write writes: all else that the process
 * writes there goes to standard error from now on. `path` may be NULL. Before anything is written.
 */
void command_reserve_stdout(const char *path);

/* Writes a whole text to `path`; "-" is standard output. STATUS_IO and the buffer's own failure,
 * with words. */
MUST_CHECK enum status command_write(const char *path, const struct buffer *out,
                                     struct error *error);

/* Writes to `path` the one value that `write` makes of `what`; "-" is standard output.
 * STATUS_TOO_LARGE (over 64 MiB), and those of buffer_write_file, with words. */
typedef void command_json(const void *what, struct json_writer *writer);
MUST_CHECK enum status command_write_json(const char *path, command_json *write, const void *what,
                                          struct error *error);

int command_exit_of_verdict(enum verdict verdict);

#endif
