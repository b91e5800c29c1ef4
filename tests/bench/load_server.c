/* A bare libmicrohttpd server that answers everything with 39 bytes of JSON, for load benches and
 * long runs: one epoll thread, its port on standard output as a line, until its input ends. */
#include <netinet/in.h>

#include <microhttpd.h>

#include "tests/bench/bench_server.h"

/* libmicrohttpd's epoll loop stalls from 128 connections that are ready at once on. */
enum { CONNECTIONS_MAX = 120 };

static const char answer[] = "{\"ok\":true,\"service\":\"bench\",\"number\":1}\n";

static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_bytes, void **request)
{
    (void)url;
    (void)method;
    (void)version;
    (void)upload;
    if (!bench_server_has_all(upload_bytes, request))
        return MHD_YES;
    return MHD_queue_response(connection, MHD_HTTP_OK, context);
}

int main(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct MHD_Response *response = MHD_create_response_from_buffer(
        sizeof(answer) - 1, (void *)(uintptr_t)answer, MHD_RESPMEM_PERSISTENT);
    MHD_add_response_header(response, "Content-Type", "application/json");
    struct MHD_Daemon *daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, handle, response, MHD_OPTION_SOCK_ADDR,
        (struct sockaddr *)&address, MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX, MHD_OPTION_END);
    if (daemon == NULL)
        return 1;
    bench_server_run(daemon);
    MHD_destroy_response(response);
    return 0;
}
