#include "loadgen/engine/http1_memo.h"

#include <string.h>

size_t http1_memo_recall(const struct http1_memo *memo, struct http1 *parser, struct text input)
{
    const struct http1 *after = &memo->after;
    if (memo->length == 0 || input.length < memo->length || parser->head_bytes != 0 ||
        parser->body_max_bytes != after->body_max_bytes || parser->no_body != after->no_body ||
        memcmp(input.data, memo->head, memo->length) != 0)
        return 0;
    *parser = *after;
    return memo->length;
}

void http1_memo_keep(struct http1_memo *memo, const struct http1 *parser, struct text head)
{
    if (head.length > HTTP1_MEMO_MAX)
        return;
    memo->after = *parser;
    memo->length = head.length;
    memcpy(memo->head, head.data, head.length);
}
