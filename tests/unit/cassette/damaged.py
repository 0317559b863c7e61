"""A run to damage, and what may be read of it afterwards: what was written, or a clear error.

Owns the run and the judgement. Does not damage anything.
"""

from __future__ import annotations

import contextlib
import random
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import msgspec

from agentvcr.cassette.checking import verify
from agentvcr.cassette.reader import load_run
from agentvcr.cassette.sealed import SealedFile
from agentvcr.errors import AgentVCRError
from agentvcr.matching.fingerprint import Fingerprinter
from agentvcr.matching.rules import BUILT_IN
from agentvcr.model.exchange import Exchange, Exchanges, Kept
from agentvcr.session.verification import repair_cassette
from tests.unit.build import EVENTS, chat, exchange, request, response, run, tool

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agentvcr.model.run import NamedStep, Run


def quiet(done: int, total: int) -> None:
    """Nobody wants to know."""


def told_by(path: Path) -> Run:
    """Load a run, its exchanges too."""
    found = load_run(path)
    return msgspec.structs.replace(found, path="", exchanges=Kept(found.exchanges))


def identified(one: Exchange) -> Exchange:
    """Give an exchange the hashes that the recorder gives it, and its chunks their times."""
    if one.response:
        response, head_ns = one.response, one.response.at_ns
        chunks = tuple(
            msgspec.structs.replace(chunk, at_ns=head_ns + (number + 1) * 7000)
            for number, chunk in enumerate(response.chunks)
        )
        response = msgspec.structs.replace(response, chunks=chunks)
        one = msgspec.structs.replace(one, response=response)
    made = Fingerprinter().identify_again(one.request)
    return msgspec.structs.replace(one, fingerprint=made.fingerprint, raw_hash=made.raw_hash)


def sample(turns: int) -> Run:
    """Give a run of some lanes with conversations that grow, tools, streams and a failure."""
    chance = random.Random(turns)
    found: list[Exchange] = []
    for turn in range(turns):
        lane = f"main/tâsk{turn % 3}"
        words = " ".join(f"{chance.getrandbits(40):x}" for _ in range(60 + 10 * turn))
        pieces = [f"data: {chance.random()}\n\n" for _ in range(4)]
        asked = request({"messages": [{"content": words}], "stream": True})
        found += [
            chat(words, f"Yes, {chance.random()}.", lane=lane),
            exchange(asked, response(*pieces, headers=EVENTS), lane=lane),
            tool(f"/sky/{turn}", chance.randbytes(30), lane=lane),
        ]
    found.append(exchange(request("late"), None, kind=None))
    notes = [("live", "a note"), ("divergence", "another")]
    made = run(*found, stdout=b"said", stderr=b"complained", notes=notes)
    info = msgspec.structs.replace(made.info, rules=BUILT_IN)
    exchanges = Kept(map(identified, made.exchanges))
    return msgspec.structs.replace(made, path="", info=info, exchanges=exchanges)


def wrongs(
    path: Path, whole: Run, *, is_journal: bool, verifies: bool, repairs: bool
) -> Iterator[str]:
    """Say what is wrong with what is read of a damaged file; nothing where it is as it should be.

    Raises:
        Exception: Anything but a clear error.
    """
    yield from _wrongs_of_reading(path, whole, is_journal=is_journal)
    if verifies:
        yield from _wrongs_of_verifying(path, whole, is_journal=is_journal)
    if repairs:
        yield from _wrongs_of_repair(path, whole)


def _wrongs_of_verifying(path: Path, whole: Run, *, is_journal: bool) -> Iterator[str]:
    try:
        found = verify(path, quiet)
    except AgentVCRError:
        return
    is_cut = is_journal and not found.has_end  # behind a whole frame: it says no end
    if found.is_whole and not is_cut and told_by(path) != whole:
        yield "verify took it for whole"


def _wrongs_of_reading(path: Path, whole: Run, *, is_journal: bool) -> Iterator[str]:
    try:
        found = load_run(path)
    except AgentVCRError:
        return
    if found.info != whole.info:
        yield "it tells of another run"
    for name in ("processes", "outputs", "notes"):
        said, expected = getattr(found, name), getattr(whole, name)
        if said != (expected[: len(said)] if is_journal else expected):
            yield f"other {name}"
    if found.outcome != whole.outcome and not (is_journal and found.outcome is None):
        yield "another outcome"
    yield from _wrong_steps(found, whole, is_journal=is_journal)
    yield from _wrong_exchanges(found.exchanges, whole, is_journal=is_journal)
    yield from _wrong_keys(found.exchanges, whole, is_journal=is_journal)


def _wrong_steps(found: Run, whole: Run, *, is_journal: bool) -> Iterator[str]:
    if not is_journal and found.steps != whole.steps:
        yield "other steps"
    expected = {one.path: one for one in whole.steps}
    for one in found.steps:
        if one not in (expected.get(one.path), _still_open(expected.get(one.path))):
            yield f"another step {one.path}"


def _still_open(step: NamedStep | None) -> NamedStep | None:
    if step is None:
        return None
    return msgspec.structs.replace(step, ended_ns=None, output=b"", failure=None)


def _wrong_exchanges(found: Exchanges, whole: Run, *, is_journal: bool) -> Iterator[str]:
    for one in whole.exchanges:
        for read in (found.numbered, lambda number: found[number - 1]):
            try:
                got = read(one.number)
            except AgentVCRError:
                continue
            except (KeyError, IndexError):
                if is_journal:
                    continue
                raise
            if got != one and not (is_journal and is_beginning(got, one)):
                yield f"another exchange {one.number}"


def _wrong_keys(found: Exchanges, whole: Run, *, is_journal: bool) -> Iterator[str]:
    with contextlib.suppress(AgentVCRError):
        said = attrgetter("number", "lane", "fingerprint", "raw_hash", "place")
        got, expected = set(map(said, found.list_keys())), set(map(said, whole.exchanges))
        if not (got <= expected if is_journal else got == expected):
            yield "other keys"
    if isinstance(found, SealedFile):
        with contextlib.suppress(AgentVCRError):
            for one in whole.exchanges:
                if one.number not in found.matching(one.fingerprint):
                    yield f"exchange {one.number} is not found"


def is_beginning(got: Exchange, whole: Exchange) -> bool:
    """Whether this is how an exchange looked before it was over."""
    if got.ending is not None:
        return False
    bare = {"response": None, "ending": None}
    if msgspec.structs.replace(got, **bare) != msgspec.structs.replace(whole, **bare):
        return False
    if got.response is None or whole.response is None:
        return got.response is None
    chunks: Any = whole.response.chunks[: len(got.response.chunks)]
    return got.response == msgspec.structs.replace(whole.response, chunks=chunks)


def _wrongs_of_repair(path: Path, whole: Run) -> Iterator[str]:
    target = path.with_name("repaired.avcr")
    try:
        done = repair_cassette(path, target, force=True, progress=quiet)
    except AgentVCRError:
        return
    if done.repair is None:
        return  # it was whole
    found = told_by(target)
    saved = {one.number: one for one in found.exchanges}
    expected = {one.number: one for one in whole.exchanges}
    for number, one in saved.items():
        if one != expected.get(number) and not is_beginning(one, expected[number]):
            yield f"repair saved another exchange {number}"
    if len(saved) != done.repair.exchanges or set(done.repair.lost) & set(saved):
        yield "repair counts what it saved wrongly"
    yield from _wrong_steps(found, whole, is_journal=True)
    if found.outputs != whole.outputs[: len(found.outputs)] and found.outputs:
        missing = [one for one in found.outputs if one not in whole.outputs]
        if missing:
            yield "repair made up output"
    again = verify(target, quiet)
    if not again.is_whole or again.state != "sealed":
        yield f"what was repaired is not whole: {again.problems}"
