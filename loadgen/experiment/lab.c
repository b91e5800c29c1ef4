#include "loadgen/experiment/lab.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "loadgen/base/interrupt.h"
#include "loadgen/window/root_span.h"
#include "trace/trace.h"

enum { FLUSH_MS = 5000, CHECK_MS = 100 };

static const struct settings none = {.count = 0};

/* What the generator's flow asks for, by step. */
static const struct {
    const char *method, *path;
} routes[READBACK_STEPS] = {
    [WINDOW_CART] = {"PUT", "/cart/{cart_id}"},
    [WINDOW_CHECKOUT] = {"POST", "/checkout"},
};

static enum status find_system(struct lab *lab, const struct lab_config *config,
                               struct error *error)
{
    if (config->target_path)
        return target_read(&lab->target, config->target_path, error);
    fprintf(stderr, "starting the system\n");
    enum status status = stack_start(&lab->stack,
                                     &(struct stack_config){
                                         .bin_directory = config->bin_directory,
                                         .data_directory = config->data_directory,
                                         .keep_path = config->keep_path,
                                     },
                                     error);
    if (status == STATUS_OK)
        lab->target = *stack_target(lab->stack);
    /* a missing program is not the caller's wrong file */
    return status == STATUS_INVALID || status == STATUS_NOT_FOUND ? STATUS_IO : status;
}

static enum status plan(struct lab *lab, struct error *error)
{
    enum status status = topology_load(&lab->topology, error);
    for (size_t step = 0; step < READBACK_STEPS && status == STATUS_OK; step++)
        status = plan_build(&lab->plans[step], &lab->topology, "frontend", routes[step].method,
                            routes[step].path, error);
    return status;
}

static enum status start_tracing(struct lab *lab, struct error *error)
{
    enum status status = root_span_tracing(target_find(&lab->target, "otlp"), error);
    lab->has_tracing = status == STATUS_OK;
    return status;
}

enum status lab_open(struct lab *lab, const struct lab_config *config, struct error *error)
{
    memset(lab, 0, sizeof *lab);
    lab->threads = config->threads;
    enum status status = find_system(lab, config, error);
    if (status == STATUS_OK)
        status = plan(lab, error);
    if (status == STATUS_OK)
        status = control_open(&lab->control, &lab->target, error);
    if (status == STATUS_OK)
        status = start_tracing(lab, error);
    if (status == STATUS_OK)
        status = sessions_open(&lab->sessions, target_find(&lab->target, "frontend"), error);
    if (status != STATUS_OK)
        lab_close(lab);
    return status;
}

static void reset(struct lab *lab)
{
    struct error error = {0};
    if (!lab->is_touched)
        return;
    if (control_replace(&lab->control, &none, &none, &error) != STATUS_OK && !lab->stack) {
        if (lab->has_faults)
            fprintf(stderr, "culprit: faults may still be set: %s\n", error.text);
        else if (lab->has_environment)
            fprintf(stderr, "culprit: the environment may still be a scenario's: %s\n", error.text);
    }
    lab->is_touched = lab->has_faults = lab->has_environment = false;
}

void lab_close(struct lab *lab)
{
    reset(lab);
    control_release(&lab->control);
    if (lab->has_tracing)
        (void)tracing_shutdown(clock_mono_ns() + FLUSH_MS * NS_PER_MS);
    lab->has_tracing = false;
    (void)stack_stop(lab->stack);
    lab->stack = NULL;
    topology_release(&lab->topology);
}

enum status lab_check(struct lab *lab, struct error *error)
{
    if (lab->stack && !lab->died.text[0])
        (void)!stack_check(lab->stack, &lab->died);
    if (lab->died.text[0]) {
        atomic_store(&lab->stop, true);
        return error_set(error, STATUS_CLOSED, "%s", lab->died.text);
    }
    if (interrupt_came()) {
        atomic_store(&lab->stop, true);
        return error_set(error, STATUS_INTERRUPTED, "interrupted");
    }
    return STATUS_OK;
}

enum status lab_wait_until(struct lab *lab, uint64_t deadline_ns, struct error *error)
{
    enum status status = lab_check(lab, error);
    while (status == STATUS_OK && clock_remaining_ms(deadline_ns) > 0) {
        uint64_t next_ns = clock_mono_ns() + CHECK_MS * NS_PER_MS;
        (void)interrupt_wait_until(next_ns < deadline_ns ? next_ns : deadline_ns);
        status = lab_check(lab, error);
    }
    return status;
}

enum status lab_check_scenario(const struct lab *lab, const struct scenario *scenario,
                               struct error *error)
{
    struct error words = {0};
    enum status status =
        control_check(&lab->control, &scenario->environment.settings, true, &words);
    for (size_t i = 0; i < scenario->step_count && status == STATUS_OK; i++)
        status = control_check(&lab->control, &scenario->steps[i].faults, false, &words);
    if (status != STATUS_OK)
        error_set(error, status, "scenario %s: %s", scenario->name, words.text);
    return status;
}

enum status lab_set_environment(struct lab *lab, const struct settings *environment,
                                struct error *error)
{
    lab->is_touched = true;
    lab->has_environment |= environment->count > 0;
    enum status status = control_replace(&lab->control, &none, environment, error);
    if (status == STATUS_OK) {
        lab->has_faults = false;
        lab->has_environment = environment->count > 0;
    }
    return status;
}

enum status lab_set_faults(struct lab *lab, const struct settings *faults, struct error *error)
{
    lab->is_touched = true;
    lab->has_faults |= faults->count > 0;
    enum status status = control_replace(&lab->control, faults, NULL, error);
    if (status == STATUS_OK)
        lab->has_faults = faults->count > 0;
    return status;
}
