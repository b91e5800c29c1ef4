/* What a handler may ask of a request. */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "http/bounded_json.h"
#include "http/server_inner.h"

const char *request_parameter(const struct request *request, const char *name)
{
    const struct route_parameters *path = &request->parameters->path;
    for (size_t i = 0; i < path->count; i++)
        if (text_is(path->items[i].name, name))
            return request->parameters->values[i];
    return NULL;
}

struct find {
    const char *name;
    struct text value;
    size_t skip; /* of that name */
    bool found, ignores_case;
};

static enum MHD_Result find_step(void *closure, enum MHD_ValueKind kind, const char *key,
                                 size_t key_size, const char *value, size_t value_size)
{
    struct find *find = closure;
    struct text name = {key, key_size}, wanted = text_of(find->name);
    (void)kind;
    if (find->ignores_case ? !text_equal_ignore_case(name, wanted) : !text_equal(name, wanted))
        return MHD_YES;
    if (find->skip > 0) {
        find->skip--;
        return MHD_YES;
    }
    find->found = true;
    find->value = (struct text){value ? value : "", value ? value_size : 0};
    return MHD_NO;
}

const char *request_query(const struct request *request, const char *name)
{
    return request_query_at(request, name, 0);
}

const char *request_query_at(const struct request *request, const char *name, size_t index)
{
    struct find find = {.name = name, .skip = index};
    MHD_get_connection_values_n(request->connection, MHD_GET_ARGUMENT_KIND, find_step, &find);
    return find.found ? find.value.data : NULL;
}

/* libmicrohttpd leaves white space at the end of values. */
static const char *copy_trimmed(struct server_parameters *parameters, struct text value)
{
    struct server_header_copy *copy = malloc(sizeof *copy + value.length + 1);
    if (copy == NULL)
        return NULL;
    text_copy(value, copy->value, value.length + 1);
    copy->next = parameters->copies;
    parameters->copies = copy;
    return copy->value;
}

const char *request_header(const struct request *request, const char *name)
{
    struct find find = {.name = name, .ignores_case = true};
    MHD_get_connection_values_n(request->connection, MHD_HEADER_KIND, find_step, &find);
    if (!find.found)
        return NULL;
    struct text trimmed = text_trim(find.value);
    bool ends_there = trimmed.data + trimmed.length == find.value.data + find.value.length;
    return ends_there ? trimmed.data : copy_trimmed(request->parameters, trimmed);
}

bool request_parse_json(struct request *request, struct response *response)
{
    struct error error = {"the body must be an object"};
    struct server_parameters *parameters = request->parameters;
    parameters->is_parsed = true;
    if (request->body.length == 0)
        return true;
    parameters->json = bounded_json_load(request->body, &error);
    if (json_is_object(parameters->json))
        return true;
    response_error(response, 400, "malformed_json", "%s", error.text);
    json_decref(parameters->json);
    parameters->json = NULL;
    return false;
}

/* Raw bodies are read as JSON only when somebody asks: most of them are none, and long. */
json_t *request_json(struct request *request)
{
    struct response unwanted = {.status = 0};
    if (!request->parameters->is_parsed)
        (void)request_parse_json(request, &unwanted);
    free(unwanted.body);
    return request->parameters->json;
}

bool request_is_json_type(const struct request *request)
{
    struct text type = text_of(request_header(request, "Content-Type"));
    struct text rest = type;
    const char *coding = request_header(request, "Content-Encoding");
    if (coding && strcmp(coding, "identity") != 0)
        return false;
    return text_equal_ignore_case(text_trim(text_split(&rest, ';')),
                                  TEXT_LITERAL("application/json"));
}

bool request_is_from_loopback(const struct request *request)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    if (info == NULL || info->client_addr == NULL)
        return false;
    if (info->client_addr->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)info->client_addr;
        return ntohl(in->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    }
    if (info->client_addr->sa_family != AF_INET6)
        return false;
    const struct in6_addr *in6 =
        &((const struct sockaddr_in6 *)(const void *)info->client_addr)->sin6_addr;
    return IN6_IS_ADDR_LOOPBACK(in6) ||
           (IN6_IS_ADDR_V4MAPPED(in6) && in6->s6_addr[12] == IN_LOOPBACKNET);
}

void request_release_parameters(struct server_parameters *parameters)
{
    while (parameters->copies) {
        struct server_header_copy *next = parameters->copies->next;
        free(parameters->copies);
        parameters->copies = next;
    }
    for (size_t i = 0; i < ROUTE_PARAMETERS_MAX; i++) {
        free(parameters->values[i]);
        parameters->values[i] = NULL;
    }
    json_decref(parameters->json);
    parameters->json = NULL;
}

/* Takes as long for a wrong token as for the right one. */
static bool is_same_secret(const char *given, const char *wanted)
{
    size_t given_length = strlen(given), wanted_length = strlen(wanted);
    unsigned difference = given_length != wanted_length;
    for (size_t i = 0; i < wanted_length; i++) {
        unsigned char byte = (unsigned char)(i < given_length ? given[i] : '\0');
        difference |= byte ^ (unsigned char)wanted[i];
    }
    return difference == 0;
}

bool request_has_bearer(const struct request *request, const char *token)
{
    static const char scheme[] = "Bearer ";
    const char *value = request_header(request, "Authorization");
    size_t length = sizeof scheme - 1;
    return token && token[0] && value &&
           text_equal_ignore_case((struct text){value, strnlen(value, length)},
                                  TEXT_LITERAL("Bearer ")) &&
           is_same_secret(value + length, token);
}
