/* The outcome of a response must not depend on where the network cuts it: each input is read whole
 * and again in pieces whose lengths follow from its first byte. Nor on whether its head was read
 * before: it is read a third time with the memo of the first. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "loadgen/engine/http1.h"
#include "loadgen/engine/http1_memo.h"

enum { BODY_MAX = 1 << 16 };

struct outcome {
    enum status status, close_status;
    size_t used_bytes;
    uint64_t body_bytes, body_hash;
    unsigned http_status;
    bool keeps_alive;
};

/* Offers input[at, until) until it wants more; a copy of its own, so that ASan sees the end. */
static void offer(struct http1 *parser, const uint8_t *input, size_t until, struct outcome *outcome)
{
    while (outcome->status == STATUS_OK) {
        size_t length = until - outcome->used_bytes, used;
        char *copy = malloc(length + 1);
        if (copy == NULL)
            abort();
        memcpy(copy + 1, input + outcome->used_bytes, length); /* ends at the end of the block */
        struct text body;
        outcome->status = http1_feed(parser, (struct text){copy + 1, length}, &used, &body);
        assert(used <= length && body.length <= used);
        for (size_t i = 0; i < body.length; i++)
            outcome->body_hash = (outcome->body_hash ^ (uint8_t)body.data[i]) * 0x100000001b3u;
        outcome->body_bytes += body.length;
        outcome->used_bytes += used;
        free(copy);
        if (used == 0)
            break;
    }
}

/* The bytes of the head: 0 where it is not whole, or refused. */
static size_t keep_head(const uint8_t *input, size_t length, struct http1_memo *memo)
{
    struct http1 parser;
    struct text body;
    size_t at = 0, used = 1;
    enum status status = STATUS_OK;
    http1_init(&parser, BODY_MAX, false);
    for (; status == STATUS_OK && used > 0 && http1_in_head(&parser); at += used)
        status =
            http1_feed(&parser, (struct text){(const char *)input + at, length - at}, &used, &body);
    if (http1_in_head(&parser) || (status != STATUS_OK && status != STATUS_END))
        return 0;
    http1_memo_keep(memo, &parser, (struct text){(const char *)input, at});
    return at;
}

/* By the memo and as ever: the same. */
static void read_again(const uint8_t *input, size_t length)
{
    static struct http1_memo memo; /* of earlier inputs, at first */
    struct http1 parser, known;
    const struct text text = {(const char *)input, length};
    for (int turn = 0; turn < 2; turn++) {
        http1_init(&known, BODY_MAX, false);
        size_t recalled = http1_memo_recall(&memo, &known, text);
        size_t head = keep_head(input, length, &memo);
        assert(recalled == 0 || recalled == head);
        assert(turn == 0 || head > HTTP1_MEMO_MAX || recalled == head);
        if (recalled == 0)
            continue;
        parser = memo.after;
        assert(parser.state == known.state && parser.http_status == known.http_status);
        assert(parser.left_bytes == known.left_bytes && parser.head_bytes == known.head_bytes);
        assert(http1_keeps_alive(&parser) == http1_keeps_alive(&known));
    }
}

static struct outcome read_in_pieces(const uint8_t *input, size_t length, size_t piece)
{
    struct http1 parser;
    struct outcome outcome = {.status = STATUS_OK};
    http1_init(&parser, BODY_MAX, false);
    for (size_t until = 0; outcome.status == STATUS_OK && until < length;) {
        until = piece < length - until ? until + piece : length;
        offer(&parser, input, until, &outcome);
    }
    outcome.close_status = http1_close(&parser);
    outcome.keeps_alive = http1_keeps_alive(&parser);
    outcome.http_status = parser.http_status;
    assert(outcome.body_bytes == parser.body_bytes && outcome.body_bytes <= BODY_MAX);
    return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const uint8_t *input = data + 1;
    struct outcome whole = read_in_pieces(input, size - 1, SIZE_MAX);
    struct outcome pieces = read_in_pieces(input, size - 1, data[0] % 31 + 1u);
    assert(whole.status == pieces.status);
    read_again(input, size - 1);
    /* On a refusal a part of the body may have been seen or not. */
    if (whole.status != STATUS_OK && whole.status != STATUS_END)
        return 0;
    assert(whole.used_bytes == pieces.used_bytes);
    assert(whole.body_bytes == pieces.body_bytes && whole.body_hash == pieces.body_hash);
    assert(whole.close_status == pieces.close_status);
    assert(whole.keeps_alive == pieces.keeps_alive);
    assert(whole.http_status == pieces.http_status);
    return 0;
}
