#include "loadgen/stack/stack.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hex.h"
#include "base/rng.h"
#include "loadgen/base/fetch.h"
#include "loadgen/base/interrupt.h"
#include "loadgen/stack/backend.h"
#include "loadgen/stack/child.h"
#include "loadgen/stack/directory.h"
#include "loadgen/stack/service_environment.h"
#include "loadgen/stack/sockets.h"

enum {
    STACK_PROCESSES_MAX = 48,
    READY_MS = 15000,
    PROBE_MS = 250,
    RETRY_MS = 5,
    STOP_MS = 8000,
    KILL_MS = 2000,
};

struct process {
    const struct topology_service *service;
    struct sockets sockets;
    struct child child;
    bool is_mourned; /* its end was told */
};

struct stack {
    struct topology topology;
    struct process processes[STACK_PROCESSES_MAX];
    size_t count;
    struct target target;
    char bin_directory[PATH_MAX];
    char data_directory[PATH_MAX];
    char keep_path[PATH_MAX]; /* "": the store goes with the directory */
    bool data_is_ours;
    double ready_ms;
};

static enum status find_programs(struct stack *stack, const char *given, struct error *error)
{
    if (given) {
        text_copy(text_of(given), stack->bin_directory, sizeof stack->bin_directory);
        return STATUS_OK;
    }
    char self[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length < 0)
        return error_set(error, STATUS_IO, "/proc/self/exe: %s", strerror(errno));
    self[length] = '\0';
    text_copy(text_of(dirname(self)), stack->bin_directory, sizeof stack->bin_directory);
    return STATUS_OK;
}

static enum status make_data(struct stack *stack, const char *given, struct error *error)
{
    if (!given)
        return directory_make_temporary(stack->data_directory, sizeof stack->data_directory,
                                        &stack->data_is_ours, error);
    text_copy(text_of(given), stack->data_directory, sizeof stack->data_directory);
    return directory_make(stack->data_directory, error);
}

/* Where others reach what listens on `address`. */
static const char *reachable(const char *address)
{
    if (strcmp(address, "0.0.0.0") == 0 || strcmp(address, "::") == 0)
        return "127.0.0.1";
    return address;
}

static enum status add_endpoint(struct stack *stack, const char *name, const char *address,
                                uint16_t port)
{
    char url[272];
    snprintf(url, sizeof url, strchr(address, ':') ? "http://[%s]:%u" : "http://%s:%u", address,
             port);
    return target_add(&stack->target, name, url);
}

static enum status bind_all(struct stack *stack, const struct stack_config *config,
                            struct error *error)
{
    const char *address = config->listen_address ? config->listen_address : "127.0.0.1";
    if (stack->topology.service_count > STACK_PROCESSES_MAX)
        return error_set(error, STATUS_TOO_LARGE, "topology: more than %d services",
                         STACK_PROCESSES_MAX);
    for (size_t i = 0; i < stack->topology.service_count; i++) {
        const struct topology_service *service = &stack->topology.services[i];
        struct process *process = &stack->processes[i];
        process->service = service;
        enum status status =
            sockets_open(&process->sockets, service, address, config->usual_ports, error);
        if (status != STATUS_OK)
            return status;
        stack->count++;
        bool is_collector = service->kind == TOPOLOGY_COLLECTOR;
        status = add_endpoint(stack, is_collector ? "otlp" : service->name, reachable(address),
                              process->sockets.ports[0]);
        if (status == STATUS_OK && is_collector)
            status = add_endpoint(stack, "query", reachable(address), process->sockets.ports[1]);
        if (status != STATUS_OK)
            return error_set(error, status, "%s: %s", service->name, status_words(status));
    }
    return STATUS_OK;
}

static enum status start_one(struct stack *stack, struct process *process, struct error *error)
{
    char program[PATH_MAX + 64], log_path[PATH_MAX + 64];
    struct environment environment = {0};
    const char *name = process->service->name;
    snprintf(program, sizeof program, "%s/%s", stack->bin_directory, name);
    snprintf(log_path, sizeof log_path, "%s/log/%s.log", stack->data_directory, name);
    enum status status =
        service_environment_fill(&environment, &stack->target, stack->data_directory, name,
                                 process->service->kind == TOPOLOGY_COLLECTOR);
    if (status == STATUS_OK)
        status = child_start(&process->child,
                             &(struct child_spec){.name = name,
                                                  .program = program,
                                                  .sockets = process->sockets.fds,
                                                  .socket_count = process->sockets.count,
                                                  .log_path = log_path,
                                                  .environment = &environment},
                             error);
    else
        error_set(error, status, "%s: environment: %s", name, status_words(status));
    sockets_close(&process->sockets); /* else a dead child's port would still take connections */
    environment_release(&environment);
    return status;
}

static enum status start_kind(struct stack *stack, bool collectors, struct error *error)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < stack->count && status == STATUS_OK; i++)
        if ((stack->processes[i].service->kind == TOPOLOGY_COLLECTOR) == collectors)
            status = start_one(stack, &stack->processes[i], error);
    return status;
}

enum status stack_check(struct stack *stack, struct error *error)
{
    for (size_t i = 0; i < stack->count; i++) {
        struct process *process = &stack->processes[i];
        struct child *child = &process->child;
        if (child->pid == 0 || process->is_mourned || !child_has_ended(child))
            continue;
        char why[400];
        process->is_mourned = true;
        child_describe_end(child, why, sizeof why);
        return error_set(error, STATUS_CLOSED, "%s died: %s", child->name, why);
    }
    return STATUS_OK;
}

/* Asks once; true: ready. */
static bool is_ready(const struct stack *stack, const struct process *process)
{
    const char *name =
        process->service->kind == TOPOLOGY_COLLECTOR ? "query" : process->service->name;
    struct fetch fetch;
    struct fetch_answer answer;
    if (fetch_init(&fetch, target_find(&stack->target, name), 64 * 1024, NULL) != STATUS_OK)
        return false;
    enum status status =
        fetch_do(&fetch, &(struct fetch_request){.method = "GET", .path = "/readyz"},
                 clock_mono_ns() + PROBE_MS * NS_PER_MS, &answer, NULL);
    fetch_release(&fetch);
    return status == STATUS_OK && answer.status == 200;
}

static enum status wait_ready(struct stack *stack, struct error *error)
{
    uint64_t deadline_ns = clock_mono_ns() + READY_MS * NS_PER_MS;
    for (size_t i = 0; i < stack->count; i++) {
        while (!is_ready(stack, &stack->processes[i])) {
            enum status status = stack_check(stack, error);
            if (status != STATUS_OK)
                return status;
            if (interrupt_came())
                return error_set(error, STATUS_INTERRUPTED, "interrupted");
            if (clock_remaining_ms(deadline_ns) == 0)
                return error_set(error, STATUS_TIMEOUT, "%s was not ready after %d s",
                                 stack->processes[i].service->name, READY_MS / 1000);
            (void)interrupt_wait_until(clock_mono_ns() + RETRY_MS * NS_PER_MS);
        }
    }
    return stack_check(stack, error);
}

static enum status prepare(struct stack *stack, const struct stack_config *config,
                           struct error *error)
{
    uint8_t secret[32];
    char log_directory[PATH_MAX + 8];
    text_copy(text_of(config->keep_path), stack->keep_path, sizeof stack->keep_path);
    enum status status = topology_load(&stack->topology, error);
    if (status == STATUS_OK)
        status = find_programs(stack, config->bin_directory, error);
    if (status == STATUS_OK)
        status = bind_all(stack, config, error);
    if (status == STATUS_OK)
        status = make_data(stack, config->data_directory, error);
    if (status != STATUS_OK)
        return status;
    snprintf(log_directory, sizeof log_directory, "%s/log", stack->data_directory);
    status = directory_make(log_directory, error);
    if (status == STATUS_OK && (status = rng_secret(secret, sizeof secret)) != STATUS_OK)
        error_set(error, status, "no random bytes for the control token");
    if (status == STATUS_OK)
        hex_encode(secret, sizeof secret, stack->target.control_token);
    return status;
}

/* A connection a thread, a file a connection: the soft limit of 1,024 is met early. */
static void raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max < 65536 ? limit.rlim_max : 65536;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

enum status stack_start(struct stack **out, const struct stack_config *config, struct error *error)
{
    uint64_t began_ns = clock_mono_ns();
    *out = NULL;
    struct stack *stack = calloc(1, sizeof *stack);
    if (!stack)
        return error_set(error, STATUS_NO_MEMORY, "no memory");
    raise_file_limit();
    enum status status = prepare(stack, config, error);
    if (status == STATUS_OK)
        status = start_kind(stack, true, error);
    if (status == STATUS_OK)
        status = start_kind(stack, false, error);
    if (status == STATUS_OK)
        status = wait_ready(stack, error);
    if (status != STATUS_OK) {
        (void)stack_stop(stack);
        return status;
    }
    stack->ready_ms = (double)(clock_mono_ns() - began_ns) / (double)NS_PER_MS;
    *out = stack;
    return STATUS_OK;
}

/* Who stops together: what nobody of ours calls, then our services, then the partners that they
 * may still need, and the collector once all spans are out. */
enum phase { PHASE_EDGE, PHASE_SERVICES, PHASE_PARTNERS, PHASE_COLLECTOR, PHASE_COUNT };

static bool is_called(const struct topology *topology, const struct topology_service *service)
{
    for (size_t s = 0; s < topology->service_count; s++)
        for (size_t r = 0; r < topology->services[s].route_count; r++)
            for (size_t c = 0; c < topology->services[s].routes[r].call_count; c++)
                if (topology->services[s].routes[r].calls[c].callee == service)
                    return true;
    return false;
}

static enum phase phase_of(const struct stack *stack, const struct process *process)
{
    if (process->service->kind == TOPOLOGY_COLLECTOR)
        return PHASE_COLLECTOR;
    if (process->service->kind == TOPOLOGY_PARTNER)
        return PHASE_PARTNERS;
    return is_called(&stack->topology, process->service) ? PHASE_SERVICES : PHASE_EDGE;
}

static bool ended_well(struct child *child, uint64_t deadline_ns)
{
    bool in_time = child_wait(child, deadline_ns);
    if (!in_time) {
        child_signal(child, SIGKILL);
        (void)child_wait(child, clock_mono_ns() + KILL_MS * NS_PER_MS);
    }
    if (child->wait_status == 0)
        return true;
    char why[400];
    child_describe_end(child, why, sizeof why);
    fprintf(stderr, "culprit: %s: %s%s\n", child->name, in_time ? "" : "did not stop in time; ",
            why);
    return false;
}

static bool stop_phase(struct stack *stack, enum phase phase)
{
    bool well = true;
    bool told[STACK_PROCESSES_MAX] = {false};
    for (size_t i = 0; i < stack->count; i++) {
        struct process *process = &stack->processes[i];
        /* one that died before was named already */
        told[i] = phase_of(stack, process) == phase && !child_has_ended(&process->child);
        if (told[i])
            child_signal(&process->child, SIGTERM);
    }
    uint64_t deadline_ns = clock_mono_ns() + STOP_MS * NS_PER_MS;
    for (size_t i = 0; i < stack->count; i++)
        if (told[i])
            well &= ended_well(&stack->processes[i].child, deadline_ns);
    return well;
}

/* The collector has ended, so its store is one file. */
static bool keep_store(const struct stack *stack)
{
    char store[PATH_MAX + 32];
    struct error error = {0};
    snprintf(store, sizeof store, "%s/collector/traces.db", stack->data_directory);
    if (!stack->keep_path[0] || directory_move_file(store, stack->keep_path, &error) == STATUS_OK)
        return true;
    fprintf(stderr, "culprit: the traces were not kept: %s\n", error.text);
    return false;
}

bool stack_stop(struct stack *stack)
{
    if (!stack)
        return true;
    bool well = true;
    bool is_kept = stack->keep_path[0] || !stack->data_is_ours;
    if (is_kept && target_find(&stack->target, "query") != NULL)
        backend_ask_losses(target_find(&stack->target, "query"));
    for (enum phase phase = 0; phase < PHASE_COUNT; phase++)
        well &= stop_phase(stack, phase);
    for (size_t i = 0; i < stack->count; i++)
        sockets_close(&stack->processes[i].sockets);
    well &= keep_store(stack);
    if (stack->data_is_ours && !directory_remove(stack->data_directory))
        fprintf(stderr, "culprit: %s could not be removed\n", stack->data_directory);
    topology_release(&stack->topology);
    free(stack);
    return well;
}

const struct target *stack_target(const struct stack *stack)
{
    return &stack->target;
}

const struct topology *stack_topology(const struct stack *stack)
{
    return &stack->topology;
}

const char *stack_data_directory(const struct stack *stack)
{
    return stack->data_directory;
}

double stack_ready_ms(const struct stack *stack)
{
    return stack->ready_ms;
}

void stack_visit(const struct stack *stack,
                 void (*visit)(void *context, const struct stack_process *process), void *context)
{
    for (size_t i = 0; i < stack->count; i++) {
        const struct topology_service *service = stack->processes[i].service;
        const char *endpoint = service->kind == TOPOLOGY_COLLECTOR ? "query" : service->name;
        visit(context, &(struct stack_process){.name = service->name,
                                               .url = target_find(&stack->target, endpoint),
                                               .pid = stack->processes[i].child.pid});
    }
}
