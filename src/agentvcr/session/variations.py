"""Recordings that are another in one thing: the clock, chance, the order of sets or of answers.

Owns how each is made of a recording; a replay of it then shows what depends on that one thing. The
program's own requests and their answers stay as they were.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from itertools import count

import msgspec
from msgspec.structs import replace

from agentvcr.inside.clock import KIND as CLOCK
from agentvcr.inside.clock_reads import pack
from agentvcr.inside.clock_tape import unpack
from agentvcr.model.chance import KIND as CHANCE
from agentvcr.model.chance import Chance
from agentvcr.model.diagnosis import Control
from agentvcr.model.exchange import Exchange, Kept
from agentvcr.model.run import Run, WorldPart
from agentvcr.session.replaying import Order

_HASH_SEEDS = ("1", "2", "3", "4")
"""Two words change their places in a set by every second seed, more of them oftener."""

_S = 1_000_000_000
_WALL_NS = (400 * 86_400 + 5 * 3_600 + 7 * 60 + 11) * _S + 137_137_137
"""Another year, month, day, day of the week, hour, minute and second."""
_MONOTONIC_NS = 7 * _S + 123_456_789
_LAG_NS = 100_000_000
"""Between two answers: enough for what the program does with one, also on a busy machine."""
_MOST_LAG_NS = 300_000_000
_MOST_STAGGER_NS = 500_000_000
"""How much later than the first the last of several callers may ask."""
_MOST_TOTAL_NS = 15 * _S
"""For a whole run, which has a time by which it must end."""


class Variation(msgspec.Struct, frozen=True, kw_only=True):
    """A recording that is another in one thing."""

    control: Control
    run: Run
    pace: float = 0.0
    order: Order = "recorded"


def variations(recorded: Run) -> Iterator[tuple[Variation, ...]]:
    """Give what to replay, one thing after the other; several ways to vary it where one may fail.

    The first is the recording itself: what is another there, none of the others is to blame for.
    """
    yield (Variation(control="nothing", run=recorded),)
    yield (Variation(control="clock", run=_at_another_time(recorded)),)
    chance = Chance.of(recorded)
    if chance is not None:
        other = replace(chance, seed=os.urandom(len(chance.seed)))
        yield (Variation(control="chance", run=_with_chance(recorded, other)),)
        if not chance.is_hash_seed_given:  # else the program has no other than this one
            seeded = (replace(chance, hash_seed=seed) for seed in _HASH_SEEDS)
            runs = (_with_chance(recorded, one) for one in seeded)
            yield tuple(Variation(control="hash-order", run=one) for one in runs)
    yield (
        Variation(control="race", run=recorded, order="own"),
        Variation(control="race", run=_last_asked_first(recorded), pace=1.0, order="own"),
    )


def _with_chance(recorded: Run, chance: Chance) -> Run:
    return _with_parts(recorded, lambda one: chance.encode() if one.kind == CHANCE else one.data)


def _with_parts(recorded: Run, change: Callable[[WorldPart], bytes]) -> Run:
    return replace(recorded, world=tuple(replace(one, data=change(one)) for one in recorded.world))


def _at_another_time(recorded: Run) -> Run:
    """Begin later, and let everything last half as long again."""
    parts = [one for one in recorded.world if one.kind == CLOCK and one.data]
    starts = [run[0] for one in parts for run in unpack(one.data)[1] if run]
    start = min(starts, default=0)

    def change(part: WorldPart) -> bytes:
        if part.kind != CLOCK:
            return part.data
        offsets, runs = unpack(part.data)
        moved = [(run.segment, run.start, [_later(value, start) for value in run]) for run in runs]
        return pack((0, offsets[1] + _WALL_NS, offsets[2]), moved)

    return _with_parts(recorded, change)


def _later(value: int, start: int) -> int:
    return start + _MONOTONIC_NS + (value - start) * 3 // 2


def _last_asked_first(recorded: Run) -> Run:
    """Answer those that were under way together, or nearly, in the order opposite to the asking.

    Each comes so long after the last of them was asked, whether they are asked at once in the
    replay, or one later than the other as in the recording.
    """
    lags: dict[int, int] = {}
    total = 0
    for wave in _waves(recorded):
        step = min(_LAG_NS, _MOST_LAG_NS // len(wave))
        last = wave[-1].began_ns
        own = [
            min(last - one.began_ns, _MOST_STAGGER_NS) + place * step
            for place, one in zip(count(len(wave) - 1, -1), wave, strict=False)
        ]
        lags |= {one.number: lag for one, lag in zip(wave, own, strict=True)}
        total += sum(own) if _is_in_turn(wave) else max(own)
    share = min(1.0, _MOST_TOTAL_NS / max(1, total))
    answered = (_answered_after(one, int(lags[one.number] * share)) for one in recorded.exchanges)
    return replace(recorded, exchanges=Kept(answered))


def _waves(recorded: Run) -> Iterator[list[Exchange]]:
    """Group exchanges of different lanes, one of each, that could be answered in any order.

    They were under way at the same time, or siblings made them shortly after one another: who is
    answered quickly has his answer before the next thread has begun, and has raced it all the same.
    """
    wave: list[Exchange] = []
    until = -1
    for one in sorted(recorded.exchanges, key=lambda one: (one.began_ns, one.number)):
        lanes = {other.lane for other in wave}
        parents = {lane.rpartition("/")[0] for lane in (*lanes, one.lane)}
        is_far = len(parents) > 1 or (wave and one.began_ns - wave[0].began_ns > _MOST_STAGGER_NS)
        if wave and (one.lane in lanes or (one.began_ns >= until and is_far)):
            yield wave
            wave = []
        end = one.ending.at_ns if one.ending else one.began_ns
        until = min(until, end) if wave else end
        wave.append(one)
    if wave:
        yield wave


def _is_in_turn(wave: list[Exchange]) -> bool:
    """Whether any of them was over before the last began: they may wait for one another."""
    return any(one.ending is not None and one.ending.at_ns <= wave[-1].began_ns for one in wave)


def _answered_after(exchange: Exchange, lag_ns: int) -> Exchange:
    at_ns = exchange.began_ns + lag_ns
    response, ending = exchange.response, exchange.ending
    if response is not None:
        chunks = tuple(replace(one, at_ns=at_ns) for one in response.chunks)
        response = replace(response, at_ns=at_ns, chunks=chunks)
    return replace(
        exchange, response=response, ending=replace(ending, at_ns=at_ns) if ending else None
    )
