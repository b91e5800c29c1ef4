/* What a span is, apart from when: kind, service, peer and a name without ids. Spans of one place
 * in the code share one fingerprint, in every trace and in both windows.
 *
 * Numbers count from 1 in order of first sight; the order of trees and nodes is fixed, so they are
 * the same for the same spans. One owner, no locks; texts are in the arena or in the span set. */
#ifndef CULPRIT_DIAGNOSE_FINGERPRINT_H
#define CULPRIT_DIAGNOSE_FINGERPRINT_H

#include "base/map.h"
#include "diagnose/tree.h"

enum fingerprint_flags {
    FINGERPRINT_READS = 1,    /* HTTP GET and the like, SQL SELECT: may be done in any order */
    FINGERPRINT_DATABASE = 2, /* a query */
    FINGERPRINT_GUARDS = 4,   /* by its name it checks who asks: others may have to wait for it */
    FINGERPRINT_PAGES = 8,    /* carries a cursor, page or offset of the answer before */
    FINGERPRINT_BEGINS = 16,  /* opens a transaction */
    FINGERPRINT_ENDS = 32,    /* commits or rolls back */
    FINGERPRINT_HTTP = 64,
};

struct fingerprint {
    struct text service;
    struct text name;   /* the span's, without ids */
    struct text peer;   /* of CLIENT and PRODUCER: host, other side's service, database, queue */
    struct text method; /* HTTP, or empty */
    struct text route;  /* template of the URL, or its path without ids, or empty; a queue's name */
    uint8_t kind;
    uint32_t flags;
    uint64_t far_side_count; /* spans of it whose server or consumer sent a span */
    struct text far_service; /* the first such service, or empty */
};

struct fingerprints {
    struct map known;
    struct map services;       /* that sent SERVER or CONSUMER spans: name to a fingerprint */
    struct fingerprint *items; /* items[0] is unused */
    uint32_t count;            /* with items[0] */
    uint32_t capacity;
    struct arena *arena;
};

enum { FINGERPRINTS_MAX = 65536 };

void fingerprint_init(struct fingerprints *prints, struct arena *arena);
void fingerprint_release(struct fingerprints *prints);

/* Sets `print` of every node. STATUS_NO_MEMORY; kinds of spans beyond the maximum get 0. */
MUST_CHECK enum status fingerprint_assign(struct fingerprints *prints, struct forest *forest);

/* The service that a peer's name stands for: of that name, or of what stands before a domain or a
 * port; empty where none of that name served anything. */
struct text fingerprint_service_of(const struct fingerprints *prints, struct text peer);

#endif
