#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loadgen/base/command.h"
#include "loadgen/base/target.h"
#include "loadgen/stack/control.h"

static const char program[] = "culprit faults";

static const struct settings none = {.count = 0};

static void print_value(const json_t *row)
{
    const json_t *value = json_object_get(row, "value");
    if (json_is_true(value))
        printf("on");
    else if (json_is_integer(value))
        printf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else if (json_is_string(value))
        printf("%s", json_string_value(value));
    else
        printf("off");
}

static void print_text(const char *label, const json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row, key));
    if (text && text[0])
        printf("      %-14s%s\n", label, text);
}

static int list(struct control *control, const struct settings *settings)
{
    (void)settings;
    for (size_t i = 0; i < control->count; i++) {
        size_t index;
        json_t *row;
        json_array_foreach(control->services[i].rows, index, row)
        {
            const char *name = json_string_value(json_object_get(row, "name"));
            printf("%s.%s  ", control->services[i].name, name ? name : "?");
            print_value(row);
            printf("%s\n",
                   json_is_true(json_object_get(row, "environment")) ? "  (environment)" : "");
            print_text("stands for", row, "stands_for");
            print_text("trace shows", row, "trace_shows");
        }
    }
    return EXIT_AS_EXPECTED;
}

static int replace(struct control *control, const struct settings *settings)
{
    struct error error = {0};
    enum status status = control_check(control, settings, false, &error);
    if (status == STATUS_OK)
        status = control_replace(control, settings, NULL, &error);
    return status == STATUS_OK ? EXIT_AS_EXPECTED : command_failed(program, status, &error);
}

static int reset(struct control *control, const struct settings *settings)
{
    (void)settings;
    struct error error = {0};
    enum status status = control_replace(control, &none, &none, &error);
    return status == STATUS_OK ? EXIT_AS_EXPECTED : command_failed(program, status, &error);
}

static const struct verb {
    const char *name;
    bool takes_settings;
    int (*run)(struct control *control, const struct settings *settings);
} verbs[] = {
    {"list", false, list},
    {"set", true, replace},
    {"reset", false, reset},
};

static const struct verb *find_verb(const char *name)
{
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    return NULL;
}

static int with_target(const struct verb *verb, const char *path, const struct settings *settings)
{
    struct target target;
    struct control control;
    struct error error = {0};
    enum status status =
        path && path[0] ? target_read(&target, path, &error) : target_usual(&target, &error);
    if (status != STATUS_OK)
        return command_failed(program, status, &error);
    if (control_open(&control, &target, &error) != STATUS_OK) {
        (void)command_failed(program, STATUS_IO, &error);
        return EXIT_ENVIRONMENT;
    }
    int exit_status = verb->run(&control, settings);
    control_release(&control);
    return exit_status;
}

int command_faults(int argc, char **argv)
{
    const char *target_path = getenv("CULPRIT_TARGET");
    const struct flag flags[] = {
        {"target", 't', FLAG_TEXT, &target_path, "FILE",
         "what `culprit up --json` wrote; else the usual ports on this machine"},
    };
    const struct flags_usage usage = {
        .program = program,
        .operands = "list|set|reset [SERVICE.FAULT[=VALUE] ...]",
        .about = "Lists, sets or resets the faults of a running system.",
        .more = "set switches on exactly the faults that are named, all others off;\n"
                "reset makes faults and environment usual again. CULPRIT_TARGET may name FILE.\n",
    };
    struct command_line line = {
        .usage = &usage, .flags = flags, .flag_count = sizeof flags / sizeof flags[0]};
    if (!command_parse(&line, argc, argv))
        return line.exit_status;
    int first = line.first_operand;
    const struct verb *verb = first < argc ? find_verb(argv[first]) : NULL;
    if (!verb)
        return command_misused(program, "list, set or reset?");
    struct settings settings = {.count = 0};
    struct error error = {0};
    for (int i = first + 1; i < argc; i++)
        if (settings_add(&settings, text_of(argv[i]), &error) != STATUS_OK)
            return command_misused(program, "%s", error.text);
    if (verb->takes_settings != (settings.count > 0))
        return command_misused(
            program, verb->takes_settings ? "set: which faults?" : "%s takes no fault", verb->name);
    return with_target(verb, target_path, &settings);
}
