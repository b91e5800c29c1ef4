/* Attributes and their values as OTLP JSON, both ways: {"key":..,"value":{"stringValue":..}}. */
#ifndef CULPRIT_OTLP_JSON_VALUES_H
#define CULPRIT_OTLP_JSON_VALUES_H

#include "base/json_writer.h"
#include "otlp/json_in.h"

/* A row's function: an array of KeyValues into struct otlp_attributes. */
void json_values_read(struct json_in *in, void *target);

/* The same for an AnyValue that stands alone, into struct otlp_value. */
void json_values_read_value(struct json_in *in, void *target);

/* Writes the array, and the object of one value. */
void json_values_write(const struct otlp_attributes *attributes, struct json_writer *writer);
void json_values_write_value(const struct otlp_value *value, struct json_writer *writer);

#endif
