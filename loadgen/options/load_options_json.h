/* The flags of `culprit load` that say what is to be done, as a JSON object by their names, so that
 * another process makes the same plan of them: what one writes, the other reads to the last bit. */
#ifndef CULPRIT_LOADGEN_OPTIONS_LOAD_OPTIONS_JSON_H
#define CULPRIT_LOADGEN_OPTIONS_LOAD_OPTIONS_JSON_H

#include "base/arena.h"
#include "base/json_writer.h"
#include "base/status.h"
#include "loadgen/options/load_options.h"

struct fields;

void load_options_json_write(struct json_writer *writer, const struct load_options *options);

/* Where a field_reader puts them. */
struct load_options_sent {
    struct load_options options; /* initialised */
    struct arena arena;          /* of the texts */
};

/* A field_reader of that object into a struct load_options_sent. A flag that is not one of them is
 * an error: whoever sends it knows a program of another kind. STATUS_INVALID, STATUS_NO_MEMORY. */
MUST_CHECK enum status load_options_json_read(struct fields *fields, void *sent);

#endif
