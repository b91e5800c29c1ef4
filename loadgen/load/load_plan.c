#include "loadgen/load/load_plan.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/rng.h"

enum {
    ARENA_BYTES_MAX = 16 * 1024 * 1024,
    BODY_BYTES_MAX = 64 * 1024 * 1024,
    CONNECTIONS_DEFAULT = 64,
    TIMEOUT_MS = 30000,
    CONNECT_TIMEOUT_MS = 5000,
    GRACE_MS = 30000,
};

void load_plan_init(struct load_plan *plan)
{
    memset(plan, 0, sizeof(*plan));
    arena_init(&plan->arena, ARENA_BYTES_MAX);
    plan->seed = 1;
    plan->is_traced = true;
    plan->schedule = (struct schedule_plan){.stages = {{10, 10, 10}}, .stage_count = 1};
    plan->users_duration_s = 10;
    plan->limits = (struct load_limits){
        .connections = CONNECTIONS_DEFAULT,
        .threads = 1,
        .request_timeout_ns = TIMEOUT_MS * NS_PER_MS,
        .connect_timeout_ns = CONNECT_TIMEOUT_MS * NS_PER_MS,
        .grace_ns = GRACE_MS * NS_PER_MS,
        .body_max_bytes = BODY_BYTES_MAX,
    };
    plan->thresholds.abort_after_s = 1;
    plan->names.feeders = plan->feeders;
}

void load_plan_release(struct load_plan *plan)
{
    for (size_t i = 0; i < plan->feeder_count; i++)
        load_feeder_release(&plan->feeders[i]);
    plan->feeder_count = 0;
    arena_release(&plan->arena);
}

double load_plan_duration_s(const struct load_plan *plan)
{
    return plan->is_closed ? plan->users_duration_s : schedule_duration_s(&plan->schedule);
}

enum status load_plan_check(const struct load_plan *plan, struct error *error)
{
    const struct load_limits *limits = &plan->limits;
    if (plan->flow_count == 0)
        return error_set(error, STATUS_INVALID, "load: no flow");
    if (plan->is_closed && (plan->users == 0 || plan->users > LOAD_USERS_MAX))
        return error_set(error, STATUS_INVALID, "load: 1 to %d users", LOAD_USERS_MAX);
    if (plan->is_closed &&
        !(plan->users_duration_s > 0 && plan->users_ramp_s <= plan->users_duration_s))
        return error_set(error, STATUS_INVALID,
                         "load: users need a duration, their ramp within it");
    if (limits->threads == 0 || limits->threads > LOAD_THREADS_MAX)
        return error_set(error, STATUS_INVALID, "load: 1 to %d threads", LOAD_THREADS_MAX);
    if (limits->connections < limits->threads)
        return error_set(error, STATUS_INVALID, "load: fewer connections than threads");
    if (limits->request_timeout_ns == 0 || limits->connect_timeout_ns == 0)
        return error_set(error, STATUS_INVALID, "load: a time-out of nothing");
    return plan->is_closed ? STATUS_OK : schedule_check(&plan->schedule, error);
}

const struct load_flow *load_plan_flow(const struct load_plan *plan, uint64_t number)
{
    if (plan->flow_count == 1)
        return &plan->flows[0];
    struct rng rng;
    double sum = 0;
    for (size_t i = 0; i < plan->flow_count; i++)
        sum += plan->flows[i].weight;
    rng_seed(&rng, plan->seed ^ (number + 1) * 0xd1342543de82ef95u);
    double point = rng_double(&rng) * sum;
    for (size_t i = 0; i + 1 < plan->flow_count; i++) {
        point -= plan->flows[i].weight;
        if (point < 0)
            return &plan->flows[i];
    }
    return &plan->flows[plan->flow_count - 1];
}

/* ---- compiling a request */

struct maker {
    struct load_plan *plan;
    struct load_template *request;
    struct error *error;
    enum status status; /* sticky */
};

static void add(struct maker *maker, const char *text)
{
    if (maker->status == STATUS_OK)
        maker->status = load_template_add_plain(maker->request, text_of(text), &maker->plan->arena);
}

static void add_text(struct maker *maker, struct load_template *into, struct text text,
                     enum load_place place)
{
    const struct load_compiler compiler = {.names = &maker->plan->names,
                                           .arena = &maker->plan->arena,
                                           .place = place,
                                           .error = maker->error};
    if (maker->status == STATUS_OK)
        maker->status = load_template_add(into, text, &compiler);
}

static bool is_line_safe(struct text text, bool spaces)
{
    for (size_t i = 0; i < text.length; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f || (c == ' ' && !spaces))
            return false;
    }
    return true;
}

static bool has_header(const struct load_request_text *text, const char *name)
{
    for (size_t i = 0; i < text->header_count; i++)
        if (text_equal_ignore_case(text->headers[i][0], text_of(name)))
            return true;
    return false;
}

static enum status check_text(const struct load_plan *plan, const struct load_request_text *text,
                              struct error *error)
{
    static const char *const own[] = {"content-length", "transfer-encoding"};
    if (text->method.length == 0 || !is_line_safe(text->method, false))
        return error_set(error, STATUS_INVALID, "the method must be one word");
    if (text->path.length == 0 || text->path.data[0] == '?' || !is_line_safe(text->path, false))
        return error_set(error, STATUS_INVALID,
                         "the path must not be empty, without spaces and control characters");
    for (size_t i = 0; i < text->header_count; i++)
        if (text->headers[i][0].length == 0 || !is_line_safe(text->headers[i][0], false) ||
            memchr(text->headers[i][0].data, ':', text->headers[i][0].length) != NULL ||
            !is_line_safe(text->headers[i][1], true))
            return error_set(error, STATUS_INVALID, "header \"%.*s\" fits no line",
                             TEXT_ARGS(text->headers[i][0]));
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
        if (has_header(text, own[i]))
            return error_set(error, STATUS_INVALID, "header \"%s\" is made from the body", own[i]);
    if (plan->is_traced && has_header(text, "traceparent"))
        return error_set(error, STATUS_INVALID,
                         "header \"traceparent\" is sent already (\"trace\": false ends that)");
    return STATUS_OK;
}

static void add_head(struct maker *maker, const struct load_request_text *text)
{
    add_text(maker, maker->request, text->method, LOAD_IN_HEADER);
    add(maker, " ");
    add_text(maker, maker->request, text->path, LOAD_IN_PATH);
    add(maker, " HTTP/1.1\r\n");
    if (!has_header(text, "host")) {
        add(maker, "Host: ");
        add(maker, strstr(maker->plan->target, "://") + 3);
        add(maker, "\r\n");
    }
    if (!has_header(text, "user-agent"))
        add(maker, "User-Agent: culprit\r\n");
    for (size_t i = 0; i < text->header_count; i++) {
        add_text(maker, maker->request, text->headers[i][0], LOAD_IN_HEADER);
        add(maker, ": ");
        add_text(maker, maker->request, text->headers[i][1], LOAD_IN_HEADER);
        add(maker, "\r\n");
    }
    if (maker->plan->is_traced && maker->status == STATUS_OK)
        maker->status = load_template_add_trace(maker->request);
}

/* A body that is always the same becomes a part of the request's text. */
static void add_body(struct maker *maker, struct load_step *step,
                     const struct load_request_text *text)
{
    bool takes_body = !text_is(text->method, "GET") && !text_is(text->method, "HEAD") &&
                      !text_is(text->method, "DELETE") && !text_is(text->method, "OPTIONS");
    char length[48];
    if (maker->status == STATUS_OK)
        maker->status = load_template_init(&step->body, &maker->plan->arena);
    add_text(maker, &step->body, text->body, LOAD_IN_BODY);
    if (maker->status != STATUS_OK)
        return;
    step->has_constant_body = load_template_is_plain(&step->body);
    if (!step->has_constant_body) {
        maker->status = load_template_add_body(maker->request);
        return;
    }
    if (text->body.data != NULL || takes_body) {
        (void)snprintf(length, sizeof(length), "Content-Length: %zu\r\n", text->body.length);
        add(maker, length);
    }
    add(maker, "\r\n");
    add_text(maker, maker->request, text->body, LOAD_IN_BODY);
}

static bool wants_head(const struct load_step *step)
{
    for (size_t i = 0; i < step->take_count; i++)
        if (step->takes[i].extract.kind == LOAD_EXTRACT_HEADER)
            return true;
    for (size_t i = 0; i < step->checks.count; i++)
        if (step->checks.items[i].kind == LOAD_CHECK_HEADER)
            return true;
    return false;
}

static bool wants_body(const struct load_step *step)
{
    for (size_t i = 0; i < step->take_count; i++)
        if (step->takes[i].extract.kind != LOAD_EXTRACT_HEADER)
            return true;
    for (size_t i = 0; i < step->checks.count; i++)
        if (step->checks.items[i].kind != LOAD_CHECK_HEADER)
            return true;
    return false;
}

enum status load_plan_compile(struct load_plan *plan, struct load_step *step,
                              const struct load_request_text *text, struct error *error)
{
    struct maker maker = {.plan = plan, .request = &step->request, .error = error};
    enum status status = check_text(plan, text, error);
    if (status != STATUS_OK)
        return status;
    plan->names.feeder_count = plan->feeder_count;
    text_copy(text->method, step->method, sizeof(step->method));
    step->is_head = text_is(text->method, "HEAD");
    step->wants_head = wants_head(step);
    step->wants_body = wants_body(step);
    maker.status = load_template_init(&step->request, &plan->arena);
    add_head(&maker, text);
    add_body(&maker, step, text);
    if (maker.status == STATUS_NO_MEMORY || maker.status == STATUS_TOO_LARGE)
        return error_set(error, STATUS_INVALID, "over %d parts, or over %d MiB of text",
                         LOAD_PARTS_MAX, ARENA_BYTES_MAX >> 20);
    return maker.status;
}

/* ---- one URL */

enum status load_plan_add_url(struct load_plan *plan, const char *url,
                              struct load_request_text *text, struct error *error)
{
    const char *authority = strstr(url, "://");
    if (authority == NULL || (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0))
        return error_set(error, STATUS_INVALID, "%s: not an http:// or https:// address", url);
    size_t origin_length = (size_t)(authority + 3 - url) + strcspn(authority + 3, "/?#");
    if (origin_length >= sizeof(plan->target))
        return error_set(error, STATUS_INVALID, "%s: too long", url);
    text_copy((struct text){url, origin_length}, plan->target, sizeof(plan->target));
    struct text path = {url + origin_length, strcspn(url + origin_length, "#")};
    if (path.length == 0)
        path = TEXT_LITERAL("/");
    if (path.data[0] == '?')
        return error_set(error, STATUS_INVALID, "%s: a \"/\" is missing before the \"?\"", url);
    text->path = path;
    struct load_step *step = &plan->steps[plan->step_count];
    (void)snprintf(step->name, sizeof(step->name), "%.*s %.*s", TEXT_ARGS(text->method),
                   (int)(path.length < 40 ? path.length : 40), path.data);
    struct error words = {0};
    enum status status = load_plan_compile(plan, step, text, &words);
    if (status != STATUS_OK)
        return error_set(error, status, "%s: %s", url, words.text);
    struct load_flow *flow = &plan->flows[plan->flow_count++];
    *flow = (struct load_flow){.weight = 1, .first_step = plan->step_count++, .step_count = 1};
    memcpy(flow->name, step->name, sizeof(flow->name));
    return STATUS_OK;
}
