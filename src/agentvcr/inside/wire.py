"""How requests, answers and parts of a recorded world are written into frames.

Owns the words of an exchange on the channel, for both of its ends. Sends nothing (`remote`).
"""

from __future__ import annotations

import struct

from agentvcr.inside import frames
from agentvcr.inside.exchange import Forward, HeaderList, Request, Serve
from agentvcr.inside.real import monotonic_ns

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from typing import Any


def encode_headers(headers: HeaderList) -> list[tuple[str, str]]:
    """Make raw header pairs fit for JSON, byte for byte."""
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]


def decode_headers(pairs: list[tuple[str, str]]) -> HeaderList:
    """Undo `encode_headers`."""
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in pairs]


def pack_parts(parts: list[tuple[str, bytes]]) -> bytes:
    """Encode parts of a recorded world; kept beside the decoding that must agree with it."""
    import json  # noqa: PLC0415  (as in `frames`)

    table = json.dumps([(lane, len(data)) for lane, data in parts]).encode()
    raw = b"".join((struct.pack("<I", len(table)), table, *(data for _, data in parts)))
    pieces, last = frames.split(raw)
    out = [frames.pack(frames.BODY, 0, 0, 0, b"", piece) for piece in pieces]
    out.append(frames.pack(frames.WORLD, 0, 0, 0, b"", last))
    return b"".join(out)


def unpack_parts(answer: frames.Frame) -> list[tuple[str, bytes]]:
    """Undo `pack_parts`."""
    import json  # noqa: PLC0415  (as above)

    (size,) = struct.unpack_from("<I", answer.raw)
    offset = 4 + size
    found = []
    for lane, length in json.loads(answer.raw[4:offset]):
        found.append((lane, answer.raw[offset : offset + length]))
        offset += length
    return found


def pack_begin(number: int, request: Request) -> tuple[bytes, int]:
    """Encode a request; gives also how many frames it takes."""
    meta: dict[str, Any] = {
        "method": request.method,
        "url": request.url,
        "headers": encode_headers(request.headers),
        "lane": request.lane,
        "client": request.client,
    }
    if request.place:
        meta["place"], meta["covered"] = request.place, request.covered
    now = monotonic_ns()
    pieces, last = frames.split(request.body)
    out = [frames.pack(frames.BODY, number, seq, now, b"", raw) for seq, raw in enumerate(pieces)]
    out.append(frames.pack(frames.BEGIN, number, len(out), now, frames.pack_meta(meta), last))
    return b"".join(out), len(out)


def pack_forward(forward: Forward, *, is_recorded: bool) -> bytes:
    """Encode that a request goes out, and with which body, if not its own."""
    meta = {
        "unrecorded": not is_recorded,
        "changed": forward.body is not None,
        "number": forward.number,
    }
    pieces, last = frames.split(forward.body or b"")
    out = [frames.pack(frames.BODY, 0, 0, 0, b"", piece) for piece in pieces]
    out.append(frames.pack(frames.FORWARD, 0, 0, 0, frames.pack_meta(meta), last))
    return b"".join(out)


def pack_serve(serve: Serve) -> bytes:
    """Encode an answer; used by the engine, kept beside the decoding that must agree with it."""
    sizes, delays = len(serve.chunks), len(serve.delays_ns)
    # Beside the bytes and not in the meta object: a long stream has more chunks than that may hold.
    table = struct.pack(
        "<%dI%dq" % (sizes, delays), *(len(one) for one in serve.chunks), *serve.delays_ns
    )
    raw = b"".join((table, *serve.chunks))
    pieces, last = frames.split(raw)
    meta = {
        "status": serve.status,
        "reason": serve.reason.decode("latin-1"),
        "version": serve.http_version.decode("latin-1"),
        "headers": encode_headers(serve.headers),
        "sizes": sizes,
        "delays": delays,
        "how": serve.end_kind,
        "failure": serve.failure,
        "number": serve.number,
    }
    if serve.is_lent:
        meta["lent"] = True
    if serve.gates:
        meta["gates"] = sorted(serve.gates.items())
    out = [frames.pack(frames.BODY, 0, 0, 0, b"", piece) for piece in pieces]
    out.append(frames.pack(frames.SERVE, 0, 0, 0, frames.pack_meta(meta), last))
    return b"".join(out)


def unpack_serve(frame: frames.Frame, taken: Any) -> Serve:  # noqa: ANN401  (a Taken)
    """Undo `pack_serve`."""
    meta = frame.fields()
    layout = struct.Struct("<%dI%dq" % (meta["sizes"], meta["delays"]))
    table = layout.unpack_from(frame.raw)
    sizes, delays_ns = table[: meta["sizes"]], list(table[meta["sizes"] :])
    chunks, position = [], layout.size
    for size in sizes:
        chunks.append(frame.raw[position : position + size])
        position += size
    failure = meta["failure"]
    return Serve(
        status=meta["status"],
        reason=meta["reason"].encode("latin-1"),
        http_version=meta["version"].encode("latin-1"),
        headers=decode_headers(meta["headers"]),
        chunks=chunks,
        delays_ns=delays_ns,
        end_kind=meta["how"],
        failure=(failure[0], failure[1]) if failure else None,
        taken=taken,
        number=meta["number"],
        gates=dict(meta.get("gates", ())),
        is_lent=meta.get("lent", False),
    )
