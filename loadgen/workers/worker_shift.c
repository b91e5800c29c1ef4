#include "loadgen/workers/worker_shift.h"

#include <stdio.h>

#include "base/clock.h"
#include "loadgen/base/interrupt.h"

enum { REPORT_MS = 1000, AGAIN_MS = 300, START_MAX_S = 3600 };

void worker_shift_begin(struct worker_shift *shift, struct worker_line *line, const char *program)
{
    *shift = (struct worker_shift){.line = line, .program = program};
    atomic_init(&shift->order, LOAD_GO_ON);
}

void worker_shift_say(const struct worker_shift *shift, const char *words)
{
    if (shift->program != NULL)
        fprintf(stderr, "%s: worker %llu of %llu: %s\n", shift->program,
                (unsigned long long)shift->line->place.worker,
                (unsigned long long)shift->line->place.workers, words);
}

/* ---- before */

static void set_words(struct worker_report *report, const struct error *trouble)
{
    (void)snprintf(report->words, sizeof(report->words), "%.*s", WORKER_WORDS_MAX - 1,
                   trouble->text);
}

void worker_shift_fail(struct worker_shift *shift, const struct error *trouble)
{
    struct worker_report report = {.state = WORKER_FAILED};
    struct worker_command command;
    struct error ignored = {0};
    set_words(&report, trouble);
    if (worker_line_report(shift->line, &report, NULL, &command, &ignored) != STATUS_OK)
        worker_shift_say(shift, "the coordinator does not know of that");
}

/* Until it is told when. */
static enum status await_order(struct worker_shift *shift, uint64_t *start_unix_ns,
                               struct error *error)
{
    for (;;) {
        bool leaves = interrupt_came();
        struct worker_report report = {.state = leaves ? WORKER_INTERRUPTED : WORKER_READY};
        struct worker_command command = {0};
        enum status status = worker_line_report(shift->line, &report, NULL, &command, error);
        if (leaves)
            return error_set(error, STATUS_INTERRUPTED, "interrupted before the start");
        if (status == STATUS_REFUSED)
            return status;
        if (status == STATUS_OK && command.order == WORKER_ORDER_START) {
            *start_unix_ns = command.start_unix_ns;
            return STATUS_OK;
        }
        shift->is_left = status == STATUS_OK && command.order != WORKER_ORDER_WAIT;
        if (shift->is_left)
            return error_set(error, STATUS_CLOSED,
                             "the coordinator ended the run before its start");
        if (status != STATUS_OK && worker_line_is_dead(shift->line))
            return error_set(error, STATUS_CLOSED, "the coordinator is gone");
        if (status != STATUS_OK)
            (void)interrupt_wait_until(clock_mono_ns() + AGAIN_MS * NS_PER_MS);
    }
}

enum status worker_shift_await(struct worker_shift *shift, uint64_t *start_ns, struct error *error)
{
    uint64_t start_unix_ns = 0;
    enum status status = await_order(shift, &start_unix_ns, error);
    if (status == STATUS_OK)
        status = worker_line_measure(shift->line, error);
    if (status != STATUS_OK)
        return status;
    *start_ns = worker_clock_mono_ns(&shift->line->clock, start_unix_ns);
    if (*start_ns > clock_mono_ns() + START_MAX_S * NS_PER_S)
        return error_set(error, STATUS_INVALID, "the coordinator's start is over an hour away");
    return STATUS_OK;
}

/* ---- while it goes on */

static void obey(struct worker_shift *shift, const struct worker_command *command)
{
    if (command->order == WORKER_ORDER_STOP)
        atomic_store(&shift->order, LOAD_STOP);
    else if (command->order == WORKER_ORDER_GIVE_UP || command->order == WORKER_ORDER_LEAVE)
        atomic_store(&shift->order, LOAD_GIVE_UP);
    shift->is_left |= command->order == WORKER_ORDER_LEAVE;
    shift->taken = command->taken;
}

static bool is_heard(const struct worker_shift *shift)
{
    return !shift->is_left && !shift->is_dead && !shift->is_refused;
}

bool worker_shift_is_due(const struct worker_shift *shift)
{
    return is_heard(shift) && clock_mono_ns() >= shift->report_ns;
}

void worker_shift_tell(struct worker_shift *shift, struct worker_report *report,
                       const struct load_steps *steps)
{
    struct worker_command command = {0};
    report->state = WORKER_RUNNING;
    enum status status = worker_line_report(shift->line, report, steps, &command, &shift->trouble);
    shift->report_ns = clock_mono_ns() + REPORT_MS * NS_PER_MS;
    if (status == STATUS_OK) {
        obey(shift, &command);
    } else if (status == STATUS_REFUSED || worker_line_is_dead(shift->line)) {
        shift->is_dead = status != STATUS_REFUSED;
        shift->is_refused = status == STATUS_REFUSED;
        atomic_store(&shift->order, LOAD_GIVE_UP);
    }
}

/* ---- behind it */

static enum status deliver(struct worker_shift *shift, struct worker_report *report,
                           const struct load_steps *steps, struct error *error)
{
    uint64_t until_ns = clock_mono_ns() + worker_line_silence_ns(shift->line);
    for (;;) {
        struct worker_command command = {0};
        enum status status = worker_line_report(shift->line, report, steps, &command, error);
        if (status == STATUS_OK || status == STATUS_REFUSED)
            return status;
        uint64_t again_ns = clock_mono_ns() + AGAIN_MS * NS_PER_MS;
        if (again_ns >= until_ns)
            return error_set(error, STATUS_CLOSED,
                             "the coordinator did not take the last figures: it is gone");
        clock_sleep_until_ns(again_ns);
    }
}

enum status worker_shift_end(struct worker_shift *shift, struct worker_report *report,
                             const struct load_steps *steps, enum status status,
                             struct error *error)
{
    struct error words = {0};
    bool was_interrupted = report->state == WORKER_INTERRUPTED;
    if (shift->is_dead)
        return error_set(error, STATUS_CLOSED,
                         "nothing was heard of the coordinator for %.1f s: stopped (%s)",
                         (double)shift->line->place.silence_ms / 1000, shift->trouble.text);
    if (shift->is_refused)
        return error_set(error, STATUS_REFUSED, "%s", shift->trouble.text);
    if (status != STATUS_OK) {
        report->state = WORKER_FAILED;
        set_words(report, error);
    }
    enum status sent = shift->is_left ? STATUS_OK : deliver(shift, report, steps, &words);
    if (status != STATUS_OK)
        return status;
    if (sent != STATUS_OK)
        return error_set(error, sent, "%s", words.text);
    if (was_interrupted)
        return error_set(error, STATUS_INTERRUPTED, "interrupted; the figures were sent");
    if (shift->is_left)
        return error_set(error, STATUS_CLOSED, "the coordinator ended the run");
    return STATUS_OK;
}
