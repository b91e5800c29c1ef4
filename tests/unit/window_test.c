#include "loadgen/window/window.h"

#include <semaphore.h>

#include "base/clock.h"
#include "loadgen/window/window_loops.h"
#include "tests/unit/rows.h"
#include "tests/unit/small_server.h"
#include "trace/trace.h"

enum { SEEN_MAX = 4096, CART_TEXT_MAX = 800, FLOWS = 12 };

/* ---- a shop that answers as it is told */

struct seen {
    bool is_checkout;
    char name[64];        /* of the cart */
    char traceparent[64]; /* "" when none came */
    char body[CART_TEXT_MAX];
};

struct shop {
    struct small_server server;                /* first */
    const char *cart_answer, *checkout_answer; /* NULL: none; "": close */
    bool stalls;                               /* the first request waits for `go` */
    sem_t go;
    pthread_mutex_t lock; /* guards what follows */
    size_t count;
    struct seen seen[SEEN_MAX];
};

#define CART_OK  "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
#define ORDER_OK "HTTP/1.1 201 Created\r\nContent-Length: 18\r\n\r\n{\"order_id\":\"o-1\"}"

static void copy_between(const char *text, const char *before, char end, char *out, size_t size)
{
    const char *from = strstr(text, before);
    out[0] = '\0';
    if (from == NULL)
        return;
    from += strlen(before);
    const char *to = strchr(from, end);
    if (to != NULL)
        text_copy((struct text){from, (size_t)(to - from)}, out, size);
}

static void remember(struct shop *shop, const char *request)
{
    pthread_mutex_lock(&shop->lock);
    if (shop->count < SEEN_MAX) {
        struct seen *seen = &shop->seen[shop->count++];
        seen->is_checkout = strncmp(request, "POST /checkout ", 15) == 0;
        copy_between(request, seen->is_checkout ? "\"cart_id\":\"" : "PUT /cart/",
                     seen->is_checkout ? '"' : ' ', seen->name, sizeof(seen->name));
        copy_between(request, "traceparent: ", '\r', seen->traceparent, sizeof(seen->traceparent));
        text_copy(text_of(strstr(request, "\r\n\r\n") + 4), seen->body, sizeof(seen->body));
    }
    pthread_mutex_unlock(&shop->lock);
}

static void talk_shop(struct small_server *server, int fd)
{
    struct shop *shop = (struct shop *)server;
    char request[8192];
    while (small_server_read(server, fd, request, sizeof(request)) > 0) {
        remember(shop, request);
        if (shop->stalls) {
            shop->stalls = false;
            sem_wait(&shop->go);
        }
        const char *answer =
            strncmp(request, "PUT", 3) == 0 ? shop->cart_answer : shop->checkout_answer;
        if (answer == NULL)
            continue;
        if (answer[0] == '\0' || !small_server_write(fd, answer, strlen(answer)))
            return;
    }
}

static struct shop *open_shop(const char *cart_answer, const char *checkout_answer)
{
    struct shop *shop = calloc(1, sizeof(*shop));
    assert_non_null(shop);
    small_server_start(&shop->server, talk_shop, NULL);
    pthread_mutex_init(&shop->lock, NULL);
    sem_init(&shop->go, 0, 0);
    shop->cart_answer = cart_answer;
    shop->checkout_answer = checkout_answer;
    return shop;
}

/* What it saw is complete then, and may be read. */
static void shut_shop(struct shop *shop)
{
    sem_post(&shop->go);
    small_server_stop(&shop->server);
}

static void free_shop(struct shop *shop)
{
    pthread_mutex_destroy(&shop->lock);
    sem_destroy(&shop->go);
    free(shop);
}

static void close_shop(struct shop *shop)
{
    shut_shop(shop);
    free_shop(shop);
}

/* ---- an observer that counts */

struct watch {
    struct shop *shop;
    atomic_bool stop;
    uint64_t stop_after; /* observed requests; 0: never */
    uint64_t observed, sampled, told;
    uint64_t by_step[2];
    uint64_t last_lines;
    struct schedule_plan arrivals;
    struct window_progress progress;
    struct window_request all[SEEN_MAX];
};

static void observe(void *context, const struct window_request *request)
{
    struct watch *watch = context;
    assert_true(request->sample.done_ns >= request->sample.due_ns);
    assert_true(request->sample.sent_ns == 0 || request->sample.sent_ns >= request->sample.due_ns);
    assert_true(request->end_wall_ns >= request->start_wall_ns);
    if (watch->observed < SEEN_MAX)
        watch->all[watch->observed] = *request;
    watch->observed++;
    watch->sampled += request->sampled;
    watch->by_step[request->sample.step]++;
    if (watch->observed == watch->stop_after)
        atomic_store(&watch->stop, true);
}

static void tell(void *context, const struct window_progress *progress)
{
    struct watch *watch = context;
    assert_true(progress->done <= progress->due);
    watch->told++;
    watch->progress = *progress;
    if (progress->elapsed_ms >= 200)
        sem_post(&watch->shop->go);
}

static const char *const tokens[] = {"alice", "bob"};

static struct window_config config_of(struct watch *watch, struct shop *shop)
{
    memset(watch, 0, sizeof(*watch));
    watch->shop = shop;
    schedule_set_constant(&watch->arrivals, 200, 0.005 * FLOWS);
    return (struct window_config){
        .frontend = shop->server.url,
        .tokens = tokens,
        .token_count = 2,
        .arrivals = &watch->arrivals,
        .seed = 42,
        .nonce = "0123456789abcdef",
        .lines_min = 1,
        .lines_max = 12,
        .lines_median = 4,
        .sku_count = 500,
        .connection_limit = 64,
        .stop = &watch->stop,
        .observe = observe,
        .tell = tell,
        .context = watch,
    };
}

static struct watch watch; /* too large for the stack */

/* ---- how requests may end */

struct row {
    const char *it;
    const char *cart_answer, *checkout_answer;
    unsigned connection_limit;
    uint64_t request_timeout_ms, grace_ms;
    enum window_step fails_at;
    enum load_outcome outcome;
};

static const struct row rows[] = {
    {"it counts orders", CART_OK, ORDER_OK, 0, 0, 0, WINDOW_CHECKOUT, LOAD_OK},
    {"it counts carts that are refused", "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n", ORDER_OK,
     0, 0, 0, WINDOW_CART, LOAD_STATUS},
    {"it counts orders that fail", CART_OK, "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", 0, 0, 0,
     WINDOW_CHECKOUT, LOAD_STATUS},
    {"it counts answers that are no order", CART_OK,
     "HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}", 0, 0, 0, WINDOW_CHECKOUT, LOAD_BODY},
    {"it counts what is not HTTP", CART_OK, "hello\r\n", 0, 0, 0, WINDOW_CHECKOUT, LOAD_PROTOCOL},
    {"it counts connections that are closed", CART_OK, "", 0, 0, 0, WINDOW_CHECKOUT, LOAD_CLOSED},
    {"it counts answers that do not come in time", CART_OK, NULL, 0, 300, 0, WINDOW_CHECKOUT,
     LOAD_TIMEOUT},
    {"it counts what is in flight at the end", CART_OK, NULL, 0, 0, 300, WINDOW_CHECKOUT,
     LOAD_UNFINISHED},
    {"it counts carts that are in flight at the end", NULL, NULL, 0, 0, 40, WINDOW_CART,
     LOAD_UNFINISHED},
};

static uint64_t sum_of(const uint64_t outcomes[LOAD_OUTCOME_COUNT])
{
    uint64_t sum = 0;
    for (size_t i = 0; i < LOAD_OUTCOME_COUNT; i++)
        sum += outcomes[i];
    return sum;
}

static uint64_t done_of_cart(uint64_t flow)
{
    for (uint64_t i = 0; i < watch.observed; i++)
        if (watch.all[i].sample.step == WINDOW_CART && watch.all[i].sample.number == flow)
            return watch.all[i].sample.done_ns;
    return 0;
}

static const struct load_step_figures *figures_of(const struct window_result *result,
                                                  enum window_step step)
{
    assert_int_equal(result->figures.step_count, WINDOW_STEPS);
    return &result->figures.steps[step];
}

/* The figures are of the times that the observer saw. */
static void expect_times(const struct window_result *result)
{
    uint64_t latency_ns[WINDOW_STEPS] = {0}, service_ns[WINDOW_STEPS] = {0},
             lag_ns[WINDOW_STEPS] = {0};
    for (uint64_t i = 0; i < watch.observed; i++) {
        const struct load_sample *sample = &watch.all[i].sample;
        lag_ns[sample->step] +=
            (sample->sent_ns == 0 ? sample->done_ns : sample->sent_ns) - sample->due_ns;
        if (sample->step == WINDOW_CHECKOUT)
            assert_true(sample->due_ns == done_of_cart(sample->number));
        if (load_outcome_is_censored(sample->outcome))
            continue;
        latency_ns[sample->step] += sample->done_ns - sample->due_ns;
        service_ns[sample->step] += sample->done_ns - sample->sent_ns;
    }
    for (enum window_step step = 0; step < WINDOW_STEPS; step++) {
        const struct load_step_figures *figures = figures_of(result, step);
        assert_true(figures->latency.sum_ns == latency_ns[step]);
        assert_true(figures->service.sum_ns == service_ns[step]);
        assert_true(figures->lag.sum_ns == lag_ns[step]);
    }
}

/* Each request is in a slot of its step. */
static void expect_slots(const struct window_result *result)
{
    assert_int_equal(result->timeline.step_count, WINDOW_STEPS);
    for (enum window_step step = 0; step < WINDOW_STEPS; step++) {
        uint64_t due = 0, failed = 0;
        for (size_t i = 0; i < result->timeline.slot_count; i++) {
            due += load_timeline_slot(&result->timeline, step, i)->due;
            failed += load_timeline_slot(&result->timeline, step, i)->failed;
        }
        assert_int_equal(due, load_figures_count(figures_of(result, step)));
        assert_int_equal(failed, load_figures_failed(figures_of(result, step)));
    }
}

/* What must hold of every result. */
static void expect_consistent(const struct window_result *result)
{
    const uint64_t *carts = figures_of(result, WINDOW_CART)->outcomes;
    const uint64_t *checkouts = figures_of(result, WINDOW_CHECKOUT)->outcomes;
    assert_int_equal(sum_of(carts), result->flows_due);
    assert_int_equal(sum_of(checkouts), carts[LOAD_OK]);
    assert_int_equal(watch.by_step[WINDOW_CART], result->flows_due);
    assert_int_equal(watch.by_step[WINDOW_CHECKOUT], sum_of(checkouts));
    assert_int_equal(result->flows_ok, checkouts[LOAD_OK]);
    assert_int_equal(result->flows_done,
                     result->flows_due - carts[LOAD_UNFINISHED] - checkouts[LOAD_UNFINISHED]);
    assert_int_equal(window_failed(result),
                     sum_of(carts) - carts[LOAD_OK] + sum_of(checkouts) - checkouts[LOAD_OK]);
    assert_true(result->end_wall_ns >= result->start_wall_ns);
    assert_int_equal(watch.progress.done, result->flows_done);
    assert_int_equal(watch.progress.due, result->flows_due);
    if (watch.observed <= SEEN_MAX)
        expect_times(result);
    expect_slots(result);
    uint64_t ok = 0;
    for (uint64_t i = 0; i < result->flows_due; i++)
        ok += result->latency_by_flow_ns[i] > 0;
    assert_int_equal(ok, result->flows_ok);
}

static void check_outcome(void **state)
{
    const struct row *row = *state;
    struct window_result result;
    struct shop *shop = open_shop(row->cart_answer, row->checkout_answer);
    struct window_config config = config_of(&watch, shop);
    config.request_timeout_ms = row->request_timeout_ms;
    config.grace_ms = row->grace_ms;
    assert_int_equal(window_run(&config, &result, NULL), STATUS_OK);
    expect_consistent(&result);
    assert_int_equal(result.flows_due, FLOWS);
    assert_int_equal(figures_of(&result, row->fails_at)->outcomes[row->outcome], FLOWS);
    assert_int_equal(result.dropped, 0);
    assert_false(result.interrupted);
    if (row->outcome == LOAD_TIMEOUT)
        assert_true(window_latency_ns(&result, 0.5) >= row->request_timeout_ms * NS_PER_MS);
    if (row->outcome == LOAD_UNFINISHED && row->fails_at == WINDOW_CHECKOUT)
        assert_true(window_latency_ns(&result, 0) >= row->grace_ms * NS_PER_MS);
    window_result_release(&result);
    window_result_release(&result);
    close_shop(shop);
}

static void check_nobody(void **state)
{
    (void)state;
    struct window_result result;
    struct shop *shop = open_shop(NULL, NULL);
    struct window_config config = config_of(&watch, shop);
    shut_shop(shop);
    assert_int_equal(window_run(&config, &result, NULL), STATUS_OK);
    expect_consistent(&result);
    assert_int_equal(figures_of(&result, WINDOW_CART)->outcomes[LOAD_CONNECT], FLOWS);
    assert_int_equal(window_latency_ns(&result, 0.5), 0);
    window_result_release(&result);
    free_shop(shop);
}

static void check_dropped(void **state)
{
    (void)state;
    struct window_result result;
    struct shop *shop = open_shop(NULL, NULL);
    struct window_config config = config_of(&watch, shop);
    config.connection_limit = 2;
    config.request_timeout_ms =
        100; /* the window is over before the first ones free a connection */
    assert_int_equal(window_run(&config, &result, NULL), STATUS_OK);
    expect_consistent(&result);
    assert_int_equal(figures_of(&result, WINDOW_CART)->outcomes[LOAD_TIMEOUT] +
                         figures_of(&result, WINDOW_CART)->outcomes[LOAD_DROPPED],
                     FLOWS);
    assert_int_equal(figures_of(&result, WINDOW_CART)->outcomes[LOAD_DROPPED], result.dropped);
    assert_true(result.dropped >= 2 && result.dropped <= FLOWS - 2);
    assert_true(figures_of(&result, WINDOW_CART)->lag.max_ns >= 100 * NS_PER_MS);
    shut_shop(shop);
    assert_int_equal(atomic_load(&shop->server.requests) + result.dropped, FLOWS);
    window_result_release(&result);
    free_shop(shop);
}

/* One connection, whose first answer comes when the window tells that all 200 ms of it are over. A
 * closed loop would see one slow request; here all that were due meanwhile are slow. */
static void check_due_time(void **state)
{
    (void)state;
    struct window_result result;
    struct shop *shop = open_shop(CART_OK, ORDER_OK);
    struct window_config config = config_of(&watch, shop);
    shop->stalls = true;
    config.connection_limit = 1;
    schedule_scale_duration(&watch.arrivals, 0.2);
    assert_int_equal(window_run(&config, &result, NULL), STATUS_OK);
    expect_consistent(&result);
    assert_int_equal(result.flows_ok, 40);
    for (uint64_t i = 0; i < watch.observed; i++) {
        const struct window_request *request = &watch.all[i];
        if (request->sample.step == WINDOW_CART)
            assert_true(request->sample.done_ns - request->sample.due_ns >=
                        (200 - 5 * request->sample.number) * NS_PER_MS);
    }
    /* Carts 1 to 20 of 40 were sent 100 ms late and more. */
    assert_true(histogram_quantile_ns(&figures_of(&result, WINDOW_CART)->lag, 0.6) >=
                99 * NS_PER_MS);
    window_result_release(&result);
    close_shop(shop);
}

static void check_stop(void **state)
{
    (void)state;
    struct window_result result;
    struct shop *shop = open_shop(CART_OK, ORDER_OK);
    struct window_config config = config_of(&watch, shop);
    schedule_set_constant(&watch.arrivals, 1000, 3600);
    watch.stop_after = 40;
    assert_int_equal(window_run(&config, &result, NULL), STATUS_OK);
    expect_consistent(&result);
    assert_true(result.interrupted);
    assert_true(result.flows_due >= 20 && result.flows_due < 3600 * 1000);
    assert_int_equal(result.flows_ok, result.flows_due); /* what was in flight ended well */
    window_result_release(&result);
    close_shop(shop);
}

/* ---- several parts, several loops */

static struct window_request alone[SEEN_MAX]; /* by flow and step */

/* Each flow of `alone` once, due at the same time since the start. */
static void expect_all_of_alone(uint64_t flows, uint64_t start_ns, uint64_t alone_start_ns)
{
    static bool seen[SEEN_MAX][2];
    memset(seen, 0, sizeof(seen));
    assert_int_equal(watch.observed, 2 * flows);
    for (uint64_t i = 0; i < watch.observed; i++) {
        const struct window_request *one = &watch.all[i];
        const struct window_request *other = &alone[one->sample.number * 2 + one->sample.step];
        assert_true(one->sample.number < flows);
        assert_false(seen[one->sample.number][one->sample.step]);
        seen[one->sample.number][one->sample.step] = true;
        assert_int_equal(one->cart_lines, other->cart_lines);
        if (one->sample.step == WINDOW_CART)
            assert_int_equal(one->sample.due_ns - start_ns, other->sample.due_ns - alone_start_ns);
    }
}

static struct window_config config_of_chance(struct shop *shop)
{
    struct window_config config = config_of(&watch, shop);
    watch.arrivals = (struct schedule_plan){
        .stages = {{0.1, 0, 400}, {0.1, 200, 200}}, .stage_count = 2, .is_poisson = true};
    return config;
}

static uint64_t run_alone(struct shop *shop, uint64_t *start_ns)
{
    struct window_result result;
    struct window_config config = config_of_chance(shop);
    assert_int_equal(window_run(&config, &result, NULL), STATUS_OK);
    for (uint64_t i = 0; i < watch.observed; i++)
        alone[watch.all[i].sample.number * 2 + watch.all[i].sample.step] = watch.all[i];
    *start_ns = result.timeline.start_ns;
    uint64_t flows = result.flows_due;
    assert_true(flows > 20 && result.flows_ok == flows);
    window_result_release(&result);
    return flows;
}

static void check_parts(void **state)
{
    (void)state;
    enum { PARTS = 3 };
    struct window_result results[PARTS];
    struct shop *shop = open_shop(CART_OK, ORDER_OK);
    uint64_t alone_start_ns = 0, sum = 0;
    uint64_t flows = run_alone(shop, &alone_start_ns);
    struct window_config config = config_of_chance(shop);
    config.parts = PARTS;
    config.start_ns = clock_mono_ns(); /* behind it, the later parts are late, and lose nothing */
    for (config.part = 0; config.part < PARTS; config.part++) {
        struct window_result *result = &results[config.part];
        assert_int_equal(window_run(&config, result, NULL), STATUS_OK);
        sum += result->flows_due;
        assert_true(result->flows_due >= flows / PARTS && result->flows_due <= flows / PARTS + 1);
        window_result_release(result);
    }
    assert_int_equal(sum, flows);
    expect_all_of_alone(flows, config.start_ns, alone_start_ns);
    close_shop(shop);
}

/* What the observer saw, counted once more, is what the loops counted, bucket by bucket. */
static void expect_counted(const struct window_result *result)
{
    struct load_figures figures = {0};
    struct load_timeline timeline = {0};
    assert_true(load_figures_init(&figures, WINDOW_STEPS));
    assert_true(load_timeline_init_as(&timeline, &result->timeline));
    timeline.start_ns = result->timeline.start_ns;
    for (uint64_t i = 0; i < watch.observed; i++) {
        const struct load_sample *sample = &watch.all[i].sample;
        load_figures_add(&figures, sample);
        load_timeline_add(&timeline, sample);
        if (sample->step == WINDOW_CHECKOUT && sample->outcome == LOAD_OK)
            assert_int_equal(result->latency_by_flow_ns[sample->number],
                             load_sample_latency_ns(sample));
    }
    assert_memory_equal(figures.steps, result->figures.steps,
                        WINDOW_STEPS * sizeof(figures.steps[0]));
    assert_memory_equal(timeline.slots, result->timeline.slots,
                        timeline.slot_count * WINDOW_STEPS * sizeof(timeline.slots[0]));
    load_figures_release(&figures);
    load_timeline_release(&timeline);
}

static void check_loops(void **state)
{
    (void)state;
    struct window_result result;
    struct shop *shop = open_shop(CART_OK, ORDER_OK);
    uint64_t alone_start_ns = 0;
    uint64_t flows = run_alone(shop, &alone_start_ns);
    struct window_config config = config_of_chance(shop);
    assert_int_equal(window_loops_run(&config, 3, &result, NULL), STATUS_OK);
    expect_consistent(&result);
    assert_int_equal(result.flows_ok, flows);
    assert_int_equal(watch.progress.done, flows);
    assert_int_equal(watch.progress.in_flight, 0);
    expect_all_of_alone(flows, result.timeline.start_ns, alone_start_ns);
    expect_counted(&result);
    window_result_release(&result);
    close_shop(shop);
}

static void check_loops_stop(void **state)
{
    (void)state;
    struct window_result result;
    struct shop *shop = open_shop(CART_OK, ORDER_OK);
    struct window_config config = config_of(&watch, shop);
    schedule_set_constant(&watch.arrivals, 100, 60);
    watch.stop_after = 10;
    assert_int_equal(window_loops_run(&config, 2, &result, NULL), STATUS_OK);
    assert_true(result.interrupted);
    assert_true(result.flows_due < 6000);
    assert_int_equal(result.flows_ok, result.flows_due);
    window_result_release(&result);
    close_shop(shop);
}

/* ---- the same requests in both windows */

static const struct seen *find_seen(const struct shop *shop, bool is_checkout, const char *nonce,
                                    uint64_t flow)
{
    char name[64];
    snprintf(name, sizeof(name), "%s-%llu", nonce, (unsigned long long)flow);
    for (size_t i = 0; i < shop->count; i++)
        if (shop->seen[i].is_checkout == is_checkout && strcmp(shop->seen[i].name, name) == 0)
            return &shop->seen[i];
    return NULL;
}

static void check_repeat(void **state)
{
    (void)state;
    struct window_result one, two;
    struct shop *shop = open_shop(CART_OK, ORDER_OK);
    struct window_config config = config_of(&watch, shop);
    assert_int_equal(window_run(&config, &one, NULL), STATUS_OK);
    strcpy(config.nonce, "fedcba9876543210");
    schedule_scale_rate(&watch.arrivals, 100);
    assert_int_equal(window_run(&config, &two, NULL), STATUS_OK);
    shut_shop(shop);
    assert_int_equal(one.flows_ok, FLOWS);
    assert_int_equal(two.flows_ok, FLOWS / 2);
    for (uint64_t flow = 0; flow < FLOWS / 2; flow++) {
        const struct seen *first = find_seen(shop, false, "0123456789abcdef", flow);
        const struct seen *second = find_seen(shop, false, "fedcba9876543210", flow);
        assert_non_null(first);
        assert_non_null(second);
        assert_string_equal(first->body, second->body);
        assert_non_null(find_seen(shop, true, "fedcba9876543210", flow));
    }
    window_result_release(&one);
    window_result_release(&two);
    free_shop(shop);
}

/* When each flow of a window was due, since its first one. */
static void due_times(uint64_t out_ns[SEEN_MAX])
{
    memset(out_ns, 0, SEEN_MAX * sizeof(out_ns[0]));
    uint64_t first_ns = UINT64_MAX;
    for (uint64_t i = 0; i < watch.observed; i++) {
        const struct load_sample *sample = &watch.all[i].sample;
        if (sample->step != WINDOW_CART)
            continue;
        out_ns[sample->number] = sample->due_ns;
        first_ns = sample->due_ns < first_ns ? sample->due_ns : first_ns;
    }
    for (uint64_t flow = 0; flow < SEEN_MAX; flow++)
        out_ns[flow] -= out_ns[flow] > 0 ? first_ns : 0;
}

/* Two windows by chance, the second one with `seed`: whether flows were due at the same times. */
static bool repeats(uint64_t seed)
{
    static uint64_t first_ns[SEEN_MAX], second_ns[SEEN_MAX];
    struct window_result result;
    struct shop *shop = open_shop(CART_OK, ORDER_OK);
    for (int window = 0; window < 2; window++) {
        struct window_config config = config_of(&watch, shop);
        watch.arrivals =
            (struct schedule_plan){.stages = {{0.1, 0, 400}, {0.02, 0, 0}, {0.1, 100, 100}},
                                   .stage_count = 3,
                                   .is_poisson = true};
        config.seed = window == 0 ? 42 : seed;
        assert_int_equal(window_run(&config, &result, NULL), STATUS_OK);
        expect_consistent(&result);
        assert_true(result.flows_due > 5 && result.flows_due < 100);
        due_times(window == 0 ? first_ns : second_ns);
        window_result_release(&result);
    }
    close_shop(shop);
    return memcmp(first_ns, second_ns, sizeof(first_ns)) == 0;
}

static void check_chance(void **state)
{
    (void)state;
    assert_true(repeats(42));
    assert_false(repeats(43));
}

/* ---- traces */

static void check_untraced(void **state)
{
    (void)state;
    struct window_result result;
    struct shop *shop = open_shop(CART_OK, ORDER_OK);
    struct window_config config = config_of(&watch, shop);
    assert_int_equal(window_run(&config, &result, NULL), STATUS_OK);
    assert_int_equal(result.flows_ok, FLOWS);
    assert_int_equal(watch.sampled, 0);
    shut_shop(shop);
    assert_int_equal(shop->count, 2 * FLOWS);
    for (size_t i = 0; i < shop->count; i++)
        assert_string_equal(shop->seen[i].traceparent, "");
    window_result_release(&result);
    free_shop(shop);
}

static void talk_receiver(struct small_server *server, int fd)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    char *request = malloc(SMALL_SERVER_REQUEST_MAX * 8);
    while (request &&
           small_server_read(server, fd, request, (size_t)SMALL_SERVER_REQUEST_MAX * 8) > 0)
        if (!small_server_write(fd, answer, sizeof(answer) - 1))
            break;
    free(request);
}

/* Each request that was observed came with the trace id that was observed, and no other did. */
static void expect_traced(const struct shop *shop)
{
    for (uint64_t i = 0; i < watch.observed; i++) {
        const struct window_request *request = &watch.all[i];
        const struct seen *seen = find_seen(shop, request->sample.step == WINDOW_CHECKOUT,
                                            "0123456789abcdef", request->sample.number);
        char expected[36] = "00-";
        for (size_t b = 0; b < 16; b++)
            snprintf(expected + 3 + 2 * b, 3, "%02x", request->sample.trace_id[b]);
        assert_non_null(seen);
        assert_int_equal(strlen(seen->traceparent), 55);
        assert_memory_equal(seen->traceparent, expected, 35);
        assert_string_equal(seen->traceparent + 52, request->sampled ? "-03" : "-02");
        for (uint64_t other = 0; other < i; other++)
            assert_memory_not_equal(watch.all[other].sample.trace_id, request->sample.trace_id, 16);
    }
}

struct trace_row {
    const char *it;
    enum sampler_kind sampler;
    const char *checkout_answer;
    bool is_sampled;
};

static const struct trace_row trace_rows[] = {
    {"it makes one root span a request", SAMPLER_ALWAYS_ON, ORDER_OK, true},
    {"it ends the spans of failed requests too", SAMPLER_ALWAYS_ON, "", true},
    {"it ends the spans of requests in flight at the end", SAMPLER_ALWAYS_ON, NULL, true},
    {"it sends the context of unsampled requests", SAMPLER_ALWAYS_OFF, ORDER_OK, false},
};

static void check_traced(void **state)
{
    static const struct tracer tracer = {.name = "window_test"};
    const struct trace_row *row = *state;
    static struct small_server receiver;
    struct tracing_config tracing;
    struct window_result result;
    struct shop *shop = open_shop(CART_OK, row->checkout_answer);
    struct window_config config = config_of(&watch, shop);
    config.grace_ms = 300;
    small_server_start(&receiver, talk_receiver, NULL);
    tracing_config_from_environment(&tracing, "window_test");
    snprintf(tracing.otlp.endpoint, sizeof(tracing.otlp.endpoint), "%s/v1/traces", receiver.url);
    tracing.sampling.root.kind = row->sampler;
    assert_int_equal(tracing_start(&tracing, NULL), STATUS_OK);
    struct span_scope outer = span_enter(&tracer, "outer"); /* no parent of theirs */
    struct tracing_stats before = tracing_stats();
    assert_int_equal(window_run(&config, &result, NULL), STATUS_OK);
    struct tracing_stats ran = tracing_stats();
    span_leave(&outer);
    expect_consistent(&result);
    assert_int_equal(watch.observed, 2 * FLOWS);
    assert_int_equal(watch.sampled, row->is_sampled ? 2 * FLOWS : 0);
    shut_shop(shop);
    expect_traced(shop);
    assert_int_equal(tracing_shutdown(clock_mono_ns() + 10 * NS_PER_S), STATUS_OK);
    struct tracing_stats after = tracing_stats();
    uint64_t spans = row->is_sampled ? 2 * FLOWS : 0;
    assert_int_equal(ran.started - before.started, spans);
    assert_int_equal(ran.ended - before.ended, spans);
    assert_int_equal(after.exported - before.exported, spans + row->is_sampled);
    small_server_stop(&receiver);
    window_result_release(&result);
    free_shop(shop);
}

/* ---- configurations that make no window */

static void no_frontend(struct window_config *config)
{
    config->frontend = "ftp://x";
}
static void no_rate(struct window_config *config)
{
    schedule_set_constant(&watch.arrivals, 0, 1);
    config->arrivals = &watch.arrivals;
}
static void no_duration(struct window_config *config)
{
    schedule_set_constant(&watch.arrivals, 1, 0);
    config->arrivals = &watch.arrivals;
}
static void endless(struct window_config *config)
{
    schedule_set_constant(&watch.arrivals, 1, 1e18);
    config->arrivals = &watch.arrivals;
}
static void no_token(struct window_config *config)
{
    config->token_count = 0;
}
static void no_nonce(struct window_config *config)
{
    config->nonce[0] = '\0';
}
static void no_lines(struct window_config *config)
{
    config->lines_min = 0;
}
static void no_such_part(struct window_config *config)
{
    config->part = config->parts = 2;
}
static void many_connections(struct window_config *config)
{
    config->connection_limit = 1000000;
}

struct config_row {
    const char *it;
    void (*spoil)(struct window_config *config);
};

static const struct config_row config_rows[] = {
    {"it refuses an address that is none", no_frontend},
    {"it refuses rate 0", no_rate},
    {"it refuses a window of no length", no_duration},
    {"it refuses a window without end", endless},
    {"it refuses to run without users", no_token},
    {"it refuses an empty nonce", no_nonce},
    {"it refuses empty carts", no_lines},
    {"it refuses more connections than it can hold", many_connections},
    {"it refuses a part beyond the last", no_such_part},
};

static void check_config(void **state)
{
    const struct config_row *row = *state;
    struct window_result result;
    struct error error = {0};
    struct shop *shop = open_shop(CART_OK, ORDER_OK);
    struct window_config config = config_of(&watch, shop);
    row->spoil(&config);
    assert_int_equal(window_run(&config, &result, &error), STATUS_INVALID);
    assert_true(error.text[0] != '\0');
    assert_int_equal(result.flows_due, 0);
    assert_int_equal(window_failed(&result), 0);
    assert_int_equal(window_latency_ns(&result, 0.5), 0);
    assert_int_equal(watch.observed, 0);
    window_result_release(&result);
    close_shop(shop);
}

static void check_words(void **state)
{
    (void)state;
    assert_string_equal(load_outcome_words(LOAD_OK), "ok");
    assert_string_equal(load_outcome_words(LOAD_UNFINISHED), "in flight at the end");
    assert_string_equal(load_outcome_words(LOAD_OUTCOME_COUNT), "unknown outcome");
}

int main(void)
{
    struct rows all = {0};
    ROWS(&all, rows, check_outcome);
    rows_one(&all, "it counts connections that are refused", check_nobody);
    rows_one(&all, "it counts what was due and never sent", check_dropped);
    rows_one(&all, "it counts latency from when a request was due", check_due_time);
    rows_one(&all, "it lets nobody in after a stop, and ends what is in flight", check_stop);
    rows_one(&all, "it sends in parts what it sends in one", check_parts);
    rows_one(&all, "it sends with several loops what it sends with one, counted the same",
             check_loops);
    rows_one(&all, "it stops all of several loops", check_loops_stop);
    rows_one(&all, "it sends the same carts in both windows, under names of their own",
             check_repeat);
    rows_one(&all,
             "it makes the same flows due at the same times in both windows, ramps and chance",
             check_chance);
    rows_one(&all, "it sends no context while tracing is off", check_untraced);
    ROWS(&all, trace_rows, check_traced);
    ROWS(&all, config_rows, check_config);
    rows_one(&all, "it has words for each outcome", check_words);
    return rows_run("window", &all);
}
