/* Who did a load run, where that were several: a line each, for people and for programs. */
#ifndef CULPRIT_LOADGEN_LOAD_LOAD_WORKERS_H
#define CULPRIT_LOADGEN_LOAD_LOAD_WORKERS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/json_writer.h"
#include "loadgen/load/worker_roll.h"

struct load_worker {
    struct worker_name name;
    enum worker_state state;
    char words[WORKER_WORDS_MAX];
    uint64_t requests, failed;
    uint64_t lag_p99_ns, late_p99_ns; /* load_figures.h */
    uint64_t cpu_ns;                  /* 0 of one that did not come to its end */
    uint64_t peak_rss_kib;
    uint64_t spans_lost;     /* of its own */
    uint64_t clock_error_ns; /* its start was right to this */
    double heard_s;          /* when it was last heard, from the start */
    bool is_late;
};

struct load_workers {
    struct load_worker *items; /* malloced */
    size_t count;
};

bool load_workers_any_is_late(const struct load_workers *workers);

void load_workers_release(struct load_workers *workers);

/* A table; nothing where there are none. */
void load_workers_print(const struct load_workers *workers, FILE *out);

/* The member "workers" into the object that is open; nothing where there are none. */
void load_workers_json(const struct load_workers *workers, struct json_writer *writer);

#endif
