#include "loadgen/report/load_page.h"

#include <string.h>

#include "base/embed.h"

#define OWN    "loadgen/report/web/"
#define SHARED "lib/web/" /* with the collector's page */

#define PAGE_FILES(X)                                                                              \
    X(head, OWN "head.html")                                                                       \
    X(look, SHARED "look.css")                                                                     \
    X(style, OWN "report.css")                                                                     \
    X(body, OWN "body.html")                                                                       \
    X(dom, SHARED "dom.js")                                                                        \
    X(show, OWN "show.js")                                                                         \
    X(figures, OWN "figures.js")                                                                   \
    X(chart, OWN "chart.js")                                                                       \
    X(report, OWN "report.js")

#define PAGE_EMBED(name, path) EMBED(load_page_##name, path)
PAGE_FILES(PAGE_EMBED)
#undef PAGE_EMBED

enum piece {
#define PAGE_ENUM(name, path) PIECE_##name,
    PAGE_FILES(PAGE_ENUM)
#undef PAGE_ENUM
};

static const struct {
    const char *begin, *end;
} pieces[] = {
#define PAGE_ROW(name, path) {load_page_##name##_begin, load_page_##name##_end},
    PAGE_FILES(PAGE_ROW)
#undef PAGE_ROW
};

static void append(struct buffer *out, enum piece piece)
{
    buffer_append(out, pieces[piece].begin, (size_t)(pieces[piece].end - pieces[piece].begin));
}

/* What stands for a byte, or for the three of U+2028 and U+2029, inside an element of data: a '<'
 * can only stand in a string, where an escape means the same. */
static const char *escape_at(struct text json, size_t at, size_t *length)
{
    const char *from = json.data + at;
    *length = 1;
    if (*from == '<')
        return "\\u003c";
    if (*from == '>')
        return "\\u003e";
    if (*from == '&')
        return "\\u0026";
    if (json.length - at < 3 || memcmp(from, "\xe2\x80", 2) != 0 ||
        (from[2] != '\xa8' && from[2] != '\xa9'))
        return NULL;
    *length = 3;
    return from[2] == '\xa8' ? "\\u2028" : "\\u2029";
}

/* A line's end is never inside a string: it goes, with the indentation behind it. */
static size_t skip_indent(struct text json, size_t at)
{
    size_t begin = at;
    while (at < json.length && json.data[at] == '\n') {
        at++;
        while (at < json.length && json.data[at] == ' ')
            at++;
    }
    return at - begin;
}

static void append_json(struct text json, struct buffer *out)
{
    size_t plain = 0; /* where what is not written yet begins */
    for (size_t at = 0; at < json.length;) {
        size_t length = skip_indent(json, at);
        const char *instead = length > 0 ? "" : escape_at(json, at, &length);
        if (instead == NULL) {
            at++;
            continue;
        }
        buffer_append(out, json.data + plain, at - plain);
        buffer_append_text(out, instead);
        plain = at += length;
    }
    buffer_append(out, json.data + plain, json.length - plain);
}

void load_page_write(struct text json, struct buffer *out)
{
    append(out, PIECE_head);
    buffer_append_text(out, "<style>\n");
    append(out, PIECE_look);
    append(out, PIECE_style);
    buffer_append_text(out, "</style>\n");
    append(out, PIECE_body);
    buffer_append_text(out, "<script type=\"application/json\" id=\"report\">");
    append_json(json, out);
    buffer_append_text(out, "</script>\n<script type=\"module\">\n");
    append(out, PIECE_dom);
    append(out, PIECE_show);
    append(out, PIECE_figures);
    append(out, PIECE_chart);
    append(out, PIECE_report);
    buffer_append_text(out, "</script>\n</body>\n</html>\n");
}
