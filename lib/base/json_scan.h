/* The spelling half of the JSON reader: strings, escapes and numbers of RFC 8259, sections 6 and 7,
 * on a borrowed run of bytes. Never reads at or behind `end`, never allocates; pure functions. */
#ifndef CULPRIT_BASE_JSON_SCAN_H
#define CULPRIT_BASE_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>

/* `at` is behind the opening quote. Returns the closing quote; on a fault the place of it, and
 * *fault has words (else NULL). *has_escapes: some backslash stands between. */
const char *json_scan_string(const char *at, const char *end, bool *has_escapes,
                             const char **fault);

/* `at` is at a backslash. Returns the length of the escape (of both halves where a pair of
 * surrogates makes one character), 0 when it is none; `out` gets its UTF-8, *out_bytes how much. */
size_t json_scan_escape(const char *at, const char *end, char out[4], size_t *out_bytes);

/* The end of the number at `at`, or NULL when JSON writes none so. */
const char *json_scan_number(const char *at, const char *end);

#endif
