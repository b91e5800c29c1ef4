"""PNG files made small: a screenshot in 256 colours, which for a page of text and lines is all that
the eye tells apart. Standard library alone."""
import collections
import struct
import zlib

MAGIC = b"\x89PNG\r\n\x1a\n"
COLOURS, COMMON = 256, 128


def chunks(data):
    at = len(MAGIC)
    while at < len(data):
        length, = struct.unpack(">I", data[at:at + 4])
        yield data[at + 4:at + 8], data[at + 8:at + 8 + length]
        at += 12 + length


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def paeth(left, up, corner):
    guess = left + up - corner
    by = [abs(guess - left), abs(guess - up), abs(guess - corner)]
    return (left, up, corner)[by.index(min(by))]


def unfilter(kind, line, above, size):
    """In place: the bytes of a line, from the differences that were stored."""
    for i, value in enumerate(line):
        left = line[i - size] if i >= size else 0
        if kind == 1:
            line[i] = (value + left) & 255
        elif kind == 2:
            line[i] = (value + above[i]) & 255
        elif kind == 3:
            line[i] = (value + (left + above[i]) // 2) & 255
        elif kind == 4:
            line[i] = (value + paeth(left, above[i], above[i - size] if i >= size else 0)) & 255


def pixels(data):
    """(width, height, lines of RGB tuples)"""
    parts = list(chunks(data))
    width, height, depth, colours = struct.unpack(">IIBB", parts[0][1][:10])
    assert depth == 8 and colours in (2, 6), "not RGB or RGBA of 8 bits"
    size = 3 if colours == 2 else 4
    raw = zlib.decompress(b"".join(body for kind, body in parts if kind == b"IDAT"))
    above, lines = bytearray(width * size), []
    for y in range(height):
        at = y * (width * size + 1)
        line = bytearray(raw[at + 1:at + 1 + width * size])
        unfilter(raw[at], line, above, size)
        lines.append(list(zip(line[0::size], line[1::size], line[2::size])))
        above = line
    return width, height, lines


def distance(one, other):
    return sum((a - b) ** 2 for a, b in zip(one, other))


def choose(seen):
    """The most common colours, then again and again the one that is least like any of them: a
    rare one may be the whole point."""
    palette = [colour for colour, _ in seen.most_common(COMMON)]
    away = {colour: min(distance(colour, one) for one in palette) for colour in seen}
    while len(palette) < min(COLOURS, len(seen)):
        palette.append(max(away, key=away.get))
        for colour, least in away.items():
            away[colour] = min(least, distance(colour, palette[-1]))
    return palette


def shrink(data):
    width, height, lines = pixels(data)
    seen = collections.Counter(pixel for line in lines for pixel in line)
    palette = choose(seen)
    index = {colour: i for i, colour in enumerate(palette)}
    for colour in seen:
        if colour not in index:
            index[colour] = min(range(len(palette)), key=lambda i: distance(palette[i], colour))
    body = b"".join(b"\0" + bytes(index[pixel] for pixel in line) for line in lines)
    return (MAGIC + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0))
            + chunk(b"PLTE", b"".join(map(bytes, palette)))
            + chunk(b"IDAT", zlib.compress(body, 9)) + chunk(b"IEND", b""))
