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
struct span light_span_none;

static void fill(void)
{
    free_stack_fill(&free_slots, links, LIGHT_SPANS);
}

static struct slot *take_slot(struct light_spare *spare)
{
    if (spare != NULL && spare->span != NULL) {
        struct slot *slot = (struct slot *)(void *)spare->span;
        spare->span = NULL;
        return slot;
    }
    uint32_t index;
    pthread_once(&filled, fill);
    return free_stack_pop(&free_slots, &index) ? &slots[index] : NULL;
}

struct span *light_span_get(struct light_spare *spare, enum span_type type,
                            const struct span_context *context)
{
    struct slot *slot = take_slot(spare);
    if (slot == NULL)
        return &light_span_none;
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

static void give_back(struct span *span)
{
    free_stack_push(&free_slots, (uint32_t)((struct slot *)(void *)span - slots));
}

void light_span_put(struct light_spare *spare, struct span *span)
{
    if (span == &light_span_none)
        return;
    span->type = SPAN_TYPE_NONE;
    if (spare != NULL && spare->span == NULL)
        spare->span = span;
    else
        give_back(span);
}

void light_span_release(struct light_spare *spare)
{
    if (spare->span != NULL)
        give_back(spare->span);
    spare->span = NULL;
}
