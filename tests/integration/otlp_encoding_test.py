#!/usr/bin/env python3
"""What leaves the encoder, read by Google's protobuf and by Python's json, against a model that does
to plain dictionaries what was done to each span of a random corpus. The field numbers here are
written down once more, from the specification, on purpose."""
import base64
import glob
import json
import os
import random
import struct
import subprocess
import sys
import tempfile

from stack import BIN, SLOW, main

# Values 64 deep are messages 128 deep and more, where protobuf's readers take 100: only the one in
# Python can be told otherwise.
os.environ["PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION"] = "python"
sys.setrecursionlimit(20000)
try:
    from google.protobuf import descriptor_pb2, descriptor_pool
    from google.protobuf.internal import decoder
    decoder.SetRecursionLimit(1000)
    try:
        from google.protobuf.message_factory import GetMessageClass
    except ImportError:  # older than 4.22
        from google.protobuf.message_factory import MessageFactory

        def GetMessageClass(descriptor):
            return MessageFactory().GetPrototype(descriptor)
except ImportError:
    descriptor_pb2 = None

PROGRAM = os.path.join(os.path.dirname(BIN), "tests", "encoding_test")
DEPTH_MAX = 128  # arrays and maps within each other, whatever the limit

# name: (number, type), a list where it is repeated.
SCHEMA = {
    "ExportTraceServiceRequest": {"resource_spans": [1, "ResourceSpans"]},
    "ResourceSpans": {"resource": (1, "Resource"), "scope_spans": [2, "ScopeSpans"],
                      "schema_url": (3, "string")},
    "Resource": {"attributes": [1, "KeyValue"], "dropped_attributes_count": (2, "uint32")},
    "ScopeSpans": {"scope": (1, "InstrumentationScope"), "spans": [2, "Span"],
                   "schema_url": (3, "string")},
    "InstrumentationScope": {"name": (1, "string"), "version": (2, "string"),
                             "attributes": [3, "KeyValue"],
                             "dropped_attributes_count": (4, "uint32")},
    "Span": {"trace_id": (1, "bytes"), "span_id": (2, "bytes"), "trace_state": (3, "string"),
             "parent_span_id": (4, "bytes"), "name": (5, "string"), "kind": (6, "int32"),
             "start_time_unix_nano": (7, "fixed64"), "end_time_unix_nano": (8, "fixed64"),
             "attributes": [9, "KeyValue"], "dropped_attributes_count": (10, "uint32"),
             "events": [11, "Event"], "dropped_events_count": (12, "uint32"),
             "links": [13, "Link"], "dropped_links_count": (14, "uint32"),
             "status": (15, "Status"), "flags": (16, "fixed32")},
    "Event": {"time_unix_nano": (1, "fixed64"), "name": (2, "string"),
              "attributes": [3, "KeyValue"], "dropped_attributes_count": (4, "uint32")},
    "Link": {"trace_id": (1, "bytes"), "span_id": (2, "bytes"), "trace_state": (3, "string"),
             "attributes": [4, "KeyValue"], "dropped_attributes_count": (5, "uint32"),
             "flags": (6, "fixed32")},
    "Status": {"message": (2, "string"), "code": (3, "int32")},
    "KeyValue": {"key": (1, "string"), "value": (2, "AnyValue")},
    "AnyValue": {"string_value": (1, "string"), "bool_value": (2, "bool"),
                 "int_value": (3, "int64"), "double_value": (4, "double"),
                 "array_value": (5, "ArrayValue"), "kvlist_value": (6, "KeyValueList"),
                 "bytes_value": (7, "bytes")},
    "ArrayValue": {"values": [1, "AnyValue"]},
    "KeyValueList": {"values": [1, "KeyValue"]},
}


def request_class():
    file = descriptor_pb2.FileDescriptorProto(name="otlp_test.proto", package="t", syntax="proto3")
    kinds = descriptor_pb2.FieldDescriptorProto
    for name, fields in SCHEMA.items():
        message = file.message_type.add(name=name)
        if name == "AnyValue":
            message.oneof_decl.add(name="value")
        for key, row in fields.items():
            field = message.field.add(name=key, number=row[0])
            field.label = kinds.LABEL_REPEATED if isinstance(row, list) else kinds.LABEL_OPTIONAL
            if row[1] in SCHEMA:
                field.type, field.type_name = kinds.TYPE_MESSAGE, f".t.{row[1]}"
            else:
                field.type = getattr(kinds, f"TYPE_{row[1].upper()}")
            if name == "AnyValue":
                field.oneof_index = 0
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return GetMessageClass(pool.FindMessageTypeByName("t.ExportTraceServiceRequest"))


# ---- one plain form, for the model and for what was read

def number(value):
    """Doubles by their bits: NaN equals NaN, -0.0 is not 0.0."""
    return "nan" if value != value else struct.pack("<d", value).hex()


def value_of_proto(value):
    kind = value.WhichOneof("value")
    if kind is None:
        return ("empty",)
    plain = getattr(value, kind)
    if kind == "array_value":
        return ("array", [value_of_proto(item) for item in plain.values])
    if kind == "kvlist_value":
        return ("map", attributes_of_proto(plain.values))
    if kind == "double_value":
        return ("double", number(plain))
    return (kind[:-6], plain)


def attributes_of_proto(pairs):
    found = {}
    for pair in pairs:
        assert pair.key not in found, f"{pair.key} comes twice"
        found[pair.key] = value_of_proto(pair.value)
    return found


def spans_of_proto(request):
    for group in request.resource_spans:
        resource = attributes_of_proto(group.resource.attributes)
        for scope_spans in group.scope_spans:
            assert scope_spans.spans, "an empty scope"
            scope = (scope_spans.scope.name, scope_spans.scope.version, scope_spans.schema_url,
                     attributes_of_proto(scope_spans.scope.attributes))
            for span in scope_spans.spans:
                yield span.span_id.hex(), {
                    "resource": resource, "scope": scope, "trace": span.trace_id.hex(),
                    "parent": span.parent_span_id.hex(), "state": span.trace_state,
                    "flags": span.flags, "name": span.name, "kind": span.kind,
                    "start": span.start_time_unix_nano, "end": span.end_time_unix_nano,
                    "attributes": attributes_of_proto(span.attributes),
                    "dropped": [span.dropped_attributes_count, span.dropped_events_count,
                                span.dropped_links_count],
                    "events": [(event.name, event.time_unix_nano,
                                attributes_of_proto(event.attributes),
                                event.dropped_attributes_count) for event in span.events],
                    "links": [(link.trace_id.hex(), link.span_id.hex(), link.trace_state,
                               link.flags, attributes_of_proto(link.attributes),
                               link.dropped_attributes_count) for link in span.links],
                    "status": (span.status.code, span.status.message)}


def integer(words):
    """Python takes "-0" as the integer 0."""
    return -0.0 if words == "-0" else int(words)


def whole(text):
    assert isinstance(text, str), f"{text!r}: 64-bit integers are text"
    return int(text)


def value_of_json(value):
    assert len(value) <= 1, value
    for kind, plain in value.items():
        if kind == "stringValue":
            return ("string", plain)
        if kind == "boolValue":
            assert isinstance(plain, bool)
            return ("bool", plain)
        if kind == "intValue":
            return ("int", whole(plain))
        if kind == "doubleValue":
            if isinstance(plain, str):
                assert plain in ("NaN", "Infinity", "-Infinity"), plain
            return ("double", number(float(plain)))
        if kind == "bytesValue":
            return ("bytes", base64.b64decode(plain, validate=True))
        if kind == "arrayValue":
            return ("array", [value_of_json(item) for item in plain.get("values", [])])
        assert kind == "kvlistValue", kind
        return ("map", attributes_of_json(plain))
    return ("empty",)


def attributes_of_json(message, key="values"):
    found = {}
    for pair in message.get(key, []):
        assert set(pair) <= {"key", "value"} and pair["key"] not in found, pair
        found[pair["key"]] = value_of_json(pair.get("value", {}))
    return found


def small(message, key):
    value = message.get(key, 0)
    assert isinstance(value, int) and not isinstance(value, bool), (key, value)
    return value


def check_keys(message, name):
    allowed = set()
    for key in SCHEMA[name]:
        head, *rest = key.split("_")
        allowed.add(head + "".join(word.capitalize() for word in rest))
    assert set(message) <= allowed, set(message) - allowed


def hex_id(message, key, length):
    text = message.get(key, "")
    assert text == "" or (len(text) == length and text == text.lower()), text
    return text


def spans_of_json(request):
    check_keys(request, "ExportTraceServiceRequest")
    for group in request["resourceSpans"]:
        check_keys(group, "ResourceSpans")
        resource = attributes_of_json(group["resource"], "attributes")
        for scope_spans in group["scopeSpans"]:
            check_keys(scope_spans, "ScopeSpans")
            about = scope_spans["scope"]
            check_keys(about, "InstrumentationScope")
            scope = (about.get("name", ""), about.get("version", ""),
                     scope_spans.get("schemaUrl", ""), attributes_of_json(about, "attributes"))
            for span in scope_spans["spans"]:
                yield span["spanId"], span_of_json(span, resource, scope)


def span_of_json(span, resource, scope):
    check_keys(span, "Span")
    check_keys(span.get("status", {}), "Status")
    for event in span.get("events", []):
        check_keys(event, "Event")
    for link in span.get("links", []):
        check_keys(link, "Link")
    hex_id(span, "spanId", 16)
    return {
        "resource": resource, "scope": scope, "trace": hex_id(span, "traceId", 32),
        "parent": hex_id(span, "parentSpanId", 16), "state": span.get("traceState", ""),
        "flags": small(span, "flags"), "name": span.get("name", ""), "kind": small(span, "kind"),
        "start": whole(span["startTimeUnixNano"]), "end": whole(span["endTimeUnixNano"]),
        "attributes": attributes_of_json(span, "attributes"),
        "dropped": [small(span, f"dropped{what}Count") for what in ("Attributes", "Events",
                                                                     "Links")],
        "events": [(event.get("name", ""), whole(event["timeUnixNano"]),
                    attributes_of_json(event, "attributes"),
                    small(event, "droppedAttributesCount")) for event in span.get("events", [])],
        "links": [(hex_id(link, "traceId", 32), hex_id(link, "spanId", 16),
                   link.get("traceState", ""), small(link, "flags"),
                   attributes_of_json(link, "attributes"), small(link, "droppedAttributesCount"))
                  for link in span.get("links", [])],
        "status": (small(span.get("status", {}), "code"), span.get("status", {}).get("message", ""))}


# ---- the model

def text(data):
    """'?' for each byte that is not part of a character."""
    data, at, plain = bytes.fromhex(data), 0, ""
    while at < len(data):
        for length in (1, 2, 3, 4):
            try:
                plain += data[at:at + length].decode()
            except UnicodeDecodeError:
                continue
            at += length
            break
        else:
            plain, at = plain + "?", at + 1
    return plain


def value(row, longest, depth):
    kind, *rest = row
    if kind == "text":
        return ("string", text(rest[0])[:longest])
    if kind == "bytes":
        return ("bytes", bytes.fromhex(rest[0])[:longest])
    if kind == "bool":
        return ("bool", rest[0])
    if kind == "int":
        return ("int", int(rest[0]))
    if kind == "double":
        return ("double", number(struct.unpack("<d", bytes.fromhex(rest[0]))[0]))
    if kind == "empty" or depth == 0:
        return ("empty",)
    if kind == "array":
        return ("array", [value(item, longest, depth - 1) for item in rest[0]])
    pairs = zip(rest[0][::2], rest[0][1::2])
    return ("map", {text(key): value(item, longest, depth - 1) for key, item in pairs})


class Limited:
    """Unique keys, at most so many; how many attributes were not taken."""

    def __init__(self, most, bounds):
        self.kept, self.dropped, self.most, self.bounds = {}, 0, most, bounds

    def set(self, rows):
        for key, row in rows:
            if text(key) in self.kept or len(self.kept) < self.most:
                self.kept[text(key)] = value(row, *self.bounds)
            else:
                self.dropped += 1
        return self


def whole_list(rows, most, bounds):
    """Attributes given at once, of an event or a link: of equal keys the last stays, then the limit
    counts. (kept, dropped)"""
    last = {}
    for key, row in rows:
        last.pop(text(key), None)
        last[text(key)] = value(row, *bounds)
    kept = dict(list(last.items())[:most])
    return kept, len(last) - len(kept)


class Model:
    """What the specification says of a span, done to plain values."""

    def __init__(self, limits, row):
        (self.attributes_most, self.events_most, self.links_most, self.event_most, self.link_most,
         longest, depth) = limits
        self.bounds = (longest, min(depth, DEPTH_MAX))
        self.attributes = Limited(self.attributes_most, self.bounds)
        self.events, self.links, self.lost_events, self.lost_links = [], [], 0, 0
        self.status, self.name = (0, ""), text(row["name"])
        self.attributes.set(row["attributes"])
        for link in row["links"]:
            self.link(link)
        for kind, *operation in row["operations"]:
            getattr(self, kind)(*operation)

    def attribute(self, rows):
        self.attributes.set(rows)

    def event(self, name, time_ns, rows):
        if len(self.events) >= self.events_most:
            self.lost_events += 1
            return
        kept, dropped = whole_list(rows, self.event_most, self.bounds)
        self.events.append((text(name), int(time_ns), kept, dropped))

    def link(self, pair):
        context, rows = pair
        if len(self.links) >= self.links_most:
            self.lost_links += 1
            return
        kept, dropped = whole_list(rows, self.link_most, self.bounds)
        flags = context["flags"] | (0x300 if context["remote"] else 0x100)
        self.links.append((context["trace"], context["span"], text(context["state"]), flags,
                           kept, dropped))

    def status_of(self, code, words):
        order = {0: 0, 2: 1, 1: 2}  # unset, error, ok
        if self.status[0] == 1 or code == 0 or order[code] < order[self.status[0]]:
            return
        self.status = (code, text(words) if code == 2 else "")

    def rename(self, name):
        self.name = text(name)


# The script's words; what a span is left with has the same names.
OPERATIONS = {"status": "status_of", "name": "rename"}

SCOPES = [("encoding-test", "", "", {}), ("encoding-test", "1.2", "", {}),
          ("\u00fcml\u00e4ut", "3", "https://example.test/1", {}),
          ("with-attributes", "", "", {"scope.key": ("int", -7)})]


def expected(limits, row):
    row["operations"] = [[OPERATIONS.get(kind, kind), *rest] for kind, *rest in row["operations"]]
    model, context, parent = Model(limits, row), row["context"], row["parent"]
    remote = bool(parent and parent["remote"])
    return context["span"], {
        "scope": SCOPES[row["tracer"]], "trace": context["trace"],
        "parent": parent["span"] if parent else "",
        "state": text(parent["state"]) if parent else "",
        "flags": context["flags"] | (0x300 if remote else 0x100), "name": model.name,
        "kind": row["kind"] or 1, "start": int(row["start"]),
        "end": max(int(row["start"]), int(row["end"])), "attributes": model.attributes.kept,
        "dropped": [model.attributes.dropped, model.lost_events, model.lost_links],
        "events": model.events, "links": model.links, "status": model.status}


def compare(where, found, wanted):
    assert set(found) == set(wanted), (where, len(found), len(wanted))
    for span_id, span in found.items():
        resource = span.pop("resource")
        assert resource["round"] == ("string", "trip"), resource
        assert resource["service.version"] == ("string", "1,2"), resource
        assert resource["service.name"] == ("string", "test"), resource
        for key, want in wanted[span_id].items():
            assert span[key] == want, f"{where} {span_id} {key}:\n{span[key]!r}\nwant\n{want!r}"


def read_script(path):
    with open(path, encoding="utf-8") as file:
        limits = json.loads(next(file))
        return dict(expected(limits, json.loads(line)) for line in file)


def make_corpus(directory, seed):
    subprocess.run([PROGRAM, directory, str(seed)], check=True, capture_output=True,
                   timeout=120 * SLOW)


def test_it_writes_what_others_read():
    message, spans = request_class(), 0
    seed = int(os.environ.get("CULPRIT_SEED", random.randrange(1 << 32)))
    print(f"CULPRIT_SEED={seed}")
    with tempfile.TemporaryDirectory(prefix="culprit-encoding-") as directory:
        make_corpus(directory, seed)
        for script in sorted(glob.glob(f"{directory}/*.script")):
            wanted, binary, plain = read_script(script), {}, {}
            which = os.path.basename(script).split("-")[0]
            for path in sorted(glob.glob(f"{directory}/{which}-*.pb")):
                with open(path, "rb") as file:
                    request = message.FromString(file.read())
                binary.update(spans_of_proto(request))
            for path in sorted(glob.glob(f"{directory}/{which}-*.json")):
                with open(path, encoding="utf-8") as file:
                    plain.update(spans_of_json(json.load(file, parse_int=integer)))
            compare("protobuf", binary, wanted)
            compare("JSON", plain, wanted)
            spans += len(wanted)
    assert spans == 1600, spans


if __name__ == "__main__":
    if descriptor_pb2 is None:
        print("there is no protobuf for Python")
        sys.exit(77)
    sys.exit(main(test_it_writes_what_others_read))
