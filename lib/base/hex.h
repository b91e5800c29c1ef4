/* Bytes as lower-case hex and back. Never allocates. */
#ifndef CULPRIT_BASE_HEX_H
#define CULPRIT_BASE_HEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Writes 2 * count digits and no terminator. */
void hex_encode(const uint8_t *bytes, size_t count, char *out);

/* Reads exactly 2 * count digits. With `any_case` upper-case digits pass too. false: some digit is
 * not one; `out` is then undefined. */
bool hex_decode(const char *text, size_t count, bool any_case, uint8_t *out);

#endif
