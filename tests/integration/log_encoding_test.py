#!/usr/bin/env python3
"""Random log records against an independent decoder: Python's protobuf, with a schema written down
here from OpenTelemetry's protocol, reads the bytes; what must be in them is worked out from what
went in, after the rules of lib/trace/log_record.h."""
import json
import os
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from stack import ROOT, SLOW

try:
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
except ImportError:
    print("skipped: 1 test(s): no python3-protobuf")
    sys.exit(77)

COUNT = 3000
NO_LIMIT = 0xffffffff
DEPTH = 64  # of values that have no limit of their own
SCHEMA = {
    "AnyValue": [("string_value", 1, "string", "one"), ("bool_value", 2, "bool", "one"),
                 ("int_value", 3, "int64", "one"), ("double_value", 4, "double", "one"),
                 ("array_value", 5, "ArrayValue", "one"), ("kvlist_value", 6, "KeyValueList", "one"),
                 ("bytes_value", 7, "bytes", "one")],
    "ArrayValue": [("values", 1, "AnyValue", "many")],
    "KeyValueList": [("values", 1, "KeyValue", "many")],
    "KeyValue": [("key", 1, "string", ""), ("value", 2, "AnyValue", "")],
    "LogRecord": [("time_unix_nano", 1, "fixed64", ""), ("severity_number", 2, "int32", ""),
                  ("severity_text", 3, "string", ""), ("body", 5, "AnyValue", ""),
                  ("attributes", 6, "KeyValue", "many"),
                  ("dropped_attributes_count", 7, "uint32", ""), ("flags", 8, "fixed32", ""),
                  ("trace_id", 9, "bytes", ""), ("span_id", 10, "bytes", ""),
                  ("observed_time_unix_nano", 11, "fixed64", ""), ("event_name", 12, "string", "")],
}


def log_record_class():
    file = descriptor_pb2.FileDescriptorProto(name="logs.proto", syntax="proto3")
    for name, fields in SCHEMA.items():
        message = file.message_type.add(name=name)
        for field_name, number, kind, how in fields:
            field = message.field.add(name=field_name, number=number, label=3 if how == "many" else 1)
            if kind in SCHEMA:
                field.type, field.type_name = field.TYPE_MESSAGE, f".{kind}"
            else:
                field.type = getattr(field, f"TYPE_{kind.upper()}")
            if how == "one":
                if not message.oneof_decl:
                    message.oneof_decl.add(name="value")
                field.oneof_index = 0
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    found = pool.FindMessageTypeByName("LogRecord")
    if hasattr(message_factory, "GetMessageClass"):
        return message_factory.GetMessageClass(found)
    return message_factory.MessageFactory(pool).GetPrototype(found)


# ---- what must be there

def characters(data):
    """Bytes as a list: strings of one character, None for a byte that is none (RFC 3629)."""
    out, at = [], 0
    while at < len(data):
        for length in (1, 2, 3, 4):
            try:
                out.append(data[at:at + length].decode())
                at += length
                break
            except UnicodeDecodeError:
                continue
        else:
            out.append(None)
            at += 1
    return out


def text(hexes, limit=NO_LIMIT):
    return "".join("?" if one is None else one for one in characters(bytes.fromhex(hexes))[:limit])


def last_of_each(pairs):
    keys = [text(pair[0]) for pair in pairs]
    return [pair for at, pair in enumerate(pairs) if keys[at] and keys[at] not in keys[at + 1:]]


def wanted(value, limit, depth=DEPTH):
    kind, *rest = value
    if kind in ("array", "map") and depth == 0:
        return None
    if kind == "text":
        return ("string_value", text(rest[0], limit))
    if kind == "bytes":
        return ("bytes_value", bytes.fromhex(rest[0])[:limit])
    if kind == "bool":
        return ("bool_value", rest[0])
    if kind == "i64":
        return ("int_value", int(rest[0]))
    if kind == "double":
        return ("double_value", struct.unpack("<d", bytes.fromhex(rest[0]))[0])
    if kind == "array":
        return ("array_value", [wanted(item, limit, depth - 1) for _, item in rest])
    if kind == "map":
        return ("kvlist_value", [(text(key), wanted(item, limit, depth - 1))
                                 for key, item in last_of_each(rest)])
    return None


def wanted_record(sample):
    limit, most = int(sample["length_limit"]), int(sample["count_limit"])
    depth = int(sample["depth_limit"])
    pairs = last_of_each(sample["attributes"][1:])
    severity = int(sample["severity"])
    has_ids = int(sample["trace"], 16) != 0
    return {
        "time_unix_nano": int(sample["wall"]), "observed_time_unix_nano": int(sample["observed"]),
        "severity_number": severity if severity <= 24 else 0,
        "severity_text": text(sample["severity_text"]), "event_name": text(sample["event"]),
        "flags": int(sample["flags"]) if has_ids else 0,
        "trace_id": bytes.fromhex(sample["trace"]) if has_ids else b"",
        "span_id": bytes.fromhex(sample["span"]) if has_ids else b"",
        "body": wanted(sample["body"], NO_LIMIT),
        "attributes": [(text(key), wanted(item, limit, depth)) for key, item in pairs[:most]],
        "dropped_attributes_count": len(pairs[most:]),
    }


# ---- what is there

def found(value):
    which = value.WhichOneof("value")
    if which == "array_value":
        return (which, [found(item) for item in value.array_value.values])
    if which == "kvlist_value":
        return (which, [(item.key, found(item.value)) for item in value.kvlist_value.values])
    return (which, getattr(value, which)) if which else None


def found_record(record):
    out = {name: getattr(record, name) for name, _, kind, how in SCHEMA["LogRecord"]
           if kind not in SCHEMA}
    out["body"] = found(record.body)
    out["attributes"] = [(item.key, found(item.value)) for item in record.attributes]
    return out


def main():
    program = (f"{ROOT}/build/{os.environ.get('CULPRIT_VARIANT', 'release')}/tests/"
               "log_corpus_test")
    seed = os.environ.get("LOG_SEED", str(time.time_ns() % 2**32))
    corpus = subprocess.run([program, "--corpus", seed, str(COUNT)], capture_output=True, text=True,
                            timeout=120 * SLOW, check=True).stdout.splitlines()
    assert len(corpus) == COUNT
    record, kinds = log_record_class(), set()
    for number, line in enumerate(corpus):
        sample = json.loads(line)
        data = bytes.fromhex(sample["bytes"])
        message = record()
        message.ParseFromString(data)
        there, must = found_record(message), wanted_record(sample)
        assert not message.UnknownFields() if hasattr(message, "UnknownFields") else True
        for key, value in must.items():
            if there[key] != value:
                print(f"LOG_SEED={seed}, record {number}, {key}:\n  {there[key]!r}\n  must be\n"
                      f"  {value!r}")
                print("[  FAILED  ] 1 test(s).")
                return 1
        kinds.update(value[0] for _, value in must["attributes"] if value)
    assert len(kinds) == 7, kinds  # a corpus that has not all of them tests nothing
    print("[  PASSED  ] 1 test(s).")
    return 0


if __name__ == "__main__":
    sys.exit(main())
