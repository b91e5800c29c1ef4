#include "trace/losses.h"

#include "base/clock.h"
#include "base/log.h"
#include "trace/trace_thread.h"

static const uint64_t log_gap_ns = 10 * NS_PER_S;

/* A loss that the program should know of, said again only after a while. */
struct loss {
    enum trace_counter counter;
    const char *words;
    uint64_t logged_ns, logged; /* the exporter thread's own */
};
static struct loss losses[] = {
    {TRACE_DROPPED, "the span queue was full and spans were dropped", 0, 0},
    {TRACE_LATE, "spans ended after the shutdown of their tracing and were dropped", 0, 0},
    {TRACE_UNCARRIED, "contexts were not carried on: too many spans that record nothing", 0, 0},
    {TRACE_LIMITED, "spans went without some attributes, events or links, for the limits", 0, 0},
};

void losses_log(void)
{
    uint64_t totals[TRACE_COUNTERS], now_ns = clock_mono_ns();
    trace_thread_totals(totals);
    for (size_t i = 0; i < sizeof losses / sizeof losses[0]; i++) {
        struct loss *loss = &losses[i];
        uint64_t now = totals[loss->counter];
        if (now == loss->logged || (loss->logged != 0 && now_ns - loss->logged_ns < log_gap_ns))
            continue;
        loss->logged = now;
        loss->logged_ns = now_ns;
        log_event(LOG_WARN, LOG_NO_IDS, loss->words, LOG_I64("so_far", (int64_t)now));
    }
}

void losses_reset(void)
{
    for (size_t i = 0; i < sizeof losses / sizeof losses[0]; i++)
        losses[i].logged_ns = losses[i].logged = 0;
}
