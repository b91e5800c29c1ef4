/* Who works at a common run, and how far each of them is: the coordinator's
 * state machine.
 *
 * Workers join until every seat is taken, prepare, and say that they are ready;
 * when all are, the start is set. From then on each must be heard within
 * `silence_ns`, or it is lost; one that is heard again is back, as its figures
 * are always of all that it did. A seat whose worker falls silent or is
 * interrupted before the start is free again; one that fails ends it all. The
 * run is over when no worker is under way any more, and in any case when its
 * time is: nothing here waits without end.
 *
 * A run may have several rounds, one after another, by the same workers: of the
 * second and later ones no seat is free again, and one that is not there any
 * more ends it.
 *
 * Pure: times (monotonic) are passed in; never allocates. The caller keeps
 * threads out of each other's way. */
#ifndef CULPRIT_LOADGEN_LOAD_WORKER_ROLL_H
#define CULPRIT_LOADGEN_LOAD_WORKER_ROLL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum {
    WORKER_SEATS_MAX = 256,
    WORKER_INSTANCE_LENGTH = 16,
    WORKER_HOST_MAX = 128,
    WORKER_WORDS_MAX = 256
};

/* The words are what is sent and what reports say. */
#define WORKER_STATE_LIST(X)                                                                       \
    X(FREE, "free")                                                                                \
    X(PREPARING, "preparing")                                                                      \
    X(READY, "ready")                                                                              \
    X(RUNNING, "running")                                                                          \
    X(DONE, "done")                                                                                \
    X(INTERRUPTED, "interrupted")                                                                  \
    X(FAILED, "failed")                                                                            \
    X(LOST, "lost")

/* What a worker is told whenever it is heard. */
#define WORKER_ORDER_LIST(X)                                                                       \
    X(WAIT, "wait")                                                                                \
    X(START, "start")                                                                              \
    X(GO_ON, "go on")                                                                              \
    X(STOP, "stop")                                                                                \
    X(GIVE_UP, "give up")                                                                          \
    X(LEAVE, "leave")

#define WORKER_ENUM_STATE(name, words) WORKER_##name,
#define WORKER_ENUM_ORDER(name, words) WORKER_ORDER_##name,
enum worker_state { WORKER_STATE_LIST(WORKER_ENUM_STATE) WORKER_STATE_COUNT };
enum worker_order { WORKER_ORDER_LIST(WORKER_ENUM_ORDER) WORKER_ORDER_COUNT };
#undef WORKER_ENUM_STATE
#undef WORKER_ENUM_ORDER

const char *worker_roll_state_words(enum worker_state state);
const char *worker_roll_order_words(enum worker_order order);

/* Who somebody is: `instance` is drawn anew by each process, so that what is
 * said twice is known.
 */
struct worker_name {
    char instance[WORKER_INSTANCE_LENGTH + 1]; /* hex */
    char host[WORKER_HOST_MAX];
    uint64_t pid;
};

struct worker_seat {
    enum worker_state state;
    struct worker_name name;
    uint64_t heard_ns;
    uint64_t number;              /* of the last report that counted */
    char words[WORKER_WORDS_MAX]; /* why it failed, or what it did instead */
};

struct worker_roll_limits {
    size_t worker_count; /* 1 to WORKER_SEATS_MAX */
    uint64_t gather_ns;  /* until all of them are ready */
    uint64_t silence_ns; /* then a worker is lost */
    uint64_t lead_ns;    /* from when all are ready to the start */
};

struct worker_roll {
    struct worker_roll_limits limits;
    uint64_t round;    /* 0: none yet; workers may join already */
    uint64_t run_ns;   /* of arrivals and users, in this round */
    uint64_t grace_ns; /* for what is in flight behind them */
    uint64_t gather_until_ns;
    uint64_t start_ns; /* 0: not set yet */
    uint64_t until_ns; /* when a round that was started is over in any case */
    bool is_stopped, is_given_up, is_over;
    struct worker_seat seats[WORKER_SEATS_MAX];
};

void worker_roll_init(struct worker_roll *roll, const struct worker_roll_limits *limits);

/* The first or the next round; the one before is over. Whoever was done
 * prepares again. */
void worker_roll_next(struct worker_roll *roll, uint64_t run_ns, uint64_t grace_ns,
                      uint64_t now_ns);

/* STATUS_OK: *seat is its own, the same whenever the same instance asks.
 * STATUS_EXISTS: all seats are taken. STATUS_CLOSED: the run was started
 * already, or is over. */
MUST_CHECK enum status worker_roll_join(struct worker_roll *roll, const struct worker_name *name,
                                        uint64_t now_ns, size_t *seat);

/* The seat is that instance's, who gave a sign of life. */
bool worker_roll_hear(struct worker_roll *roll, size_t seat, const char *instance, uint64_t now_ns);

/* Behind worker_roll_hear: what it says of itself, in its report `number` (from
 * 1) on this round. true: it is news, and what came with it counts; false: an
 * older one, or the round is over (one that was done may leave between two
 * rounds: it is interrupted). */
bool worker_roll_report(struct worker_roll *roll, size_t seat, uint64_t number,
                        enum worker_state state, const char *words);

enum worker_order worker_roll_order(const struct worker_roll *roll, size_t seat);

/* What time alone changes; call it often, and after each of the above. */
void worker_roll_tick(struct worker_roll *roll, uint64_t now_ns);

/* Nothing new begins, what is in flight may end; or everything ends now. Before
 * the start: the run is over. */
void worker_roll_stop(struct worker_roll *roll, uint64_t now_ns);
void worker_roll_give_up(struct worker_roll *roll, uint64_t now_ns);

/* How many seats are in that state. */
size_t worker_roll_count(const struct worker_roll *roll, enum worker_state state);

#endif
