"""A run as a cassette that stock vcrpy loads and replays.

Owns what vcrpy can say of a run, and the words for what it cannot. Takes no credential out: a run
holds none.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Final, TextIO

import yaml

from agentvcr.interop.foreign import Exported, LeftOut
from agentvcr.model.exchange import EndKind, Exchange, Headers, Response, is_call
from agentvcr.model.run import Run

TIMES: Final = (
    "times, the boundaries of streamed pieces, lanes and the HTTP version: vcrpy has none"
)
_FOLDED: Final = "repeated request headers, of which vcrpy would load the first: joined"
_NOT_ASCII: Final = "header values that are not ASCII, which vcrpy replays to httpx as an error"
_STEPS: Final = "steps that the program named, of which vcrpy knows nothing"
_NO_REASON: Final = "reasons that are not ASCII, left empty"

_SWITCHING = 101
_BODILESS = {204, 304}

_Dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)  # PyYAML may be built without libyaml


def write_cassette(run: Run, out: TextIO) -> Exported:
    """Write a run as vcrpy's YAML, version 1, one exchange at a time.

    Returns:
        How many exchanges were written, which were not and why, and what was lost of the others.
    """
    left_out: list[LeftOut] = []
    losses: Counter[str] = Counter()
    written = 0
    calls: set[str] = set()
    for exchange in run.exchanges:
        if is_call(exchange):
            calls.add(exchange.place)
        response = exchange.response
        reason = _unsayable(exchange, response, calls)
        if response is None or reason:
            left_out.append(LeftOut(number=exchange.number, reason=reason))
            continue
        out.write("" if written else "interactions:\n")
        fields = _fields(exchange, response, losses)
        yaml.dump([fields], out, Dumper=_PlainDumper, sort_keys=False)
        written += 1
    out.write("version: 1\n" if written else "interactions: []\nversion: 1\n")
    losses[_STEPS] = len(run.steps)
    notes = [f"{words}: {count}" for words, count in losses.items() if count]
    return Exported(
        written=written, left_out=tuple(left_out), notes=(TIMES, *notes) if written else ()
    )


def _unsayable(exchange: Exchange, response: Response | None, calls: set[str]) -> str:
    """Say why vcrpy has no form for an exchange; empty if it has one.

    Under vcrpy a recorded function runs again, and asks again what it asked.
    """
    ending = exchange.ending
    if is_call(exchange):
        return "it is the call of a function, which runs again under vcrpy"
    if exchange.client == "mcp":
        return "it is a message to an MCP server on standard streams, which vcrpy does not see"
    if exchange.internal and not any(exchange.place.startswith(call) for call in calls):
        return "its peer is a process of the run itself, which runs again on replay"
    if ending is None:
        return "it was in flight when the recording ended"
    if ending.failure is not None:
        return f"it failed with {ending.failure.type}"
    return _unfinished(exchange, response, ending.kind)


def _unfinished(exchange: Exchange, response: Response | None, kind: EndKind) -> str:
    """Say what an ended exchange lacks to be a whole one; empty if nothing."""
    if response is None:
        return f"it has no answer ({kind})"
    if response.status == _SWITCHING:
        return "it left HTTP for another protocol (101)"
    if kind != "eof" and not _is_whole(exchange, response):
        return f"its answer is not whole ({kind})"
    return ""


def _is_whole(exchange: Exchange, response: Response) -> bool:
    """Tell whether an answer that was not read to its end has all of its bytes nevertheless."""
    if exchange.request.method.upper() == "HEAD" or response.status in _BODILESS:
        return True
    told = [value.strip() for name, value in response.headers if name.lower() == b"content-length"]
    return told == [b"%d" % len(response.body)]


def _fields(exchange: Exchange, response: Response, losses: Counter[str]) -> dict[str, Any]:
    request = exchange.request
    return {  # in the order that vcrpy writes
        "request": {
            "body": _body(request.body),
            "headers": _request_headers(request.headers, losses),
            "method": request.method,
            "uri": request.url,
        },
        "response": {
            "body": {"string": _body(response.body)},
            "headers": _listed(response.headers, losses),
            "status": {"code": response.status, "message": _reason(response.reason, losses)},
        },
    }


def _body(data: bytes) -> str | bytes:
    """Give text where the bytes are UTF-8, as vcrpy encodes text so; else bytes: base64 in YAML."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


def _request_headers(headers: Headers, losses: Counter[str]) -> dict[str, list[str]]:
    """Give each header one value, under its first spelling: vcrpy would load the first alone."""
    spelling: dict[str, str] = {}
    found: dict[str, list[str]] = {}
    for name, values in _listed(headers, losses).items():
        found.setdefault(spelling.setdefault(name.lower(), name), []).extend(values)
    if folded := sum(len(values) > 1 for values in found.values()):
        losses[_FOLDED] += folded
    return {
        name: [("; " if name.lower() == "cookie" else ", ").join(values)]
        for name, values in found.items()
    }


def _listed(headers: Headers, losses: Counter[str]) -> dict[str, list[str]]:
    """Gather values under their name, as vcrpy does."""
    found: dict[str, list[str]] = {}
    for raw_name, raw_value in headers:
        value = _header_text(raw_value)
        if not value.isascii():
            losses[_NOT_ASCII] += 1
        found.setdefault(_header_text(raw_name), []).append(value)
    return found


def _header_text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _reason(data: bytes, losses: Counter[str]) -> str:
    if data.isascii():
        return data.decode("ascii")
    losses[_NO_REASON] += 1
    return ""


class _PlainDumper(_Dumper):  # type: ignore[misc] # typed Any: with libyaml or without
    """PyYAML's safe dumper without aliases: exchanges are written one by one into one document."""

    def ignore_aliases(self, _data: object) -> bool:
        return True
