#include "loadgen/base/command.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { REPORT_BYTES_MAX = 64 * 1024 * 1024 };

bool command_parse(struct command_line *line, int argc, char **argv)
{
    struct error error = {0};
    enum status status =
        flags_parse(line->flags, line->flag_count, argc, argv, &line->first_operand, &error);
    if (status == STATUS_OK)
        return true;
    if (status == STATUS_END) {
        flags_help(stdout, line->usage, line->flags, line->flag_count);
        line->exit_status = EXIT_AS_EXPECTED;
        return false;
    }
    line->exit_status = command_misused(line->usage->program, "%s", error.text);
    return false;
}

/* What a person wrote is theirs to mend (2); the rest is the surroundings (1). */
static int exit_of(enum status status)
{
    switch (status) {
    case STATUS_OK:
        return EXIT_AS_EXPECTED;
    case STATUS_INVALID:
    case STATUS_NOT_FOUND:
    case STATUS_UNSUPPORTED:
        return EXIT_USAGE;
    case STATUS_INTERRUPTED:
        return EXIT_INTERRUPTED;
    default:
        return EXIT_ENVIRONMENT;
    }
}

int command_failed(const char *program, enum status status, const struct error *error)
{
    fprintf(stderr, "%s: %s\n", program, error->text[0] ? error->text : status_words(status));
    return exit_of(status);
}

int command_misused(const char *program, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "%s: ", program);
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "\n%s --help says more\n", program);
    va_end(arguments);
    return EXIT_USAGE;
}

static FILE *reserved; /* what standard output was */

void command_reserve_stdout(const char *path)
{
    if (path == NULL || strcmp(path, "-") != 0 || reserved != NULL)
        return;
    const int fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (fd < 0 || (reserved = fdopen(fd, "w")) == NULL)
        return;
    (void)dup2(STDERR_FILENO, STDOUT_FILENO);
}

enum status command_write(const char *path, const struct buffer *out, struct error *error)
{
    if (strcmp(path, "-") != 0 || out->failed != STATUS_OK)
        return buffer_write_file(out, path, error);
    FILE *file = reserved != NULL ? reserved : stdout;
    if (fwrite(buffer_text(out), 1, out->length_bytes, file) != out->length_bytes ||
        fflush(file) != 0)
        return error_set(error, STATUS_IO, "standard output cannot be written");
    return STATUS_OK;
}

enum status command_write_json(const char *path, command_json *write, const void *what,
                               struct error *error)
{
    struct buffer out;
    struct json_writer writer;
    buffer_init(&out, REPORT_BYTES_MAX);
    json_writer_init(&writer, &out, 2);
    write(what, &writer);
    buffer_append_byte(&out, '\n');
    enum status status = command_write(path, &out, error);
    buffer_release(&out);
    return status;
}

int command_exit_of_verdict(enum verdict verdict)
{
    static const int statuses[] = {
        [VERDICT_PASS] = EXIT_AS_EXPECTED,
        [VERDICT_FAIL] = EXIT_UNEXPECTED,
        [VERDICT_INCONCLUSIVE] = EXIT_INCONCLUSIVE,
    };
    return statuses[verdict];
}

void command_kept(const char *path)
{
    if (path && path[0] && access(path, R_OK) == 0)
        printf("\nThe traces are kept. The addresses work, and http://127.0.0.1:16686 shows all, "
               "while this runs:\n  %s open %s\n",
               program_invocation_name, path);
}
