"""What the cassette's benchmark stores: made-up agents at work, small exchanges, real cassettes.

Owns the three workloads as exchanges. Everything made up comes from a seed, so that every run has
the same bytes. Does not store or measure.
"""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path
from typing import Any, NamedTuple

import cassette_wire as wire
import yaml
from cassette_prose import Prose
from cassette_teams import Team
from cassette_wire import Answered, Asked

from agentvcr.model.exchange import Exchange, Headers

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_PATHS = ("score", "lookup", "events", "classify", "embed")


def agents(number: int) -> Iterator[Exchange]:
    """Let teams of five agents work, one team after the other: 200 exchanges a team."""
    return islice(_agents(), number)


def _agents() -> Iterator[Exchange]:
    numbers = count(1)
    began_us = 5_000
    for session in count():
        team = Team(session, began_us)
        yield from team.turns(numbers)
        began_us = team.now_us + 250_000


def small(number: int) -> Iterator[Exchange]:
    """Ask many small things in 16 lanes."""
    prose = Prose("small")
    dice = prose.dice
    free_us = [1000 * lane for lane in range(16)]
    for index in range(number):
        lane = min(range(16), key=free_us.__getitem__)
        at_us = free_us[lane]
        path = dice.choice(_PATHS)
        body = _small_request(prose, index)
        answer = _small_answer(prose, path)
        head_us = at_us + 1500 + int(dice.lognormvariate(8, 0.6))
        end_us = head_us + dice.randint(20, 200)
        free_us[lane] = end_us + 100 + int(dice.expovariate(1 / 900))
        asked = Asked(
            index + 1,
            f"main/worker{lane + 1}",
            "httpx",
            at_us,
            "POST",
            f"https://api.example/v1/{path}",
            _small_headers("python-httpx/0.28.1", len(body)),
            body,
        )
        headers = ((b"date", wire.date(head_us)), *_small_headers("", len(answer)))
        yield wire.made(asked, Answered(head_us, 200, headers, [(end_us - 10, answer)], end_us))


def _small_headers(agent: str, size: int) -> Headers:
    fields = {"host": "api.example", "accept": "*/*", "user-agent": agent} if agent else {}
    fields |= {"content-type": "application/json", "content-length": str(size)}
    return wire.headers_of(fields if agent else {**fields, "server": "uvicorn"})


def _small_request(prose: Prose, index: int) -> bytes:
    dice = prose.dice
    return wire.compact(
        {
            "request_id": wire.uuid(dice),
            "tenant": f"t-{dice.randrange(400):04d}",
            "sequence": index,
            "text": prose.text(dice.randint(60, 140)),
            "threshold": round(dice.random(), 3),
            "options": {"limit": dice.choice((1, 5, 10, 20)), "language": "en", "explain": False},
            "tags": [_LABELS[dice.randrange(60)], _LABELS[dice.randrange(60)]],
        }
    )


def _small_answer(prose: Prose, path: str) -> bytes:
    dice = prose.dice
    return wire.compact(
        {
            "object": path,
            "id": wire.letters(dice, 16),
            "score": round(dice.random(), 6),
            "label": _LABELS[dice.randrange(60)],
            "reason": prose.text(dice.randint(60, 150)),
            "usage": {"units": dice.randrange(20, 90), "took_ms": dice.randrange(2, 40)},
            "cached": dice.random() < 0.2,
        }
    )


_LABELS = [word.lower().strip(".,\n") for word in Prose("labels").words(60)]


class Recorded(NamedTuple):
    """One real cassette."""

    path: Path
    exchanges: list[Exchange]


def corpus(folder: Path, most: int | None = None) -> Iterator[Recorded]:
    """Read the vcrpy cassettes that `folder`'s manifest lists as such, in a fixed random order.

    What a safe loader refuses is left out, and so is what is no HTTP. A vcrpy cassette knows no
    times and no chunks: as in an import, its exchanges take no time and are one millisecond apart,
    and every body is one chunk.
    """
    with (folder / "MANIFEST.csv").open(newline="") as file:
        names = sorted(row["file"] for row in csv.DictReader(file) if row["format"] == "vcrpy-v1")
    random.Random(1).shuffle(names)
    for name in names[:most]:
        try:
            loaded = yaml.load((folder / name).read_bytes(), Loader=_LOADER)
        except yaml.constructor.ConstructorError:
            continue
        if not all("response" in one for one in loaded["interactions"]):
            continue
        told = [_interaction(number, one) for number, one in enumerate(loaded["interactions"], 1)]
        yield Recorded(folder / name, told)


def _interaction(number: int, told: dict[str, Any]) -> Exchange:
    request, response = told["request"], told["response"]
    at_us = number * 1000
    status = response.get("status") or {"code": response.get("status_code")}
    asked = Asked(
        number,
        "main",
        "vcrpy",
        at_us,
        request["method"],
        request["uri"],
        _pairs(request["headers"]),
        _bytes(request, "body"),
    )
    body = response.get("body", response.get("content", response.get("parsed_body")))
    if isinstance(body, dict) and set(body) <= {"string", "base64_string"}:
        body = body.get("string")
    data = _bytes({"body": body} if body is not None else response, "body")
    chunks = [(at_us, data)] if data else []
    headers = _pairs(response["headers"])
    return wire.made(asked, Answered(at_us, status["code"], headers, chunks, at_us))


def _pairs(headers: dict[str, Any] | None) -> Headers:
    return tuple(
        (_text(name), _text(value))
        for name, values in (headers or {}).items()
        for value in (values if isinstance(values, list) else [values])
    )


def _text(value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


def _bytes(side: dict[str, Any], name: str) -> bytes:
    value = side.get(name, side.get("parsed_body"))
    if value is None:
        return b""
    if isinstance(value, str | bytes):
        return _text(value)
    return json.dumps(value, ensure_ascii=False).encode()
