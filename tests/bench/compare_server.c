/* A server of three steps whose latencies are like a service's, for comparing load runs: /work
 * computes, /wait waits as for a partner, /mixed does both. What a request takes follows from its
 * query, log-normal with one in a hundred five times as long, so that the same requests take the
 * same again. A thread for each connection; its port on standard output, until its input ends.
 *
 *     compare_server [FACTOR]      /wait takes FACTOR (1) times as long */
#include <math.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <microhttpd.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/rng.h"
#include "tests/bench/bench_server.h"

enum { CONNECTIONS_MAX = 256, TAIL_ONE_IN = 100 };
#define TAIL_FACTOR 5.0
#define SPREAD      0.3 /* of the logarithm */

static const struct route {
    const char *path;
    double work_us, wait_us;
    bool is_slower;
} routes[] = {
    {"/work", 1500, 0, false},
    {"/wait", 0, 5000, true},
    {"/mixed", 500, 3000, false},
};
enum { ROUTE_COUNT = sizeof(routes) / sizeof(routes[0]) };

static double slower = 1;
static struct MHD_Response *answer;

/* About normal: twelve uniform draws. */
static double factor_of(const char *number)
{
    struct rng rng;
    double sum = -6;
    rng_seed(&rng, hash_bytes_keyed(number, strlen(number), 1, 2));
    for (int i = 0; i < 12; i++)
        sum += rng_double(&rng);
    double factor = exp(SPREAD * sum);
    return rng_below(&rng, TAIL_ONE_IN) == 0 ? factor * TAIL_FACTOR : factor;
}

static void take(const struct route *route, double factor)
{
    const uint64_t wait_ns = (uint64_t)(route->wait_us * factor * 1000);
    const struct timespec wait = {(time_t)(wait_ns / NS_PER_S), (long)(wait_ns % NS_PER_S)};
    struct timespec used;
    (void)nanosleep(&wait, NULL);
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    const double until_us =
        (double)used.tv_sec * 1e6 + (double)used.tv_nsec / 1e3 + route->work_us * factor;
    do
        (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    while ((double)used.tv_sec * 1e6 + (double)used.tv_nsec / 1e3 < until_us);
}

static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_bytes, void **request)
{
    (void)context;
    (void)method;
    (void)version;
    (void)upload;
    if (!bench_server_has_all(upload_bytes, request))
        return MHD_YES;
    const char *number = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "n");
    for (size_t i = 0; i < ROUTE_COUNT; i++)
        if (strcmp(url, routes[i].path) == 0)
            take(&routes[i], factor_of(number ? number : "") * (routes[i].is_slower ? slower : 1));
    return MHD_queue_response(connection, MHD_HTTP_OK, answer);
}

int main(int argc, char **argv)
{
    static const char body[] = "{\"ok\":true}\n";
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    slower = argc > 1 ? strtod(argv[1], NULL) : 1;
    answer = MHD_create_response_from_buffer(sizeof(body) - 1, (void *)(uintptr_t)body,
                                             MHD_RESPMEM_PERSISTENT);
    struct MHD_Daemon *daemon = MHD_start_daemon(
        MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL, 0, NULL,
        NULL, handle, NULL, MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&address,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX, MHD_OPTION_END);
    if (daemon == NULL || !(slower > 0))
        return 1;
    bench_server_run(daemon);
    MHD_destroy_response(answer);
    return 0;
}
