#include "base/status.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

const char *status_words(enum status status)
{
    static const char *const words[] = {
#define STATUS_WORDS(name, text) [STATUS_##name] = text,
        STATUS_LIST(STATUS_WORDS)
#undef STATUS_WORDS
    };
    const size_t at = (size_t)status;
    return at < sizeof(words) / sizeof(words[0]) ? words[at] : "unknown status";
}

enum status error_set(struct error *error, enum status status, const char *format, ...)
{
    if (!error)
        return status;
    /* Through a copy: callers put their own words around those that are already in `error`. */
    struct error next = {{0}};
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(next.text, sizeof(next.text), format, arguments);
    va_end(arguments);
    memcpy(error->text, next.text, strlen(next.text) + 1);
    return status;
}
