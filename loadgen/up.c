#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "loadgen/base/command.h"
#include "loadgen/base/interrupt.h"
#include "loadgen/base/memory.h"
#include "loadgen/stack/stack.h"

static const char program[] = "culprit up";

enum { CHECK_MS = 1000 };

struct options {
    const char *ports, *json_path, *data, *bin, *listen;
};

static void add_memory(void *context, const struct stack_process *process)
{
    struct memory *sum = context;
    struct memory one = memory_of(process->pid);
    sum->rss_kib += one.rss_kib;
    sum->pss_kib += one.pss_kib;
}

static void print_process(void *context, const struct stack_process *process)
{
    (void)context;
    struct memory memory = memory_of(process->pid);
    printf("  %-14s %-28s pid %-8d %6.1f MB\n", process->name, process->url, (int)process->pid,
           (double)memory.pss_kib / 1024);
}

static void print_report(const struct stack *stack, const struct memory *memory)
{
    printf("Culprit is up.\n\n");
    stack_visit(stack, print_process, NULL);
    printf("\n  ready after %.0f ms; memory %.1f MB resident, %.1f MB with shared pages counted"
           " once\n  data and logs in %s\n\n"
           "  checkout  %s\n  traces    %s\n\nCtrl-C stops everything.\n",
           stack_ready_ms(stack), (double)memory->rss_kib / 1024, (double)memory->pss_kib / 1024,
           stack_data_directory(stack), target_find(stack_target(stack), "frontend"),
           target_find(stack_target(stack), "query"));
    fflush(stdout);
}

static void write_pid(void *context, const struct stack_process *process)
{
    struct json_writer *writer = context;
    json_field_i64(writer, process->name, process->pid);
}

struct up_report {
    const struct stack *stack;
    struct memory memory;
};

static void write_json(const void *what, struct json_writer *writer)
{
    const struct up_report *report = what;
    const struct stack *stack = report->stack;
    json_begin_object(writer);
    json_field_cstring(writer, "schema", "culprit.up/1");
    json_field_fixed(writer, "ready_ms", stack_ready_ms(stack), 1);
    json_field_u64(writer, "rss_kib", report->memory.rss_kib);
    json_field_u64(writer, "pss_kib", report->memory.pss_kib);
    target_write(stack_target(stack), writer);
    json_key(writer, "pids");
    json_begin_object(writer);
    stack_visit(stack, write_pid, writer);
    json_end_object(writer);
    json_field_cstring(writer, "data", stack_data_directory(stack));
    json_end_object(writer);
}

/* Until somebody asks to stop. A process that dies is named, and the rest goes on: what a shop does
 * without one of its parts is worth looking at. False: one died. */
static bool watch(struct stack *stack)
{
    bool all_live = true;
    while (!interrupt_came()) {
        struct error died = {0};
        (void)interrupt_wait_until(clock_mono_ns() + CHECK_MS * NS_PER_MS);
        while (stack_check(stack, &died) != STATUS_OK) {
            (void)command_failed(program, STATUS_CLOSED, &died);
            all_live = false;
        }
    }
    return all_live;
}

static int up(const struct options *options)
{
    struct error error = {0};
    struct stack *stack;
    enum status status = stack_start(&stack,
                                     &(struct stack_config){
                                         .bin_directory = options->bin,
                                         .data_directory = options->data,
                                         .listen_address = options->listen,
                                         .usual_ports = strcmp(options->ports, "fixed") == 0,
                                     },
                                     &error);
    if (status == STATUS_INTERRUPTED)
        return EXIT_AS_EXPECTED;
    if (status != STATUS_OK) {
        (void)command_failed(program, status, &error);
        return EXIT_ENVIRONMENT;
    }
    struct memory memory = {0};
    stack_visit(stack, add_memory, &memory);
    print_report(stack, &memory);
    if (options->json_path)
        status = command_write_json(options->json_path, write_json,
                                    &(struct up_report){stack, memory}, &error);
    if (status != STATUS_OK)
        (void)command_failed(program, status, &error);
    bool well = status == STATUS_OK && watch(stack);
    well &= stack_stop(stack);
    return well ? EXIT_AS_EXPECTED : EXIT_ENVIRONMENT;
}

int command_up(int argc, char **argv)
{
    struct options options = {.ports = "fixed"};
    const struct flag flags[] = {
        {"ports", 'p', FLAG_TEXT, &options.ports, "WHICH",
         "fixed (the usual ones) or auto (free ones)"},
        {"json", 'j', FLAG_TEXT, &options.json_path, "FILE",
         "write addresses, pids and control token there once all is ready"},
        {"data", 'd', FLAG_TEXT, &options.data, "DIR",
         "keep databases and logs there (else removed at the end)"},
        {"bin", 'b', FLAG_TEXT, &options.bin, "DIR", "programs (default: beside this one)"},
        {"listen", 'l', FLAG_TEXT, &options.listen, "ADDR", "address to listen on (127.0.0.1)"},
    };
    const struct flags_usage usage = {
        .program = program,
        .operands = "",
        .about = "Starts the whole system on this machine and stops it at Ctrl-C.",
        .more = "FILE is what `--target` of the other commands takes. CULPRIT_FAULTS and\n"
                "CULPRIT_ENVIRONMENT set faults from the start. A process that dies is named, the\n"
                "others go on, and the exit status is 1.",
    };
    struct command_line line = {
        .usage = &usage, .flags = flags, .flag_count = sizeof flags / sizeof flags[0]};
    if (!command_parse(&line, argc, argv))
        return line.exit_status;
    int first = line.first_operand;
    if (first < argc)
        return command_misused(program, "takes no operand: %s", argv[first]);
    if (strcmp(options.ports, "fixed") != 0 && strcmp(options.ports, "auto") != 0)
        return command_misused(program, "--ports: fixed or auto, not \"%s\"", options.ports);
    return up(&options);
}
