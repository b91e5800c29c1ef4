/* Protobuf fields appended to a buffer: base/wire.h over memory that grows. Failure is the buffer's
 * sticky one, so that a message is written blindly and looked at once. */
#ifndef CULPRIT_OTLP_PROTO_OUT_H
#define CULPRIT_OTLP_PROTO_OUT_H

#include "base/buffer.h"
#include "base/wire.h"

enum { PROTO_OUT_HEAD_BYTES = 20 }; /* two varints at their longest */

/* A writer over `length_bytes` of room behind the content; empty when there is none. */
static inline struct wire_writer proto_out_open(struct buffer *out, size_t length_bytes)
{
    struct wire_writer writer = {0};
    if (buffer_reserve(out, length_bytes) != STATUS_OK) {
        writer.overflow = true;
        return writer;
    }
    writer.at = out->data + out->length_bytes;
    writer.end = out->data + out->capacity_bytes;
    return writer;
}

static inline void proto_out_close(struct buffer *out, const struct wire_writer *writer)
{
    if (writer->overflow)
        return;
    out->length_bytes = (size_t)(writer->at - out->data);
    out->data[out->length_bytes] = '\0';
}

static inline void proto_out_u64(struct buffer *out, uint32_t number, uint64_t value)
{
    struct wire_writer writer = proto_out_open(out, PROTO_OUT_HEAD_BYTES);
    wire_put_u64(&writer, number, value);
    proto_out_close(out, &writer);
}

/* Left out when it is 0, as proto3 does. */
static inline void proto_out_u64_if(struct buffer *out, uint32_t number, uint64_t value)
{
    if (value != 0)
        proto_out_u64(out, number, value);
}

static inline void proto_out_fixed64(struct buffer *out, uint32_t number, uint64_t value)
{
    struct wire_writer writer = proto_out_open(out, PROTO_OUT_HEAD_BYTES);
    wire_put_fixed64(&writer, number, value);
    proto_out_close(out, &writer);
}

static inline void proto_out_fixed32(struct buffer *out, uint32_t number, uint32_t value)
{
    struct wire_writer writer = proto_out_open(out, PROTO_OUT_HEAD_BYTES);
    wire_put_fixed32(&writer, number, value);
    proto_out_close(out, &writer);
}

static inline void proto_out_double(struct buffer *out, uint32_t number, double value)
{
    struct wire_writer writer = proto_out_open(out, PROTO_OUT_HEAD_BYTES);
    wire_put_double(&writer, number, value);
    proto_out_close(out, &writer);
}

static inline void proto_out_bytes(struct buffer *out, uint32_t number, const void *bytes,
                                   size_t length_bytes)
{
    if (length_bytes > out->max_bytes) {
        out->failed = STATUS_TOO_LARGE;
        return;
    }
    struct wire_writer writer = proto_out_open(out, length_bytes + PROTO_OUT_HEAD_BYTES);
    wire_put_bytes(&writer, number, bytes, length_bytes);
    proto_out_close(out, &writer);
}

static inline void proto_out_text(struct buffer *out, uint32_t number, struct text value)
{
    if (value.length > 0)
        proto_out_bytes(out, number, value.data, value.length);
}

/* The head of a message of known length; the caller appends the body. */
static inline void proto_out_head(struct buffer *out, uint32_t number, size_t length_bytes)
{
    struct wire_writer writer = proto_out_open(out, PROTO_OUT_HEAD_BYTES);
    wire_put_tag(&writer, number, WIRE_BYTES);
    wire_put_varint(&writer, length_bytes);
    proto_out_close(out, &writer);
}

/* A message of unknown length: its length takes 5 bytes, padded. The mark is an offset, as the
 * buffer may move. */
static inline size_t proto_out_begin(struct buffer *out, uint32_t number)
{
    struct wire_writer writer = proto_out_open(out, PROTO_OUT_HEAD_BYTES);
    uint8_t *mark = NULL;
    wire_begin(&writer, number, &mark);
    proto_out_close(out, &writer);
    return mark ? (size_t)(mark - out->data) : 0;
}

static inline void proto_out_end(struct buffer *out, size_t mark)
{
    if (out->failed != STATUS_OK)
        return;
    struct wire_writer writer = {out->data + out->length_bytes, out->data + out->capacity_bytes,
                                 false};
    wire_end(&writer, out->data + mark);
    if (writer.overflow)
        out->failed = STATUS_TOO_LARGE;
}

#endif
