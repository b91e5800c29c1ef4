/* A stored trace's bytes: TracesData, deflated where that is smaller. One packer belongs to one
 * thread and keeps its memory from trace to trace. */
#ifndef CULPRIT_COLLECTOR_BODY_H
#define CULPRIT_COLLECTOR_BODY_H

#include "base/buffer.h"
#include "base/text.h"

enum body_coding { BODY_PLAIN = 0, BODY_DEFLATE = 1 };

struct body_packer;

MUST_CHECK enum status body_packer_new(struct body_packer **out);
void body_packer_free(struct body_packer *packer);

/* *out borrows from the packer or from `plain`, until the next call. */
enum body_coding body_pack(struct body_packer *packer, struct text plain, struct text *out);

/* Appends the plain bytes. STATUS_INVALID: damaged; else the buffer's. */
MUST_CHECK enum status body_unpack(enum body_coding coding, struct text packed, struct buffer *out);

#endif
