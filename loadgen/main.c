/* culprit: starts the checkout, loads it, breaks it, and says from its traces who did it. */
#include <stdio.h>
#include <string.h>

#include "loadgen/base/command.h"
#include "loadgen/base/interrupt.h"

#define CULPRIT_VERSION "0.1.0"

static const struct command commands[] = {
    {"up", "start the whole system on this machine until Ctrl-C", command_up},
    {"run", "run one scenario and judge it", command_run},
    {"load", "load any HTTP service: a URL, or flows from a file", command_load},
    {"compare", "say whether load got slower, from reports before and after", command_compare},
    {"report", "make a page or a summary of a report's JSON", command_report},
    {"demo", "run all scenarios on one system and judge each", command_demo},
    {"diagnose", "name the culprits in traces from a file or a Jaeger API", command_diagnose},
    {"open", "serve the page on the traces that a run kept", command_open},
    {"faults", "list, set or reset the faults of a running system", command_faults},
};
enum { COMMAND_COUNT = sizeof commands / sizeof commands[0] };

static void help(FILE *out)
{
    fputs("usage: culprit COMMAND [FLAGS] ...\n\n"
          "A checkout that you can break, and traces that must say who broke it.\n\n",
          out);
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].about);
    fputs("\nculprit COMMAND --help says more about each; culprit --version prints the version.\n\n"
          "exit status: 0 as expected, 99 not as expected, 97 inconclusive, 105 interrupted,\n"
          "             2 usage or a wrong file, 1 environment (no start, no back end)\n",
          out);
}

static const struct command *find(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

int main(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "";
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0) {
        help(stdout);
        return EXIT_AS_EXPECTED;
    }
    if (strcmp(word, "--version") == 0) {
        puts("culprit " CULPRIT_VERSION);
        return EXIT_AS_EXPECTED;
    }
    const struct command *command = find(word);
    if (!command) {
        if (word[0])
            fprintf(stderr, "culprit: no command \"%s\"\n\n", word);
        help(stderr);
        return EXIT_USAGE;
    }
    struct error error = {0};
    if (interrupt_start(&error) != STATUS_OK)
        return command_failed("culprit", STATUS_IO, &error);
    return command->run(argc - 1, argv + 1);
}
