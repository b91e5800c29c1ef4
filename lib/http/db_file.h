/* What db.c and db_file.c share: the open database. db_file.c opens and closes it and keeps its log
 * short; db.c runs statements on it. */
#ifndef CULPRIT_HTTP_DB_FILE_H
#define CULPRIT_HTTP_DB_FILE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "http/db_connection.h"
#include "http/named_lock.h"
#include "http/pool.h"

struct db {
    char path[512];
    char namespace[64]; /* db.namespace: the file's name */
    bool synchronous_off;
    bool read_only; /* has readers alone: no writer, no thread */
    char writer_name[80];
    char pool_name[80];
    struct named_lock writer_lock; /* its holder alone may use `writer` */
    struct db_connection *writer;
    struct pool reader_pool;
    pthread_mutex_t readers_mutex; /* holds the two below */
    struct db_connection *readers;
    size_t reader_count;
    atomic_uint_fast64_t statements, failed_statements, commits, writer_timeouts; /* db_stats */
    atomic_int wal_pages; /* written by the writer's hook, read by the checkpoint thread */
    pthread_mutex_t stop_mutex;
    pthread_cond_t stop_changed;
    bool stop;
    bool has_thread;
    pthread_t checkpoint_thread;
};

/* A connection for reading; NULL with words. */
struct db_connection *db_new_reader(const struct db *db, struct error *error);

/* The writer is the caller's alone until db_give_writer. STATUS_TIMEOUT. */
MUST_CHECK enum status db_take_writer(struct db *db, uint64_t deadline_ns);
void db_give_writer(struct db *db);

#endif
