#include "base/hex.h"

void hex_encode(const uint8_t *bytes, size_t count, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < count; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
}

/* 0 to 15; 16 for what is no digit. */
static unsigned digit_value(char letter, bool any_case)
{
    if (letter >= '0' && letter <= '9')
        return (unsigned)(letter - '0');
    if (letter >= 'a' && letter <= 'f')
        return (unsigned)(letter - 'a') + 10;
    if (any_case && letter >= 'A' && letter <= 'F')
        return (unsigned)(letter - 'A') + 10;
    return 16;
}

bool hex_decode(const char *text, size_t count, bool any_case, uint8_t *out)
{
    for (size_t i = 0; i < count; i++) {
        const unsigned high = digit_value(text[2 * i], any_case);
        if (high > 15) /* before the next one is read: text may end here */
            return false;
        const unsigned low = digit_value(text[2 * i + 1], any_case);
        if (low > 15)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}
