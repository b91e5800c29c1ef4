/* A growing run of bytes with a required maximum.
 *
 * Invariants: length <= capacity <= max. After a failed append the content is what it was and
 * `failed` stays set until buffer_clear, so that a writer may append many times and look once.
 * The bytes are followed by a NUL that does not count, so text can be read as a C string.
 * One owner at a time, no locks. */
#ifndef CULPRIT_BASE_BUFFER_H
#define CULPRIT_BASE_BUFFER_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct buffer {
    uint8_t *data; /* NULL while nothing was ever appended */
    size_t length_bytes;
    size_t capacity_bytes;
    size_t max_bytes;
    enum status failed; /* STATUS_OK, STATUS_TOO_LARGE or STATUS_NO_MEMORY; sticky */
};

/* Makes it empty; max_bytes must be above 0. Allocates nothing. */
void buffer_init(struct buffer *buffer, size_t max_bytes);

/* Frees the bytes and leaves it empty with the same maximum. May be called twice, and on `{0}`. */
void buffer_release(struct buffer *buffer);

/* Forgets content and failure, keeps the memory. */
void buffer_clear(struct buffer *buffer);

/* STATUS_TOO_LARGE, STATUS_NO_MEMORY; also the earlier failure when `failed` is set. The status may
 * be ignored where buffer.failed is looked at later. */
enum status buffer_append(struct buffer *buffer, const void *bytes, size_t length_bytes);
enum status buffer_append_text(struct buffer *buffer, const char *text);
enum status buffer_append_byte(struct buffer *buffer, uint8_t byte);
enum status buffer_printf(struct buffer *buffer, const char *format, ...) PRINTF_LIKE(2, 3);
enum status buffer_vprintf(struct buffer *buffer, const char *format, va_list arguments);

/* Room for `length_bytes` more without growing again. */
enum status buffer_reserve(struct buffer *buffer, size_t length_bytes);

/* Reserves room and moves the end on; the caller fills what *out points to. */
enum status buffer_extend(struct buffer *buffer, size_t length_bytes, uint8_t **out);

/* Drops the first `length_bytes` (at most all) by moving the rest down. */
void buffer_consume(struct buffer *buffer, size_t length_bytes);

/* The content as a C string; "" when empty. Borrowed until the next change. */
const char *buffer_text(const struct buffer *buffer);

/* The memory goes to the caller (free() it; NULL when nothing was appended), the buffer is empty.
 */
uint8_t *buffer_take(struct buffer *buffer, size_t *length_bytes);

/* Appends a whole file; the content is what it was when that fails. STATUS_NOT_FOUND, STATUS_IO,
 * STATUS_TOO_LARGE, STATUS_NO_MEMORY; words in `error`. */
MUST_CHECK enum status buffer_read_file(struct buffer *buffer, const char *path,
                                        struct error *error);

/* Writes `path` whole or not at all (temporary file beside it, then rename); what is no regular
 * file, as a pipe, is written in place. A buffer that failed is not written: its status comes back.
 * STATUS_NOT_FOUND, STATUS_IO; words in `error`. */
MUST_CHECK enum status buffer_write_file(const struct buffer *buffer, const char *path,
                                         struct error *error);

#endif
