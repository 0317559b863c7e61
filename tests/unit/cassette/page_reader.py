"""A reader written from docs/reference/cassette-format.md, and from nothing else.

Knows no code of AgentVCR: what it and AgentVCR agree on, the page says.
"""

import struct
import zlib

import msgspec
import zstandard

MAGIC = bytes.fromhex("41 56 43 52 4a 00 0d 0a 1a 0a 00")
MOST = 8_388_608


class Damage(Exception):  # noqa: N818  (the page's word)
    pass


def payloads(data):
    """Yield the decompressed frames; what is cut at the end is not there."""
    if data[:11] != MAGIC or data[11:12] != b"\1":
        raise Damage("no cassette of version 1")
    stream = zstandard.ZstdDecompressor(max_window_size=1 << 23).decompressobj()
    at = 12
    while len(data) - at >= 12 and any(data[at : at + 12]):
        length, raw_length, crc = struct.unpack_from("<III", data, at)
        if max(length, raw_length) > MOST:
            raise Damage("size")
        payload = data[at + 12 : at + 12 + length]
        if len(payload) < length:
            return
        if zlib.crc32(payload) != crc:
            raise Damage("checksum")
        raw = stream.decompress(payload)
        if len(raw) != raw_length:
            raise Damage("raw size")
        yield raw
        at += 12 + length


def records(data):
    """Yield (type, fields) of every record."""
    for raw in payloads(data):
        at = 0
        while at < len(raw):
            kind, size = struct.unpack_from("<BI", raw, at)
            yield kind, msgspec.msgpack.decode(raw[at + 5 : at + 5 + size])
            at += 5 + size


def read(data):
    """Put a run together, as plain dicts and lists."""
    run = {"info": None, "end": None, "processes": [], "outputs": [], "notes": []}
    exchanges = {}
    for kind, fields in records(data):
        if kind in (5, 6, 7, 8, 9):
            number = fields[0]
            if kind == 5:
                exchanges[number] = {"begin": fields, "body": b"", "head": None, "end": None}
                exchanges[number] |= {"chunks": [], "open": b""}
            elif number not in exchanges:
                raise Damage("never began")
            gather(exchanges[number], kind, fields)
        elif kind in (1, 2):
            run["info" if kind == 1 else "end"] = fields
        elif kind in (3, 10, 11):
            run[{3: "processes", 10: "outputs", 11: "notes"}[kind]].append(fields)
        elif kind != 4 and kind < 128:
            raise Damage("type")
    whole = [one for one in exchanges.values() if len(one["body"]) == one["begin"][13]]
    run["exchanges"] = sorted(whole, key=lambda one: one["begin"][0])
    return run


def gather(exchange, kind, fields):
    if kind == 6:
        exchange["body"] += fields[1]
    elif kind == 7:
        exchange["head"] = fields
    elif kind == 8:
        exchange["open"] += fields[2]
        if not fields[3]:
            exchange["chunks"].append([fields[1], exchange["open"]])
            exchange["open"] = b""
    elif kind == 9:
        exchange["end"] = fields
