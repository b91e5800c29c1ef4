#include "services/collector/search_params.h"

#include "services/collector/criteria_tags.h"
#include "services/collector/params.h"

enum { TEXT_BYTES_MAX = 256 * 1024, NS_PER_US = 1000 };

void search_params_init(struct search_params *params, size_t limit)
{
    criteria_init(&params->criteria);
    params->criteria.limit = limit;
    arena_init(&params->arena, TEXT_BYTES_MAX);
}

void search_params_release(struct search_params *params)
{
    arena_release(&params->arena);
}

/* ---- parts */

static enum status read_limit(struct search_params *params, const char *text, struct error *error)
{
    uint64_t limit;
    if (!text || !*text)
        return STATUS_OK;
    const enum status status = text_to_u64(text_of(text), &limit);
    if (status == STATUS_INVALID || (status == STATUS_OK && limit == 0))
        return error_set(error, STATUS_INVALID,
                         "the number of traces must be a whole number "
                         "above 0");
    params->criteria.limit =
        status == STATUS_OK && limit < CRITERIA_LIMIT_MAX ? (size_t)limit : CRITERIA_LIMIT_MAX;
    return STATUS_OK;
}

static enum status read_duration(const char *name, const char *text, uint64_t *ns,
                                 struct error *error)
{
    if (!text || !*text || params_duration(text, ns))
        return STATUS_OK;
    return error_set(error, STATUS_INVALID, "%s must be a duration like 10ms or 1.5s", name);
}

static enum status read_time(const char *name, const char *text, uint64_t *ns, struct error *error)
{
    if (!text || !*text || params_time(text, ns))
        return STATUS_OK;
    return error_set(error, STATUS_INVALID, "%s must be a time like 2026-01-31T12:00:00.5Z", name);
}

static enum status read_micros(const char *name, const char *text, uint64_t *ns,
                               struct error *error)
{
    uint64_t us;
    if (!text || !*text)
        return STATUS_OK;
    if (text_to_u64(text_of(text), &us) != STATUS_OK || us > UINT64_MAX / NS_PER_US)
        return error_set(error, STATUS_INVALID, "%s must be microseconds since 1970", name);
    *ns = us * NS_PER_US;
    return STATUS_OK;
}

static enum status read_tags(struct search_params *params, const char *name, const char *text,
                             struct error *error)
{
    if (!text || !*text)
        return STATUS_OK;
    const enum status status = criteria_tags_read(&params->criteria, &params->arena, text_of(text));
    return status == STATUS_OK
               ? STATUS_OK
               : error_set(error, STATUS_INVALID, "%s must be a JSON object of at most %d strings",
                           name, CRITERIA_TAGS_MAX);
}

/* key:value; values may have colons. */
static enum status read_tag(struct search_params *params, const char *text, struct error *error)
{
    struct text rest = text_of(text);
    if (!text || !*text)
        return STATUS_OK;
    const struct text key = text_split(&rest, ':');
    if (!rest.data || key.length == 0)
        return error_set(error, STATUS_INVALID, "tag must be key:value");
    if (criteria_tags_add(&params->criteria, key, rest))
        return STATUS_OK;
    return error_set(error, STATUS_INVALID, "at most %d attributes", CRITERIA_TAGS_MAX);
}

/* Each `tags` and each `tag` that there is: all of them must hold. */
static enum status read_all_tags(struct search_params *params, const struct request *request,
                                 struct error *error)
{
    enum status status = STATUS_OK;
    const char *text;
    for (size_t i = 0; status == STATUS_OK && (text = request_query_at(request, "tags", i)); i++)
        status = read_tags(params, "tags", text, error);
    for (size_t i = 0; status == STATUS_OK && (text = request_query_at(request, "tag", i)); i++)
        status = read_tag(params, text, error);
    return status;
}

/* ---- dialects */

enum v3_name {
    V3_SERVICE,
    V3_OPERATION,
    V3_START,
    V3_END,
    V3_SHORTEST,
    V3_LONGEST,
    V3_LIMIT,
    V3_ATTRIBUTES,
    V3_COUNT,
};

enum { V3_SPELLINGS = 5 };

static const char *const v3_names[V3_COUNT][V3_SPELLINGS] = {
    [V3_SERVICE] = {"query.service_name", "query.serviceName", NULL},
    [V3_OPERATION] = {"query.operation_name", "query.operationName", "query.span_name",
                      "query.spanName", NULL},
    [V3_START] = {"query.start_time_min", "query.startTimeMin", NULL},
    [V3_END] = {"query.start_time_max", "query.startTimeMax", NULL},
    [V3_SHORTEST] = {"query.duration_min", "query.durationMin", NULL},
    [V3_LONGEST] = {"query.duration_max", "query.durationMax", NULL},
    [V3_LIMIT] = {"query.num_traces", "query.numTraces", "query.search_depth", "query.searchDepth",
                  NULL},
    [V3_ATTRIBUTES] = {"query.attributes", NULL},
};

enum status search_params_v3(struct search_params *params, const struct request *request,
                             struct error *error)
{
    struct criteria *criteria = &params->criteria;
    const char *values[V3_COUNT];
    for (size_t i = 0; i < V3_COUNT; i++)
        values[i] = params_query(request, v3_names[i]);
    criteria->service = text_of(values[V3_SERVICE]);
    criteria->operation = text_of(values[V3_OPERATION]);
    enum status status =
        read_time(v3_names[V3_START][0], values[V3_START], &criteria->start_ns, error);
    if (status == STATUS_OK)
        status = read_time(v3_names[V3_END][0], values[V3_END], &criteria->end_ns, error);
    if (status == STATUS_OK)
        status = read_duration(v3_names[V3_SHORTEST][0], values[V3_SHORTEST],
                               &criteria->shortest_ns, error);
    if (status == STATUS_OK)
        status = read_duration(v3_names[V3_LONGEST][0], values[V3_LONGEST], &criteria->longest_ns,
                               error);
    if (status == STATUS_OK)
        status = read_limit(params, values[V3_LIMIT], error);
    if (status == STATUS_OK)
        status = read_tags(params, v3_names[V3_ATTRIBUTES][0], values[V3_ATTRIBUTES], error);
    return status;
}

enum status search_params_legacy(struct search_params *params, const struct request *request,
                                 struct error *error)
{
    struct criteria *criteria = &params->criteria;
    criteria->service = text_of(request_query(request, "service"));
    criteria->operation = text_of(request_query(request, "operation"));
    if (text_is(criteria->operation, "all")) /* Jaeger's page says so when it means any */
        criteria->operation = text_of("");
    enum status status =
        read_micros("start", request_query(request, "start"), &criteria->start_ns, error);
    if (status == STATUS_OK)
        status = read_micros("end", request_query(request, "end"), &criteria->end_ns, error);
    if (status == STATUS_OK)
        status = read_duration("minDuration", request_query(request, "minDuration"),
                               &criteria->shortest_ns, error);
    if (status == STATUS_OK)
        status = read_duration("maxDuration", request_query(request, "maxDuration"),
                               &criteria->longest_ns, error);
    if (status == STATUS_OK)
        status = read_limit(params, request_query(request, "limit"), error);
    if (status == STATUS_OK)
        status = read_all_tags(params, request, error);
    if (status == STATUS_OK && criteria->longest_ns < criteria->shortest_ns)
        return error_set(error, STATUS_INVALID, "maxDuration is below minDuration");
    return status;
}
