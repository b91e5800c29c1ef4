"""A receiver of OTLP/HTTP protobuf that keeps spans as plain dictionaries."""
import gzip
import http.server
import struct
import threading


def fields(data):
    """(number, value) of a protobuf message: int for varint and fixed, bytes for the rest."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7f) << shift
            shift += 7
            if byte < 0x80:
                return value
    while at < len(data):
        tag = varint()
        number, kind = tag >> 3, tag & 7
        if kind == 0:
            yield number, varint()
        elif kind == 1:
            yield number, struct.unpack_from("<Q", data, at)[0]
            at += 8
        elif kind == 5:
            yield number, struct.unpack_from("<I", data, at)[0]
            at += 4
        elif kind == 2:
            length = varint()
            yield number, data[at:at + length]
            at += length
        else:
            raise ValueError(f"wire type {kind}")


def attribute(data):
    parts = dict(fields(data))
    value = dict(fields(parts.get(2, b"")))
    if 1 in value:
        return parts[1].decode(), value[1].decode()
    if 3 in value:
        number = value[3]
        return parts[1].decode(), number - (1 << 64) if number >> 63 else number
    if 4 in value:
        return parts[1].decode(), struct.unpack("<d", struct.pack("<Q", value[4]))[0]
    return parts[1].decode(), bool(value.get(2, 0))


KINDS = {1: "INTERNAL", 2: "SERVER", 3: "CLIENT", 4: "PRODUCER", 5: "CONSUMER"}


def span(data, service):
    row = {"service": service, "trace": "", "id": "", "parent": "", "name": "", "kind": "",
           "begin": 0, "end": 0, "attributes": {}, "error": False, "links": []}
    for number, value in fields(data):
        if number == 1:
            row["trace"] = value.hex()
        elif number == 2:
            row["id"] = value.hex()
        elif number == 4:
            row["parent"] = value.hex()
        elif number == 5:
            row["name"] = value.decode()
        elif number == 6:
            row["kind"] = KINDS[value]
        elif number == 7:
            row["begin"] = value
        elif number == 8:
            row["end"] = value
        elif number == 9:
            key, content = attribute(value)
            row["attributes"][key] = content
        elif number == 13:
            row["links"].append(dict(fields(value))[2].hex())
        elif number == 15:
            row["error"] = dict(fields(value)).get(3) == 2
    return row


def spans(data):
    for number, resource_spans in fields(data):
        if number != 1:
            continue
        parts = list(fields(resource_spans))
        resource = [value for number, value in parts if number == 1]
        about = dict(attribute(a) for r in resource for n, a in fields(r) if n == 1)
        for scope in (value for number, value in parts if number == 2):
            for number_in, value in fields(scope):
                if number_in == 2:
                    yield span(value, about.get("service.name", ""))


class Sink:
    def __init__(self):
        self.lock = threading.Lock()
        self.kept = []
        sink = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                data = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    data = gzip.decompress(data)
                rows = list(spans(data))
                with sink.lock:
                    sink.kept.extend(rows)
                self.send_response(200)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def trace(self, trace_id):
        with self.lock:
            return [row for row in self.kept if row["trace"] == trace_id]

    def all(self):
        with self.lock:
            return list(self.kept)

    def close(self):
        self.server.shutdown()
        self.server.server_close()
