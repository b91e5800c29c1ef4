#include "loadgen/load/load_crew.h"

#include <string.h>

#include "base/clock.h"
#include "base/rng.h"
#include "loadgen/load/load_trace.h"

enum {
    UNDER_WAY_MAX = LOAD_USERS_MAX,
    VALUES_BYTES_MAX = 16 * 1024,
    BODY_BYTES_MAX = 64 * 1024,
    REST_MS = 100, /* of a user who could not send */
};

/* A flow under way; of a closed model a user, who goes on with another one. */
struct load_actor {
    struct engine_request request; /* first: the client's callbacks get it */
    struct load_crew *crew;
    const struct load_flow *flow;
    size_t step; /* of the plan */
    uint64_t due_ns;
    struct load_scope scope; /* its number in it */
    struct buffer values;    /* texts that were taken */
    struct {
        size_t at, length;
    } ranges[LOAD_VALUES_MAX]; /* of `values` */
    uint8_t trace_id[16];
    bool has_values; /* some may have been taken */
    bool is_user;
    bool begins; /* the timer that it waits for begins its next flow */
    struct load_actor *next_free, *next_all;
};

/* ---- counting */

/* Counts it, and tells the observer. */
static void add_sample(struct load_crew *crew, struct load_sample sample)
{
    sample.loop = (uint16_t)crew->loop;
    const struct load_sample *kept = load_tally_add(&crew->tally, &sample);
    if (crew->shared->observe != NULL)
        crew->shared->observe(crew->shared->context, kept);
}

static void report(struct load_actor *actor, enum load_outcome outcome, size_t failed_check)
{
    struct load_sample sample = load_sample_of(&actor->request, actor->due_ns, outcome);
    sample.number = actor->scope.number;
    sample.step = (uint16_t)actor->step;
    sample.failed_check = (uint8_t)failed_check;
    if (sample.sent_ns != 0)
        memcpy(sample.trace_id, actor->trace_id, sizeof(sample.trace_id));
    add_sample(actor->crew, sample);
}

/* ---- flows */

static void begin_flow(struct load_actor *actor, uint64_t due_ns);

static uint64_t draw_pause(const struct load_actor *actor, const struct load_pause *pause,
                           uint64_t salt)
{
    if (pause->max_ns == pause->min_ns)
        return pause->min_ns;
    struct rng rng;
    rng_seed(&rng, actor->scope.seed ^ (actor->scope.number + 1) * 0xd1342543de82ef95u);
    rng_seed(&rng, rng_next(&rng) ^ (salt + 1) * 0xda942042e4dd58b5u);
    return pause->min_ns + rng_below(&rng, pause->max_ns - pause->min_ns + 1);
}

static void leave(struct load_actor *actor)
{
    struct load_crew *crew = actor->crew;
    crew->under_way--;
    actor->next_free = crew->free_actors;
    crew->free_actors = actor;
}

/* A user waits for the next flow to begin. */
static void rest(struct load_actor *actor, uint64_t until_ns)
{
    struct load_crew *crew = actor->crew;
    actor->begins = true;
    if (timer_heap_push(&crew->timers, until_ns, actor))
        crew->resting++;
    else
        leave(actor);
}

/* A user goes on with another flow, an arrival is gone. */
static void end_flow(struct load_actor *actor, enum load_outcome outcome, uint64_t done_ns)
{
    struct load_crew *crew = actor->crew;
    uint64_t due_ns = done_ns + draw_pause(actor, &crew->plan->think, LOAD_STEPS_MAX);
    crew->tally.counted.ok += outcome == LOAD_OK;
    crew->tally.counted.failed += outcome != LOAD_OK;
    if (outcome == LOAD_CONNECT || outcome == LOAD_DROPPED)
        due_ns += REST_MS * NS_PER_MS;
    if (!actor->is_user || crew->is_over || crew->is_stopped || due_ns >= crew->end_ns) {
        leave(actor);
        return;
    }
    actor->scope.number += crew->plan->users;
    if (due_ns <= done_ns)
        begin_flow(actor, due_ns);
    else
        rest(actor, due_ns);
}

static void drop(struct load_actor *actor)
{
    actor->request = (struct engine_request){
        .write = actor->request.write, .ended = actor->request.ended, .done_ns = clock_mono_ns()};
    report(actor, LOAD_DROPPED, 0);
    end_flow(actor, LOAD_DROPPED, actor->request.done_ns);
}

static bool is_last_step(const struct load_actor *actor)
{
    return actor->step + 1 == actor->flow->first_step + actor->flow->step_count;
}

static void submit(struct load_actor *actor)
{
    const struct load_step *step = &actor->crew->plan->steps[actor->step];
    actor->request.wants_head = step->wants_head;
    actor->request.ignores_body = !step->wants_body;
    actor->request.is_head = step->is_head;
    if (actor->crew->shared->client->submit(actor->crew->client, &actor->request) != STATUS_OK)
        drop(actor);
}

/* The step is due at `ready_ns`, or some thinking later. */
static void go_to_step(struct load_actor *actor, size_t step, uint64_t ready_ns)
{
    struct load_crew *crew = actor->crew;
    uint64_t pause_ns = draw_pause(actor, &crew->plan->steps[step].think, step);
    actor->step = step;
    actor->due_ns = ready_ns + pause_ns;
    actor->begins = false;
    if (pause_ns == 0)
        submit(actor);
    else if (!timer_heap_push(&crew->timers, actor->due_ns, actor))
        drop(actor);
}

static void begin_flow(struct load_actor *actor, uint64_t due_ns)
{
    struct load_crew *crew = actor->crew;
    const struct load_plan *plan = crew->plan;
    struct load_scope *scope = &actor->scope;
    actor->flow = load_plan_flow(plan, scope->number);
    for (size_t i = 0; i < plan->feeder_count; i++)
        scope->rows[i] = load_feeder_row(&plan->feeders[i], plan->seed, scope->number);
    if (actor->has_values) {
        memset(scope->values, 0, sizeof(scope->values));
        memset(actor->ranges, 0, sizeof(actor->ranges));
        buffer_clear(&actor->values);
        actor->has_values = false;
    }
    crew->tally.counted.due++;
    go_to_step(actor, actor->flow->first_step, due_ns);
}

/* ---- the client's callbacks */

static void write_request(struct engine_request *request, struct buffer *out)
{
    struct load_actor *actor = (struct load_actor *)request;
    struct load_crew *crew = actor->crew;
    const struct load_plan *plan = crew->plan;
    const struct load_step *step = &plan->steps[actor->step];
    char traceparent[LOAD_TRACEPARENT_LENGTH + 1];
    if (plan->is_traced) {
        load_trace_make(crew->shared->trace_words,
                        actor->scope.number * LOAD_STEPS_MAX + actor->step, actor->trace_id,
                        traceparent);
        actor->scope.traceparent = (struct text){traceparent, LOAD_TRACEPARENT_LENGTH};
    }
    if (!step->has_constant_body) {
        buffer_clear(&crew->scratch);
        load_template_render(&step->body, &actor->scope, &crew->scratch);
        actor->scope.body = (struct text){buffer_text(&crew->scratch), crew->scratch.length_bytes};
        if (crew->scratch.failed != STATUS_OK)
            out->failed = crew->scratch.failed;
    }
    load_template_render(&step->request, &actor->scope, out);
    actor->scope.traceparent = (struct text){0};
}

/* Takes the step's values out of the answer; false: the one at *failed is not there. */
static bool take_values(struct load_actor *actor, const struct load_step *step,
                        const struct load_answer *answer, size_t *failed)
{
    actor->has_values |= step->take_count > 0;
    for (*failed = 0; *failed < step->take_count; ++*failed) {
        const struct load_take *take = &step->takes[*failed];
        size_t at = actor->values.length_bytes;
        if (!load_extract_run(&take->extract, answer, &actor->values))
            return false;
        actor->ranges[take->value].at = at;
        actor->ranges[take->value].length = actor->values.length_bytes - at;
    }
    for (size_t i = 0; i < LOAD_VALUES_MAX && step->take_count > 0; i++)
        actor->scope.values[i] = (struct text){buffer_text(&actor->values) + actor->ranges[i].at,
                                               actor->ranges[i].length};
    return true;
}

static enum load_outcome judge(struct load_actor *actor, struct text body, size_t *failed)
{
    const struct load_step *step = &actor->crew->plan->steps[actor->step];
    enum load_outcome outcome = load_outcome_of(actor->request.outcome);
    if (outcome != LOAD_OK)
        return outcome;
    const struct load_answer answer = {
        .http_status = actor->request.http_status, .head = actor->request.head, .body = body};
    outcome = load_check_answer(&step->checks, &answer, failed);
    if (outcome != LOAD_OK || take_values(actor, step, &answer, failed))
        return outcome;
    *failed += step->checks.count;
    return LOAD_BODY;
}

static void end_request(struct engine_request *request, struct text body)
{
    struct load_actor *actor = (struct load_actor *)request;
    size_t failed = 0;
    enum load_outcome outcome = judge(actor, body, &failed);
    uint64_t done_ns = request->done_ns;
    report(actor, outcome, failed);
    if (outcome == LOAD_OK && !is_last_step(actor) && !actor->crew->is_over)
        go_to_step(actor, actor->step + 1, done_ns);
    else
        end_flow(actor, outcome, done_ns);
}

/* ---- arrivals */

static struct load_actor *new_actor(struct load_crew *crew)
{
    struct load_actor *actor = crew->free_actors;
    if (crew->under_way == UNDER_WAY_MAX)
        return NULL;
    if (actor != NULL) {
        crew->free_actors = actor->next_free;
    } else {
        actor = arena_alloc(&crew->arena, sizeof(*actor));
        if (actor == NULL)
            return NULL;
        buffer_init(&actor->values, VALUES_BYTES_MAX);
        actor->request.write = write_request;
        actor->request.ended = end_request;
        actor->crew = crew;
        actor->scope.seed = crew->plan->seed;
        actor->scope.nonce = crew->shared->nonce;
        actor->scope.feeders = crew->plan->feeders;
        actor->next_all = crew->all_actors;
        crew->all_actors = actor;
    }
    crew->under_way++;
    return actor;
}

/* Over the limit: due, and never sent. */
static void turn_away(struct load_crew *crew, uint64_t number, uint64_t due_ns)
{
    const struct load_sample sample = {
        .number = number,
        .step = (uint16_t)load_plan_flow(crew->plan, number)->first_step,
        .loop = (uint16_t)crew->loop,
        .outcome = LOAD_DROPPED,
        .censored = true,
        .due_ns = due_ns,
        .done_ns = clock_mono_ns(),
    };
    crew->tally.counted.due++;
    crew->tally.counted.turned_away++;
    add_sample(crew, sample);
}

void load_crew_arrive(struct load_crew *crew, uint64_t number, uint64_t due_ns)
{
    struct load_actor *actor = new_actor(crew);
    if (actor == NULL) {
        turn_away(crew, number, due_ns);
        return;
    }
    actor->scope.number = number;
    begin_flow(actor, due_ns);
}

void load_crew_invite(struct load_crew *crew, unsigned user, uint64_t due_ns)
{
    struct load_actor *actor = new_actor(crew);
    if (actor == NULL)
        return;
    actor->is_user = actor->begins = true;
    actor->scope.number = user;
    rest(actor, due_ns);
}

/* ---- the crew */

bool load_crew_timeline(const struct load_shared *shared, struct load_timeline *out)
{
    double duration_ns = load_plan_duration_s(shared->plan) * (double)NS_PER_S;
    return load_timeline_init(out, shared->plan->step_count, shared->start_ns,
                              (uint64_t)duration_ns);
}

enum status load_crew_init(struct load_crew *crew, struct load_shared *shared, unsigned loop)
{
    *crew = (struct load_crew){.shared = shared, .plan = shared->plan, .loop = loop};
    arena_init(&crew->arena, (size_t)UNDER_WAY_MAX * 2 * sizeof(struct load_actor));
    timer_heap_init(&crew->timers, UNDER_WAY_MAX);
    buffer_init(&crew->scratch, BODY_BYTES_MAX);
    struct load_timeline timeline = {0};
    bool fits = load_crew_timeline(shared, &timeline);
    enum status status = load_tally_init(&crew->tally, shared->plan->step_count, &timeline);
    return fits ? status : STATUS_NO_MEMORY;
}

void load_crew_release(struct load_crew *crew)
{
    for (struct load_actor *actor = crew->all_actors; actor != NULL; actor = actor->next_all)
        buffer_release(&actor->values);
    crew->all_actors = crew->free_actors = NULL;
    timer_heap_release(&crew->timers);
    arena_release(&crew->arena);
    buffer_release(&crew->scratch);
    load_tally_release(&crew->tally);
}

void load_crew_fire(struct load_crew *crew, uint64_t now_ns)
{
    while (timer_heap_next_ns(&crew->timers) <= now_ns) {
        struct timer_heap_item item = timer_heap_pop(&crew->timers);
        struct load_actor *actor = item.what;
        crew->resting -= actor->begins;
        if (!actor->begins)
            submit(actor);
        else if (crew->is_stopped)
            leave(actor);
        else
            begin_flow(actor, item.due_ns);
    }
}

uint64_t load_crew_next_ns(const struct load_crew *crew)
{
    return timer_heap_next_ns(&crew->timers);
}

size_t load_crew_busy(const struct load_crew *crew)
{
    return crew->under_way - crew->resting;
}

void load_crew_wind_up(struct load_crew *crew)
{
    crew->is_over = true;
    crew->shared->client->abandon(crew->client);
    while (crew->timers.count > 0) {
        struct load_actor *actor = timer_heap_pop(&crew->timers).what;
        if (!actor->begins)
            crew->tally.counted.cut++;
    }
    load_tally_publish(&crew->tally);
}
