/* One list of outcomes for the whole tree, and the error text that a caller owns.
 *
 * A function that can fail returns `enum status`; the compiler warns where it is dropped. Where a
 * person wrote the input (flags, scenario, topology, request body) the last parameter is a
 * `struct error *`, may be NULL, and gets words that say what is wrong and where.
 * Never allocates, never logs; callable from any thread. */
#ifndef CULPRIT_BASE_STATUS_H
#define CULPRIT_BASE_STATUS_H

#define STATUS_LIST(X)                                                                             \
    X(OK, "ok")                                                                                    \
    X(END, "no more items")                                                                        \
    X(INVALID, "invalid input")                                                                    \
    X(TOO_LARGE, "over a limit")                                                                   \
    X(NO_MEMORY, "out of memory")                                                                  \
    X(NOT_FOUND, "not found")                                                                      \
    X(EXISTS, "exists already")                                                                    \
    X(TIMEOUT, "deadline passed")                                                                  \
    X(CLOSED, "closed by the other side")                                                          \
    X(REFUSED, "refused")                                                                          \
    X(BUSY, "busy")                                                                                \
    X(IO, "input or output failed")                                                                \
    X(UNSUPPORTED, "not supported")                                                                \
    X(INTERRUPTED, "interrupted")

enum status {
#define STATUS_ENUM(name, words) STATUS_##name,
    STATUS_LIST(STATUS_ENUM)
#undef STATUS_ENUM
};

#define MUST_CHECK                       __attribute__((warn_unused_result))
#define PRINTF_LIKE(format_at, first_at) __attribute__((format(printf, format_at, first_at)))

/* Words for people; empty text means no error. Caller-owned, `{0}` is a valid empty one. */
struct error {
    char text[480];
};

/* Fixed lower-case words of a status, never NULL. */
const char *status_words(enum status status);

/* Writes words into `error` (when not NULL; cut at its size) and returns `status`, so that one line
 * does both: `return error_set(error, STATUS_INVALID, "%s:%d: ...", file, line)`. */
enum status error_set(struct error *error, enum status status, const char *format, ...)
    PRINTF_LIKE(3, 4);

#endif
