#include "loadgen/window/window.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "loadgen/engine/engine.h"
#include "loadgen/window/flow.h"
#include "loadgen/window/root_span.h"

enum {
    CONNECTION_LIMIT_DEFAULT = 512,
    REQUEST_TIMEOUT_DEFAULT_MS = 30000,
    GRACE_DEFAULT_MS = 30000,
    CONNECT_TIMEOUT_MS = 5000,
    IDLE_MAX_MS = 10000, /* servers keep theirs longer */
    BODY_MAX_BYTES = 1024 * 1024,
    FLOWS_MAX = 65536,   /* under way at once */
    ARRIVALS_MAX = 1024, /* let in before the sockets are looked at again */
    TELL_MS = 250,
    LOOK_MS = 100, /* how late `stop` may be seen */
};

#define TIME_MAX_MS (366ull * 86400 * 1000)

const char *window_step_word(enum window_step step)
{
    static const char *const words[WINDOW_STEPS] = {
        [WINDOW_CART] = "fill the cart", [WINDOW_CHECKOUT] = "check out"};
    return words[step];
}

struct window;

/* A flow under way. */
struct shopper {
    struct engine_request request; /* first: the engine's callbacks get it */
    struct window *window;
    struct flow flow;
    uint64_t due_ns; /* of the step */
    struct root_span root;
    struct shopper *next_free;
};

struct window {
    const struct window_config *config;
    struct window_result *result;
    struct flow_shape shape;
    struct origin origin;
    struct schedule schedule;
    uint64_t start_ns, flow_max;
    struct engine *engine;
    struct arena arena; /* of shoppers */
    struct shopper *free_shoppers;
    struct buffer scratch;
    uint64_t started, under_way;
    uint64_t tell_ns; /* when next */
};

/* ---- counting */

static uint64_t since(uint64_t later_ns, uint64_t earlier_ns)
{
    return later_ns > earlier_ns ? later_ns - earlier_ns : 0;
}

static void count(struct window_result *result, const struct load_sample *sample)
{
    uint64_t latency_ns = load_sample_latency_ns(sample);
    load_figures_add(&result->figures, sample);
    load_timeline_add(&result->timeline, sample);
    result->dropped += sample->outcome == LOAD_DROPPED;
    if (sample->step == WINDOW_CHECKOUT && sample->outcome == LOAD_OK)
        result->latency_by_flow_ns[sample->number] = latency_ns > 0 ? latency_ns : 1;
}

/* Counts a step that ended and tells the observer. */
static void report(struct shopper *shopper, enum load_outcome outcome)
{
    struct window *window = shopper->window;
    struct window_request request = {
        .sample = load_sample_of(&shopper->request, shopper->due_ns, outcome),
        .cart_lines = shopper->flow.lines,
        .sampled = shopper->root.sampled,
        .start_wall_ns = shopper->root.start_wall_ns,
        .end_wall_ns = shopper->root.end_wall_ns,
    };
    request.sample.number = shopper->flow.number;
    request.sample.step = (uint16_t)shopper->flow.step;
    memcpy(request.sample.trace_id, shopper->root.trace_id.bytes, sizeof(request.sample.trace_id));
    count(window->result, &request.sample);
    if (request.sampled)
        load_examples_add(&window->result->examples[request.sample.step], &request.sample);
    if (window->config->observe != NULL)
        window->config->observe(window->config->context, &request);
}

/* ---- flows */

static struct shopper *new_shopper(struct window *window)
{
    struct shopper *shopper = window->free_shoppers;
    if (shopper != NULL)
        window->free_shoppers = shopper->next_free;
    else
        shopper = arena_alloc(&window->arena, sizeof(*shopper));
    return shopper;
}

static void end_flow(struct shopper *shopper, enum load_outcome outcome)
{
    struct window *window = shopper->window;
    window->under_way--;
    window->result->flows_done += outcome != LOAD_UNFINISHED;
    window->result->flows_ok += outcome == LOAD_OK;
    shopper->next_free = window->free_shoppers;
    window->free_shoppers = shopper;
}

/* Due, and never sent. */
static void drop(struct shopper *shopper)
{
    shopper->request.sent_ns = 0;
    shopper->request.http_status = 0;
    shopper->request.done_ns = clock_mono_ns();
    shopper->root = (struct root_span){0};
    report(shopper, LOAD_DROPPED);
}

static void submit_step(struct shopper *shopper, uint64_t due_ns)
{
    shopper->due_ns = due_ns;
    shopper->root = (struct root_span){0};
    if (engine_submit(shopper->window->engine, &shopper->request) == STATUS_OK)
        return;
    drop(shopper);
    end_flow(shopper, LOAD_DROPPED);
}

static void write_step(struct engine_request *request, struct buffer *out)
{
    struct shopper *shopper = (struct shopper *)request;
    struct window *window = shopper->window;
    char headers[ROOT_SPAN_HEADERS_MAX];
    window->started += shopper->flow.step == WINDOW_CART;
    root_span_begin(&shopper->root, &shopper->flow, &window->shape, &window->origin, headers);
    flow_write(&shopper->flow, &window->shape, headers, &window->scratch, out);
}

static enum load_outcome judge(const struct shopper *shopper, struct text body)
{
    enum load_outcome outcome = load_outcome_of(shopper->request.outcome);
    return outcome == LOAD_OK ? flow_judge(&shopper->flow, shopper->request.http_status, body)
                              : outcome;
}

static void end_step(struct engine_request *request, struct text body)
{
    struct shopper *shopper = (struct shopper *)request;
    enum load_outcome outcome = judge(shopper, body);
    uint64_t done_ns = request->done_ns;
    root_span_end(&shopper->root, outcome, request->http_status, done_ns);
    report(shopper, outcome);
    if (outcome == LOAD_OK && flow_advance(&shopper->flow))
        submit_step(shopper, done_ns);
    else
        end_flow(shopper, outcome);
}

static void arrive(struct window *window, uint64_t number, uint64_t due_ns)
{
    struct shopper *shopper = window->under_way < FLOWS_MAX ? new_shopper(window) : NULL;
    const struct shopper fresh = {
        .request = {.write = write_step, .ended = end_step}, .window = window, .due_ns = due_ns};
    if (shopper == NULL) {
        struct shopper nobody = fresh;
        flow_begin(&nobody.flow, &window->shape, number);
        drop(&nobody);
        window->result->flows_done++;
        return;
    }
    *shopper = fresh;
    window->under_way++;
    flow_begin(&shopper->flow, &window->shape, number);
    submit_step(shopper, due_ns);
}

/* ---- the window */

static void tell(struct window *window, uint64_t now_ns)
{
    const struct window_config *config = window->config;
    const struct window_result *result = window->result;
    window->tell_ns = now_ns + TELL_MS * NS_PER_MS;
    if (config->tell == NULL)
        return;
    struct window_progress progress = {
        .due = result->flows_due,
        .started = window->started,
        .done = result->flows_done,
        .failed = result->flows_done - result->flows_ok,
        .in_flight = window->under_way,
        .elapsed_ms = since(now_ns, window->start_ns) / NS_PER_MS,
        .duration_ms = (uint64_t)(schedule_duration_s(config->arrivals) * 1000),
        .figures = &result->figures,
    };
    progress.wanted_rate = schedule_rate(config->arrivals, (double)progress.elapsed_ms / 1000);
    config->tell(config->context, &progress);
}

static void look_at_stop(struct window *window)
{
    const atomic_bool *stop = window->config->stop;
    if (stop == NULL || window->result->interrupted || !atomic_load(stop))
        return;
    window->result->interrupted = true;
    schedule_stop(&window->schedule);
}

static void let_in(struct window *window)
{
    uint64_t number, due_ns, now_ns = clock_mono_ns();
    for (unsigned i = 0; i < ARRIVALS_MAX; i++) {
        if (!schedule_take(&window->schedule, now_ns, &number, &due_ns))
            return;
        if (number >= window->flow_max) {
            schedule_stop(&window->schedule);
            return;
        }
        window->result->flows_due++;
        arrive(window, number, due_ns);
    }
}

static uint64_t earlier(uint64_t a_ns, uint64_t b_ns)
{
    return a_ns < b_ns ? a_ns : b_ns;
}

/* Until every flow ended, or the grace time after the last arrival is over. */
static enum status run(struct window *window)
{
    const struct window_config *config = window->config;
    uint64_t grace_ms = config->grace_ms ? config->grace_ms : GRACE_DEFAULT_MS;
    uint64_t give_up_ns = UINT64_MAX;
    for (;;) {
        look_at_stop(window);
        let_in(window);
        uint64_t now_ns = clock_mono_ns();
        uint64_t next_ns = schedule_next_ns(&window->schedule);
        if (next_ns == SCHEDULE_NEVER && give_up_ns == UINT64_MAX)
            give_up_ns = now_ns + grace_ms * NS_PER_MS;
        if (now_ns >= give_up_ns || (next_ns == SCHEDULE_NEVER && window->under_way == 0))
            return STATUS_OK;
        if (now_ns >= window->tell_ns)
            tell(window, now_ns);
        uint64_t until_ns = earlier(earlier(next_ns, give_up_ns), window->tell_ns);
        if (config->stop != NULL)
            until_ns = earlier(until_ns, now_ns + LOOK_MS * NS_PER_MS);
        engine_expect(window->engine, schedule_after_ns(&window->schedule));
        if (engine_poll(window->engine, until_ns) != STATUS_OK)
            return STATUS_IO;
    }
}

/* Its share of all connections, and at least one. */
static unsigned connections_of(const struct window_config *config)
{
    unsigned parts = config->parts > 0 ? config->parts : 1;
    unsigned all = config->connection_limit ? config->connection_limit : CONNECTION_LIMIT_DEFAULT;
    return all / parts + (all % parts > 0);
}

static enum status make_engine(struct window *window, struct error *error)
{
    const struct window_config *config = window->config;
    uint64_t timeout_ms =
        config->request_timeout_ms ? config->request_timeout_ms : REQUEST_TIMEOUT_DEFAULT_MS;
    uint64_t connect_ms = timeout_ms < CONNECT_TIMEOUT_MS ? timeout_ms : CONNECT_TIMEOUT_MS;
    const struct engine_config engine_config = {
        .origin = window->origin,
        .connection_limit = connections_of(config),
        .queue_max = FLOWS_MAX,
        .request_timeout_ns = timeout_ms * NS_PER_MS,
        .connect_timeout_ns = connect_ms * NS_PER_MS,
        .idle_max_ns = IDLE_MAX_MS * NS_PER_MS,
        .body_max_bytes = BODY_MAX_BYTES,
    };
    return engine_new(&engine_config, &window->engine, error);
}

/* All that can fail; the clock of the window starts at its end. */
static enum status prepare(struct window *window, struct error *error)
{
    const struct window_config *config = window->config;
    if (config->grace_ms > TIME_MAX_MS || config->request_timeout_ms > TIME_MAX_MS)
        return error_set(error, STATUS_INVALID, "load: a time is over a year");
    if (config->parts > 0 && config->part >= config->parts)
        return error_set(error, STATUS_INVALID, "load: there is no part %u of %u", config->part,
                         config->parts);
    window->shape = (struct flow_shape){
        .tokens = config->tokens,
        .token_count = config->token_count,
        .seed = config->seed,
        .nonce = config->nonce,
        .lines_min = config->lines_min,
        .lines_max = config->lines_max,
        .lines_median = config->lines_median,
        .sku_count = config->sku_count,
    };
    enum status status = flow_shape_check(&window->shape, error);
    if (status == STATUS_OK)
        status = schedule_check(config->arrivals, error);
    if (status == STATUS_OK)
        status = origin_parse(&window->origin, config->frontend, error);
    if (status == STATUS_OK)
        status = make_engine(window, error);
    if (status != STATUS_OK)
        return status == STATUS_NO_MEMORY || status == STATUS_IO ? status : STATUS_INVALID;
    window->flow_max = schedule_count_max(config->arrivals);
    window->result->latency_by_flow_ns = calloc(window->flow_max, sizeof(uint64_t));
    window->start_ns = config->start_ns != 0 ? config->start_ns : clock_mono_ns();
    if (window->result->latency_by_flow_ns == NULL ||
        !load_figures_init(&window->result->figures, WINDOW_STEPS) ||
        !load_timeline_init(&window->result->timeline, WINDOW_STEPS, window->start_ns,
                            (uint64_t)(schedule_duration_s(config->arrivals) * (double)NS_PER_S)))
        return error_set(error, STATUS_NO_MEMORY, "load: out of memory");
    schedule_start(&window->schedule, config->arrivals, config->seed, window->start_ns);
    if (config->parts > 1)
        schedule_share(&window->schedule, config->part, config->parts);
    return STATUS_OK;
}

enum status window_run(const struct window_config *config, struct window_result *result,
                       struct error *error)
{
    struct window window = {.config = config, .result = result};
    memset(result, 0, sizeof(*result));
    arena_init(&window.arena, (size_t)FLOWS_MAX * 2 * sizeof(struct shopper));
    buffer_init(&window.scratch, 64 * 1024);
    enum status status = prepare(&window, error);
    if (status == STATUS_OK) {
        result->start_wall_ns = clock_wall_ns() + (window.start_ns - clock_mono_ns());
        status = run(&window);
        if (status != STATUS_OK)
            (void)error_set(error, status, "load: waiting for the sockets failed");
        engine_abandon(window.engine);
        result->end_wall_ns = clock_wall_ns();
        result->elapsed_s = (double)since(clock_mono_ns(), window.start_ns) / (double)NS_PER_S;
        tell(&window, clock_mono_ns());
    }
    engine_free(window.engine);
    buffer_release(&window.scratch);
    arena_release(&window.arena);
    return status;
}

void window_result_release(struct window_result *result)
{
    free(result->latency_by_flow_ns);
    result->latency_by_flow_ns = NULL;
    load_figures_release(&result->figures);
    load_timeline_release(&result->timeline);
    load_workers_release(&result->workers);
}

bool window_result_is_late(const struct window_result *result)
{
    return load_figures_any_is_late(&result->figures) || load_workers_any_is_late(&result->workers);
}

uint64_t window_latency_ns(const struct window_result *result, double q)
{
    bool is_open;
    return result->figures.step_count > WINDOW_CHECKOUT
               ? load_figures_quantile_ns(&result->figures.steps[WINDOW_CHECKOUT], q, &is_open)
               : 0;
}

uint64_t window_failed(const struct window_result *result)
{
    uint64_t failed = 0;
    for (size_t i = 0; i < result->figures.step_count; i++)
        failed += load_figures_failed(&result->figures.steps[i]);
    return failed;
}
