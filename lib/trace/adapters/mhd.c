#include "trace/adapters/mhd.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <string.h>

#include "trace/adapters/http_attributes.h"
#include "trace/propagation.h"

static const struct tracer tracer = {.name = "culprit.libmicrohttpd", .version = "0.1.0"};

enum { SPAN_NAME_MAX = 256, QUERY_MAX = 512 };

/* ---- headers: a look-up gives only the first of repeated ones, so all are walked, once */

enum { FIELDS_MAX = 32 };

struct head {
    struct MHD_Connection *connection;
    struct {
        struct text name, value;
    } fields[FIELDS_MAX];
    size_t count; /* of all, also those that are not kept */
};

static enum MHD_Result keep_field(void *closure, enum MHD_ValueKind kind, const char *key,
                                  size_t key_size, const char *value, size_t value_size)
{
    struct head *head = closure;
    (void)kind;
    if (head->count < FIELDS_MAX) {
        head->fields[head->count].name = (struct text){key, key_size};
        /* libmicrohttpd leaves white space at the end of values. */
        head->fields[head->count].value = text_trim((struct text){value, value ? value_size : 0});
    }
    head->count++;
    return MHD_YES;
}

static void read_head(struct MHD_Connection *connection, struct head *head)
{
    head->connection = connection;
    head->count = 0;
    MHD_get_connection_values_n(connection, MHD_HEADER_KIND, keep_field, head);
}

/* What goes beyond what a head keeps. */
struct walk {
    struct text name; /* data NULL: of every header its name is taken */
    carrier_take *take;
    void *into;
};

static enum MHD_Result walk_step(void *closure, enum MHD_ValueKind kind, const char *key,
                                 size_t key_size, const char *value, size_t value_size)
{
    struct walk *walk = closure;
    (void)kind;
    if (walk->name.data == NULL)
        walk->take(walk->into, (struct text){key, key_size});
    else if (text_equal_ignore_case((struct text){key, key_size}, walk->name))
        walk->take(walk->into, text_trim((struct text){value, value ? value_size : 0}));
    return MHD_YES;
}

static void get_headers(void *carrier, const char *name, carrier_take *take, void *into)
{
    const struct head *head = carrier;
    struct walk walk = {text_of(name), take, into};
    if (head->count > FIELDS_MAX) {
        MHD_get_connection_values_n(head->connection, MHD_HEADER_KIND, walk_step, &walk);
        return;
    }
    for (size_t i = 0; i < head->count; i++)
        if (head->fields[i].name.length == walk.name.length &&
            text_equal_ignore_case(head->fields[i].name, walk.name))
            take(into, head->fields[i].value);
}

static void get_header_names(void *carrier, carrier_take *take, void *into)
{
    struct walk walk = {{NULL, 0}, take, into};
    MHD_get_connection_values_n(((struct head *)carrier)->connection, MHD_HEADER_KIND, walk_step,
                                &walk);
}

/* ---- query: libmicrohttpd keeps it decoded, pair by pair; it is put together again */

struct query {
    char text[QUERY_MAX];
    size_t length;
};

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("-._~/:@,", c) != NULL);
}

static void put(struct query *query, char c)
{
    if (query->length < sizeof query->text)
        query->text[query->length++] = c;
}

static void put_encoded(struct query *query, struct text text)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < text.length; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (is_plain((char)c)) {
            put(query, (char)c);
            continue;
        }
        put(query, '%');
        put(query, digits[c >> 4]);
        put(query, digits[c & 15]);
    }
}

static enum MHD_Result add_pair(void *closure, enum MHD_ValueKind kind, const char *key,
                                size_t key_size, const char *value, size_t value_size)
{
    struct query *query = closure;
    struct text name = {key, key_size};
    (void)kind;
    if (query->length > 0)
        put(query, '&');
    put_encoded(query, name);
    if (value == NULL)
        return MHD_YES;
    put(query, '=');
    put_encoded(query, http_attributes_is_secret(name) ? TEXT_LITERAL("REDACTED")
                                                       : (struct text){value, value_size});
    return MHD_YES;
}

/* ---- peer */

struct peer {
    char address[INET6_ADDRSTRLEN];
    size_t length;
    int64_t port;
};

static void put_digits(struct peer *peer, unsigned byte)
{
    if (byte >= 100)
        peer->address[peer->length++] = (char)('0' + byte / 100);
    if (byte >= 10)
        peer->address[peer->length++] = (char)('0' + byte / 10 % 10);
    peer->address[peer->length++] = (char)('0' + byte % 10);
}

/* inet_ntop prints by sprintf: half a microsecond a request. */
static void set_ipv4(struct peer *peer, const struct sockaddr_in *in)
{
    uint8_t bytes[4];
    memcpy(bytes, &in->sin_addr, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++) {
        if (i > 0)
            peer->address[peer->length++] = '.';
        put_digits(peer, bytes[i]);
    }
    peer->port = ntohs(in->sin_port);
}

static void set_ipv6(struct peer *peer, const struct sockaddr_in6 *in6)
{
    if (inet_ntop(AF_INET6, &in6->sin6_addr, peer->address, sizeof peer->address) != NULL)
        peer->length = strlen(peer->address);
    peer->port = ntohs(in6->sin6_port);
}

static void find_peer(struct MHD_Connection *connection, struct peer *peer)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    peer->length = 0;
    if (info == NULL || info->client_addr == NULL)
        return;
    if (info->client_addr->sa_family == AF_INET)
        set_ipv4(peer, (const struct sockaddr_in *)(const void *)info->client_addr);
    else if (info->client_addr->sa_family == AF_INET6)
        set_ipv6(peer, (const struct sockaddr_in6 *)(const void *)info->client_addr);
}

static void add_peer(struct http_attributes *attributes, const struct peer *peer)
{
    struct text address = {peer->address, peer->length};
    if (address.length == 0)
        return;
    http_attributes_text(attributes, TEXT_LITERAL("client.address"), address);
    http_attributes_text(attributes, TEXT_LITERAL("network.peer.address"), address);
    http_attributes_i64(attributes, TEXT_LITERAL("network.peer.port"), peer->port);
}

/* ---- spans */

void trace_mhd_begin(struct trace_mhd_request *request, struct MHD_Connection *connection,
                     const char *method, const char *path, const char *route)
{
    struct http_attributes attributes = {.count = 0};
    struct head head;
    read_head(connection, &head);
    struct carrier_source source = {&head, get_headers, get_header_names};
    struct text host = carrier_get(&source, "Host");
    struct query query;
    struct peer peer;
    char name[SPAN_NAME_MAX];
    query.length = 0;
    MHD_get_connection_values_n(connection, MHD_GET_ARGUMENT_KIND, add_pair, &query);
    find_peer(connection, &peer);
    http_attributes_name(http_attributes_method(&attributes, method), route, name, sizeof name);
    http_attributes_text(&attributes, TEXT_LITERAL("http.route"), text_of(route));
    http_attributes_text(&attributes, TEXT_LITERAL("url.path"), text_of(path));
    http_attributes_text(&attributes, TEXT_LITERAL("url.scheme"), TEXT_LITERAL("http"));
    http_attributes_text(&attributes, TEXT_LITERAL("url.query"),
                         (struct text){query.text, query.length});
    http_attributes_server(&attributes, host, 80);
    add_peer(&attributes, &peer);
    /* libmicrohttpd speaks 1.0 and 1.1, and insists on Host in 1.1 alone. */
    http_attributes_text(&attributes, TEXT_LITERAL("network.protocol.version"),
                         host.length ? TEXT_LITERAL("1.1") : TEXT_LITERAL("1.0"));
    http_attributes_text(&attributes, TEXT_LITERAL("user_agent.original"),
                         carrier_get(&source, "User-Agent"));
    propagation_extract(&source, &request->remote);
    struct span_options options = {.kind = SPAN_SERVER,
                                   .parent = &request->remote.span,
                                   .attributes = attributes.list,
                                   .attribute_count = attributes.count};
    request->span = span_start(&tracer, name, &options);
    bool has_baggage = request->remote.baggage.length_bytes > 0;
    request->before = context_attach(
        (struct context){request->span, has_baggage ? &request->remote.baggage : NULL});
}

void trace_mhd_sizes(const struct trace_mhd_request *request, uint64_t request_bytes,
                     uint64_t response_bytes)
{
    if (request_bytes > 0)
        span_set_i64(request->span, SPAN_KEY("http.request.body.size"), (int64_t)request_bytes);
    span_set_i64(request->span, SPAN_KEY("http.response.body.size"), (int64_t)response_bytes);
}

void trace_mhd_end(struct trace_mhd_request *request, unsigned status_code, const char *error_type)
{
    http_attributes_response(request->span, status_code, 500);
    if (status_code == 0) {
        span_set_text(request->span, SPAN_KEY("error.type"),
                      text_of(error_type ? error_type : "_OTHER"));
        span_set_status(request->span, SPAN_ERROR, (struct text){NULL, 0});
    }
    context_attach(request->before);
    span_end(request->span);
    request->span = NULL;
}
