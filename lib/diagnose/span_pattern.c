#include "diagnose/span_pattern.h"

#include <stddef.h>

/* A star that was passed may take one character more whenever the rest does not fit. */
bool span_pattern_has(const char *pattern, struct text text)
{
    const char *star = NULL;
    size_t at = 0, star_at = 0;
    if (pattern[0] == '\0')
        return true;
    while (at < text.length) {
        if (*pattern == '*') {
            star = pattern++;
            star_at = at;
        } else if (*pattern == text.data[at] && *pattern != '\0') {
            pattern++;
            at++;
        } else if (star != NULL) {
            pattern = star + 1;
            at = ++star_at;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}

bool span_pattern_matches(const struct span_pattern *pattern, struct text service,
                          struct text operation)
{
    return span_pattern_has(pattern->service, service) &&
           span_pattern_has(pattern->operation, operation);
}
