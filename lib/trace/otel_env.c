#include "trace/otel_env.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"

const char *otel_env_value(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

void otel_env_warn(const char *name, const char *value)
{
    log_event(LOG_WARN, LOG_NO_IDS, "ignoring a wrong environment variable",
              LOG_TEXT("variable", name), LOG_TEXT("value", value));
}

void otel_env_text(const char *name, char *out, size_t size)
{
    const char *value = otel_env_value(name);
    if (value == NULL)
        return;
    if (strlen(value) >= size)
        otel_env_warn(name, value);
    else
        text_copy(text_of(value), out, size);
}

void otel_env_u32(const char *name, uint32_t least, uint32_t most, uint32_t *out)
{
    const char *value = otel_env_value(name);
    uint64_t number;
    if (value == NULL)
        return;
    if (text_to_u64(text_of(value), &number) != STATUS_OK || number < least || number > most)
        otel_env_warn(name, value);
    else
        *out = (uint32_t)number;
}

void otel_env_timeout_ms(const char *name, uint32_t *out)
{
    otel_env_u32(name, 0, INT32_MAX, out);
    if (*out == 0)
        *out = INT32_MAX;
}

bool otel_env_is_true(const char *name)
{
    const char *value = otel_env_value(name);
    if (value == NULL || strcasecmp(value, "false") == 0)
        return false;
    if (strcasecmp(value, "true") == 0)
        return true;
    otel_env_warn(name, value);
    return false;
}

int otel_env_choice(const char *name, const char *const *words, size_t count)
{
    const char *value = otel_env_value(name);
    for (size_t i = 0; value != NULL && i < count; i++)
        if (strcasecmp(value, words[i]) == 0)
            return (int)i;
    if (value != NULL)
        otel_env_warn(name, value);
    return -1;
}
