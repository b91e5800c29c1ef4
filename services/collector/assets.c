#include "services/collector/assets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/embed.h"
#include "base/hash.h"

#define OWN    "services/collector/web/"
#define SHARED "lib/web/" /* with the pages of reports */

#define ASSETS_LIST(X)                                                                             \
    X(index, OWN, "index.html", "text/html; charset=utf-8")                                        \
    X(favicon, OWN, "favicon.svg", "image/svg+xml")                                                \
    X(look, SHARED, "look.css", "text/css; charset=utf-8")                                         \
    X(base_css, OWN, "base.css", "text/css; charset=utf-8")                                        \
    X(views_css, OWN, "views.css", "text/css; charset=utf-8")                                      \
    X(api, OWN, "api.js", "text/javascript; charset=utf-8")                                        \
    X(app, OWN, "app.js", "text/javascript; charset=utf-8")                                        \
    X(chip, OWN, "chip.js", "text/javascript; charset=utf-8")                                      \
    X(colour, OWN, "colour.js", "text/javascript; charset=utf-8")                                  \
    X(compare, OWN, "compare.js", "text/javascript; charset=utf-8")                                \
    X(critical, OWN, "critical.js", "text/javascript; charset=utf-8")                              \
    X(detail, OWN, "detail.js", "text/javascript; charset=utf-8")                                  \
    X(dom, SHARED, "dom.js", "text/javascript; charset=utf-8")                                     \
    X(findings, OWN, "findings.js", "text/javascript; charset=utf-8")                              \
    X(flame, OWN, "flame.js", "text/javascript; charset=utf-8")                                    \
    X(flames, OWN, "flames.js", "text/javascript; charset=utf-8")                                  \
    X(format, OWN, "format.js", "text/javascript; charset=utf-8")                                  \
    X(keys, OWN, "keys.js", "text/javascript; charset=utf-8")                                      \
    X(layers, OWN, "layers.js", "text/javascript; charset=utf-8")                                  \
    X(logs, OWN, "logs.js", "text/javascript; charset=utf-8")                                      \
    X(loss, OWN, "loss.js", "text/javascript; charset=utf-8")                                      \
    X(map, OWN, "map.js", "text/javascript; charset=utf-8")                                        \
    X(minimap, OWN, "minimap.js", "text/javascript; charset=utf-8")                                \
    X(model, OWN, "model.js", "text/javascript; charset=utf-8")                                    \
    X(range, OWN, "range.js", "text/javascript; charset=utf-8")                                    \
    X(rows, OWN, "rows.js", "text/javascript; charset=utf-8")                                      \
    X(scatter, OWN, "scatter.js", "text/javascript; charset=utf-8")                                \
    X(search, OWN, "search.js", "text/javascript; charset=utf-8")                                  \
    X(table, OWN, "table.js", "text/javascript; charset=utf-8")                                    \
    X(trace, OWN, "trace.js", "text/javascript; charset=utf-8")                                    \
    X(waterfall, OWN, "waterfall.js", "text/javascript; charset=utf-8")

#define ASSETS_EMBED(name, folder, file, type) EMBED(assets_##name, folder file)
ASSETS_LIST(ASSETS_EMBED)
#undef ASSETS_EMBED

static const struct asset {
    const char *file, *content_type;
    const char *begin, *end;
} assets[] = {
#define ASSETS_ROW(name, folder, file, type)                                                       \
    {file, type, assets_##name##_begin, assets_##name##_end},
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
