#include "loadgen/load/load_loop.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "loadgen/base/interrupt.h"

enum {
    ARRIVALS_MAX = 1024, /* let in before the sockets are looked at again */
    LOOK_MS = 100,       /* how late `stop` may be seen */
};

struct load_loop {
    struct load_shared *shared;
    unsigned index;
    struct schedule schedule;
    struct load_crew crew;
    pthread_t thread;
    enum status status;
    struct error error;
    uint64_t cpu_ns;
};

static void let_in(struct load_loop *loop, uint64_t now_ns)
{
    uint64_t number, due_ns;
    for (unsigned i = 0; i < ARRIVALS_MAX; i++) {
        if (!schedule_take(&loop->schedule, now_ns, &number, &due_ns))
            return;
        load_crew_arrive(&loop->crew, number, due_ns);
    }
}

/* Users come one after another over the ramp; this loop's are those of its remainder. */
static void invite_users(struct load_loop *loop)
{
    const struct load_plan *plan = loop->shared->plan;
    uint64_t start_ns = loop->shared->start_ns;
    double ramp_ns = plan->users_ramp_s * (double)NS_PER_S;
    loop->crew.end_ns = start_ns + (uint64_t)(plan->users_duration_s * (double)NS_PER_S);
    unsigned first = loop->shared->first_loop + loop->index;
    for (unsigned user = first; user < plan->users; user += loop->shared->all_loops)
        load_crew_invite(&loop->crew, user,
                         start_ns + (uint64_t)(ramp_ns * (double)user / (double)plan->users));
}

static void look_at_stop(struct load_loop *loop)
{
    if (!atomic_load_explicit(&loop->shared->stop, memory_order_relaxed)) /* a mere hint */
        return;
    loop->crew.is_stopped = true;
    schedule_stop(&loop->schedule);
}

static uint64_t earlier(uint64_t a_ns, uint64_t b_ns)
{
    return a_ns < b_ns ? a_ns : b_ns;
}

/* Nothing new begins from now on. */
static bool begins_no_more(const struct load_loop *loop, uint64_t now_ns)
{
    if (loop->shared->plan->is_closed)
        return loop->crew.is_stopped || now_ns >= loop->crew.end_ns;
    return schedule_next_ns(&loop->schedule) == SCHEDULE_NEVER;
}

/* Until every flow ended, or the grace time after the last arrival is over. */
static enum status run(struct load_loop *loop)
{
    struct load_shared *shared = loop->shared;
    uint64_t give_up_ns = UINT64_MAX;
    for (;;) {
        look_at_stop(loop);
        uint64_t now_ns = clock_mono_ns();
        let_in(loop, now_ns);
        load_crew_fire(&loop->crew, now_ns);
        bool ends = begins_no_more(loop, now_ns);
        if (ends && give_up_ns == UINT64_MAX)
            give_up_ns = now_ns + shared->plan->limits.grace_ns;
        if ((ends && load_crew_busy(&loop->crew) == 0) || now_ns >= give_up_ns ||
            atomic_load_explicit(&shared->give_up, memory_order_relaxed))
            return STATUS_OK;
        uint64_t next_ns =
            earlier(schedule_next_ns(&loop->schedule), load_crew_next_ns(&loop->crew));
        uint64_t until_ns = earlier(earlier(next_ns, give_up_ns), now_ns + LOOK_MS * NS_PER_MS);
        load_tally_publish(&loop->crew.tally);
        shared->client->expect(loop->crew.client, schedule_after_ns(&loop->schedule));
        if (shared->client->poll(loop->crew.client, until_ns) != STATUS_OK)
            return error_set(&loop->error, STATUS_IO, "load: waiting for the sockets failed");
    }
}

static void *run_thread(void *argument)
{
    struct load_loop *loop = argument;
    struct load_shared *shared = loop->shared;
    loop->status = shared->client->make(&shared->client_config, &loop->crew.client, &loop->error);
    if (loop->status == STATUS_OK) {
        if (shared->plan->is_closed)
            invite_users(loop);
        loop->status = run(loop);
        load_crew_wind_up(&loop->crew);
    } else {
        atomic_store(&shared->give_up, true);
    }
    shared->client->release(loop->crew.client);
    loop->cpu_ns = clock_thread_cpu_ns();
    atomic_fetch_sub(&shared->running, 1);
    interrupt_wake();
    return NULL;
}

enum status load_loop_start(struct load_shared *shared, unsigned index, struct load_loop **out,
                            struct error *error)
{
    *out = NULL;
    struct load_loop *loop = calloc(1, sizeof(*loop));
    if (loop == NULL)
        return error_set(error, STATUS_NO_MEMORY, "load: out of memory");
    loop->shared = shared;
    loop->index = index;
    enum status status = load_crew_init(&loop->crew, shared, index);
    schedule_start(&loop->schedule, &shared->plan->schedule, shared->plan->seed, shared->start_ns);
    schedule_share(&loop->schedule, shared->first_loop + index, shared->all_loops);
    if (shared->plan->is_closed)
        schedule_stop(&loop->schedule);
    atomic_fetch_add(&shared->running, 1);
    if (status == STATUS_OK && pthread_create(&loop->thread, NULL, run_thread, loop) != 0)
        status = STATUS_IO;
    if (status == STATUS_OK) {
        *out = loop;
        return STATUS_OK;
    }
    atomic_fetch_sub(&shared->running, 1);
    load_loop_free(loop);
    return error_set(error, status, "load: no thread, or no memory for it");
}

void load_loop_collect(struct load_loop *loop, struct load_figures *figures,
                       struct load_flow_counts *flows)
{
    load_tally_collect(&loop->crew.tally, figures, flows);
}

void load_loop_collect_timeline(struct load_loop *loop, struct load_timeline *timeline)
{
    load_tally_collect_timeline(&loop->crew.tally, timeline);
}

enum status load_loop_join(struct load_loop *loop, uint64_t *cpu_ns, struct error *error)
{
    pthread_join(loop->thread, NULL);
    *cpu_ns = loop->cpu_ns;
    return loop->status == STATUS_OK ? STATUS_OK
                                     : error_set(error, loop->status, "%s", loop->error.text);
}

void load_loop_free(struct load_loop *loop)
{
    if (loop == NULL)
        return;
    load_crew_release(&loop->crew);
    free(loop);
}
