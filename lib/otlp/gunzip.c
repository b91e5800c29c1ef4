#include "otlp/gunzip.h"

#include <zlib.h>

enum { CHUNK_BYTES = 16 * 1024, WINDOW_GZIP = 15 + 16 };

/* Takes out what fits into one chunk. Z_OK, Z_STREAM_END, or an error of zlib's. */
static int inflate_chunk(z_stream *stream, struct buffer *out)
{
    uint8_t chunk[CHUNK_BYTES];
    stream->next_out = chunk;
    stream->avail_out = sizeof(chunk);
    const int result = inflate(stream, Z_NO_FLUSH);
    buffer_append(out, chunk, sizeof(chunk) - stream->avail_out);
    return result;
}

/* One member; what follows it stays in the stream. */
static enum status inflate_member(z_stream *stream, struct buffer *out)
{
    int result = Z_OK;
    while (result == Z_OK && out->failed == STATUS_OK)
        result = inflate_chunk(stream, out);
    if (out->failed != STATUS_OK)
        return out->failed;
    if (result == Z_MEM_ERROR)
        return STATUS_NO_MEMORY;
    return result == Z_STREAM_END ? STATUS_OK : STATUS_INVALID;
}

enum status gunzip(const void *bytes, size_t length_bytes, struct buffer *out)
{
    z_stream stream = {0};
    enum status status = STATUS_INVALID;
    if (length_bytes == 0 || length_bytes > UINT32_MAX)
        return length_bytes ? STATUS_TOO_LARGE : STATUS_INVALID;
    if (inflateInit2(&stream, WINDOW_GZIP) != Z_OK)
        return STATUS_NO_MEMORY;
    stream.next_in = (Bytef *)(uintptr_t)bytes;
    stream.avail_in = (uInt)length_bytes;
    while (stream.avail_in > 0) {
        status = inflate_member(&stream, out);
        if (status != STATUS_OK || inflateReset(&stream) != Z_OK)
            break;
    }
    inflateEnd(&stream);
    return status;
}

bool gunzip_looks_like_it(const void *bytes, size_t length_bytes)
{
    const uint8_t *head = bytes;
    return length_bytes >= 2 && head[0] == 0x1f && head[1] == 0x8b;
}
