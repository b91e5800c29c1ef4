#include "base/hex.h"

#include <endian.h>
#include <string.h>

/* Four bytes at once: their halves are spread over the eight bytes of a word, each is made a digit
 * of its own. */
static void encode_four(const uint8_t bytes[4], char out[8])
{
    const uint64_t ones = 0x0101010101010101u;
    uint32_t four;
    memcpy(&four, bytes, sizeof(four));
    uint64_t spread = le32toh(four);
    spread = (spread | spread << 16) & 0x0000ffff0000ffffu;
    spread = (spread | spread << 8) & 0x00ff00ff00ff00ffu;
    uint64_t halves = (spread >> 4 & 0x000f000f000f000fu) | (spread & 0x000f000f000f000fu) << 8;
    uint64_t is_letter = (halves + 6 * ones) >> 4 & ones;
    uint64_t digits = htole64(halves + '0' * ones + is_letter * ('a' - '9' - 1));
    memcpy(out, &digits, sizeof(digits));
}

void hex_encode(const uint8_t *bytes, size_t count, char *out)
{
    static const char digits[] = "0123456789abcdef";
    size_t i = 0;
    for (; count - i >= 4; i += 4)
        encode_four(bytes + i, out + 2 * i);
    for (; i < count; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
}

/* 0 to 15; 16 for what is no digit. Chooses without branches: ids are random, no processor guesses
 * which of their digits are letters. */
static inline unsigned digit_value(char digit, bool any_case)
{
    const unsigned byte = (unsigned char)digit;
    const unsigned decimal = byte - '0', letter = (any_case ? byte | 0x20 : byte) - 'a';
    const unsigned above_9 = letter < 6 ? letter + 10 : 16;
    return decimal < 10 ? decimal : above_9;
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
