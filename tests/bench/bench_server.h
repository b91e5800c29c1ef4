/* What the servers that benches load have in common. */
#ifndef CULPRIT_TESTS_BENCH_BENCH_SERVER_H
#define CULPRIT_TESTS_BENCH_BENCH_SERVER_H

#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include <microhttpd.h>

/* The request is there as a whole; what it uploads is dropped. Until then: return MHD_YES. */
static inline bool bench_server_has_all(size_t *upload_bytes, void **request)
{
    static int seen;
    bool is_first = *request == NULL, has_more = *upload_bytes != 0;
    *request = &seen;
    if (!is_first)
        *upload_bytes = 0;
    return !is_first && !has_more;
}

/* The port on standard output as a line, then until standard input ends. */
static inline void bench_server_run(struct MHD_Daemon *daemon)
{
    printf("%u\n", MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
    fflush(stdout);
    for (char byte; read(STDIN_FILENO, &byte, 1) > 0;)
        continue;
    MHD_stop_daemon(daemon);
}

#endif
