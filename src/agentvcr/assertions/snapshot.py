"""A run's tree of steps as lines to review: the same for the same run, whenever it was made.

Owns the form and its version, and the comparison of two. Reads and writes no file (`session`).
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from typing import Final

import msgspec

from agentvcr.assertions.calls import FoundCall, calls_of
from agentvcr.assertions.failing import (
    MOST_DIFFERENT,
    ExpectationFailed,
    cut,
    difference,
    failed,
    one_line,
)
from agentvcr.assertions.output import given_by
from agentvcr.assertions.tree import Part
from agentvcr.matching.canonical import canonical_place
from agentvcr.matching.ids import Ids
from agentvcr.model.credentials import PLACEHOLDER
from agentvcr.model.exchange import Exchange, is_call
from agentvcr.model.run import NamedStep
from agentvcr.model.step import Step
from agentvcr.providers import dialect_of, mcp, model_of
from agentvcr.providers.body import Json, json_of, json_text, request_content
from agentvcr.steps.path import Place

HEAD: Final = "# agentvcr steps 1"
"""The first line: the form, and its version."""
_WITH_WORDING: Final = f"{HEAD}, with wording"
_INDENT: Final = "  "
_LONGEST: Final = 160
"""Characters of a call's arguments. Longer ones are cut, and a checksum tells them apart."""
_WORDS: Final = 60
_OK: Final = 200
_WHOLE: Final = ("eof", "closed")
"""How an exchange ends that was answered: of another, how much had come by then is chance."""
_PORT: Final = re.compile(r"\b(localhost|127\.0\.0\.1|\[::1\]):\d+")


def snapshot_of(part: Part, *, wording: bool = False) -> str:
    """Write a line for each step, in the order in which they began, indented by the tree."""
    lines = [_WITH_WORDING if wording else HEAD, *_Writer(part, wording=wording).lines()]
    return "\n".join(lines) + "\n"


def expect_same(part: Part, kept: str, *, name: str, wording: bool, how: str) -> None:
    """Pass where a run's snapshot is the one that was kept.

    Args:
        part: The run.
        kept: What was kept.
        name: Where it is kept, as it is told.
        wording: As of the snapshot.
        how: How to keep it as it is now, as it is told.

    Raises:
        ExpectationFailed: It is another.
    """
    __tracebackhide__ = True
    found = snapshot_of(part, wording=wording)
    if found == kept:
        return
    head = found.partition("\n")[0]
    if kept.partition("\n")[0] != head:
        said = f"expected a snapshot that begins with {head}, found another in {name}"
    else:
        said = f"expected the steps of {name}, found others"
    raise failed(
        said,
        where=part.name,
        title="- kept, + found",
        lines=difference(kept, found),
        most=MOST_DIFFERENT,
        cure=f"if that is meant: {how}",
    )


def missing(part: Part, *, name: str, how: str) -> ExpectationFailed:
    """Say that no snapshot was kept."""
    return failed(
        f"expected a snapshot in {name}, found none",
        where=part.name,
        cure=f"to make it: {how}",
    )


class _Writer:
    """Writes the lines of one run; ids are renamed by their first appearance in it."""

    def __init__(self, part: Part, *, wording: bool) -> None:
        self._part = part
        self._wording = wording
        self._ids = Ids()
        self._depth: dict[str, int] = {}

    def lines(self) -> Iterator[str]:
        places = {place.id: place for place in self._part.places}
        for index in self._part.indexes:
            place = self._part.tree.places[index]
            around = place.parent if place.parent in places else None
            depth = self._depth[place.id] = 0 if around is None else self._depth_of(around) + 1
            text = self._line(place, self._part.tree.read(index))
            yield f"{_INDENT * depth}{_clean(text)}"

    def _depth_of(self, path: str) -> int:
        return self._depth.get(path, 0)

    def _line(self, place: Place, step: Step) -> str:
        where = _where(place)
        if step.named is not None:
            return f"{where}{_named(step.named)}{self._gave(step)}"
        if step.exchange is None:
            return where
        return f"{where}{self._asked(step, step.exchange)}{self._came(step, step.exchange)}"

    # --- what was asked ---------------------------------------------------------------------------

    def _asked(self, step: Step, exchange: Exchange) -> str:
        calls = calls_of(step)
        if is_call(exchange) or any(call.how == "done" for call in calls):
            return f"tool {self._call(calls[0])}"
        if step.kind == "llm":
            return f"llm {model_of(exchange.request) or '(no model named)'}"
        said = mcp.read_said(exchange.request)
        if said is not None:
            return f"tool {mcp.title(said)}"
        request = exchange.request
        body = json_of(request_content(request))
        place = canonical_place(request.method, request.url).removesuffix("?")
        return f"tool {place}" + ("" if body is None else f" {self._json(body)}")

    def _call(self, call: FoundCall) -> str:
        arguments = "" if call.arguments in (None, {}) else self._json(call.arguments)
        return f"{call.name}({arguments})"

    def _json(self, value: Json) -> str:
        """Write a value in one form: sorted, ids renamed."""
        try:
            copied = msgspec.json.decode(msgspec.json.encode(value))
            self._ids.rename(copied)
            text = msgspec.json.encode(copied, order="sorted").decode()
        except (msgspec.MsgspecError, ValueError, RecursionError):
            text = json_text(value)
        if len(text) <= _LONGEST:
            return text
        return f"{text[:_LONGEST]}… #{zlib.crc32(_clean(text).encode()):08x}"

    # --- what came of it --------------------------------------------------------------------------

    def _came(self, step: Step, exchange: Exchange) -> str:
        response = exchange.response
        told = _odd_end(exchange)
        if told or response is None:
            return f" -> {told}"
        dialect = dialect_of(exchange.request)
        answer = dialect.read_answer(response) if dialect is not None else None
        if answer is None:
            return self._gave(step)
        if answer.error:
            return " -> error"
        said = [self._shape(answer.message.text)] if answer.message.text else []
        said += [self._call(call) for call in calls_of(step)]
        return f" -> {', '.join(said) or 'nothing'}"

    def _gave(self, step: Step) -> str:
        named = step.named
        if named is not None and named.failure is not None:
            return f" -> {named.failure.type}"
        if named is not None and named.ended_ns is None:
            return " -> in progress"
        for call in calls_of(step):
            if call.error:
                return " -> error"
        found = given_by(step)
        return "" if found is None else f" -> {self._shape(found)}"

    def _shape(self, value: Json) -> str:
        """Say what kind of value it is; only what is no wording is told itself."""
        if value is None or isinstance(value, bool):
            return json_text(value)
        kinds = ((str, "text"), (list, "list"), (dict, "object"))
        kind = next((name for one, name in kinds if isinstance(value, one)), "number")
        if not self._wording:
            return kind
        words = one_line(value) if isinstance(value, str) else self._json(value)
        return f"{kind} {cut(words, _WORDS)}"


def _where(place: Place) -> str:
    """Give the lanes between a step and the step around it."""
    below = place.id[len(place.parent) + 1 :] if place.parent is not None else place.id
    lanes = below.rpartition("/")[0]
    return f"@{lanes} " if lanes else ""


def _odd_end(exchange: Exchange) -> str:
    """Say how an exchange ended where it was not answered in full, or refused."""
    ending, response = exchange.ending, exchange.response
    if ending is None:
        return "in progress"
    if ending.failure is not None:
        return ending.failure.type
    if response is None or ending.kind not in _WHOLE:
        return ending.kind
    return "" if response.status == _OK else str(response.status)


def _named(named: NamedStep) -> str:
    said = f"{named.kind} {named.name}"
    return f"{said} ({named.agent})" if named.agent else said


def _clean(text: str) -> str:
    """Take out what is another in each run, or for each user, and what would not be one line."""
    plain = PLACEHOLDER.sub(b"redacted", text.encode("utf-8", "surrogatepass"))
    return _PORT.sub(r"\1", one_line(plain.decode("utf-8", "surrogatepass")))
