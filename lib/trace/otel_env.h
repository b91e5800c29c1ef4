/* Reads OTEL_* variables by the specification's rules: empty is as if unset, a wrong value is
 * logged and ignored. At start only: getenv is not for threads. */
#ifndef CULPRIT_TRACE_OTEL_ENV_H
#define CULPRIT_TRACE_OTEL_ENV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* NULL: unset or empty. */
const char *otel_env_value(const char *name);

/* Logs that the value is ignored. */
void otel_env_warn(const char *name, const char *value);

/* Each leaves *out as it is where the variable is unset or wrong. */
void otel_env_text(const char *name, char *out, size_t size);
void otel_env_u32(const char *name, uint32_t least, uint32_t most, uint32_t *out);

/* Milliseconds; 0 is "no limit": here every wait has one, so that it becomes the longest. */
void otel_env_timeout_ms(const char *name, uint32_t *out);

/* true only for "true", in any case; unset and all else is false. */
bool otel_env_is_true(const char *name);

/* One of `count` words, in any case: its index, or -1. */
int otel_env_choice(const char *name, const char *const *words, size_t count);

#endif
