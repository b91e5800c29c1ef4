#include "services/collector/windows.h"

#include "base/clock.h"
#include "base/text.h"
#include "services/collector/params.h"

static const uint64_t last_ns_default = 15 * 60 * NS_PER_S;

static bool is_given(const char *word)
{
    return word && *word;
}

static enum status read_time(const char *name, const char *word, uint64_t *ns, struct error *error)
{
    if (!is_given(word) || params_time(word, ns))
        return STATUS_OK;
    return error_set(error, STATUS_INVALID, "%s must be a time like 2026-01-31T12:00:00.5Z", name);
}

static enum status read_current(const struct windows_words *words, struct windows_range *range,
                                struct error *error)
{
    uint64_t last_ns = last_ns_default;
    if (is_given(words->last) && is_given(words->start))
        return error_set(error, STATUS_INVALID, "give last or start, not both");
    if (is_given(words->last) && (!params_duration(words->last, &last_ns) || last_ns == 0))
        return error_set(error, STATUS_INVALID, "last must be a duration like 30s or 15m");
    enum status status = read_time("end", words->end, &range->end_ns, error);
    if (status == STATUS_OK) {
        range->start_ns = last_ns < range->end_ns ? range->end_ns - last_ns : 0;
        status = read_time("start", words->start, &range->start_ns, error);
    }
    if (status == STATUS_OK && range->start_ns >= range->end_ns)
        return error_set(error, STATUS_INVALID, "start must lie before end");
    return status;
}

static enum status read_baseline(const struct windows_words *words, struct windows *windows,
                                 struct error *error)
{
    struct windows_range *range = &windows->baseline;
    windows->has_baseline = is_given(words->base_start);
    if (is_given(words->base_start) != is_given(words->base_end))
        return error_set(error, STATUS_INVALID, "baseline_start and baseline_end belong together");
    enum status status = read_time("baseline_start", words->base_start, &range->start_ns, error);
    if (status == STATUS_OK)
        status = read_time("baseline_end", words->base_end, &range->end_ns, error);
    if (status == STATUS_OK && windows->has_baseline && range->start_ns >= range->end_ns)
        return error_set(error, STATUS_INVALID, "baseline_start must lie before baseline_end");
    return status;
}

static enum status read_limit(const char *word, uint32_t *limit, struct error *error)
{
    uint64_t number;
    if (!is_given(word))
        return STATUS_OK;
    if (text_to_u64(text_of(word), &number) != STATUS_OK || number == 0)
        return error_set(error, STATUS_INVALID, "limit must be a whole number above 0");
    *limit = number < WINDOWS_TRACES_MAX ? (uint32_t)number : WINDOWS_TRACES_MAX;
    return STATUS_OK;
}

enum status windows_read(const struct windows_words *words, uint64_t now_ns,
                         struct windows *windows, struct error *error)
{
    *windows = (struct windows){.current = {0, now_ns}, .limit = WINDOWS_TRACES};
    enum status status = read_current(words, &windows->current, error);
    if (status == STATUS_OK)
        status = read_baseline(words, windows, error);
    return status == STATUS_OK ? read_limit(words->limit, &windows->limit, error) : status;
}
