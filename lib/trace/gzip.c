#include "trace/gzip.h"

#include <stdlib.h>
#include <zlib.h>

/* Level 1 makes spans five times smaller; level 6 takes 2.5 times as long for 6 % more. */
enum { LEVEL = 1, GZIP_WINDOW_BITS = 15 + 16, MEMORY_LEVEL = 8 };

struct gzip {
    z_stream stream;
};

enum status gzip_new(struct gzip **gzip)
{
    struct gzip *made = calloc(1, sizeof *made);
    *gzip = NULL;
    if (made == NULL)
        return STATUS_NO_MEMORY;
    if (deflateInit2(&made->stream, LEVEL, Z_DEFLATED, GZIP_WINDOW_BITS, MEMORY_LEVEL,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
        free(made);
        return STATUS_NO_MEMORY;
    }
    *gzip = made;
    return STATUS_OK;
}

void gzip_free(struct gzip *gzip)
{
    if (gzip == NULL)
        return;
    deflateEnd(&gzip->stream);
    free(gzip);
}

enum status gzip_deflate(struct gzip *gzip, const void *bytes, size_t length_bytes,
                         struct buffer *out)
{
    uint8_t *to;
    deflateReset(&gzip->stream);
    size_t most = deflateBound(&gzip->stream, (uLong)length_bytes), before = out->length_bytes;
    if (length_bytes > UINT32_MAX || most > UINT32_MAX)
        return STATUS_TOO_LARGE;
    enum status status = buffer_extend(out, most, &to);
    if (status != STATUS_OK)
        return status;
    gzip->stream.next_in = (Bytef *)(uintptr_t)bytes;
    gzip->stream.avail_in = (uInt)length_bytes;
    gzip->stream.next_out = to;
    gzip->stream.avail_out = (uInt)most;
    if (deflate(&gzip->stream, Z_FINISH) != Z_STREAM_END)
        return STATUS_TOO_LARGE; /* the bound is one: cannot be */
    out->length_bytes = before + (most - gzip->stream.avail_out);
    return STATUS_OK;
}
