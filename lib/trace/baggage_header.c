#include "trace/baggage_header.h"

#include <string.h>

#include "trace/baggage.h"

static const char header_name[] = "baggage";

const char *const baggage_header_fields[] = {header_name, NULL};

/* A program may have filled the struct itself: what would break the header apart stays here. */
static bool is_printable(struct text text)
{
    for (size_t i = 0; i < text.length; i++)
        if (text.data[i] < 0x20 || text.data[i] > 0x7e)
            return false;
    return true;
}

void baggage_header_inject(const struct span_context *span, const struct baggage *baggage,
                           const struct carrier_sink *sink)
{
    (void)span;
    if (baggage == NULL || baggage->length_bytes == 0)
        return;
    struct text list = baggage_list(baggage);
    if (list.length <= BAGGAGE_MAX && is_printable(list))
        sink->set(sink->carrier, header_name, list);
}

static void take_line(void *into, struct text line)
{
    baggage_reader_add_line(into, line);
}

void baggage_header_extract(const struct carrier_source *source, struct remote_context *into)
{
    struct baggage found;
    struct baggage_reader reader;
    baggage_reader_init(&reader, &found);
    source->get_all(source->carrier, header_name, take_line, &reader);
    if (found.length_bytes == 0)
        return;
    into->baggage.length_bytes = found.length_bytes;
    memcpy(into->baggage.text, found.text, found.length_bytes);
}
