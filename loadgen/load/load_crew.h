/* The flows under way of one event loop: goes through their steps, each request judged and counted,
 * values taken out of answers into later requests, pauses kept. Knows nothing of schedules and
 * threads: one loop's thread uses it, but for its tally. */
#ifndef CULPRIT_LOADGEN_LOAD_LOAD_CREW_H
#define CULPRIT_LOADGEN_LOAD_LOAD_CREW_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/status.h"
#include "loadgen/engine/timer_heap.h"
#include "loadgen/load/load_client.h"
#include "loadgen/load/load_plan.h"
#include "loadgen/load/load_tally.h"

/* What all loops of a run share. */
struct load_shared {
    const struct load_plan *plan;
    const struct load_client_kind *client;
    struct load_client_config client_config; /* of one loop */
    unsigned loops;                          /* of this process */
    unsigned first_loop; /* its place among all loops, those of other processes too */
    unsigned all_loops;
    uint64_t start_ns;
    char nonce[17];          /* hex; of the run */
    uint64_t trace_words[3]; /* secret and new in each run: the start of its trace ids */
    load_observer *observe;  /* may be NULL */
    void *context;
    atomic_bool stop;    /* no more arrivals; what is in flight may end within the grace time */
    atomic_bool give_up; /* end now */
    atomic_uint running; /* loops that have not ended */
};

struct load_actor;

struct load_crew {
    struct load_shared *shared;
    const struct load_plan *plan;
    unsigned loop;
    void *client;    /* borrowed */
    uint64_t end_ns; /* of a closed model: no flow begins from then on */
    bool is_stopped; /* no flow begins any more */
    bool is_over;    /* no request either */
    struct timer_heap timers;
    struct arena arena; /* of actors */
    struct load_actor *free_actors, *all_actors;
    size_t under_way; /* those of them who rest between two flows: */
    size_t resting;
    struct buffer scratch;
    struct load_tally tally;
};

/* An empty timeline as each crew of the run has. false: no memory. */
bool load_crew_timeline(const struct load_shared *shared, struct load_timeline *out);

/* STATUS_NO_MEMORY. Release in any case. */
MUST_CHECK enum status load_crew_init(struct load_crew *crew, struct load_shared *shared,
                                      unsigned loop);
void load_crew_release(struct load_crew *crew);

/* An arrival is due. Over the limit of flows under way it is counted as never sent. */
void load_crew_arrive(struct load_crew *crew, uint64_t number, uint64_t due_ns);

/* A user begins a first flow at `due_ns`, and goes on with one after another until crew->end_ns. */
void load_crew_invite(struct load_crew *crew, unsigned user, uint64_t due_ns);

/* Does what is due after a pause; when the next of this is due. */
void load_crew_fire(struct load_crew *crew, uint64_t now_ns);
uint64_t load_crew_next_ns(const struct load_crew *crew);

/* Flows that have begun and not ended. */
size_t load_crew_busy(const struct load_crew *crew);

/* Ends everything: what is in flight counts as that. */
void load_crew_wind_up(struct load_crew *crew);

#endif
