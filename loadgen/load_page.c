#include "loadgen/load_page.h"

#include <string.h>

#define PAGE_FILES(X)                                                                              \
    X(head, "head.html")                                                                           \
    X(style, "report.css")                                                                         \
    X(body, "body.html")                                                                           \
    X(dom, "dom.js")                                                                               \
    X(figures, "figures.js")                                                                       \
    X(chart, "chart.js")                                                                           \
    X(report, "report.js")

/* The build runs at the root of the tree. */
#define PAGE_EMBED(name, file)                                                                     \
    __asm__(".pushsection .rodata\n"                                                               \
            ".global load_page_" #name "_begin, load_page_" #name "_end\n"                         \
            "load_page_" #name "_begin:\n"                                                         \
            ".incbin \"loadgen/web/" file "\"\n"                                                   \
            "load_page_" #name "_end:\n"                                                           \
            ".byte 0\n"                                                                            \
            ".popsection\n");                                                                      \
    extern const char load_page_##name##_begin[] __attribute__((visibility("hidden")));            \
    extern const char load_page_##name##_end[] __attribute__((visibility("hidden")));
PAGE_FILES(PAGE_EMBED)
#undef PAGE_EMBED

enum piece {
#define PAGE_ENUM(name, file) PIECE_##name,
    PAGE_FILES(PAGE_ENUM)
#undef PAGE_ENUM
};

static const struct {
    const char *begin, *end;
} pieces[] = {
#define PAGE_ROW(name, file) {load_page_##name##_begin, load_page_##name##_end},
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
    append(out, PIECE_style);
    buffer_append_text(out, "</style>\n");
    append(out, PIECE_body);
    buffer_append_text(out, "<script type=\"application/json\" id=\"report\">");
    append_json(json, out);
    buffer_append_text(out, "</script>\n<script>\n\"use strict\";\n(() => {\n");
    append(out, PIECE_dom);
    append(out, PIECE_figures);
    append(out, PIECE_chart);
    append(out, PIECE_report);
    buffer_append_text(out, "})();\n</script>\n</body>\n</html>\n");
}
