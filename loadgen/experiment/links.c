#include "loadgen/experiment/links.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hex.h"

enum { TENTHS = 10, WINDOW_MAX = 64 };

static const uint64_t tenth_ns = NS_PER_S / TENTHS;

const char *links_base(const struct lab_config *config, const struct target *target)
{
    if (config->target_path)
        return target_find(target, "query");
    if (config->keep_path && config->keep_path[0] && access(config->keep_path, R_OK) == 0)
        return "http://127.0.0.1:16686";
    return NULL;
}

void links_trace(char out[LINKS_MAX], const char *base, const uint8_t trace_id[16])
{
    char hex[33] = "";
    hex_encode(trace_id, 16, hex);
    snprintf(out, LINKS_MAX, "%s/trace/%s", base, hex);
}

/* "1795892290.1,8.4": Unix seconds, and how many. */
static void write_window(char out[WINDOW_MAX], const struct window_result *window)
{
    const uint64_t start = window->start_wall_ns / tenth_ns;
    const uint64_t end = (window->end_wall_ns + tenth_ns - 1) / tenth_ns;
    const uint64_t length = end > start ? end - start : 1;
    snprintf(out, WINDOW_MAX, "%" PRIu64 ".%" PRIu64 ",%" PRIu64 ".%" PRIu64, start / TENTHS,
             start % TENTHS, length / TENTHS, length % TENTHS);
}

void links_findings(char out[LINKS_MAX], const char *base, const struct window_result *now,
                    const struct window_result *before)
{
    char current[WINDOW_MAX], earlier[WINDOW_MAX] = "";
    write_window(current, now);
    if (before)
        write_window(earlier, before);
    snprintf(out, LINKS_MAX, "%s/findings?at=%s%s%s", base, current, before ? "&was=" : "",
             earlier);
}
