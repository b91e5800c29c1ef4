/* The checkout flow of one simulated shopper: fill a cart, then check out. Who shops and what lies
 * in the cart follow from the seed and the flow's number alone, so that two windows at different
 * rates send the same carts; only names carry the window's nonce. Pure: no sockets, no clock. */
#ifndef CULPRIT_LOADGEN_WINDOW_FLOW_H
#define CULPRIT_LOADGEN_WINDOW_FLOW_H

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/status.h"
#include "base/text.h"
#include "loadgen/window/window.h"

#define FLOW_HOST "frontend" /* the logical name: of Host, server.address and url.full */

enum { FLOW_SKUS_MAX = 9999, FLOW_LINES_MAX = 500, FLOW_PATH_MAX = 96, FLOW_PORT = 80 };

/* What all flows of a window share; borrowed pointers. */
struct flow_shape {
    const char *const *tokens;
    size_t token_count;
    uint64_t seed;
    const char *nonce;
    unsigned lines_min, lines_max, lines_median, sku_count;
};

/* STATUS_INVALID with words: no tokens or ones that fit no header, a nonce that fits no path, line
 * limits out of order, more lines than products. */
MUST_CHECK enum status flow_shape_check(const struct flow_shape *shape, struct error *error);

struct flow {
    uint64_t number;
    enum window_step step;
    unsigned lines;
};

/* Flow `number` at its first step. */
void flow_begin(struct flow *flow, const struct flow_shape *shape, uint64_t number);

/* Of the flow's step: "PUT", "/cart/{cart_id}", and the path that is sent. */
const char *flow_method(const struct flow *flow);
const char *flow_template(const struct flow *flow);
const char *flow_span_name(const struct flow *flow); /* "PUT /cart/{cart_id}" */
void flow_path(const struct flow *flow, const struct flow_shape *shape, char out[FLOW_PATH_MAX]);

/* Appends the request of the flow's step; `headers` are whole lines, or "". `scratch` is
 * overwritten (its maximum bounds the body). Failure is out's. */
void flow_write(const struct flow *flow, const struct flow_shape *shape, const char *headers,
                struct buffer *scratch, struct buffer *out);

/* Whether an answer to the flow's step is what it should be: LOAD_OK,
 * LOAD_STATUS or LOAD_BODY. */
enum load_outcome flow_judge(const struct flow *flow, unsigned http_status, struct text body);

/* Goes on to the next step; false: that was the last one. */
bool flow_advance(struct flow *flow);

#endif
