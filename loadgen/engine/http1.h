/* Reads one HTTP/1.1 response at a time (RFC 9112) as its bytes come in, by whole lines: what is no
 * whole line yet stays with the caller, who offers it again with more behind it. Owns nothing,
 * never allocates, never keeps a pointer into the input. Strict where two readers could disagree
 * about where a response ends: then it is refused. */
#ifndef CULPRIT_LOADGEN_ENGINE_HTTP1_H
#define CULPRIT_LOADGEN_ENGINE_HTTP1_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "base/text.h"

enum {
    HTTP1_LINE_MAX = 8192,  /* bytes of one line, its end with it */
    HTTP1_HEAD_MAX = 65536, /* bytes of all lines of one response, of chunk sizes only extensions */
};

struct http1 {
    uint64_t body_max_bytes;
    uint64_t body_bytes; /* of the body so far */
    uint64_t left_bytes; /* of the body with a length, or of the chunk */
    uint32_t head_bytes;
    uint16_t http_status; /* of the status line read last; 0 before */
    uint8_t state;
    bool no_body; /* the answer to HEAD */
    bool has_length, is_chunked, has_other_coding;
    bool is_http10, said_close, said_keep_alive;
};

/* Ready for a response whose body has at most `body_max_bytes`; `no_body`: it answers HEAD. */
void http1_init(struct http1 *parser, uint64_t body_max_bytes, bool no_body);

/* Reads on. *used is how many bytes of `input` are done with; *body is the part of the body that
 * was among them, a slice of `input` (one call gives one part at most), else empty.
 * STATUS_OK: not done; with *used 0 it needs more input than it was offered, else call again with
 * the rest. STATUS_END: the response is complete, and what follows *used belongs to the next one.
 * STATUS_INVALID: not HTTP. STATUS_TOO_LARGE: over a limit. STATUS_UNSUPPORTED: a transfer coding
 * but chunked, or another protocol after 101. Interim responses (1xx) are passed over. */
MUST_CHECK enum status http1_feed(struct http1 *parser, struct text input, size_t *used,
                                  struct text *body);

/* What comes next is a line of the head. */
bool http1_in_head(const struct http1 *parser);

/* The other side closed. STATUS_END: that completes the response (a body with neither length nor
 * chunks); STATUS_CLOSED: it is cut off, or never began. */
MUST_CHECK enum status http1_close(const struct http1 *parser);

/* After STATUS_END: another request may follow on the same connection. */
bool http1_keeps_alive(const struct http1 *parser);

#endif
