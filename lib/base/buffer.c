#include "base/buffer.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CAPACITY_MIN = 64, READ_CHUNK = 64 * 1024 };

void buffer_init(struct buffer *buffer, size_t max_bytes)
{
    assert(max_bytes > 0);
    *buffer = (struct buffer){.max_bytes = max_bytes};
}

void buffer_release(struct buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct buffer){.max_bytes = buffer->max_bytes};
}

static void set_length(struct buffer *buffer, size_t length_bytes)
{
    buffer->length_bytes = length_bytes;
    if (buffer->data)
        buffer->data[length_bytes] = '\0';
}

void buffer_clear(struct buffer *buffer)
{
    set_length(buffer, 0);
    buffer->failed = STATUS_OK;
}

static enum status fail(struct buffer *buffer, enum status status)
{
    buffer->failed = status;
    return status;
}

/* At least doubles, so that n appends move O(n) bytes. One byte more is for the NUL. */
static enum status grow(struct buffer *buffer, size_t needed_bytes)
{
    size_t capacity = buffer->capacity_bytes < CAPACITY_MIN ? CAPACITY_MIN : buffer->capacity_bytes;
    while (capacity < needed_bytes && capacity <= buffer->max_bytes / 2)
        capacity *= 2;
    if (capacity < needed_bytes || capacity > buffer->max_bytes)
        capacity = buffer->max_bytes;
    if (capacity == SIZE_MAX)
        return fail(buffer, STATUS_NO_MEMORY);
    uint8_t *data = realloc(buffer->data, capacity + 1);
    if (!data)
        return fail(buffer, STATUS_NO_MEMORY);
    buffer->data = data;
    buffer->capacity_bytes = capacity;
    set_length(buffer, buffer->length_bytes);
    return STATUS_OK;
}

enum status buffer_reserve(struct buffer *buffer, size_t length_bytes)
{
    if (buffer->failed != STATUS_OK)
        return buffer->failed;
    if (length_bytes > buffer->max_bytes - buffer->length_bytes)
        return fail(buffer, STATUS_TOO_LARGE);
    if (length_bytes <= buffer->capacity_bytes - buffer->length_bytes)
        return STATUS_OK;
    return grow(buffer, buffer->length_bytes + length_bytes);
}

enum status buffer_extend(struct buffer *buffer, size_t length_bytes, uint8_t **out)
{
    *out = NULL;
    const enum status status = buffer_reserve(buffer, length_bytes);
    if (status != STATUS_OK || !buffer->data)
        return status;
    *out = buffer->data + buffer->length_bytes;
    set_length(buffer, buffer->length_bytes + length_bytes);
    return STATUS_OK;
}

enum status buffer_append(struct buffer *buffer, const void *bytes, size_t length_bytes)
{
    uint8_t *out;
    if (length_bytes <= buffer->capacity_bytes - buffer->length_bytes && length_bytes > 0 &&
        buffer->failed == STATUS_OK) { /* the usual case, without a call */
        memcpy(buffer->data + buffer->length_bytes, bytes, length_bytes);
        set_length(buffer, buffer->length_bytes + length_bytes);
        return STATUS_OK;
    }
    const enum status status = buffer_extend(buffer, length_bytes, &out);
    if (out && length_bytes > 0)
        memcpy(out, bytes, length_bytes);
    return status;
}

enum status buffer_append_text(struct buffer *buffer, const char *text)
{
    return buffer_append(buffer, text, strlen(text));
}

enum status buffer_append_byte(struct buffer *buffer, uint8_t byte)
{
    return buffer_append(buffer, &byte, 1);
}

enum status buffer_printf(struct buffer *buffer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const enum status status = buffer_vprintf(buffer, format, arguments);
    va_end(arguments);
    return status;
}

enum status buffer_vprintf(struct buffer *buffer, const char *format, va_list arguments)
{
    char small[256]; /* most texts are short: they are formatted once */
    uint8_t *out;
    va_list again;
    va_copy(again, arguments);
    const int length = vsnprintf(small, sizeof(small), format, arguments);
    enum status status = buffer->failed;
    if (length < 0)
        status = status != STATUS_OK ? status : fail(buffer, STATUS_TOO_LARGE);
    else if ((size_t)length < sizeof(small))
        status = buffer_append(buffer, small, (size_t)length);
    else if ((status = buffer_extend(buffer, (size_t)length, &out)) == STATUS_OK)
        vsnprintf((char *)out, (size_t)length + 1, format, again);
    va_end(again);
    return status;
}

void buffer_consume(struct buffer *buffer, size_t length_bytes)
{
    if (length_bytes == 0)
        return;
    if (length_bytes >= buffer->length_bytes) {
        set_length(buffer, 0);
        return;
    }
    const size_t rest = buffer->length_bytes - length_bytes;
    memmove(buffer->data, buffer->data + length_bytes, rest);
    set_length(buffer, rest);
}

const char *buffer_text(const struct buffer *buffer)
{
    return buffer->data ? (const char *)buffer->data : "";
}

uint8_t *buffer_take(struct buffer *buffer, size_t *length_bytes)
{
    uint8_t *data = buffer->data;
    *length_bytes = buffer->length_bytes;
    *buffer = (struct buffer){.max_bytes = buffer->max_bytes};
    return data;
}

static enum status file_fault(struct error *error, const char *path, int code)
{
    const enum status status = code == ENOENT || code == ENOTDIR ? STATUS_NOT_FOUND : STATUS_IO;
    return error_set(error, status, "%s: %s", path, strerror(code));
}

/* read() and write() that a signal does not end. */
static ssize_t read_some(int fd, void *out, size_t length_bytes)
{
    ssize_t count;
    do {
        count = read(fd, out, length_bytes);
    } while (count < 0 && errno == EINTR);
    return count;
}

static bool write_all(int fd, const uint8_t *bytes, size_t length_bytes)
{
    while (length_bytes > 0) {
        const ssize_t count = write(fd, bytes, length_bytes);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return false;
        bytes += count;
        length_bytes -= (size_t)count;
    }
    return true;
}

/* A file of exactly the maximum must pass, so the byte behind it is asked for too. */
static enum status read_whole(struct buffer *buffer, int fd, const char *path, struct error *error)
{
    for (;;) {
        uint8_t probe = 0;
        size_t room = buffer->max_bytes - buffer->length_bytes;
        room = room < READ_CHUNK ? room : READ_CHUNK;
        if (buffer_reserve(buffer, room) != STATUS_OK)
            return error_set(error, buffer->failed, "%s: %s", path, status_words(buffer->failed));
        uint8_t *out = room ? buffer->data + buffer->length_bytes : &probe;
        const ssize_t count = read_some(fd, out, room ? room : sizeof(probe));
        if (count == 0)
            return STATUS_OK;
        if (count < 0)
            return file_fault(error, path, errno);
        if (room == 0) {
            fail(buffer, STATUS_TOO_LARGE);
            return error_set(error, STATUS_TOO_LARGE, "%s: over %zu bytes", path,
                             buffer->max_bytes);
        }
        set_length(buffer, buffer->length_bytes + (size_t)count);
    }
}

enum status buffer_read_file(struct buffer *buffer, const char *path, struct error *error)
{
    const size_t before = buffer->length_bytes;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return file_fault(error, path, errno);
    const enum status status = read_whole(buffer, fd, path, error);
    close(fd);
    if (status != STATUS_OK)
        set_length(buffer, before);
    return status;
}

/* close() is looked at: some file systems tell only then that the disk is full. */
static int write_and_close(const struct buffer *buffer, int fd)
{
    int code = write_all(fd, buffer->data, buffer->length_bytes) ? 0 : errno;
    if (close(fd) != 0 && code == 0)
        code = errno;
    return code;
}

/* Not mkstemp(): that makes files which only their owner may read. */
static int open_beside(const char *path, char *name, size_t size)
{
    static atomic_uint serial;
    for (int tries = 0; tries < 16; tries++) {
        const int length = snprintf(name, size, "%s.%ld.%u.tmp", path, (long)getpid(),
                                    atomic_fetch_add_explicit(&serial, 1, memory_order_relaxed));
        if (length < 0 || (size_t)length >= size) {
            errno = ENAMETOOLONG;
            return -1;
        }
        const int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0 || errno != EEXIST)
            return fd;
    }
    return -1;
}

enum status buffer_write_file(const struct buffer *buffer, const char *path, struct error *error)
{
    char name[PATH_MAX];
    struct stat found;
    if (buffer->failed != STATUS_OK)
        return error_set(error, buffer->failed, "%s: not written: the content is %s", path,
                         status_words(buffer->failed));
    /* A terminal, a pipe or /dev/null must stay what it is. */
    const bool in_place = stat(path, &found) == 0 && !S_ISREG(found.st_mode);
    const int fd =
        in_place ? open(path, O_WRONLY | O_CLOEXEC) : open_beside(path, name, sizeof(name));
    if (fd < 0)
        return file_fault(error, path, errno);
    int code = write_and_close(buffer, fd);
    if (!in_place && code == 0 && rename(name, path) != 0)
        code = errno;
    if (!in_place && code != 0)
        unlink(name);
    return code == 0 ? STATUS_OK : file_fault(error, path, code);
}
