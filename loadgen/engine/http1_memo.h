/* The head of the response that was read last, and what reading it came to. A response that begins
 * with the same bytes comes to the same, so it need not be read again: servers repeat their heads
 * byte for byte, but for a date once a second. Never guesses: every byte is compared, and where one
 * differs the response is read as ever. Plain value, empty when zeroed; one user at a time, for any
 * number of parsers. */
#ifndef CULPRIT_LOADGEN_ENGINE_HTTP1_MEMO_H
#define CULPRIT_LOADGEN_ENGINE_HTTP1_MEMO_H

#include <stddef.h>

#include "base/text.h"
#include "loadgen/engine/http1.h"

enum { HTTP1_MEMO_MAX = 1024 }; /* longer heads are not kept */

struct http1_memo {
    struct http1 after;
    size_t length; /* of `head`; 0: nothing kept */
    char head[HTTP1_MEMO_MAX];
};

/* Of a parser that was fed nothing since http1_init. Where `input` begins with the head that is
 * kept, goes on to behind it, and says how many bytes that was; else 0, and nothing changed. */
size_t http1_memo_recall(const struct http1_memo *memo, struct http1 *parser, struct text input);

/* `head`, all of it and no more, was fed to `parser` since http1_init. */
void http1_memo_keep(struct http1_memo *memo, const struct http1 *parser, struct text head);

#endif
