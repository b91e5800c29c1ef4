#include "base/flags.h"

#include <assert.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/text.h"

enum {
    FLAGS_MAX = 64,
    HELP_CODE = 256, /* getopt_long()'s value for --help; those of the rows follow */
    ROW_CODE = 257,
    HELP_COLUMN = 30,
};

/* What getopt_long() wants, made from the rows; zeroed, as zeros end both. */
struct spec {
    struct option options[FLAGS_MAX + 2];
    char letters[2 * FLAGS_MAX + 3];
};

static bool has_letter(const struct flag *table, size_t count, char letter)
{
    for (size_t i = 0; i < count; i++) {
        if (table[i].letter == letter)
            return true;
    }
    return false;
}

static void build_spec(struct spec *spec, const struct flag *table, size_t count)
{
    char *letters = spec->letters;
    *letters++ = ':'; /* a missing value is told apart from an unknown flag */
    for (size_t i = 0; i < count; i++) {
        const int argument = table[i].type == FLAG_BOOL ? no_argument : required_argument;
        spec->options[i] = (struct option){table[i].name, argument, NULL, ROW_CODE + (int)i};
        if (table[i].letter)
            *letters++ = table[i].letter;
        if (table[i].letter && argument == required_argument)
            *letters++ = ':';
    }
    if (!has_letter(table, count, 'h'))
        *letters++ = 'h';
    spec->options[count] = (struct option){"help", no_argument, NULL, HELP_CODE};
}

/* NULL for --help and for what is no flag. */
static const struct flag *row_of(const struct flag *table, size_t count, int code)
{
    if (code >= ROW_CODE && (size_t)(code - ROW_CODE) < count)
        return &table[code - ROW_CODE];
    for (size_t i = 0; i < count; i++) {
        if (code != 0 && table[i].letter == code)
            return &table[i];
    }
    return NULL;
}

static enum status set_value(const struct flag *flag, const char *value, struct error *error)
{
    enum status status = STATUS_OK;
    const char *wanted = "";
    switch (flag->type) {
    case FLAG_BOOL:
        *(bool *)flag->target = true;
        break;
    case FLAG_TEXT:
        *(const char **)flag->target = value;
        break;
    case FLAG_TEXTS: {
        struct flag_texts *texts = flag->target;
        if (texts->count == FLAG_TEXTS_MAX)
            return error_set(error, STATUS_INVALID, "--%s: more than %d", flag->name,
                             FLAG_TEXTS_MAX);
        texts->items[texts->count++] = value;
        break;
    }
    case FLAG_U64:
        status = text_to_u64(text_of(value), flag->target);
        wanted = "a whole number from 0 on";
        break;
    case FLAG_DOUBLE:
        status = text_to_double(text_of(value), flag->target);
        wanted = "a number";
        break;
    }
    if (status == STATUS_TOO_LARGE)
        return error_set(error, STATUS_INVALID, "--%s: '%s' is too large", flag->name, value);
    if (status != STATUS_OK)
        return error_set(error, STATUS_INVALID, "--%s: '%s' is not %s", flag->name, value, wanted);
    return STATUS_OK;
}

static enum status missing_value(const struct flag *flag, struct error *error)
{
    return error_set(error, STATUS_INVALID, "--%s needs a value: %s", flag->name,
                     flag->argument ? flag->argument : "VALUE");
}

/* getopt_long() leaves optopt 0 for a long flag that is unknown or an ambiguous beginning. */
static enum status unknown_flag(const struct flag *flag, const char *word, struct error *error)
{
    if (flag)
        return error_set(error, STATUS_INVALID, "--%s takes no value", flag->name);
    if (optopt == HELP_CODE)
        return error_set(error, STATUS_INVALID, "--help takes no value");
    if (optopt != 0)
        return error_set(error, STATUS_INVALID, "-%c: no such flag (see --help)", optopt);
    return error_set(error, STATUS_INVALID, "%s: no such flag (see --help)", word);
}

/* What one answer of getopt_long() means. */
static enum status take(const struct flag *table, size_t count, int code, const char *word,
                        struct error *error)
{
    const struct flag *asked = row_of(table, count, code);
    if (code == ':')
        return missing_value(row_of(table, count, optopt), error);
    if (code == '?')
        return unknown_flag(row_of(table, count, optopt), word, error);
    return asked ? set_value(asked, optarg, error) : STATUS_END;
}

enum status flags_parse(const struct flag *table, size_t count, int argc, char **argv,
                        int *first_operand, struct error *error)
{
    struct spec spec = {0};
    enum status status = STATUS_OK;
    assert(count <= FLAGS_MAX);
    build_spec(&spec, table, count);
    optind = 0; /* glibc: begin anew, as this may be the second command line */
    opterr = 0;
    while (status == STATUS_OK) {
        const int code = getopt_long(argc, argv, spec.letters, spec.options, NULL);
        if (code == -1)
            break;
        status = take(table, count, code, argv[optind > 1 ? optind - 1 : 1], error);
    }
    *first_operand = optind;
    return status;
}

static void print_default(FILE *out, const struct flag *flag)
{
    switch (flag->type) {
    case FLAG_BOOL:
    case FLAG_TEXTS:
        break;
    case FLAG_TEXT:
        if (*(const char *const *)flag->target && **(const char *const *)flag->target)
            fprintf(out, " (default: %s)", *(const char *const *)flag->target);
        break;
    case FLAG_U64:
        if (*(const uint64_t *)flag->target)
            fprintf(out, " (default: %" PRIu64 ")", *(const uint64_t *)flag->target);
        break;
    case FLAG_DOUBLE:
        if (*(const double *)flag->target > 0)
            fprintf(out, " (default: %g)", *(const double *)flag->target);
        break;
    }
}

/* "  -r, --rate=N      words": the words of a long flag begin on a line of their own. */
static void print_flag(FILE *out, const struct flag *flag)
{
    char left[128];
    char letter[8] = "    ";
    if (flag->letter)
        snprintf(letter, sizeof(letter), "-%c, ", flag->letter);
    const bool has_value = flag->type != FLAG_BOOL;
    const char *argument = flag->argument ? flag->argument : "VALUE";
    snprintf(left, sizeof(left), "  %s--%s%s%s", letter, flag->name, has_value ? "=" : "",
             has_value ? argument : "");
    if (strlen(left) + 2 > HELP_COLUMN)
        fprintf(out, "%s\n%*s%s", left, HELP_COLUMN, "", flag->help);
    else
        fprintf(out, "%-*s%s", HELP_COLUMN, left, flag->help);
    print_default(out, flag);
    fputc('\n', out);
}

void flags_help(FILE *out, const struct flags_usage *usage, const struct flag *table, size_t count)
{
    bool no_help = false;
    const char letter = has_letter(table, count, 'h') ? '\0' : 'h';
    const struct flag help = {"help", letter, FLAG_BOOL, &no_help, NULL, "this text"};
    fprintf(out, "usage: %s [flags]%s%s\n\n%s\n\n", usage->program,
            usage->operands && *usage->operands ? " " : "", usage->operands ? usage->operands : "",
            usage->about);
    for (size_t i = 0; i < count; i++)
        print_flag(out, &table[i]);
    print_flag(out, &help);
    if (usage->more)
        fprintf(out, "\n%s\n", usage->more);
}
