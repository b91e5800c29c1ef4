/* Stands for lib/trace/adapters in the variant `untraced`: nothing is looked at, no span begins, no
 * header is read or written. What is left of tracing is the gate in trace.h, which stays shut. */
#include "trace/adapters/curl.h"
#include "trace/adapters/curl_transport.h"
#include "trace/adapters/mhd.h"
#include "trace/adapters/sqlite.h"

static const struct tracer tracer = {.name = "untraced"};

static struct span *no_span(void)
{
    return span_start(&tracer, "", &(struct span_options){.root = true});
}

void trace_mhd_begin(struct trace_mhd_request *request, struct MHD_Connection *connection,
                     const char *method, const char *path, const char *route)
{
    (void)connection, (void)method, (void)path, (void)route;
    request->span = no_span();
}

void trace_mhd_sizes(const struct trace_mhd_request *request, uint64_t request_bytes,
                     uint64_t response_bytes)
{
    (void)request, (void)request_bytes, (void)response_bytes;
}

void trace_mhd_end(struct trace_mhd_request *request, unsigned status_code, const char *error_type)
{
    (void)request, (void)status_code, (void)error_type;
}

struct span *trace_curl_begin(const struct trace_curl_call *call, struct curl_slist **headers)
{
    (void)call, (void)headers;
    return no_span();
}

void trace_curl_end(struct span *span, CURL *easy, CURLcode result)
{
    (void)span, (void)easy, (void)result;
}

const char *trace_curl_error_type(CURLcode result)
{
    return result == CURLE_OK ? "" : "_OTHER";
}

void trace_sqlite_begin(struct trace_sqlite_execution *execution, sqlite3_stmt *statement,
                        const char *database, const char *summary)
{
    (void)statement, (void)database, (void)summary;
    execution->span = no_span();
}

void trace_sqlite_busy(const struct trace_sqlite_execution *execution, uint64_t count,
                       uint64_t wait_ns)
{
    (void)execution, (void)count, (void)wait_ns;
}

void trace_sqlite_end(struct trace_sqlite_execution *execution, int result, int64_t rows)
{
    (void)execution, (void)result, (void)rows;
}

void curl_transport_register(void)
{
}
