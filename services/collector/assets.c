#include "services/collector/assets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

#define ASSETS_LIST(X)                                                                             \
    X(index, "index.html", "text/html; charset=utf-8")                                             \
    X(favicon, "favicon.svg", "image/svg+xml")                                                     \
    X(base_css, "base.css", "text/css; charset=utf-8")                                             \
    X(views_css, "views.css", "text/css; charset=utf-8")                                           \
    X(api, "api.js", "text/javascript; charset=utf-8")                                             \
    X(app, "app.js", "text/javascript; charset=utf-8")                                             \
    X(chip, "chip.js", "text/javascript; charset=utf-8")                                           \
    X(colour, "colour.js", "text/javascript; charset=utf-8")                                       \
    X(compare, "compare.js", "text/javascript; charset=utf-8")                                     \
    X(critical, "critical.js", "text/javascript; charset=utf-8")                                   \
    X(detail, "detail.js", "text/javascript; charset=utf-8")                                       \
    X(dom, "dom.js", "text/javascript; charset=utf-8")                                             \
    X(findings, "findings.js", "text/javascript; charset=utf-8")                                   \
    X(flame, "flame.js", "text/javascript; charset=utf-8")                                         \
    X(flames, "flames.js", "text/javascript; charset=utf-8")                                       \
    X(format, "format.js", "text/javascript; charset=utf-8")                                       \
    X(keys, "keys.js", "text/javascript; charset=utf-8")                                           \
    X(layers, "layers.js", "text/javascript; charset=utf-8")                                       \
    X(logs, "logs.js", "text/javascript; charset=utf-8")                                           \
    X(loss, "loss.js", "text/javascript; charset=utf-8")                                           \
    X(map, "map.js", "text/javascript; charset=utf-8")                                             \
    X(minimap, "minimap.js", "text/javascript; charset=utf-8")                                     \
    X(model, "model.js", "text/javascript; charset=utf-8")                                         \
    X(range, "range.js", "text/javascript; charset=utf-8")                                         \
    X(rows, "rows.js", "text/javascript; charset=utf-8")                                           \
    X(scatter, "scatter.js", "text/javascript; charset=utf-8")                                     \
    X(search, "search.js", "text/javascript; charset=utf-8")                                       \
    X(table, "table.js", "text/javascript; charset=utf-8")                                         \
    X(trace, "trace.js", "text/javascript; charset=utf-8")                                         \
    X(waterfall, "waterfall.js", "text/javascript; charset=utf-8")

/* The build runs at the root of the tree. */
#define ASSETS_EMBED(name, file, type)                                                             \
    __asm__(".pushsection .rodata\n"                                                               \
            ".global assets_" #name "_begin, assets_" #name "_end\n"                               \
            "assets_" #name "_begin:\n"                                                            \
            ".incbin \"services/collector/web/" file "\"\n"                                        \
            "assets_" #name "_end:\n"                                                              \
            ".byte 0\n"                                                                            \
            ".popsection\n");                                                                      \
    extern const char assets_##name##_begin[] __attribute__((visibility("hidden")));               \
    extern const char assets_##name##_end[] __attribute__((visibility("hidden")));
ASSETS_LIST(ASSETS_EMBED)
#undef ASSETS_EMBED

static const struct asset {
    const char *file, *content_type;
    const char *begin, *end;
} assets[] = {
#define ASSETS_ROW(name, file, type) {file, type, assets_##name##_begin, assets_##name##_end},
    ASSETS_LIST(ASSETS_ROW)
#undef ASSETS_ROW
};

static const char policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'";

enum { ETAG_SIZE = 19 };

static void write_etag(const struct asset *asset, char out[ETAG_SIZE])
{
    const uint64_t hash =
        hash_bytes_keyed(asset->begin, (size_t)(asset->end - asset->begin), 0x63756c70, 0x72697421);
    snprintf(out, ETAG_SIZE, "\"%016llx\"", (unsigned long long)hash);
}

static void put_headers(struct response *response, const char *etag)
{
    response_header(response, "Content-Security-Policy", policy);
    response_header(response, "X-Content-Type-Options", "nosniff");
    response_header(response, "Referrer-Policy", "no-referrer");
    response_header(response, "Cross-Origin-Opener-Policy", "same-origin");
    /* Kept, but asked for each time: a new build must show at once. */
    response_header(response, "Cache-Control", "no-cache");
    response_header(response, "ETag", etag);
}

static void serve(const struct asset *asset, struct request *request, struct response *response)
{
    const char *known = request_header(request, "If-None-Match");
    const size_t length_bytes = (size_t)(asset->end - asset->begin);
    char etag[ETAG_SIZE];
    write_etag(asset, etag);
    put_headers(response, etag);
    if (known && (strcmp(known, "*") == 0 || strstr(known, etag))) {
        response_bytes(response, 304, asset->content_type, NULL, 0);
        return;
    }
    uint8_t *copy = malloc(length_bytes + 1);
    if (!copy) {
        response_error(response, 503, "no_memory", "no memory for the page");
        return;
    }
    memcpy(copy, asset->begin, length_bytes);
    response_bytes(response, 200, asset->content_type, copy, length_bytes);
}

static const struct asset *find(const char *file)
{
    for (size_t i = 0; i < sizeof(assets) / sizeof(assets[0]); i++) {
        if (file && strcmp(assets[i].file, file) == 0)
            return &assets[i];
    }
    return NULL;
}

void assets_index(struct request *request, struct response *response)
{
    serve(&assets[0], request, response);
}

void assets_favicon(struct request *request, struct response *response)
{
    serve(&assets[1], request, response);
}

void assets_file(struct request *request, struct response *response)
{
    const struct asset *asset = find(request_parameter(request, "file"));
    if (asset)
        serve(asset, request, response);
    else
        response_error(response, 404, "not_found", "no such file");
}
