"""A request as its identity sees it, for showing where two of them differ.

Owns what is left out of what is shown: what declared rules ignore. Renames no id and sorts nothing,
so that a reader finds what was sent.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from urllib.parse import unquote_plus

import msgspec

from agentvcr.matching.json_path import without
from agentvcr.matching.rules import Applied, RuleBook
from agentvcr.model.exchange import Headers, Request


class Shown(msgspec.Struct, frozen=True):
    """A request without what is ignored, and the headers of it that count."""

    request: Request
    headers: dict[str, str]


def shown(request: Request, book: RuleBook) -> Shown:
    """Give a request as these rules see it."""
    rules = book.at(request.url)
    start, mark, query = request.url.partition("?")
    url = start + mark + _fields_left(query, rules.query) if mark else start
    made = msgspec.structs.replace(request, url=url, body=_body_left(request.body, rules))
    return Shown(made, _counted(request.headers, rules))


def _counted(headers: Headers, rules: Applied) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in headers:
        if name.lower() in rules.headers:
            key, text = name.lower().decode("latin-1"), value.strip().decode("latin-1")
            found[key] = f"{found[key]}, {text}" if key in found else text
    return found


def _fields_left(query: str, ignored: tuple[str, ...]) -> str:
    if not ignored:
        return query
    pairs = query.split("&")
    names = [unquote_plus(pair.partition("=")[0]) for pair in pairs]
    kept = zip(names, pairs, strict=True)
    return "&".join(
        pair for name, pair in kept if not any(fnmatchcase(name, one) for one in ignored)
    )


def _body_left(body: bytes, rules: Applied) -> bytes:
    if not rules.body or not body:
        return body
    if rules.whole_body:
        return b""
    try:
        value = msgspec.json.decode(body)
        for steps in rules.body:
            value = without(value, steps)
        return msgspec.json.encode(value)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return body
