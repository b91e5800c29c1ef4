#include "services/collector/body.h"

#include <stdlib.h>
#include <zlib.h>

enum {
    LEVEL = 1, /* a trace's text repeats itself so much that more effort gains little */
    WINDOW_RAW = -15,
    MEMORY_LEVEL = 8,
    CHUNK_BYTES = 16 * 1024,
    PACKED_MAX = 256 * 1024 * 1024,
};

struct body_packer {
    z_stream stream;
    struct buffer packed;
};

enum status body_packer_new(struct body_packer **out)
{
    struct body_packer *packer = calloc(1, sizeof(*packer));
    *out = NULL;
    if (!packer)
        return STATUS_NO_MEMORY;
    if (deflateInit2(&packer->stream, LEVEL, Z_DEFLATED, WINDOW_RAW, MEMORY_LEVEL,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
        free(packer);
        return STATUS_NO_MEMORY;
    }
    buffer_init(&packer->packed, PACKED_MAX);
    *out = packer;
    return STATUS_OK;
}

void body_packer_free(struct body_packer *packer)
{
    if (!packer)
        return;
    deflateEnd(&packer->stream);
    buffer_release(&packer->packed);
    free(packer);
}

/* Into room no larger than the plain bytes: what does not fit is not smaller. */
static bool deflate_smaller(struct body_packer *packer, struct text plain)
{
    uint8_t *room;
    buffer_clear(&packer->packed);
    if (packer->packed.capacity_bytes > PACKED_MAX / 64)
        buffer_release(&packer->packed);
    if (deflateReset(&packer->stream) != Z_OK ||
        buffer_extend(&packer->packed, plain.length, &room) != STATUS_OK)
        return false;
    packer->stream.next_in = (Bytef *)(uintptr_t)plain.data;
    packer->stream.avail_in = (uInt)plain.length;
    packer->stream.next_out = room;
    packer->stream.avail_out = (uInt)plain.length;
    return deflate(&packer->stream, Z_FINISH) == Z_STREAM_END;
}

enum body_coding body_pack(struct body_packer *packer, struct text plain, struct text *out)
{
    *out = plain;
    if (plain.length == 0 || plain.length > PACKED_MAX || !deflate_smaller(packer, plain))
        return BODY_PLAIN;
    *out = (struct text){(const char *)packer->packed.data, packer->stream.total_out};
    return BODY_DEFLATE;
}

static enum status inflate_all(z_stream *stream, struct buffer *out)
{
    uint8_t chunk[CHUNK_BYTES];
    int result = Z_OK;
    while (result == Z_OK && out->failed == STATUS_OK) {
        stream->next_out = chunk;
        stream->avail_out = sizeof(chunk);
        result = inflate(stream, Z_NO_FLUSH);
        buffer_append(out, chunk, sizeof(chunk) - stream->avail_out);
    }
    if (out->failed != STATUS_OK)
        return out->failed;
    return result == Z_STREAM_END ? STATUS_OK : STATUS_INVALID;
}

enum status body_unpack(enum body_coding coding, struct text packed, struct buffer *out)
{
    z_stream stream = {0};
    if (coding == BODY_PLAIN)
        return buffer_append(out, packed.data, packed.length);
    if (coding != BODY_DEFLATE || packed.length > UINT32_MAX)
        return STATUS_INVALID;
    if (inflateInit2(&stream, WINDOW_RAW) != Z_OK)
        return STATUS_NO_MEMORY;
    stream.next_in = (Bytef *)(uintptr_t)packed.data;
    stream.avail_in = (uInt)packed.length;
    const enum status status = inflate_all(&stream, out);
    inflateEnd(&stream);
    return status;
}
