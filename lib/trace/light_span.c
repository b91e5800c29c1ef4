#include "trace/light_span.h"

#include <pthread.h>
#include <string.h>

#include "trace/free_stack.h"

struct slot {
    struct span span; /* first: a span's address is its slot's */
    char trace_state[TRACE_STATE_MAX];
};

/* Untouched slots cost address space alone: the stack hands out the last returned first. */
static struct slot slots[LIGHT_SPANS];
static _Atomic uint32_t links[LIGHT_SPANS];
static struct free_stack free_slots;
static pthread_once_t filled = PTHREAD_ONCE_INIT;
static struct span none;

static void fill(void)
{
    free_stack_fill(&free_slots, links, LIGHT_SPANS);
}

struct span *light_span_none(void)
{
    return &none;
}

struct span *light_span_get(enum span_type type, const struct span_context *context)
{
    uint32_t index;
    pthread_once(&filled, fill);
    if (!free_stack_pop(&free_slots, &index))
        return &none;
    struct slot *slot = &slots[index];
    slot->span.type = (uint8_t)type;
    slot->span.context = *context;
    struct text state = context->trace_state;
    if (state.length > sizeof slot->trace_state)
        state.length = 0;
    if (state.length > 0)
        memcpy(slot->trace_state, state.data, state.length);
    slot->span.context.trace_state = (struct text){slot->trace_state, state.length};
    return &slot->span;
}

void light_span_put(struct span *span)
{
    if (span == &none)
        return;
    struct slot *slot = (struct slot *)(void *)span;
    span->type = SPAN_TYPE_NONE;
    free_stack_push(&free_slots, (uint32_t)(slot - slots));
}
